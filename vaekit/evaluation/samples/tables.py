"""The sampling-gap table as a file and as rows of the summary."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from vaekit.evaluation.samples.gap import kinds
from vaekit.evaluation.samples.sources import AGGREGATE, FLOOR, LABELS, PRIOR, RECONSTRUCTIONS
from vaekit.figures.words import in_sentence
from vaekit.statistics.bootstrap import Estimate

Rows = Mapping[str, Mapping[str, Estimate]]


def gap_table(rows: Rows, reasons: Mapping[str, str], judge: str) -> pd.DataFrame:
    """Return a row per source: source, label, n, every column of `kinds` with its interval, and why there is none."""
    table = []
    for name, label in LABELS.items():
        estimates = rows.get(name, {})
        n = max((estimate.n for estimate in estimates.values()), default=0)
        line: dict[str, Any] = {"source": name, "label": label, "n": n}
        for kind in _present(rows, judge):
            estimate = estimates.get(kind, Estimate(None, None, None, 0))
            ends = {kind: estimate.value, f"{kind}_low": estimate.low, f"{kind}_high": estimate.high}
            line |= {key: np.nan if value is None else value for key, value in ends.items()}
        table.append(line | {"reason": reasons.get(name, "")})
    return pd.DataFrame(table)


def summary_rows(rows: Rows, reasons: Mapping[str, str], judge: str, dims: int) -> dict[str, dict[str, Any]]:
    """Return rows for summary.json: everything of prior samples, and the distance of three other sources.

    A row of the prior has the column's own name, such as "precision"; others add their source: "fd_attributes_train".
    """
    wanted = {kind: (PRIOR, kind) for kind in _present(rows, judge)}
    wanted |= {f"fd_{judge}_{source}": (source, f"fd_{judge}") for source in (FLOOR, RECONSTRUCTIONS, AGGREGATE)}
    found = {}
    for row, (source, kind) in wanted.items():
        facts = asdict(kinds(judge, dims)[kind])
        estimate = rows.get(source, {}).get(kind) or Estimate(None, None, None, 0, reasons.get(source))
        what = in_sentence(LABELS[source])
        facts["definition"] = f"{what} against the test images: {facts['definition']}"
        if source != PRIOR:
            facts["label"] = f"{facts['label']}, {what}"
        found[row] = vars(estimate) | facts
    return found


def _present(rows: Rows, judge: str) -> list[str]:
    """Return the columns in their order; Inception under another name than FID's only where it was computed."""
    found = {kind for row in rows.values() for kind in row}
    return [kind for kind in kinds(judge, 0) if kind in found or kind != "fd_inception"]


def empty_rows(reason: str) -> dict[str, dict[str, Any]]:
    """Return the rows of prior samples where nothing could be compared, each with the reason."""
    names = ("fid", "precision", "recall", "density", "coverage", "diversity")
    facts = kinds("attributes", 0)
    return {name: vars(Estimate(None, None, None, 0, reason)) | asdict(facts[name]) for name in names}
