"""The kernel distance between two sets of features: KID (Binkowski et al. 2018); float64, block by block."""

from dataclasses import dataclass

import numpy as np

from vaekit.statistics.bootstrap import Estimate
from vaekit.statistics.jackknife import around, influence_variance

BLOCK = 1024  # rows of the kernel matrix at a time: 80 MB against 10,000 images


@dataclass(frozen=True, eq=False)
class Kernel:
    """The kernel of a set with itself, without the diagonal.

    Attributes:
        features: (N, F) float64.
        row_sums: (N,) over the other images.
    """

    features: np.ndarray
    row_sums: np.ndarray


def kernel_of(features: np.ndarray) -> Kernel:
    """Return the kernel of features (N, F) with themselves.

    Raises:
        ValueError: fewer than two images.
    """
    n = len(features)
    if n < 2:
        raise ValueError(f"KID needs two images or more a side, not {n}")
    features = features.astype(np.float64)
    row_sums = np.empty(n)
    for start in range(0, n, BLOCK):
        rows = np.arange(start, min(start + BLOCK, n))
        block = _polynomial(features[rows], features)
        block[rows - start, rows] = 0
        row_sums[rows] = block.sum(1)
    return Kernel(features, row_sums)


def kid(a: Kernel, b: Kernel, *, paired: bool = False) -> Estimate:
    """Return the squared maximum mean discrepancy under the kernel (x'y / F + 1)^3; lower is better.

    Unbiased: for two sets of one distribution it is 0 on average, so about half of the time it is negative. Paired
    sets (an image and its reconstruction) leave out each image with its own partner, which keeps it so.
    The interval is that of the infinitesimal jackknife, somewhat wide where the distributions are equal.

    Raises:
        ValueError: different F, or paired sets of different N.
    """
    n, m = len(a.features), len(b.features)
    if a.features.shape[1] != b.features.shape[1] or (paired and n != m):
        raise ValueError(f"features {a.features.shape} and {b.features.shape} can not be compared")
    own = _cubed((a.features * b.features).sum(1) / a.features.shape[1]) if paired else np.zeros(1)
    left_out = int(paired)
    rows, columns = np.empty(n), np.zeros(m)
    for start in range(0, n, BLOCK):
        part = slice(start, min(start + BLOCK, n))
        block = _polynomial(a.features[part], b.features)
        rows[part] = block.sum(1)
        columns += block.sum(0)
    rows, columns = rows - own if paired else rows, columns - own if paired else columns
    of_a = a.row_sums / (n - 1) - rows / (m - left_out)
    of_b = b.row_sums / (m - 1) - columns / (n - left_out)
    value = float(of_a.mean() + of_b.mean())
    return around(value, influence_variance(2 * of_a, 2 * of_b, paired=paired), n)


def _polynomial(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    block = x @ y.T
    block /= x.shape[1]
    return _cubed(block)


def _cubed(products: np.ndarray) -> np.ndarray:
    products = products + 1
    result: np.ndarray = products * products * products
    return result
