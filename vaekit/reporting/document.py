"""What a page is made of: sections of blocks, which HTML and Markdown lay out and report.json keeps as data.

A block says what it is by `kind`; the templates have one macro for each. Text in a block is plain text: every page
escapes it in its own way. Only `code spans` in back-ticks and, in formulas, _{subscripts} and ^{powers} mean something.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from vaekit.figures.base import Drawn
from vaekit.figures.words import listed
from vaekit.registry import Registry
from vaekit.reporting.tables import Metric, Table

_NAMED = re.compile(r"^[\w ]+ (?:is|are) not computed: ")  # a reason that begins with what the table says already


def told(reason: str) -> str:
    """Return a reason as a sentence of its own, without what the table says already."""
    bare = _NAMED.sub("", reason).removesuffix(".")
    return f"{bare[:1].upper()}{bare[1:]}."


class Block:
    """One thing that a section shows."""

    kind: ClassVar[str]


@dataclass(frozen=True)
class Prose(Block):
    """One paragraph; `tone` is "", "strong" for what a section says in one sentence, or "small" for a remark."""

    kind: ClassVar[str] = "prose"
    text: str
    tone: str = ""


@dataclass(frozen=True)
class Bullets(Block):
    """A list of sentences."""

    kind: ClassVar[str] = "bullets"
    items: tuple[str, ...]


@dataclass(frozen=True)
class Heading(Block):
    """A heading within a section; `aside` stands beside it in grey. Level 3 or 4."""

    kind: ClassVar[str] = "heading"
    text: str
    aside: str = ""
    level: int = 3


@dataclass(frozen=True)
class Gap(Block):
    """Why something is not here, as one sentence."""

    kind: ClassVar[str] = "gap"
    reason: str


@dataclass(frozen=True)
class Picture(Block):
    """A drawn figure; in HTML its raster picture may be smaller than the file beside the page."""

    kind: ClassVar[str] = "picture"
    name: str
    drawn: Drawn
    shown: bytes


@dataclass(frozen=True)
class Metrics(Block):
    """A table of metrics; `label` says of what."""

    kind: ClassVar[str] = "metrics"
    label: str
    rows: tuple[Metric, ...]

    @property
    def computed(self) -> tuple[Metric, ...]:
        """The rows that have a value."""
        return tuple(row for row in self.rows if not row.is_absent)

    @property
    def absent(self) -> tuple[tuple[str, str], ...]:
        """The rows that have none, as (their labels, the reason that they share)."""
        reasons = dict.fromkeys(row.reason or "" for row in self.rows if row.is_absent)
        return tuple((listed([row.label for row in self.rows if row.reason == why]), told(why)) for why in reasons)


@dataclass(frozen=True)
class Grid(Block):
    """A table of text and numbers; `label` says of what."""

    kind: ClassVar[str] = "grid"
    label: str
    table: Table


@dataclass(frozen=True)
class Facts(Block):
    """Names with what they are."""

    kind: ClassVar[str] = "facts"
    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Code(Block):
    """Lines to be typed or read as they are."""

    kind: ClassVar[str] = "code"
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Details(Block):
    """Blocks that open on request; those that are closed are left out on paper."""

    kind: ClassVar[str] = "details"
    summary: str
    blocks: tuple[Block, ...]


def closed(summary: str, blocks: Iterable[Block]) -> tuple[Block, ...]:
    """Return the blocks folded under `summary`; why something is not there stays open."""
    inside = tuple(blocks)
    return inside if all(isinstance(block, Gap) for block in inside) else (Details(summary, inside),)


@dataclass(frozen=True)
class Verdict(Block):
    """What a reader needs first: numbers, then sentences under "how good", "what is wrong" and "what to try".

    `names` are the short names of the tiles, `tiled` says what they are numbers of.
    """

    kind: ClassVar[str] = "verdict"
    tiles: tuple[Metric, ...]
    names: tuple[str, ...]
    tiled: str
    good: tuple[str, ...]
    wrong: tuple[str, ...]
    attempt: tuple[str, ...]
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class Card:
    """One image: rank, name and attributes; original, reconstruction and error map as one PNG; what is odd in it."""

    rank: int
    image_id: str
    value: str
    attributes: tuple[str, ...]
    values: tuple[float | None, ...]
    facts: tuple[tuple[str, str], ...]
    png: bytes = field(repr=False)
    width: int
    height: int
    flags: str = ""


@dataclass(frozen=True)
class Cards(Block):
    """Cards under one another; `stored` images lie in `file`, those that fit stand on the page.

    `label` names the value that every card shows; `scales` whether a scale and the controls that sort and filter the
    cards of this kind of gallery stand above it. `figure` is what Markdown shows instead; `shows` says what a card's
    picture is of.
    """

    kind: ClassVar[str] = "cards"
    name: str
    cards: tuple[Card, ...]
    label: str
    stored: int
    file: str
    figure: "Picture | Gap | None" = None
    listed: int = 0
    shows: str = "Original, reconstruction and error map"


@dataclass(frozen=True)
class Controls(Block):
    """What the galleries that follow are sorted and filtered by, and the end of their one error scale."""

    kind: ClassVar[str] = "controls"
    columns: tuple[tuple[str, str], ...]
    attributes: tuple[str, ...]


@dataclass(frozen=True)
class Scale(Block):
    """The colour scale of error maps, from 0 to `limit`."""

    kind: ClassVar[str] = "scale"
    limit: float


@dataclass(frozen=True)
class Strip:
    """Pictures of one thing that changes in steps: `rows` faces below one another, one column per step, as one PNG."""

    label: str
    detail: str
    steps: tuple[str, ...]
    rows: int
    png: bytes = field(repr=False)
    width: int
    height: int


@dataclass(frozen=True)
class Strips(Block):
    """Strips with one slider over them; `omitted` more had no room. `figure` is what Markdown shows instead."""

    kind: ClassVar[str] = "strips"
    name: str
    choice: str
    quantity: str
    strips: tuple[Strip, ...]
    caption: str
    omitted: int
    figure: "Picture | Gap | None" = None


@dataclass(frozen=True)
class Live(Block):
    """A decoder that the page's script runs: `weights` float16, `data` all else as JSON, `starts` to begin from.

    `caption` is all that Markdown and paper show of it.
    """

    kind: ClassVar[str] = "live"
    caption: str
    starts: tuple[Strip, ...]
    data: bytes = field(repr=False)
    weights: bytes = field(repr=False)


@dataclass(frozen=True)
class Term:
    """An entry of the glossary: two sentences, a formula, its paper, and the metrics of the page that it explains."""

    id: str
    name: str
    text: str
    formula: str
    paper: str
    covers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Terms(Block):
    """Entries of the glossary."""

    kind: ClassVar[str] = "terms"
    terms: tuple[Term, ...]


@dataclass(frozen=True)
class Paper:
    """One entry of the list of references; `cited` is how the page's text names it."""

    cited: str
    text: str
    link: str


