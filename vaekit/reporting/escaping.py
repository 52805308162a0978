"""Text on a page as the text that it is: one way for HTML, one for Markdown."""

import re
from collections.abc import Callable
from typing import Any

from markupsafe import Markup

from vaekit.figures.words import visible

_SPECIAL = re.compile(r"[\\`*\[\]<>|~&$]|(?<!\w)_|_(?!\w)|(?<=\w):(?=//)|(?<=\bwww)\.", re.IGNORECASE)
# What would open a heading, a list or a rule at the start of a line.
_OPENING = re.compile(r"^(\s*)(?:([-+#=])(?=\s|$|\2)|(\d+)([.)])(?=\s|$))")
_SCRIPT = re.compile(r"([_^])(?:\{([^{}]*)\}|(\S))")


def escape(value: Any) -> Markup:
    """Return `value` as one line of text that Markdown shows as it is."""
    text = _SPECIAL.sub(r"\\\g<0>", visible(value))
    text = _OPENING.sub(lambda m: m[1] + (f"\\{m[2]}" if m[2] else f"{m[3]}\\{m[4]}"), text)
    return Markup(text)


def escape_html(value: Any) -> Markup:
    """Return `value` as one line of text that HTML shows as it is."""
    return Markup.escape(visible(value))


def code_spans(text: str, escaped: Callable[[Any], Markup], code: Callable[[str], Markup]) -> Markup:
    """Return a sentence of vaekit's own, escaped, with its `back-ticked` parts as `code`."""
    parts = visible(text).split("`")
    if len(parts) % 2 == 0:
        return escaped(text)
    return Markup("").join(code(part) if i % 2 else escaped(part) for i, part in enumerate(parts))


def formula(text: str, escaped: Callable[[Any], Markup]) -> Markup:
    """Return a formula of vaekit's own with its _{subscripts} and ^{powers} set so; both pages take the same tags."""
    done, parts = 0, []
    for match in _SCRIPT.finditer(text):
        tag = "sub" if match[1] == "_" else "sup"
        inner = match[2] if match[3] is None else match[3]
        parts += [escaped(text[done : match.start()]), Markup(f"<{tag}>"), escaped(inner), Markup(f"</{tag}>")]
        done = match.end()
    return Markup("").join([*parts, escaped(text[done:])])
