"""Gaussians given by their moments, to hold the distance between sets of features against."""

import numpy as np
from scipy import linalg

from vaekit.evaluation.samples.frechet import Moments


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
