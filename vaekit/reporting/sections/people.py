"""Whether the error differs between groups of people."""

from collections.abc import Iterable
from typing import Any

import pandas as pd

from vaekit import artifacts
from vaekit.figures.words import count, readable
from vaekit.reporting.document import Block, Bullets, Grid, Prose, closed, section
from vaekit.reporting.material import Material
from vaekit.reporting.tables import Column, estimates, numbers, table_of, words


@section("fairness", "Fairness", part="Failures", place=150)
def fairness(material: Material) -> Iterable[Block]:
    """Yield the gaps between groups: in words, as figure and as table."""
    yield from material.part(_said, artifacts.FINDINGS)
    yield material.figure("fairness")
    yield from closed("Error by group", material.part(_table, artifacts.FINDINGS))


def _said(content: dict[str, Any]) -> Iterable[Block]:
    rows = content["fairness"]
    if not rows:
        yield Prose("No group of people could be compared on this data.")
        return
    yield Bullets(tuple(" ".join([row["sentence"], *row["evidence"]]) for row in rows if row.get("sentence")))
    yield Prose(
        "Groups are what annotators labelled, in two values each. The test split is no sample of any population, and a "
        "larger error is not yet a harm.",
        "small",
    )


def _table(content: dict[str, Any]) -> Iterable[Block]:
    rows = pd.DataFrame(content["fairness"])
    if rows.empty:
        return

    def ratio(name: str, heading: str) -> list[Column]:
        columns = [name, f"{name}_low", f"{name}_high"]
        return [estimates(heading, *(rows[column] for column in columns))] if {*columns} <= {*rows} else []

    yield Grid(
        "Error by group",
        table_of(
            words("Group", map(readable, rows["group"].astype(str))),
            numbers("n with", rows["n_with"], count),
            numbers("n without", rows["n_without"], count),
            numbers("Mean with", rows["mean_with"]),
            numbers("Mean without", rows["mean_without"]),
            *ratio("ratio", "Ratio"),
            *ratio("adjusted", "At equal pictures"),
            *ratio("face", "In the face alone"),
        ),
    )
