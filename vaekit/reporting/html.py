"""The report as one HTML file that opens offline: pictures, style and script stand in it."""

import base64
import hashlib
import re
from collections.abc import Iterable
from importlib.resources import files
from itertools import groupby
from operator import attrgetter
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from vaekit.figures import _style
from vaekit.figures.base import Drawn
from vaekit.figures.grids import colours
from vaekit.figures.words import visible
from vaekit.reporting import escaping
from vaekit.reporting.citations import term_of
from vaekit.reporting.document import Live, Page
from vaekit.reporting.escaping import escape_html
from vaekit.reporting.notes import note_html

# The drawing's colours become the page's own, which differ between light and dark.
_VARIABLES = {
    _style.INK: "ink",
    _style.MUTED: "muted",
    _style.RULE: "rule",
    _style.PAPER: "paper",
    _style.BLUE: "blue",
    _style.ORANGE: "orange",
    _style.VERMILION: "vermilion",
}


def environment() -> Environment:
    """Return what every HTML page of vaekit is rendered with: each string comes out escaped, whatever it holds."""
    made = Environment(
        loader=PackageLoader("vaekit.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=lambda value: value if isinstance(value, Markup) else visible(value),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "data_uri": data_uri,
        "base64": _base64,
        "json_text": _json_text,
        "code_spans": code_spans,
        "formula": _formula,
        "note": note_html,
        "exact": _exact,
        "groupby_run": _runs,
    }
    return made


def render_html(page: Page) -> str:
    """Return the page, which needs no other file."""
    script = asset("report.js")
    if any(isinstance(block, Live) for section in page.sections for block in section.walk()):
        script += asset("live.js")
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            page=page,
            policy=policy(script),
            style=asset("report.css"),
            script=script,
            scale=Markup(", ").join("#{:02x}{:02x}{:02x}".format(*colour) for colour in colours()[::17]),
            inline_svg=inline_svg,
            terms=term_of(page.sections),
        )
    )


def policy(script: str) -> Markup:
    """Return the page's content security policy: its own pictures and `script` alone, and nothing from a network."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    return Markup(
        f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; "
        "worker-src blob:; base-uri 'none'; form-action 'none'"
    )


def asset(name: str) -> Markup:
    """Return a file of vaekit's own as it stands."""
    return Markup(files("vaekit.reporting").joinpath("assets", name).read_text(encoding="utf-8"))


def data_uri(png: bytes) -> Markup:
    """Return a PNG as a data: address."""
    return Markup("data:image/png;base64,") + _base64(png)


def _base64(data: bytes) -> Markup:
    return Markup(base64.b64encode(data).decode("ascii"))


def _json_text(data: bytes) -> Markup:
    """Return JSON as the content of a script element that is not run: nothing in it can end the element."""
    return Markup(data.decode("utf-8").replace("<", "\\u003c"))


def code_spans(text: str) -> Markup:
    """Return a sentence with its `back-ticked` parts as code, everything escaped."""
    text = text.replace(" %", "\u00a0%")  # a percentage never breaks before its sign
    return escaping.code_spans(text, escape_html, lambda part: Markup("<code>{}</code>").format(part))


def _formula(text: str) -> Markup:
    return escaping.formula(text, escape_html)


def _runs(items: Iterable[Any], attribute: str) -> list[tuple[str, list[Any]]]:
    """Return (value of the attribute, neighbours that share it) in the order that they have."""
    return [(value, list(run)) for value, run in groupby(items, key=attrgetter(attribute))]


def _exact(value: float | None) -> str:
    """Return a number with every digit that it has; nothing where there is none."""
    return "" if value is None else repr(value)


def inline_svg(name: str, drawn: Drawn, data: bytes) -> Markup:
    """Return a drawn SVG as an element of the page: ids made its own, colours the page's, its alt text as label."""
    svg = data.decode("utf-8")
    svg = svg[svg.index("<svg") :].replace("xlink:href=", "href=")
    svg = re.sub(r"<style.*?</style>", "", svg, count=1, flags=re.DOTALL)  # it would style the whole page
    svg = re.sub(r'( id="|href="#|url\(#)', rf"\g<1>{name}-", svg)
    svg = re.sub(r' style="[^"]*"', _themed, svg)
    box = re.search(r'viewBox="[^"]*"', svg)
    label = Markup.escape(visible(drawn.alt))
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {box[0] if box else ""} role="img" aria-label="{label}">'
    return Markup(head + svg[svg.index(">") + 1 :].strip())


def _themed(style: re.Match[str]) -> str:
    return re.sub("|".join(_VARIABLES), lambda colour: f"var(--{_VARIABLES[colour[0]]})", style[0])
