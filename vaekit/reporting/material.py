"""What a section is written from: artifacts, drawn figures, and the reasons for what is not there."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from vaekit import artifacts
from vaekit.errors import DataError
from vaekit.figures.base import Drawn
from vaekit.quantity import Quantity
from vaekit.reporting.collect import command_of
from vaekit.reporting.document import Block, Gap, Picture, Section
from vaekit.reporting.tables import quantities


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


@dataclass(frozen=True)
class Material(Source):
    """Everything that the sections of one model's page draw upon.

    Attributes:
        files: file name -> content (DataFrame, dict, arrays, text).
        missing: file name -> why it is not in `files`, as a sentence.
        figures: name -> drawn figure.
        gaps: name of a figure -> why it is not drawn, as a sentence.
    """

    files: Mapping[str, Any]
    missing: Mapping[str, str]
    figures: Mapping[str, Drawn]
    gaps: Mapping[str, str]

    @property
    def summary(self) -> dict[str, Any]:
        """The content of summary.json, without which there is no page."""
        found: dict[str, Any] = self.files[artifacts.SUMMARY]
        return found

    @cached_property
    def rows(self) -> dict[str, Quantity]:
        """Every number of summary.json: the means over all test images, then what is estimated otherwise."""
        return quantities(self.summary["metrics"] | self.summary["estimates"], artifacts.SUMMARY)

    @cached_property
    def latent_rows(self) -> dict[str, Quantity]:
        """The numbers of latent.json; none where it is missing."""
        return quantities(self.files.get(artifacts.LATENT, {}).get("rows", {}), artifacts.LATENT)

    def value(self, name: str) -> float | None:
        """Return the value of a row of summary.json or latent.json; None where there is none."""
        found = (self.rows | self.latent_rows).get(name)
        return None if found is None else found.value

    def need(self, file: str) -> Any:
        """Return the content of an artifact; DataError with the reason where it is missing."""
        if file not in self.files:
            raise DataError(self.missing.get(file, f"{file} is missing."))
        return self.files[file]

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
