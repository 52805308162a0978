"""The kernel distance between two sets of features: KID (Binkowski et al. 2018); float64, block by block."""

from dataclasses import dataclass

import numpy as np

from vaekit.statistics.bootstrap import Estimate
from vaekit.statistics.jackknife import around, influence_variance

BLOCK = 1024  # rows of the kernel matrix at a time: 80 MB against 10,000 images
SUBSETS, SUBSET = 50, 1000  # Binkowski et al. take subsets of 1000; here half of the images where there are fewer


@dataclass(frozen=True, eq=False)
class Kernel:
    """The kernel of a set with itself, without the diagonal.

    Attributes:
        features: (N, F) float64.
        row_sums: (N,) over the other images.
        subsets: (S, N) 0/1, S random subsets of one size.
        subset_sums: (S,) over the ordered pairs in each subset.
    """

    features: np.ndarray
    row_sums: np.ndarray
    subsets: np.ndarray
    subset_sums: np.ndarray


@dataclass(frozen=True)
class Kid:
    """The unbiased estimate from all images with its interval, and mean and sd over subsets as the paper prints them.

    The subsets' sd is that of an estimate from `subset_size` images a side, not of the mean over the subsets.
    """

    estimate: Estimate
    subset_mean: float
    subset_sd: float
    subset_size: int


def kernel_of(features: np.ndarray, generator: np.random.Generator) -> Kernel:
    """Return the kernel of features (N, F) with themselves; subsets are drawn by the generator.

    Raises:
        ValueError: fewer than two images.
    """
    n = len(features)
    if n < 2:
        raise ValueError(f"KID needs two images or more a side, not {n}")
    features = features.astype(np.float64)
    size = min(SUBSET, max(2, n // 2))
    subsets = np.zeros((SUBSETS, n))
    for subset in subsets:
        subset[generator.choice(n, size, replace=False)] = 1
    row_sums, subset_sums = np.empty(n), np.zeros(SUBSETS)
    for start in range(0, n, BLOCK):
        rows = np.arange(start, min(start + BLOCK, n))
        block = _polynomial(features[rows], features)
        block[rows - start, rows] = 0
        row_sums[rows] = block.sum(1)
        subset_sums += ((subsets[:, rows] @ block) * subsets).sum(1)
    return Kernel(features, row_sums, subsets, subset_sums)


def kid(a: Kernel, b: Kernel, *, paired: bool = False) -> Kid:
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
    rows, columns, crossed = np.empty(n), np.zeros(m), np.zeros(len(a.subsets))
    for start in range(0, n, BLOCK):
        part = slice(start, min(start + BLOCK, n))
        block = _polynomial(a.features[part], b.features)
        rows[part] = block.sum(1)
        columns += block.sum(0)
        crossed += ((a.subsets[:, part] @ block) * b.subsets).sum(1)
    rows, columns = rows - own if paired else rows, columns - own if paired else columns
    of_a = a.row_sums / (n - 1) - rows / (m - left_out)
    of_b = b.row_sums / (m - 1) - columns / (n - left_out)
    value = float(of_a.mean() + of_b.mean())
    both = a.subsets * b.subsets if paired else np.zeros((len(a.subsets), 1))
    size_a, size_b = a.subsets[0].sum(), b.subsets[0].sum()
    subsets = (
        a.subset_sums / (size_a * (size_a - 1))
        + b.subset_sums / (size_b * (size_b - 1))
        - 2 * (crossed - both @ own) / (size_a * size_b - both.sum(1))
    )
    estimate = around(value, influence_variance(2 * of_a, 2 * of_b, paired=paired), n)
    return Kid(estimate, float(subsets.mean()), float(subsets.std(ddof=1)), int(size_a))


def _polynomial(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    block = x @ y.T
    block /= x.shape[1]
    return _cubed(block)


def _cubed(products: np.ndarray) -> np.ndarray:
    products = products + 1
    result: np.ndarray = products * products * products
    return result
