"""The report as GitHub-flavoured Markdown, with its figures beside it."""

import re
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from vaekit.figures.words import visible
from vaekit.reporting import escaping
from vaekit.reporting.document import Page
from vaekit.reporting.escaping import escape
from vaekit.reporting.notes import note_markdown

__all__ = ["code_spans", "environment", "escape", "render_markdown"]


def environment() -> Environment:
    """Return what every Markdown page of vaekit is rendered with: each string comes out escaped, whatever it holds."""
    made = Environment(
        loader=PackageLoader("vaekit.reporting"),
        autoescape=True,  # so that macros stay unescaped; `finalize` has done the escaping before it
        undefined=StrictUndefined,
        finalize=lambda value: value if isinstance(value, Markup) else escape(value),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"code": _code, "code_spans": code_spans, "formula": _formula, "note": note_markdown}
    return made


def render_markdown(page: Page) -> str:
    """Return the page as Markdown."""
    text = environment().get_template("report.md.j2").render(page=page)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def code_spans(text: str) -> Markup:
    """Return a sentence of vaekit's own, escaped but for its `back-ticked` parts."""
    return escaping.code_spans(text, escape, lambda part: Markup(f"`{part}`"))


def _code(value: Any) -> Markup:
    return Markup(visible(value))


def _formula(text: str) -> Markup:
    return escaping.formula(text, escape)
