"""What the code knows: attributes read from it, against baselines and controls."""

from collections.abc import Iterable
from typing import Any

import pandas as pd

from vaekit import artifacts
from vaekit.figures.words import count, plural, readable, short
from vaekit.reporting.document import Block, Bullets, Details, Facts, Grid, Metrics, Prose, closed, section
from vaekit.reporting.material import Material
from vaekit.reporting.tables import Column, estimates, metrics_of, numbers, quantities, table_of, words


@section("probes", "Attribute probes", part="Code", place=110)
def probes(material: Material) -> Iterable[Block]:
    """Yield how well each attribute is read from the code, against the controls, and how the dims share them."""
    yield from material.part(_said, artifacts.PROBES_SUMMARY)
    yield material.figure("probes")
    yield from material.part(_table, artifacts.PROBES, artifacts.PROBES_SUMMARY)
    yield from closed("Which dim carries what", [material.figure("dims_by_attribute")])


def _said(content: dict[str, Any]) -> Iterable[Block]:
    first, *others = content["sentences"]
    yield Prose(first, "strong")
    if others:
        yield Bullets(tuple(others))
    rows = metrics_of(quantities(content["rows"], artifacts.PROBES_SUMMARY))
    yield Details("Probes and disentanglement in numbers", (Metrics("Probes and disentanglement", rows),))


def _table(table: pd.DataFrame, content: dict[str, Any]) -> Iterable[Block]:
    if table.empty:
        return
    own = table[table["kind"] == "latent"].set_index("attribute")
    own = own.sort_values("auroc", ascending=False, kind="stable")
    controls = table.pivot(index="attribute", columns="kind", values="auroc").reindex(own.index)

    def control(kind: str, heading: str) -> list[Column]:
        return [numbers(heading, controls[kind])] if kind in controls else []

    grid = table_of(
        words("Attribute", map(readable, own.index.astype(str))),
        numbers("Positives", own["positives"], count),
        estimates("AUROC on μ, 95 % interval", own["auroc"], own["auroc_low"], own["auroc_high"]),
        *control("pixels", "Pixels"),
        *control("random", "Untrained"),
        *control("shuffled", "Shuffled"),
        *_others(own),
    )
    kinds = tuple((kind.capitalize(), what) for kind, what in content["kinds"].items())
    yield Details(f"All {plural(len(own), 'attribute')}", (Grid("Probes of every attribute", grid), Facts(kinds)))


def _others(own: pd.DataFrame) -> Iterable[Column]:
    """Yield the probe's further scores, as far as the table has them."""
    for name, heading in (("average_precision", "AP"), ("balanced_accuracy", "Bal. acc."), ("brier", "Brier")):
        if name in own:
            yield numbers(heading, own[name], short)
