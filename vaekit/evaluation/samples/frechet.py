"""The Fréchet distance between two sets of features, taken as Gaussians (Heusel et al. 2017); float64 throughout.

The trace of (C1 C2)^(1/2) is the sum of the singular values of M = F1 F2' for any factors C = F' F, and these are the
roots of the symmetric eigenvalues of M M'. Centred data over (n - 1)^(1/2) are a factor, exact and of few rows where
there are fewer images than feature dims; the triangle of its QR decomposition is another. No general matrix square root
is ever taken.
"""

from dataclasses import dataclass

import numpy as np
from scipy import linalg, stats

from vaekit.statistics.bootstrap import NORMAL, Estimate
from vaekit.statistics.jackknife import around, influence_variance

ROUNDING = 1e-9  # of the traces: what the covariances' part of the distance is known to
SIZES = 10  # numbers of images that the extrapolation to infinitely many rests on
ENOUGH = 4  # times as many images as feature dims: with fewer the bias does not fall as 1 / N yet


@dataclass(frozen=True, eq=False)
class Moments:
    """Mean (F,), trace of the unbiased covariance, and a factor (R, F) of it: covariance = factor' factor.

    For intervals, `centred` (N, F) are the features minus their mean, and `coordinates` (N, R) say them in the rows of
    the factor; None where the factor's rows are the images.
    """

    mean: np.ndarray
    trace: float
    factor: np.ndarray
    centred: np.ndarray | None = None
    coordinates: np.ndarray | None = None


def moments_of(features: np.ndarray, *, for_interval: bool = False) -> Moments:
    """Return the moments of features (N, F); the factor has min(N, F) rows. An interval needs more than the distance.

    Raises:
        ValueError: not (N, F) with N >= 2, or a value that is not finite.
    """
    if features.ndim != 2 or len(features) < 2:
        raise ValueError(f"a covariance needs features (N, F) of two images or more, not {features.shape}")
    features = features.astype(np.float64)  # a copy, so that it may be centred in place
    if not np.isfinite(features).all():
        raise ValueError("features must be finite")
    mean = features.mean(0)
    features -= mean
    scale = np.sqrt(len(features) - 1)
    trace = float(np.square(features).sum()) / scale**2
    if len(features) <= features.shape[1]:
        return Moments(mean, trace, features / scale, features)
    if for_interval:
        coordinates, factor = linalg.qr(features / scale, mode="economic", overwrite_a=True, check_finite=False)
        return Moments(mean, trace, factor, features, coordinates)
    features /= scale
    return Moments(mean, trace, linalg.qr(features, mode="r", overwrite_a=True, check_finite=False)[0][: len(mean)])


def distance(a: Moments, b: Moments) -> float:
    """Return |m1 - m2|^2 + Tr(C1 + C2 - 2 (C1 C2)^(1/2)): 0 for equal moments, never negative.

    What rounding leaves of equal covariances, less than 1e-9 of the traces and of either sign, counts as 0.
    """
    if not (len(a.factor) and len(b.factor)):
        return _assembled(a, b, 0.0)
    crossed = a.factor @ b.factor.T
    square = crossed @ crossed.T if len(crossed) <= crossed.shape[1] else crossed.T @ crossed
    eigenvalues = linalg.eigvalsh(square, overwrite_a=True, check_finite=False)
    return _assembled(a, b, float(np.sqrt(np.maximum(eigenvalues, 0)).sum()))


def estimate(a: Moments, b: Moments, *, paired: bool = False) -> Estimate:
    """Return the distance between the moments of two sets of features, with the infinitesimal jackknife's interval.

    The derivative of the trace by an image's weight is half of a diagonal element of |F1 F2'|, so the interval costs
    one decomposition and draws nothing. It is of the distance at this number of images, bias and all, and up to 1.5
    times too wide where the two distributions are equal.
    """
    if a.centred is None or b.centred is None:
        raise ValueError("an interval needs the moments of features, made for it")
    u, shared, v = linalg.svd(a.factor @ b.factor.T, full_matrices=False, overwrite_a=True, check_finite=False)
    sides = ((a, b, u), (b, a, v.T))
    of_a, of_b = (_influence(own, other, directions, shared) for own, other, directions in sides)
    variance = influence_variance(of_a, of_b, paired=paired)
    return around(_assembled(a, b, float(shared.sum())), variance, len(a.centred), low=0.0)


def _assembled(a: Moments, b: Moments, shared: float) -> float:
    spread = a.trace + b.trace - 2 * shared
    return float(np.square(a.mean - b.mean).sum()) + (spread if spread > ROUNDING * (a.trace + b.trace) else 0.0)


def _influence(own: Moments, other: Moments, directions: np.ndarray, shared: np.ndarray) -> np.ndarray:
    """Return what each image of `own` moves the distance, (N,), from one side's singular vectors (R, rank)."""
    assert own.centred is not None
    n = len(own.centred)
    in_factor = directions if own.coordinates is None else own.coordinates @ directions
    spread = np.square(own.centred).sum(1) - (n - 1) * (np.square(in_factor) @ shared)
    result: np.ndarray = 2 * own.centred @ (own.mean - other.mean) + n / (n - 1) * spread
    return result


def frechet_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Return the Fréchet distance between features (N, F) and (M, F); lower is better, 0 for equal sets.

    Biased upwards for few images (Chong & Forsyth 2020): compare at equal N and M only, and beside real against real.

    Raises:
        ValueError: fewer than two images on a side, different F, or a value that is not finite.
    """
    if a.shape[1:] != b.shape[1:]:
        raise ValueError(f"features {a.shape} and {b.shape} are not of one network")
    return distance(moments_of(a), moments_of(b))


def without_bias(a: np.ndarray, b: np.ndarray, generator: np.random.Generator, *, paired: bool = False) -> Estimate:
    """Return the Fréchet distance extrapolated to infinitely many images (Chong & Forsyth 2020).

    Ten sizes from a quarter of the images to all of them, both sides subsampled without replacement (paired ones
    together), and a straight line in 1 / N. The interval adds the line's own error to the jackknife's. Below 4 images
    per feature dim on either side there is no value but a reason. Unlike the distance it may fall below 0 by chance.

    Raises:
        ValueError: as `frechet_distance`.
    """
    n, m, dims = len(a), len(b), a.shape[1]
    if min(n, m) < ENOUGH * dims:
        reason = f"not extrapolated: {ENOUGH} times the {dims:,} feature dims are needed, and a set has {min(n, m):,}"
        return Estimate(None, None, None, n, reason)
    whole = estimate(moments_of(a, for_interval=True), moments_of(b, for_interval=True), paired=paired)
    shares = np.linspace(1 / 4, 1, SIZES)
    distances = [whole.value]
    for share in shares[:-1]:
        repeats = []
        for _ in range(round(1 / share)):
            rows = generator.choice(n, round(share * n), replace=False)
            others = rows if paired else generator.choice(m, round(share * m), replace=False)
            repeats.append(frechet_distance(a[rows], b[others]))
        distances.insert(-1, float(np.mean(repeats)))
    line = stats.linregress(1 / shares, distances)
    if whole.low is None or whole.high is None:
        return Estimate(float(line.intercept), None, None, n, whole.reason)
    sampling = ((whole.high - whole.low) / (2 * NORMAL)) ** 2
    return around(float(line.intercept), sampling + line.intercept_stderr**2, n)
