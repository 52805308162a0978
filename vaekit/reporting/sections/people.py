"""Whether the error differs between groups of people."""

from collections.abc import Iterable
from typing import Any

from vaekit import artifacts
from vaekit.reporting.document import Block, Grid, Prose, section
from vaekit.reporting.material import Material
from vaekit.reporting.tables import table_of, words


@section("fairness", "Fairness", part="Failures", place=150)
def fairness(material: Material) -> Iterable[Block]:
    """Yield the gaps between groups, as figure and table."""
    yield material.figure("fairness")
    yield from material.part(_rows, artifacts.FINDINGS)


def _rows(content: dict[str, Any]) -> Iterable[Block]:
    rows = content["fairness"]
    if rows:
        keys = list(rows[0])
        yield Grid("Error by group", table_of(*(words(key, (row[key] for row in rows)) for key in keys)))
    else:
        yield Prose("No group of people could be compared on this data.")
