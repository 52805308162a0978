"""A few slices that do not say the same: of confirmed slices, those that no other explains."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from vaekit.failure_analysis.slices.confirmation import SHARE, Tested, least_sizes
from vaekit.failure_analysis.slices.rule_search import account_for
from vaekit.failure_analysis.slices.rules import Material

MOST = 5  # findings about slices
SAME = 0.5  # Jaccard overlap from which two slices are one
LEVEL = 0.05  # of the test that something remains of a slice beside the others


@dataclass(frozen=True, eq=False)
class Kept:
    """A confirmed slice, those that it explains, and its share of the total error beside the other kept slices."""

    tested: Tested
    folded: tuple[Tested, ...]
    share: float


def fold(
    tested: list[Tested], error: np.ndarray, material: Material, persons: np.ndarray | None, *, has_zero: bool
) -> tuple[list[Kept], list[Tested]]:
    """Return at most five of the slices that passed, by their share of the error, and those beyond the five.

    From the strongest to the weakest, a slice is kept when something of its effect remains beside those already kept,
    worth a finding by itself; else it is folded into the one that takes most of it. Then the kept are held against one
    another once more. Shares come from one regression on all kept slices, so that no error counts twice.

    Args:
        tested: every candidate, by the halves that it was tested on.
        error, material, persons: of all N images, which what was tested on halves is compared on.
        has_zero: ratios of the error mean something.
    """
    order = sorted((t for t in tested if t.passed), key=lambda t: (-t.strength, t.slice.title))
    kept: list[Tested] = []
    into: dict[int, list[Tested]] = {}
    for candidate in order:
        by = _explained_by(candidate, kept, error, material, persons, has_zero)
        if by is None:
            kept.append(candidate)
        else:
            into.setdefault(id(by), []).append(candidate)
    for candidate in list(reversed(kept)):
        others = [k for k in kept if k is not candidate]
        by = _explained_by(candidate, others, error, material, persons, has_zero)
        if by is not None:
            kept.remove(candidate)
            into.setdefault(id(by), []).extend([candidate, *into.pop(id(candidate), [])])
    shares = _shares([k.slice.mask(material) for k in kept], error, has_zero)
    found = [Kept(k, tuple(into.get(id(k), ())), share) for k, share in zip(kept, shares, strict=True)]
    found.sort(key=lambda k: (-k.share, k.tested.slice.title))
    return found[:MOST], [k.tested for k in found[MOST:]]


def _shares(masks: list[np.ndarray], error: np.ndarray, has_zero: bool) -> np.ndarray:
    """Return each slice's images times its effect beside the others, over the total error (or N deviations)."""
    design = np.stack([np.ones(len(error)), *(mask.astype(np.float64) for mask in masks)], axis=1)
    effects = np.linalg.lstsq(design, error, rcond=None)[0][1:]
    result: np.ndarray = (
        effects * design[:, 1:].sum(0) / (error.sum() if has_zero else len(error) * max(error.std(), 1e-300))
    )
    return result


def _explained_by(
    candidate: Tested, kept: list[Tested], error: np.ndarray, material: Material, persons: np.ndarray | None, zero: bool
) -> Tested | None:
    """Return the kept slice that explains a candidate; None where something remains of it."""
    if not kept:
        return None
    mask, others = candidate.slice.mask(material), [k.slice.mask(material) for k in kept]
    overlaps = [float((mask & other).sum() / max((mask | other).sum(), 1)) for other in others]
    if max(overlaps) >= SAME:
        return kept[int(np.argmax(overlaps))]
    columns = [account_for(k.slice, material) for k in kept]
    value, p = _beside(mask, [c for group in columns for c in group], error, persons)
    unit = float(error[~mask].mean() if zero else error.std())
    total = float(error.sum()) if zero else len(error) * unit
    size, excess = least_sizes(value, int(mask.sum()), unit, total, zero)
    if p < LEVEL and size >= 1 and excess >= SHARE:
        return None
    return kept[int(np.argmin([_beside(mask, group, error, persons)[0] for group in columns]))]


def _beside(
    mask: np.ndarray, columns: list[np.ndarray], error: np.ndarray, persons: np.ndarray | None
) -> tuple[float, float]:
    """Return the effect of a slice beside other columns, by least squares, and its cluster-robust two-sided p."""
    design = np.stack([np.ones(len(error)), *columns], axis=1)
    both = np.stack([mask.astype(np.float64), error], axis=1)
    own, rest = (both - design @ np.linalg.lstsq(design, both, rcond=None)[0]).T
    weight = float(own @ own)
    if weight < 1e-6 * len(error):  # the others already say who is in it
        return 0.0, 1.0
    value = float(own @ rest) / weight
    pulls = own * (rest - value * own) / weight
    summed = pulls if persons is None else np.bincount(persons, pulls)
    spread = float(np.square(summed).sum()) ** 0.5
    return value, float(2 * stats.norm.sf(abs(value) / max(spread, 1e-300)))
