"""The difference of two means with an interval that holds for skewed errors and for several images of one person."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

LEVEL = 0.95
LEAST_GROUPS = 10  # on either side: with fewer independent persons (or images) nothing is said


@dataclass(frozen=True)
class MeanDifference:
    """Mean inside a slice minus mean outside, in the metric's unit, with its 95 % interval and two-sided p.

    `ratio` is mean inside over mean outside with its own interval, None where the metric has no natural zero. `groups`
    is the effective number of independent persons (images, where nobody is known) inside.
    """

    value: float
    low: float
    high: float
    mean_in: float
    mean_out: float
    n: int
    n_out: int
    groups: float
    t: float
    p: float
    ratio: float | None = None
    ratio_low: float | None = None
    ratio_high: float | None = None


def mean_difference(
    values: np.ndarray, inside: np.ndarray, persons: np.ndarray | None = None, *, ratio: bool = False
) -> MeanDifference | None:
    """Return the difference of the means inside and outside, or None where either side is too small to say anything.

    Welch's t with two corrections: squares are summed over the images of a person before they are squared (a
    cluster-robust variance), and Hall's (1992) transformation takes the skewness of the errors into the interval.

    Args:
        values: (N,) float64, finite.
        inside: (N,) bool.
        persons: (N,) int codes of who is pictured; None where every image stands for itself.
        ratio: the values have a natural zero, so that their ratio means something.
    """
    n, n_out = int(inside.sum()), int((~inside).sum())
    if not n or not n_out:
        return None
    codes = np.arange(len(values)) if persons is None else persons
    mean_in, mean_out = float(values[inside].mean()), float(values[~inside].mean())
    pulls = [
        _pulls(np.where(inside, (values - mean_in) / n, 0.0), codes, inside),
        _pulls(np.where(inside, 0.0, (values - mean_out) / n_out), codes, ~inside),
    ]
    if min(groups for _, groups in pulls) < LEAST_GROUPS:
        return None
    (pull_in, groups_in), (pull_out, groups_out) = pulls
    difference = mean_in - mean_out
    low, high, t, p = _interval(difference, pull_in, pull_out, groups_in, groups_out)
    as_ratio: tuple[float | None, ...] = (None, None, None)
    if ratio and mean_in > 0 and mean_out > 0:
        # The logarithm of a mean moves by the mean's own pull, divided by the mean.
        ends = _interval(np.log(mean_in / mean_out), pull_in / mean_in, pull_out / mean_out, groups_in, groups_out)
        as_ratio = (mean_in / mean_out, float(np.exp(ends[0])), float(np.exp(ends[1])))
    return MeanDifference(difference, low, high, mean_in, mean_out, n, n_out, groups_in, t, p, *as_ratio)


def _pulls(pulls: np.ndarray, codes: np.ndarray, side: np.ndarray) -> tuple[np.ndarray, float]:
    """Return each person's pull on the mean of one side, scaled to an unbiased variance, and the persons' number.

    The number is the effective one, (sum of sizes)^2 / sum of sizes^2: ten persons of whom one has most of the images
    are fewer than ten.
    """
    sizes = np.bincount(codes[side], minlength=int(codes.max()) + 1).astype(np.float64)
    groups = float(sizes.sum() ** 2 / np.square(sizes).sum())
    summed = np.bincount(codes, pulls, minlength=len(sizes))
    return summed * np.sqrt(groups / max(groups - 1, 1e-9)), groups


def _interval(
    difference: float, pull_in: np.ndarray, pull_out: np.ndarray, groups_in: float, groups_out: float
) -> tuple[float, float, float, float]:
    """Return low, high, the transformed t and its two-sided p (Hall 1992; degrees of freedom of Welch)."""
    pull = pull_in - pull_out
    variance = float(np.square(pull).sum())
    if variance <= 0:
        return difference, difference, np.inf if difference > 0 else -np.inf, float(difference == 0)
    parts = [float(np.square(part).sum()) for part in (pull_in, pull_out)]
    freedom = sum(parts) ** 2 / (parts[0] ** 2 / (groups_in - 1) + parts[1] ** 2 / (groups_out - 1))
    spread = variance**0.5
    skew = float((pull**3).sum()) / variance**1.5  # 1 / sqrt(n) times the skewness, for a single mean
    reach = float(stats.t.ppf((1 + LEVEL) / 2, freedom))
    low, high = (difference - spread * _untransformed(end, skew) for end in (reach, -reach))
    t = _transformed(difference / spread, skew)
    return low, high, t, float(2 * stats.t.sf(abs(t), freedom))


def _transformed(t: float, skew: float) -> float:
    return t + skew / 3 * t**2 + skew**2 / 27 * t**3 + skew / 6


def _untransformed(t: float, skew: float) -> float:
    if abs(skew) < 1e-9:
        return t
    return float(3 / skew * (np.cbrt(1 + skew * (t - skew / 6)) - 1))
