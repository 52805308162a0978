"""Numbers of the summary: a value with its interval, or with the reason why there is none."""

from collections.abc import Callable

import numpy as np
from scipy import stats

from vaekit.quantity import Quantity
from vaekit.seeding import numpy_generator
from vaekit.statistics.bootstrap import TAILS, Estimate

GROUP = "What the code knows"  # heading of these numbers
GROUPS = 10  # of images, each left out once


def row(estimate: Estimate, label: str, definition: str, *, better: bool | None = True) -> Quantity:
    """Return an estimate with the facts of its definition."""
    return Quantity(**vars(estimate), label=label, definition=definition, group=GROUP, higher_is_better=better)


def none(n: int, reason: str) -> Estimate:
    """Return the estimate of what could not be computed."""
    return Estimate(None, None, None, n, reason)


def jackknife(value: float, n: int, seed: int, without: Callable[[np.ndarray], float]) -> Estimate:
    """Return a value from 0 up on n images with its 95 % interval by the delete-group jackknife, ten groups.

    For what takes a maximum over dims: a resample with replacement would make the maximum of more noise than there is.

    Args:
        value: on all images.
        n: their number.
        seed: of the groups.
        without: gives the value on the rows it is told.
    """
    if n < 2 * GROUPS:
        return Estimate(value, None, None, n)
    order = numpy_generator(seed, "jackknife").permutation(n)
    left = np.array([without(np.sort(np.delete(order, slice(g, None, GROUPS)))) for g in range(GROUPS)])
    error = np.sqrt((GROUPS - 1) / GROUPS * np.square(left - left.mean()).sum())
    half = float(stats.t.ppf(TAILS[1], GROUPS - 1) * error)
    return Estimate(value, max(0.0, value - half), value + half, n)
