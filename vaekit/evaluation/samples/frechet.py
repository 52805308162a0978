"""The Fréchet distance between two sets of features, taken as Gaussians (Heusel et al. 2017); float64 throughout.

The trace of (C1 C2)^(1/2) is the nuclear norm of F1 F2' for any factors C = F' F: centred data over (n - 1)^(1/2) is one,
exact and of few rows where there are fewer images than feature dims; the triangle of its QR decomposition is another.
Singular values of a product of factors are as exact as float64 allows, where the root of a product of covariances loses
half of the digits to the rank they lack; and no general matrix square root is ever taken.
"""

from dataclasses import dataclass

import numpy as np
from scipy import linalg


@dataclass(frozen=True, eq=False)
class Moments:
    """Mean (F,), trace of the unbiased covariance, and a factor (R, F) of it: covariance = factor' factor."""

    mean: np.ndarray
    trace: float
    factor: np.ndarray


def moments_of(features: np.ndarray) -> Moments:
    """Return the moments of features (N, F); the factor has min(N, F) rows.

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
    features /= np.sqrt(len(features) - 1)
    trace = float(np.square(features).sum())
    if len(features) > features.shape[1]:
        features = linalg.qr(features, mode="r", overwrite_a=True, check_finite=False)[0][: features.shape[1]]
    return Moments(mean, trace, features)


def moments_from(mean: np.ndarray, covariance: np.ndarray) -> Moments:
    """Return the moments of a Gaussian given by its mean (F,) and covariance (F, F), which may be singular.

    Raises:
        ValueError: the shapes do not fit, or the covariance has a negative variance beyond rounding.
    """
    mean, covariance = np.asarray(mean, np.float64), np.asarray(covariance, np.float64)
    if mean.ndim != 1 or covariance.shape != (len(mean), len(mean)):
        raise ValueError(f"a mean {mean.shape} and a covariance {covariance.shape} do not fit together")
    trace = float(np.trace(covariance))
    try:
        factor = linalg.cholesky(covariance, lower=False)
    except linalg.LinAlgError:  # singular: keep the directions whose variance is more than rounding
        variances, directions = linalg.eigh(covariance)
        rounding = len(mean) * np.finfo(np.float64).eps * max(variances[-1], 0.0)
        if variances[0] < -1e3 * rounding:
            raise ValueError(f"a covariance has no negative variance such as {variances[0]:.3g}") from None
        kept = variances > rounding
        factor = (directions[:, kept] * np.sqrt(variances[kept])).T
    return Moments(mean, trace, factor)


def distance(a: Moments, b: Moments) -> float:
    """Return |m1 - m2|^2 + Tr(C1 + C2 - 2 (C1 C2)^(1/2)): 0 for equal moments, never negative.

    What is left of equal sets after rounding, about 1e-15 of the traces per dim and of either sign, is returned as 0.
    """
    apart = float(np.square(a.mean - b.mean).sum())
    shared = 0.0
    if len(a.factor) and len(b.factor):
        shared = float(linalg.svdvals(a.factor @ b.factor.T, overwrite_a=True, check_finite=False).sum())
    value = apart + a.trace + b.trace - 2 * shared
    rounding = 4 * np.finfo(np.float64).eps * len(a.mean) * (a.trace + b.trace)
    return value if value > rounding else 0.0


def frechet_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Return the Fréchet distance between features (N, F) and (M, F); lower is better, 0 for equal sets.

    Biased upwards for few images (Chong & Forsyth 2020): compare at equal N and M only, and beside real against real.

    Raises:
        ValueError: fewer than two images on a side, different F, or a value that is not finite.
    """
    if a.shape[1:] != b.shape[1:]:
        raise ValueError(f"features {a.shape} and {b.shape} are not of one network")
    return distance(moments_of(a), moments_of(b))
