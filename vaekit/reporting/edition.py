"""What the author of a hand-in asks of the page: title and names, which sections in which order, and their notes."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from vaekit.errors import ConfigError, did_you_mean
from vaekit.options import PageOptions
from vaekit.registry import Registry
from vaekit.reporting.document import PAPER, SECTIONS, SectionSpec, in_order
from vaekit.reporting.pdf import find_browser

PREFACE = "start"
EDITIONS = {"paper": PAPER, "full": SECTIONS}
_PLACE = re.compile(r"^ {0,3}#{1,6}\s+(before|after):\s*(\S.*?)\s*#*\s*$", re.IGNORECASE)
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})")


@dataclass(frozen=True)
class Edition:
    """How one page is put together.

    Attributes:
        kind: "full", or "paper": what stands on the page.
        name: of its files, without suffix; None takes "report" or "paper".
        title: headline; None makes one from the run.
        author, course: stand below the title.
        sections: names of sections in the order of the page; None takes all.
        notes: ("before" or "after", section) -> the author's Markdown; ("before", "start") stands above all sections.
        full: every picture at its own size, however large the page becomes.
        pdf, latex: write the page in these forms too.
    """

    name: str | None = None
    title: str | None = None
    author: str | None = None
    course: str | None = None
    sections: tuple[str, ...] | None = None
    notes: Mapping[tuple[str, str], str] = field(default_factory=dict)
    full: bool = False
    kind: Literal["paper", "full"] = "full"
    pdf: bool = False
    latex: bool = False

    @property
    def registry(self) -> Registry[SectionSpec]:
        """The sections that there are."""
        return EDITIONS[self.kind]


def read_edition(options: PageOptions) -> Edition:
    """Return the edition that these options ask for.

    Raises:
        ConfigError: a file can not be read, or names a section that does not exist or was not chosen; there is
            no browser for a PDF.
    """
    sections, notes, of = options.sections, options.notes, EDITIONS[options.edition]
    chosen = None if sections is None else read_sections(sections, of)
    placed = {} if notes is None else read_notes(notes, of)
    for when, name in placed:
        if chosen is not None and name not in {*chosen, PREFACE}:
            raise ConfigError(
                f"--notes {notes}: '{when}: {name}' names a section that --sections {sections} leaves out. "
                f"Add it there, or place the note elsewhere."
            )
    if options.pdf:
        find_browser()  # told before anything is computed
    return Edition(
        options.name and options.name.removesuffix(".html"),
        options.title,
        options.author,
        options.course,
        chosen,
        placed,
        full=options.full,
        kind=options.edition,
        pdf=options.pdf,
        latex=options.latex,
    )


def read_sections(path: Path, of: Registry[SectionSpec]) -> tuple[str, ...]:
    """Return the names of the sections that a TOML file chooses, in its order: sections = ["verdict", "metrics"]."""
    try:
        content: dict[str, Any] = tomllib.loads(_text(path, "--sections"))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"--sections {path} is no TOML: {error}.") from error
    for key in content:
        if key != "sections":
            raise ConfigError(f"--sections {path}: there is no setting {key!r}.{did_you_mean(key, ['sections'])}")
    names = content.get("sections")
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise ConfigError(f'--sections {path} should hold one list of names: sections = ["verdict", "metrics"].')
    for name in names:
        _check(name, f"--sections {path}", of)
    if twice := [name for name in dict.fromkeys(names) if names.count(name) > 1]:
        raise ConfigError(f"--sections {path} names {twice[0]!r} twice: a section stands on the page once.")
    return tuple(names)


def read_notes(path: Path, of: Registry[SectionSpec]) -> dict[tuple[str, str], str]:
    """Return ("before" or "after", section) -> the author's Markdown that stands there.

    Below a heading such as "## after: samples" stands what is merged in there, and what stands above the first such
    heading opens the page.
    """
    notes: dict[tuple[str, str], str] = {}
    lines: list[str] = []
    place, fence = ("before", PREFACE), ""
    for line in [*_text(path, "--notes").splitlines(), None]:
        marked = None
        if line is not None:
            opened = _FENCE.match(line)
            if opened and (not fence or line.strip().startswith(fence)):
                fence = "" if fence else opened[1]
            marked = None if fence else _PLACE.match(line)
        if line is None or marked:
            if text := "\n".join(lines).strip("\n"):
                notes[place] = f"{notes[place]}\n\n{text}" if place in notes else text
            lines = []
            if marked:
                place = (marked[1].lower(), marked[2])
                _check(place[1], f"--notes {path}", of)
        else:
            lines.append(line)
    return notes


def _check(name: str, where: str, of: Registry[SectionSpec]) -> None:
    known = [name for name, _ in in_order(of)]
    if name not in known:
        raise ConfigError(f"{where}: there is no section {name!r}.{did_you_mean(name, known)}")


def _text(path: Path, flag: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no UTF-8 text"
        raise ConfigError(f"{flag} {path} can not be read: {why}.") from error
