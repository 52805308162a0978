"""A number that several raters measure on the same images: their mean, its interval allowing for other raters."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import stats

from vaekit.statistics.bootstrap import NORMAL, TAILS, Estimate

Array = npt.NDArray[np.float64]


def pooled(
    values: npt.ArrayLike, lows: npt.ArrayLike, highs: npt.ArrayLike, least: float = -math.inf, most: float = math.inf
) -> tuple[Array, Array, Array]:
    """Return the mean over J raters of (J, ...) values and the ends of its 95 % interval, cut at `least` and `most`.

    Rubin's (1987) rules: with W the mean of the raters' own variances, of the images, and B the variance between J
    raters, the interval is the mean ± t sqrt(W + 2 B / J), t with (J - 1) (1 + W J / (2 B))^2 degrees of freedom. Twice
    B / J, as the mean of J other raters differs by as much again: the interval holds what they would say of these
    images. Either end has its own W, from the raters' own ends. One rater keeps his own interval.
    """
    value, low, high = (np.asarray(ends, np.float64) for ends in (values, lows, highs))
    raters = len(value)
    mean = value.mean(0)
    if raters == 1:
        return mean, low[0], high[0]
    between = 2 * value.var(0, ddof=1) / raters

    def half(width: Array) -> Array:
        within = np.square(width / NORMAL).mean(0)
        with np.errstate(divide="ignore"):  # raters that agree: a normal interval
            freedom = (raters - 1) * np.square(
                1 + np.divide(within, between, out=np.full_like(within, np.inf), where=between > 0)
            )
        ends: Array = stats.t.ppf(TAILS[1], freedom) * np.sqrt(within + between)
        return ends

    return mean, np.maximum(mean - half(value - low), least), np.minimum(mean + half(high - value), most)


def pooled_estimate(estimates: Sequence[Estimate], least: float = -math.inf, most: float = math.inf) -> Estimate:
    """Return `pooled` of one estimate per rater; without an interval, or a value, where one of them lacks it."""
    n = estimates[0].n
    for estimate in estimates:
        if estimate.value is None:
            return estimate
    if any(estimate.low is None or estimate.high is None for estimate in estimates):
        return Estimate(float(np.mean([estimate.value for estimate in estimates])), None, None, n)
    values, lows, highs = ([getattr(estimate, end) for estimate in estimates] for end in ("value", "low", "high"))
    value, low, high = pooled(values, lows, highs, least, most)
    return Estimate(float(value), float(low), float(high), n)
