"""The findings of an analysis on disk: findings.json, one gallery each, and every candidate as a table."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vaekit import artifacts
from vaekit.failure_analysis.advice import Training
from vaekit.failure_analysis.context import Context
from vaekit.failure_analysis.equal_complexity import SUFFIX, adjusted
from vaekit.failure_analysis.finding import Finding, finite
from vaekit.failure_analysis.not_found import candidate_rows, silent_groups, silent_tests
from vaekit.failure_analysis.pictures.galleries import Ranked
from vaekit.failure_analysis.slices.confirmation import RATIO, SHARE, SPREAD
from vaekit.failure_analysis.slices.findings import Errors, Told, slice_findings
from vaekit.failure_analysis.slices.nameless import least_group
from vaekit.failure_analysis.slices.nameless_findings import NamelessFound, nameless_findings
from vaekit.failure_analysis.slices.rules import LEAST, Material
from vaekit.failure_analysis.slices.search import SEARCHES, Searched
from vaekit.failure_analysis.slices.wording import Measure
from vaekit.failure_analysis.split.base import Measured, SplitResult, words
from vaekit.figures.grids import gallery, png_bytes, shared_limit
from vaekit.figures.words import number, plural, short
from vaekit.statistics.discovery import Q_LEVEL

PICTURED = 12  # images in the gallery of a finding
LOST_NAMED = 5  # attributes lost or made up that become findings, the clearest; the table has all

Pictured = tuple[Finding, np.ndarray]  # a finding and the rows of its gallery


@dataclass(frozen=True, eq=False)
class Analysed:
    """Everything that an analysis found: rankings, the search for slices, the tests of the whole images."""

    ranked: Ranked
    context: Context
    material: Material
    searched: Searched
    nameless: NamelessFound
    measured: Measured

    @property
    def metric(self) -> str:
        """The metric that is the error of the findings."""
        return self.ranked.by[0]

    @property
    def measure(self) -> Measure:
        """That metric in words."""
        metric = self.context.metric
        return Measure(metric["label"], metric["unit"], self.searched.scale)


def write_findings(folder: Path, found: Analysed, made_by: dict[str, Any]) -> None:
    """Write findings.json, findings.npz, finding-<id>.png, candidates.csv and diagnosis.npz."""
    findings = [*_of_slices(found), *_of_groups(found), *_of_all(found)]
    _write_pictures(folder, found, findings)
    artifacts.write_arrays(folder / artifacts.DIAGNOSIS_ARRAYS, **found.measured.arrays)
    tested = candidate_rows(found.searched, found.measure)
    artifacts.write_table(folder / artifacts.CANDIDATES, pd.DataFrame(tested))
    content = {
        "metric": found.metric,
        "label": found.measure.label,
        "unit": found.measure.unit,
        "n": int(np.isfinite(found.context.values).sum()),
        "n_confirmation": found.searched.n_tested_on,
        "searches": SEARCHES,
        "candidates": len(tested),
        "q_level": Q_LEVEL,
        "thresholds": {"ratio": RATIO, "standard_deviations": SPREAD, "share": SHARE},
        "findings": [finding.record() for finding, _ in findings],
        "groups_formed": found.nameless.formed,
        "not_found": [
            *silent_tests(found.searched, found.measure, found.measured.results),
            *silent_groups(found.nameless),
        ],
        "tested": tested,
        **found.measured.record,
        "facts": {name: fact.record() for name, fact in found.measured.facts.items()},
        "notes": _notes(found),
        "made_by": made_by,
    }
    artifacts.write_json(folder / artifacts.FINDINGS, finite(content))


def _of_slices(found: Analysed) -> list[Pictured]:
    images, values, columns = found.context.images, found.context.values, found.measured.columns
    is_adjusted = found.metric.endswith(SUFFIX)
    errors = Errors(
        found.searched.scale.error(values),
        values if is_adjusted else adjusted(values, images.properties, images.people, found.context.seed),
        columns["face_mse"],
        columns["surroundings_mse"],
    )
    ids = found.ranked.table["image_id"].to_numpy(dtype=str)
    told = Told(errors, images.persons, found.measure)
    return slice_findings(found.searched, told, ids, images.train_attributes, PICTURED, found.context.training)


def _of_groups(found: Analysed) -> list[Pictured]:
    ids = found.ranked.table["image_id"].to_numpy(dtype=str)
    return nameless_findings(found.nameless, found.context, found.measure, found.material, ids, PICTURED)


def _of_all(found: Analysed) -> list[Pictured]:
    """Return what was found of the whole split, by its share of the error; of attributes the five clearest."""
    ids = found.ranked.table["image_id"].to_numpy(dtype=str)
    passed = [result for result in found.measured.results if result.found]
    attributes = [result for result in passed if result.kind == "attribute"]
    attributes.sort(key=lambda result: -abs(result.effect.value) if result.effect else 0.0)
    named = [result for result in passed if result.kind != "attribute"] + attributes[:LOST_NAMED]
    named.sort(key=lambda result: -(result.share or 0.0))
    return [(_finding(result, ids, found.context.training), result.rows[:PICTURED]) for result in named]


def _finding(result: SplitResult, ids: np.ndarray, training: Training) -> Finding:
    numbers = {name: getattr(result, name) for name in ("id", "kind", "effect", "n", "p", "q", "share")}
    shown = tuple(ids[result.rows[:PICTURED]].tolist())
    return Finding(**numbers, **vars(words(result, training)), enrichment=None, image_ids=shown)


def _write_pictures(folder: Path, found: Analysed, findings: Sequence[Pictured]) -> None:
    for stale in folder.glob("finding-*.png"):
        stale.unlink()
    pairs = {
        finding.id: (found.context.images.x[rows], found.context.images.x_hat[rows])
        for finding, rows in findings
        if len(rows)
    }
    limit = shared_limit(*pairs.values()) if pairs else 1.0
    for finding, rows in findings:
        if len(rows):
            labels = [
                f"{image_id}   {found.metric} {number(found.context.values[row])}"
                for image_id, row in zip(finding.image_ids, rows, strict=True)
            ]
            picture = gallery(*pairs[finding.id], labels, limit=limit)
            artifacts.write_bytes(folder / f"finding-{finding.id}.png", png_bytes(picture))
    arrays = {f"{name}_x": x for name, (x, _) in pairs.items()} | {
        f"{name}_x_hat": made for name, (_, made) in pairs.items()
    }
    artifacts.write_arrays(folder / artifacts.FINDING_PICTURES, **arrays)


def _smallest(found: Analysed) -> str:
    """Return the smallest groups that can be found among so many images, in one sentence."""
    n = found.searched.n
    said = f"The smallest group that can be found among {n:,} images has {2 * LEAST} of them if a label or a property "
    said += f"names it ({LEAST} in either half)"
    if not found.nameless.formed:
        return f"{said}."
    least = least_group(n)
    some = max(least, round(0.04 * n))
    said, ratio = f"{said}, {least} if they are only alike", found.nameless.least_ratio(some)
    if not np.isfinite(ratio):
        return f"{said}."
    return (
        f"{said}; {some} that are alike and stand apart are found four times in five from {short(ratio)} times the "
        "error of the others on."
    )


def _notes(found: Analysed) -> list[str]:
    images, searched = found.context.images, found.searched
    notes = [_smallest(found)] if searched.tested else []
    if not images.is_square:
        notes.append(
            "The pictures are not square: face, detail, grid and properties are those of their central square."
        )
    if images.attributes.columns.empty:
        notes.append("The data has no attributes: slices were looked for in image properties only.")
    if images.features is None:
        notes.append("There are no features of the attribute network: groups were formed without the looks of faces.")
    if bad := found.ranked.first.not_finite:
        notes.append(f"Left out: {plural(bad, 'image')} without a finite {found.metric}.")
    if len(np.unique(images.people.astype(str))) < len(images.people):
        notes.append("All images of a person are in one half, and count as one where they agree.")
    if searched.beyond:
        beyond = "; ".join(tested.slice.title for tested in searched.beyond)
        notes.append(f"Also confirmed, with less of the error: {beyond}.")
    more = sum(result.found and result.kind == "attribute" for result in found.measured.results) - LOST_NAMED
    if more > 0:
        more_of_them = plural(more, "more attribute is", "more attributes are")
        notes.append(f"{more_of_them} lost or made up: the table of attributes kept and lost has all.")
    return [*notes, *found.measured.notes]
