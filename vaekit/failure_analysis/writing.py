"""The findings of an analysis on disk: findings.json, one gallery each, and every candidate as a table."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vaekit import artifacts
from vaekit.failure_analysis.adjusted import SUFFIX, adjusted
from vaekit.failure_analysis.conditions import Material
from vaekit.failure_analysis.confirmation import RATIO, SHARE, SPREAD
from vaekit.failure_analysis.finding import Finding, finite
from vaekit.failure_analysis.galleries import Ranked
from vaekit.failure_analysis.outcome import Outcome
from vaekit.failure_analysis.search import Searched
from vaekit.failure_analysis.silence import candidate_rows, silent_tests
from vaekit.failure_analysis.slice_findings import Errors, slice_findings
from vaekit.failure_analysis.whole import Split, Whole
from vaekit.failure_analysis.wording import Measure
from vaekit.figures.grids import gallery, png_bytes, shared_limit
from vaekit.statistics.discovery import Q_LEVEL

PICTURED = 12  # images in the gallery of a finding
LOST_NAMED = 5  # attributes lost or made up that become findings, the clearest; the table has all

Pictured = tuple[Finding, np.ndarray]  # a finding and the rows of its gallery


@dataclass(frozen=True, eq=False)
class Analysed:
    """Everything that an analysis found: rankings, the search for slices, the tests of the whole split."""

    ranked: Ranked
    split: Split
    material: Material
    searched: Searched
    whole: Whole
    values: np.ndarray

    @property
    def metric(self) -> str:
        """The metric that is the error of the findings."""
        return self.ranked.by[0]

    @property
    def measure(self) -> Measure:
        """That metric in words."""
        facts = self.ranked.metrics[self.metric]
        return Measure(facts["label"], facts["unit"], self.searched.scale)


def write_findings(folder: Path, found: Analysed, made_by: dict[str, Any], seed: int) -> None:
    """Write findings.json, findings.npz, finding-<id>.png, candidates.csv and diagnosis.npz."""
    findings = [*_of_slices(found, seed), *_of_all(found)]
    _write_pictures(folder, found, findings)
    artifacts.write_arrays(folder / artifacts.DIAGNOSIS_ARRAYS, **found.whole.arrays)
    tested = candidate_rows(found.searched, found.measure)
    artifacts.write_table(folder / artifacts.CANDIDATES, pd.DataFrame(tested))
    content = {
        "metric": found.metric,
        "label": found.measure.label,
        "unit": found.measure.unit,
        "n": int(np.isfinite(found.values).sum()),
        "n_discovery": len(found.searched.discovery),
        "n_confirmation": len(found.searched.confirmation),
        "candidates": len(tested),
        "q_level": Q_LEVEL,
        "thresholds": {"ratio": RATIO, "standard_deviations": SPREAD, "share": SHARE},
        "findings": [finding.record() for finding, _ in findings],
        "not_found": silent_tests(found.searched, found.measure, found.whole.outcomes),
        "tested": tested,
        **found.whole.record,
        "notes": _notes(found),
        "made_by": made_by,
    }
    artifacts.write_json(folder / artifacts.FINDINGS, finite(content))


def _of_slices(found: Analysed, seed: int) -> list[Pictured]:
    split, where = found.split, found.whole.regions.per_image
    is_adjusted = found.metric.endswith(SUFFIX)
    errors = Errors(
        found.searched.scale.error(found.values),
        found.values if is_adjusted else adjusted(found.values, split.properties, split.people, seed),
        where["face_mse"].to_numpy(),
        where["surroundings_mse"].to_numpy(),
    )
    train = split.prepared.attribute_table(np.flatnonzero(split.prepared.index["split"] == "train"))
    ids = found.ranked.table["image_id"].to_numpy(dtype=str)
    return slice_findings(found.searched, found.measure, found.material, errors, split.people, ids, train, PICTURED)


def _of_all(found: Analysed) -> list[Pictured]:
    """Return what was found of the whole split, by its share of the error; of attributes the five clearest."""
    ids = found.ranked.table["image_id"].to_numpy(dtype=str)
    passed = [outcome for outcome in found.whole.outcomes if outcome.found]
    attributes = [outcome for outcome in passed if outcome.kind == "attribute"]
    attributes.sort(key=lambda outcome: -abs(outcome.effect.value) if outcome.effect else 0.0)
    named = [outcome for outcome in passed if outcome.kind != "attribute"] + attributes[:LOST_NAMED]
    named.sort(key=lambda outcome: -(outcome.share or 0.0))
    return [(_finding(outcome, ids), outcome.rows[:PICTURED]) for outcome in named]


def _finding(outcome: Outcome, ids: np.ndarray) -> Finding:
    shown = {key: value for key, value in vars(outcome).items() if key not in ("found", "rows")}
    return Finding(**shown, enrichment=None, image_ids=tuple(ids[outcome.rows[:PICTURED]].tolist()))


def _write_pictures(folder: Path, found: Analysed, findings: Sequence[Pictured]) -> None:
    for stale in folder.glob("finding-*.png"):
        stale.unlink()
    pairs = {finding.id: (found.split.x[rows], found.split.x_hat[rows]) for finding, rows in findings if len(rows)}
    limit = shared_limit(*pairs.values()) if pairs else 1.0
    for finding, rows in findings:
        if len(rows):
            labels = [
                f"{image_id}   {found.metric} {found.values[row]:.5g}"
                for image_id, row in zip(finding.image_ids, rows, strict=True)
            ]
            picture = gallery(*pairs[finding.id], labels, limit=limit)
            artifacts.write_bytes(folder / f"finding-{finding.id}.png", png_bytes(picture))
    arrays = {f"{name}_x": x for name, (x, _) in pairs.items()} | {
        f"{name}_x_hat": made for name, (_, made) in pairs.items()
    }
    artifacts.write_arrays(folder / artifacts.FINDING_PICTURES, **arrays)


def _notes(found: Analysed) -> list[str]:
    split, searched, notes = found.split, found.searched, []
    if split.attributes.columns.empty:
        notes.append("The data has no attributes: slices were looked for in image properties and look-alikes only.")
    if "features_x" not in split.judged:
        notes.append("There are no features of the attribute network: look-alikes of the worst were not looked for.")
    if bad := found.ranked.first.not_finite:
        notes.append(f"{bad:,} images without a finite {found.metric} are left out.")
    if len(np.unique(split.people.astype(str))) < len(split.people):
        notes.append("All images of a person are in one half, and count as one where they agree.")
    if searched.beyond:
        more = "; ".join(tested.slice.title for tested in searched.beyond)
        notes.append(f"Also confirmed, with less of the error: {more}.")
    more = sum(outcome.found and outcome.kind == "attribute" for outcome in found.whole.outcomes) - LOST_NAMED
    if more > 0:
        notes.append(f"{more} more attributes are lost or made up: the table of attributes kept and lost has them.")
    return [*notes, *found.whole.notes]
