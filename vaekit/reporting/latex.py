"""The pages as LaTeX: one .tex file that pdflatex compiles, its figures beside it."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markdown_it.tree import SyntaxTreeNode
from markupsafe import Markup

from vaekit import artifacts
from vaekit.figures.base import draw
from vaekit.figures.words import visible
from vaekit.reporting.document import Block, Cards, Page, Picture, Strips
from vaekit.reporting.notes import note_tree

FOLDER = "latex"
CARDS = 6  # of a gallery, two rows
_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "-": "{-}",  # two of them would become a dash
    "`": r"\textasciigrave{}",
    "'": r"\textquotesingle{}",
    **{c: f"\\{c}" for c in "#$%&_"},
}
_MATH = {
    "μ": r"\mu",
    "σ": r"\sigma",
    "β": r"\beta",
    "λ": r"\lambda",
    "−": "-",
    "×": r"\times",
    "·": r"\cdot",
    "≤": r"\le",
    "≥": r"\ge",
    "≈": r"\approx",
    "→": r"\to",
    "↑": r"\uparrow",
    "↓": r"\downarrow",
    "∞": r"\infty",
    "‖": r"\Vert",
    "∑": r"\sum",
    "²": "^2",
    "³": "^3",
    "½": r"\frac12",
    "√": r"\surd",
    "±": r"\pm",
}
_TEXT = {"–": "--", "—": "---", "…": r"\dots{}", "“": "``", "”": "''", "‘": "`", "’": "'", "\u00a0": "~", "⚑": "!"}
_HAT = "\u0302"


def write_latex(page: Page, out: Path, name: str, files: Mapping[str, Any]) -> Path:
    """Write `out`/latex/<name>.tex and the figures that it shows, and return the folder.

    Args:
        page: what is written; what a page folds is left out.
        out: the folder of the report.
        name: of the file.
        files: the artifacts, from which line art is drawn again as PDF.

    Raises:
        OutputError: the folder can not be written.
    """
    folder = out / FOLDER
    shown: dict[str, Markup] = {}
    for block in (block for section in page.sections for block in section.blocks):
        for label, suffix, data in _figures_of(block, files):
            file = re.sub(r"[^A-Za-z0-9._-]", "-", label)
            shown[label] = Markup(f"{artifacts.FIGURES}/{file}.{suffix}")
            artifacts.write_bytes(folder / shown[label], data)
    text = environment().get_template("report.tex.j2").render(page=page, files=shown)
    artifacts.write_text(folder / f"{name}.tex", re.sub(r"\n{3,}", "\n\n", text).strip() + "\n")
    return folder


def _figures_of(block: Block, files: Mapping[str, Any]) -> Iterable[tuple[str, str, bytes]]:
    """Yield label, suffix and bytes of what LaTeX shows of a block: line art as PDF, one PNG for every card."""
    if isinstance(block, Cards):
        yield from ((f"{block.name}-{card.rank}", "png", card.png) for card in block.cards[:CARDS])
    figure = block.figure if isinstance(block, Strips) else block
    if not isinstance(figure, Picture):
        return
    drawn = draw(figure.name, files, line_art="pdf") if figure.drawn.suffix == "svg" else figure.drawn
    if drawn.suffix in ("pdf", "png"):  # a figure of another package may draw SVG alone
        yield figure.name, drawn.suffix, drawn.data


def environment() -> Environment:
    """Return what renders LaTeX: each string comes out escaped, and tags do not use LaTeX's own braces."""
    made = Environment(
        loader=PackageLoader("vaekit.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=lambda value: value if isinstance(value, Markup) else escape(value),
        trim_blocks=True,
        lstrip_blocks=True,
        block_start_string="<%",
        block_end_string="%>",
        variable_start_string="<<",
        variable_end_string=">>",
        comment_start_string="<#",
        comment_end_string="#>",
    )
    made.filters |= {"note": note_latex, "columns": _columns, "url": _url}
    return made


def escape(value: Any) -> Markup:
    """Return `value` as one line that LaTeX sets as it is; a letter that its fonts lack is named by its number."""
    text = unicodedata.normalize("NFC", visible(value))
    return Markup("".join(_letter(c, text[i + 1 : i + 2]) for i, c in enumerate(text) if c != _HAT))


def _letter(c: str, after: str) -> str:
    if after == _HAT:
        return f"$\\hat{{{c}}}$" if c.isascii() and c.isalnum() else _letter(c, "")
    if c in _SPECIAL:
        return _SPECIAL[c]
    if c in _MATH:
        return f"${_MATH[c]}$"
    if c in _TEXT:
        return _TEXT[c]
    if ord(c) < 127 or "À" <= c <= "ž":  # what T1 fonts hold
        return c
    return f"[U+{ord(c):04X}]"


def _columns(numeric: tuple[bool, ...], width: float = 0.98) -> Markup:
    """Return the columns of a table: numbers to the right, texts share what is left of the line."""
    share = width / (len(numeric) + 1.5 * sum(not is_number for is_number in numeric))
    sides = [(r"\raggedleft", share) if n else (r"\raggedright", 2.5 * share) for n in numeric]
    return Markup(
        "".join(
            f"@{{}}>{{{side}\\arraybackslash}}p{{{round(w, 3)}\\linewidth}}@{{\\hspace{{4pt}}}}" for side, w in sides
        )
    )


def _url(link: str) -> Markup:
    """Return an address as it stands between the braces of \\url: no letter that ends or opens anything."""
    return Markup(
        re.sub(r"[^A-Za-z0-9:/?&=._~#@!,;()+-]", lambda c: "".join(f"%{b:02X}" for b in c[0].encode()), link)
        .replace("%", r"\%")
        .replace("#", r"\#")
    )


def note_latex(source: str, level: int = 3) -> Markup:
    """Return the author's Markdown as LaTeX."""
    return Markup("\n\n".join(_block(child) for child in note_tree(source, level).children))


def _block(node: SyntaxTreeNode) -> str:
    inner = node.children
    match node.type:
        case "heading":
            return f"\\paragraph{{{_inline(node)}}}"
        case "bullet_list" | "ordered_list":
            kind = "itemize" if node.type == "bullet_list" else "enumerate"
            items = "\n".join("\\item " + "\n\n".join(map(_block, item.children)) for item in inner)
            return f"\\begin{{{kind}}}\n{items}\n\\end{{{kind}}}"
        case "fence" | "code_block":
            lines = "\\\\\n".join(str(escape(line)) or "~" for line in node.content.rstrip("\n").split("\n"))
            return f"{{\\ttfamily\\raggedright\\noindent {lines}\\par}}"
        case "blockquote":
            return "\\begin{quote}\n" + "\n\n".join(map(_block, inner)) + "\n\\end{quote}"
        case "table":
            rows = [[_inline(cell) for cell in row.children] for part in inner for row in part.children]
            body = " \\\\\n".join(" & ".join(row) for row in rows)
            head = _columns((False,) * len(rows[0]))
            return f"\\begin{{longtable}}{{{head}}}\n{body} \\\\\n\\end{{longtable}}"
        case "hr":
            return "\\medskip"
    return _inline(node)


def _inline(node: SyntaxTreeNode) -> str:
    inner = "".join(map(_inline, node.children))
    match node.type:
        case "text":
            return str(escape(node.content))
        case "code_inline":
            return f"\\texttt{{{escape(node.content)}}}"
        case "softbreak" | "hardbreak":
            return "\n" if node.type == "softbreak" else "\\newline\n"
        case "strong":
            return f"\\textbf{{{inner}}}"
        case "em":
            return f"\\emph{{{inner}}}"
        case "link":
            return f"\\href{{{_url(str(node.attrs['href']))}}}{{{inner}}}"
    return inner