@dataclass(frozen=True)
class References(Block):
    """Papers cited on the page."""

    kind: ClassVar[str] = "references"
    papers: tuple[Paper, ...]


@dataclass(frozen=True)
class Note(Block):
    """The author's own Markdown, read but not yet laid out; its headings are of `level` and below."""

    kind: ClassVar[str] = "note"
    source: str
    level: int = 3


@dataclass(frozen=True)
class Slot(Block):
    """A visible place for the author's own words, with what they could be about; gone once the section has a note."""

    kind: ClassVar[str] = "slot"
    asks: str


@dataclass(frozen=True)
class Section:
    """One section of a page."""

    id: str
    title: str
    part: str
    blocks: tuple[Block, ...]

    def walk(self) -> Iterator[Block]:
        """Yield every block of the section, those within details too."""
        yield from _walk(self.blocks)

    def mapped(self, change: Callable[[Block], Block]) -> tuple[Block, ...]:
        """Return the blocks with `change` made to each, those within details too."""
        return _mapped(self.blocks, change)


def _walk(blocks: Iterable[Block]) -> Iterator[Block]:
    for block in blocks:
        yield block
        if isinstance(block, Details):
            yield from _walk(block.blocks)


def _mapped(blocks: Iterable[Block], change: Callable[[Block], Block]) -> tuple[Block, ...]:
    return tuple(
        replace(block, blocks=_mapped(block.blocks, change)) if isinstance(block, Details) else change(block)
        for block in blocks
    )


@dataclass(frozen=True)
class Page:
    """A whole page: title, what stands below it, and its sections."""

    title: str
    subtitle: str
    byline: tuple[str, ...]
    preface: tuple[Block, ...]
    sections: tuple[Section, ...]
    made_by: dict[str, Any]

    @property
    def definitions(self) -> dict[str, str]:
        """Label -> definition of every number in a table of metrics that stands open."""
        tables = (b for section in self.sections for b in section.blocks if isinstance(b, Metrics))
        return {row.label: row.quantity.definition for table in tables for row in table.rows}


APPENDIX = "Appendix"  # the part whose sections a page folds


@dataclass(frozen=True)
class SectionSpec:
    """How a section is written, and where it stands by default: in which part, after which lower `place`."""

    title: str
    part: str
    place: int
    write: Callable[..., Iterable[Block]]


SECTIONS: Registry[SectionSpec] = Registry("section", "vaekit.reporting.sections")
PAPER: Registry[SectionSpec] = Registry("section of the paper", "vaekit.reporting.paper")
COMPARED: Registry[SectionSpec] = Registry("compared section", "vaekit.reporting.comparison")
Write = Callable[..., Iterable[Block]]


def section(
    id: str, title: str, *, part: str, place: int, of: Registry[SectionSpec] = SECTIONS
) -> Callable[[Write], Write]:
    """Return a decorator that files a function as the section `id` of every page of one kind.

    Args:
        id, title: name in options and addresses; heading.
        part, place: under which part it stands in the list of contents, after which lower place.
        of: SECTIONS or PAPER for reports, written from a Material; COMPARED for comparisons, written from Together.
    """

    def file_it(write: Write) -> Write:
        of.register(id)(SectionSpec(title, part, place, write))
        return write

    return file_it


def in_order(of: Registry[SectionSpec] = SECTIONS) -> list[tuple[str, SectionSpec]]:
    """Return every section with its name, in the order in which a page shows them by default."""
    return sorted(of.items(), key=lambda item: item[1].place)
