"""The report as GitHub-flavoured Markdown, with its figures beside it."""

import re
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from vaekit.figures.words import visible
from vaekit.reporting.context import Context

_SPECIAL = re.compile(r"[\\`*\[\]<>|~&$]|(?<!\w)_|_(?!\w)|(?<=\w):(?=//)|(?<=\bwww)\.", re.IGNORECASE)
# What would open a heading, a list or a rule at the start of a line.
_OPENING = re.compile(r"^(\s*)(?:([-+#=])(?=\s|$|\2)|(\d+)([.)])(?=\s|$))")


def render_markdown(context: Context) -> str:
    """Return the page; every string from the artifacts is escaped, whatever it holds."""
    environment = Environment(
        loader=PackageLoader("vaekit.reporting"),
        autoescape=True,  # so that macros stay unescaped; `finalize` has done the escaping before it
        undefined=StrictUndefined,
        finalize=lambda value: value if isinstance(value, Markup) else escape(value),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["code"] = lambda value: Markup(visible(value))
    environment.filters["code_spans"] = code_spans
    page = environment.get_template("report.md.j2").render(report=context)
    return re.sub(r"\n{3,}", "\n\n", page).strip() + "\n"


def escape(value: Any) -> Markup:
    """Return `value` as one line of text that Markdown shows as it is."""
    text = _SPECIAL.sub(r"\\\g<0>", visible(value))
    text = _OPENING.sub(lambda m: m[1] + (f"\\{m[2]}" if m[2] else f"{m[3]}\\{m[4]}"), text)
    return Markup(text)


def code_spans(text: str) -> Markup:
    """Return a sentence of vaekit's own, escaped but for its `back-ticked` parts."""
    parts = visible(text).split("`")
    if len(parts) % 2 == 0:
        return escape(text)
    return Markup("").join(Markup(f"`{p}`") if i % 2 else escape(p) for i, p in enumerate(parts))
