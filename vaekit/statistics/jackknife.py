"""Intervals of numbers that are no mean over images, by the jackknife: nothing is ever drawn twice.

Resampling with replacement would put duplicates into a set, which changes distances to nearest neighbours outright and
biases Fréchet distances further. Every interval is of the statistic at this number of images: where few images bias
it, the interval surrounds the biased value.
"""

import math
from collections.abc import Callable

import numpy as np

from vaekit.statistics.bootstrap import FEW, LEAST, NORMAL, Estimate

REPLICATES = 50  # the standard deviation is then known to about a tenth
MOST = 1000  # images a side in one replicate: half of them where there are fewer than twice as many


def around(value: float, variance: float, n: int, low: float = -math.inf, high: float = math.inf) -> Estimate:
    """Return a value with its normal 95 % interval, cut at the ends that it can not pass; none of few images."""
    if n < LEAST or not math.isfinite(variance):
        return Estimate(float(value), None, None, n, FEW if n < LEAST else None)
    half = NORMAL * math.sqrt(variance)
    return Estimate(float(value), max(float(value) - half, low), min(float(value) + half, high), n)


def influence_variance(a: np.ndarray, b: np.ndarray, *, paired: bool = False) -> float:
    """Return the variance of a statistic of two sets from what each of their images moves it (Jaeckel 1972).

    Args:
        a: the derivative of the statistic by the weight of each image of one set, times N; (N,).
        b: the same of the other set, (M,).
        paired: row i of either set belongs to one image, so that both are drawn together.

    This infinitesimal jackknife is the limit of deleting ever less. NaN with fewer than two images.
    """
    if min(len(a), len(b)) < 2:
        return math.nan
    if paired:
        return float(np.var(a + b, ddof=1)) / len(a)
    return float(np.var(a, ddof=1)) / len(a) + float(np.var(b, ddof=1)) / len(b)


def delete_d_variance(
    statistic: Callable[[np.ndarray, np.ndarray], np.ndarray],
    n: int,
    m: int,
    generator: np.random.Generator,
    *,
    paired: bool = False,
) -> np.ndarray:
    """Return the variances of K statistics of two sets of n and m images, by the delete-d jackknife (Shao & Wu 1989).

    `statistic` takes ascending row numbers of either set, drawn without replacement (the same where the sets are
    paired), and returns (K,). Both sides keep one share f; the variance over replicates is scaled by f / (1 - f).
    """
    share = min(0.5, MOST / max(n, m))

    def some(count: int) -> np.ndarray:
        return np.sort(generator.choice(count, round(share * count), replace=False))

    values = []
    for _ in range(REPLICATES):
        rows = some(n)
        values.append(statistic(rows, rows if paired else some(m)))
    variance: np.ndarray = np.var(values, axis=0, ddof=1)
    return variance * share / (1 - share)
