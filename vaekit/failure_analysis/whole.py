"""What is true of the whole test split, gathered: where the error lies, what scale is lost, what survives, who pays."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from vaekit.data import Prepared
from vaekit.errors import VaekitError
from vaekit.failure_analysis.blur import fit_blur
from vaekit.failure_analysis.explain import CODE_DISTANCE, code_distance, explain
from vaekit.failure_analysis.fairness import fairness
from vaekit.failure_analysis.outcome import Outcome
from vaekit.failure_analysis.preserved import control_probabilities, preserved
from vaekit.failure_analysis.regions import Regions, face_mask, regions
from vaekit.failure_analysis.spectrum import radial_sums, spectrum
from vaekit.judge import open_judge
from vaekit.progress import Progress, silent
from vaekit.seeding import numpy_generator

MOST_JUDGED = 3000  # test images, drawn by the seed, that are blurred and judged again


@dataclass(frozen=True, eq=False)
class Split:
    """The N test images: originals and reconstructions, and everything that is known of them, in one order."""

    prepared: Prepared
    rows: np.ndarray
    x: np.ndarray
    x_hat: np.ndarray
    attributes: pd.DataFrame
    properties: pd.DataFrame
    people: np.ndarray
    judged: Mapping[str, np.ndarray] = field(default_factory=dict)
    mu: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Whole:
    """The tests of the whole split: their outcomes, rows and facts for findings.json, arrays for diagnosis.npz."""

    outcomes: tuple[Outcome, ...]
    record: dict[str, Any]
    arrays: dict[str, np.ndarray]
    regions: Regions
    notes: tuple[str, ...]


def whole(
    split: Split,
    values: np.ndarray,
    metric: Mapping[str, Any],
    groups: tuple[str, ...] | None,
    slices: Mapping[str, np.ndarray],
    *,
    has_zero: bool,
    seed: int,
    device: str = "cpu",
    progress: Progress = silent,
) -> Whole:
    """Return every test of the whole split.

    Args:
        split: the test images.
        values: (N,) of the metric; `metric` holds its label, unit and higher_is_better.
        groups: attributes that fairness compares; None takes the usual ones.
        slices: title -> bool (N,) that get an error map of their own.
        has_zero: whether a ratio of two values means something, as of errors but not of likelihoods.

    Raises:
        ConfigError: a group that is no attribute of the data.
    """
    crop, codes = split.prepared.protocol.crop, np.unique(split.people.astype(str), return_inverse=True)[1]
    where = regions(
        split.x, split.x_hat, split.prepared.mean_image(), crop=crop, slices=slices, seed=seed, progress=progress
    )
    scale = spectrum(radial_sums(split.x, split.x_hat, progress=progress), seed=seed)
    known, lost, notes = _preserved(split, seed, device, progress)
    described = split.properties
    if split.mu is not None and len(split.mu) > 1:
        described = described.assign(**{CODE_DISTANCE: code_distance(split.mu)})
    explained = explain(values, described, split.attributes, label=metric["label"], seed=seed)
    gaps = fairness(
        values,
        split.attributes,
        split.properties,
        label=metric["label"],
        unit=metric["unit"],
        higher_is_better=bool(metric["higher_is_better"]),
        has_zero=has_zero,
        groups=groups,
        face_error=where.per_image["face_mse"].to_numpy(),
        persons=codes,
    )
    record = {
        "preserved": known,
        "explained": explained.facts,
        "fairness": [
            row | {"sentence": outcome.sentence, "evidence": list(outcome.evidence)}
            for row, outcome in zip(gaps.rows, gaps.outcomes, strict=True)
        ],
        "facts": where.facts | scale.facts,
        "said": {outcome.id: outcome.sentence for outcome in explained.outcomes},
    }
    return Whole(
        (*where.outcomes, *scale.outcomes, *lost), record, where.arrays | scale.arrays, where, (*notes, *gaps.notes)
    )


def _preserved(
    split: Split, seed: int, device: str, progress: Progress
) -> tuple[list[dict[str, Any]], tuple[Outcome, ...], tuple[str, ...]]:
    """Return the table of attributes kept and lost as rows, its outcomes, and notes on what there is not."""
    if "probabilities_x_hat" not in split.judged or not len(split.judged["attributes"]):
        why = "there is no attribute network for these data"
        return [], (), (f"Which attributes survive reconstruction was not tested: {why}.",)
    try:
        judge = open_judge(split.prepared, device=device, progress=progress)
    except VaekitError as error:
        return [], (), (f"Which attributes survive reconstruction was not tested: {error}",)
    attributes = tuple(str(name) for name in split.judged["attributes"])
    chosen = np.arange(len(split.x))
    if len(chosen) > MOST_JUDGED:
        chosen = np.sort(numpy_generator(seed, "preserved").choice(chosen, MOST_JUDGED, replace=False))
    if judge.attributes != attributes or len(chosen) < 2:
        return [], (), ("Which attributes survive was not tested: the attribute network has changed since.",)
    x, x_hat = split.x[chosen], split.x_hat[chosen]
    blur = fit_blur(x, x_hat, face_mask(x.shape[1], split.prepared.protocol.crop), progress=progress)
    control = control_probabilities(x, blur, lambda images: judge.judge(images).probabilities, progress=progress)
    auroc = judge.scores.set_index("attribute")["auroc"]
    found = preserved(
        split.attributes.iloc[chosen].reset_index(drop=True),
        attributes,
        split.judged["thresholds"],
        split.judged["probabilities_x"][chosen],
        split.judged["probabilities_x_hat"][chosen],
        control,
        auroc={name: float(auroc[name]) for name in attributes},
    )
    notes = [blur.sentence, *found.notes]
    if len(chosen) < len(split.x):
        notes.append(f"Attributes kept and lost rest on {len(chosen):,} test images drawn by the seed.")
    outcomes = tuple(_at(outcome, chosen) for outcome in found.outcomes)
    return found.rows, outcomes, tuple(notes)


def _at(outcome: Outcome, chosen: np.ndarray) -> Outcome:
    """Return an outcome whose rows count the whole split instead of `chosen`."""
    return replace(outcome, rows=chosen[outcome.rows])
