"""The author's own Markdown on the page: a small safe part of it, everything else as the text that it is."""

import re
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode
from markupsafe import Markup

from vaekit.figures.words import visible
from vaekit.reporting.escaping import escape


def note_html(source: str, level: int = 3) -> Markup:
    """Return the author's Markdown as HTML: headings, lists, tables, code, emphasis and http(s) links, all escaped."""
    parser = _parser()
    return Markup(parser.renderer.render(_tokens(parser, source, level), parser.options, {}))


def note_markdown(source: str, level: int = 3) -> Markup:
    """Return the author's Markdown written anew from what was understood of it, so that nothing else is alive."""
    return Markup("\n\n".join(_block(child) for child in note_tree(source, level).children))


def note_tree(source: str, level: int = 3) -> SyntaxTreeNode:
    """Return what was understood of the author's Markdown, hidden characters made visible."""
    return SyntaxTreeNode(_tokens(_parser(), source, level))


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
    parser.validateLink = _is_web  # type: ignore[method-assign]
    return parser


def _is_web(url: str) -> bool:
    return urlsplit(url).scheme in ("http", "https")


def _tokens(parser: MarkdownIt, source: str, level: int) -> list[Token]:
    tokens = parser.parse("\n".join(map(visible, source.expandtabs(4).splitlines())))
    above = level - 1  # the heading under which the note stands: its own follow without skipping one
    for token in tokens:
        if token.type == "heading_open":
            above = min(6, above + 1, max(level, int(token.tag[1]) + level - 2))
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{above}"
        # An entity such as &#x202e; is a hidden character again once it is read.
        token.content = "\n".join(map(visible, token.content.split("\n")))
        for child in token.children or ():
            child.content = visible(child.content)
            if child.type == "link_open":
                child.attrs = {"href": child.attrs["href"], "rel": "noreferrer"}
    return tokens


def _block(node: SyntaxTreeNode) -> str:
    match node.type:
        case "paragraph":
            return _inline(node)
        case "heading":
            return f"{'#' * int(node.tag[1])} {_inline(node)}"
        case "hr":
            return "* * *"
        case "fence" | "code_block":
            return "\n".join(f"    {line}" for line in node.content.rstrip("\n").split("\n"))
        case "blockquote":
            return _indented("\n\n".join(map(_block, node.children)), "> ", "> ")
        case "bullet_list":
            return "\n".join(_item(child, "- ") for child in node.children)
        case "ordered_list":
            start = int(node.attrs.get("start", 1))
            return "\n".join(_item(child, f"{start + i}. ") for i, child in enumerate(node.children))
        case "table":
            rows = [row for part in node.children for row in part.children]
            cells = [[" ".join(_inline(cell).split("\n")) for cell in row.children] for row in rows]
            lines = [f"| {' | '.join(row)} |" for row in cells]
            return "\n".join([lines[0], f"|{' --- |' * len(cells[0])}", *lines[1:]])
    raise ValueError(f"a block of the type {node.type!r} is not part of what is parsed")


def _item(node: SyntaxTreeNode, mark: str) -> str:
    return _indented("\n\n".join(map(_block, node.children)), mark, " " * len(mark))


def _indented(text: str, first: str, other: str) -> str:
    lines = text.split("\n")
    return "\n".join(
        (first if i == 0 else other if line or other.strip() else "") + line for i, line in enumerate(lines)
    )


def _inline(node: SyntaxTreeNode) -> str:
    match node.type:
        case "text":
            text = str(escape(node.content))
            return f"{text[:-1]}\\!" if text.endswith("!") else text  # before a link it would make a picture
        case "softbreak":
            return "\n"
        case "hardbreak":
            return "  \n"
        case "code_inline":
            fence = "`" * (1 + max((len(run) for run in re.findall("`+", node.content)), default=0))
            gap = " " if "`" in node.content else ""
            return f"{fence}{gap}{node.content}{gap}{fence}"
        case "strong":
            return f"**{_inlines(node)}**"
        case "em":
            return f"*{_inlines(node)}*"
        case "link":
            return f"[{_inlines(node)}](<{node.attrs['href']}>)"
    return _inlines(node)


def _inlines(node: SyntaxTreeNode) -> str:
    return "".join(map(_inline, node.children))
