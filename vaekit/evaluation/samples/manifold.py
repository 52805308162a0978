"""Which part of the real faces samples reach, and how many of them look real: by nearest neighbours in feature space.

Every set is covered by balls around its images, as wide as the k-th nearest neighbour is far. Balls are closed, as
Kynkäänniemi et al. define them, so that exact copies lie inside even where duplicates make a ball a point.
"""

from dataclasses import dataclass

import numpy as np

from vaekit.statistics.bootstrap import Estimate
from vaekit.statistics.jackknife import around, delete_d_variance, influence_variance
from vaekit.statistics.proportions import wilson

NEIGHBOURS = 5
BLOCK = 1024  # rows of distances at a time: 80 MB against 10,000 images
_ROUNDING = 1e-12  # of the largest squared norm: what |x|^2 + |y|^2 - 2 x'y may be off by, with room


@dataclass(frozen=True, eq=False)
class Balls:
    """A set of features (N, F), the squared radius of the ball around each, and its mean distance to the others (N,).

    Attributes:
        rounding: squared distances this far apart count as equal.
    """

    features: np.ndarray
    squared_radii: np.ndarray
    mean_distances: np.ndarray
    rounding: float


@dataclass(frozen=True)
class Manifold:
    """Precision, recall, density and coverage of generated against real images."""

    precision: Estimate
    recall: Estimate
    density: Estimate
    coverage: Estimate


def balls_of(features: np.ndarray, k: int = NEIGHBOURS) -> Balls:
    """Return the balls of features (N, F); an image is never its own neighbour, but its duplicates are.

    Two sets that are compared should lie about the origin: squared distances lose fewer digits there.

    Raises:
        ValueError: fewer than k + 1 images.
    """
    n = len(features)
    if n <= k:
        raise ValueError(f"the {k}-th nearest neighbour needs more than {k} images, not {n}")
    features = features.astype(np.float64)
    squares = np.square(features).sum(1)
    rounding = _ROUNDING * float(squares.max())
    radii, means = np.empty(n), np.empty(n)
    for start in range(0, n, BLOCK):
        rows = np.arange(start, min(start + BLOCK, n))
        block = _squared_distances(features[rows], squares[rows], features, squares, rounding)
        block[rows - start, rows] = 0
        means[rows] = np.sqrt(block).sum(1) / (n - 1)
        block[rows - start, rows] = np.inf
        radii[rows] = np.partition(block, k - 1, axis=1)[:, k - 1]
    return Balls(features, radii, means, rounding)


def manifold(
    real: Balls, generated: Balls, generator: np.random.Generator, *, k: int = NEIGHBOURS, paired: bool = False
) -> Manifold:
    """Return the four numbers of generated against real images, whose balls have the same `k`.

    Intervals are the delete-d jackknife's, drawn by the generator; those of shares are never narrower than Wilson's,
    which still has a width at 0 and 1. With fewer than 2 (k + 1) images a side there is none.
    """
    n, m = len(generated.features), len(real.features)
    values, variances = prdc(real, generated, k), np.full(4, np.nan)
    if min(n, m) >= 2 * (k + 1):
        variances = delete_d_variance(
            lambda rows, others: prdc(balls_of(real.features[others], k), balls_of(generated.features[rows], k), k),
            n,
            m,
            generator,
            paired=paired,
        )
    precision, recall, density, coverage = values.tolist()
    return Manifold(
        _share(precision, variances[0], n),
        _share(recall, variances[1], m),
        around(density, variances[2], n, low=0.0),
        _share(coverage, variances[3], m),
    )


def prdc(real: Balls, generated: Balls, k: int = NEIGHBOURS) -> np.ndarray:
    """Return precision, recall, density and coverage, (4,).

    precision: share of generated images inside the ball of some real one (Kynkäänniemi et al. 2019).
    recall: share of real images inside the ball of some generated one.
    density: how many real balls a generated image lies in, over k: near 1 for equal distributions, may pass 1.
    coverage: share of real balls that hold a generated image: near 1 - 2^-k for equal distributions.

    The last two are Naeem et al.'s (2020).
    """
    rounding = max(real.rounding, generated.rounding)
    squares_real, squares = np.square(real.features).sum(1), np.square(generated.features).sum(1)
    inside, recalled, covered = 0, np.zeros(len(real.features), bool), np.zeros(len(real.features), bool)
    precise = 0
    for start in range(0, len(squares), BLOCK):
        part = slice(start, start + BLOCK)
        block = _squared_distances(generated.features[part], squares[part], real.features, squares_real, rounding)
        block -= rounding
        in_real = block <= real.squared_radii
        inside += int(in_real.sum())
        precise += int(in_real.any(1).sum())
        covered |= in_real.any(0)
        recalled |= (block <= generated.squared_radii[part, None]).any(0)
    n = len(squares)
    return np.array([precise / n, recalled.mean(), inside / (k * n), covered.mean()])


def diversity(generated: Balls, real: Balls, *, paired: bool = False) -> Estimate:
    """Return the mean distance between two generated images over that between two real ones, with its interval.

    1 is as diverse as real faces, 0 one face for every draw. A ratio of two U-statistics of independent sets.
    """
    above, below = float(generated.mean_distances.mean()), float(real.mean_distances.mean())
    if below == 0:
        return Estimate(None, None, None, len(generated.features), "all test images are equal in feature space")
    influences = 2 * generated.mean_distances / below, -2 * above * real.mean_distances / below**2
    variance = influence_variance(*influences, paired=paired)
    return around(above / below, variance, len(generated.features), low=0.0)


def nearest(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the distance of each of a (N, F) to its nearest neighbour in b (M, F), and the row of that; both (N,).

    Of several equally near ones the first is taken.
    """
    centre = b.mean(0, dtype=np.float64)
    a, b = a - centre, b - centre
    squares_a, squares_b = np.square(a).sum(1), np.square(b).sum(1)
    rounding = _ROUNDING * float(max(squares_a.max(), squares_b.max()))
    squared, rows = np.empty(len(a)), np.empty(len(a), np.int64)
    for start in range(0, len(a), BLOCK):
        part = slice(start, start + BLOCK)
        block = _squared_distances(a[part], squares_a[part], b, squares_b, rounding)
        squared[part] = block.min(1)
        rows[part] = (block <= squared[part, None] + rounding).argmax(1)
    return np.sqrt(squared), rows


def _squared_distances(
    x: np.ndarray, x_squares: np.ndarray, y: np.ndarray, y_squares: np.ndarray, rounding: float
) -> np.ndarray:
    block: np.ndarray = x @ y.T
    block *= -2
    block += x_squares[:, None]
    block += y_squares
    block[block <= rounding] = 0
    return block


def _share(value: float, variance: float, n: int) -> Estimate:
    """Return a share of n with the wider of its two intervals at either end."""
    found = around(value, float(variance), n, 0.0, 1.0)
    if found.low is None or found.high is None:
        return found
    low, high = wilson(value * n, n)
    return Estimate(found.value, min(found.low, float(low)), max(found.high, float(high)), n)
