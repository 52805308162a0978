"""What a section is written from: artifacts, drawn figures, and the reasons for what is not there."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from vaekit.errors import DataError
from vaekit.figures.base import Drawn
from vaekit.reporting.collect import Collected, command_of
from vaekit.reporting.document import Block, Gap, Picture, Section


@dataclass(frozen=True, kw_only=True)
class Source:
    """What every section can ask of its page.

    Attributes:
        written: name -> section, of those that stand before the one being written; `chosen`: names of the page's.
    """

    written: Mapping[str, Section] = field(default_factory=dict)
    chosen: frozenset[str] = frozenset()

    @property
    def shown(self) -> list[Section]:
        """The sections so far that the page will show."""
        return [section for name, section in self.written.items() if name in self.chosen]


@dataclass(frozen=True, kw_only=True)
class Material(Collected, Source):
    """Everything that the sections of one model's page draw upon: what lies on disk, and its drawn figures.

    Attributes:
        figures: name -> drawn figure.
        gaps: name of a figure -> why it is not drawn, as a sentence.
    """

    figures: Mapping[str, Drawn] = field(default_factory=dict)
    gaps: Mapping[str, str] = field(default_factory=dict)

    def value(self, name: str) -> float | None:
        """Return the value of a row of summary.json or latent.json; None where there is none."""
        found = (self.rows | self.latent_rows).get(name)
        return None if found is None else found.value

    def figure(self, name: str) -> Picture | Gap:
        """Return a figure's place on the page, or why it is empty."""
        if name in self.figures:
            drawn = self.figures[name]
            return Picture(name, drawn, drawn.data)
        return Gap(self.gaps.get(name, f"This version of vaekit does not draw {name}."))

    def part(self, write: Callable[..., Iterable[Block]], *files: str) -> list[Block]:
        """Return write(content of each file); a file that is missing or lacks a part leaves its reason."""
        try:
            return list(write(*(self.need(file) for file in files)))
        except DataError as error:
            return [Gap(str(error))]
        except KeyError as error:
            again = f"run `vaekit {command_of(files[-1])}` again"
            return [Gap(f"{' or '.join(files)} lacks {error.args[0]!r}: {again}.")]
