"""The sampling-gap table as a file and as rows of the summary."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from vaekit.evaluation.samples.base import Column, columns_of
from vaekit.evaluation.samples.inception import COLUMNS, OTHER
from vaekit.evaluation.samples.sources import AGGREGATE, FLOOR, LABELS, PRIOR, RECONSTRUCTIONS
from vaekit.figures.words import in_sentence
from vaekit.quantity import Quantity
from vaekit.statistics.bootstrap import Estimate

Rows = Mapping[str, Mapping[str, Estimate]]


def gap_table(rows: Rows, reasons: Mapping[str, str], judge: str) -> pd.DataFrame:
    """Return a row per source: source, label, n, every column with its interval, and why there is none."""
    table = []
    for name, label in LABELS.items():
        if name not in rows and name not in reasons:  # N(0, I) beside itself
            continue
        estimates = rows.get(name, {})
        n = max((estimate.n for estimate in estimates.values()), default=0)
        line: dict[str, Any] = {"source": name, "label": label, "n": n}
        for kind in _present(rows, judge):
            estimate = estimates.get(kind, Estimate(None, None, None, 0))
            ends = {kind: estimate.value, f"{kind}_low": estimate.low, f"{kind}_high": estimate.high}
            line |= {key: np.nan if value is None else value for key, value in ends.items()}
        table.append(line | {"reason": reasons.get(name, "")})
    return pd.DataFrame(table)


def summary_rows(rows: Rows, reasons: Mapping[str, str], judge: str, dims: int) -> dict[str, Quantity]:
    """Return rows for summary.json: everything of prior samples, and the distance of three other sources.

    A row of the prior has the column's own name, such as "precision"; others add their source: "fd_attributes_train".
    """
    wanted = {kind: (PRIOR, kind) for kind in _present(rows, judge)}
    wanted |= {f"fd_{judge}_{source}": (source, f"fd_{judge}") for source in (FLOOR, RECONSTRUCTIONS, AGGREGATE)}
    found, columns = {}, all_columns(judge, dims)
    for row, (source, kind) in wanted.items():
        column, what = columns[kind], in_sentence(LABELS[source])
        found[row] = column.quantity(
            rows.get(source, {}).get(kind) or Estimate(None, None, None, 0, reasons.get(source)),
            column.label if source == PRIOR else f"{column.label}, {what}",
            f"{what} against the test images: {column.definition}",
        )
    return found


def all_columns(judge: str, dims: int) -> dict[str, Column]:
    """Return every column by id, in its order: Inception's, then those of the set metrics by the judge."""
    return {column.id: column for column in COLUMNS} | columns_of(judge, dims)


def _present(rows: Rows, judge: str) -> list[str]:
    """Return the columns in their order; Inception under another name than FID's only where it was computed."""
    found = {kind for row in rows.values() for kind in row}
    return [kind for kind in all_columns(judge, 0) if kind in found or kind != OTHER]


def empty_rows(reason: str) -> dict[str, Quantity]:
    """Return the rows of prior samples where nothing could be compared, each with the reason."""
    columns = all_columns("attributes", 0)
    names = ("fid", "precision", "recall", "density", "coverage", "diversity")
    nothing = Estimate(None, None, None, 0, reason)
    return {name: columns[name].quantity(nothing, columns[name].label, columns[name].definition) for name in names}
