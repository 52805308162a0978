"""Where the kl goes (Hoffman & Johnson 2016; Chen et al. 2018): kl_d = I(x; z_d) + KL(q(z_d) || p(z_d))."""

import math
from dataclasses import dataclass

import numpy as np

from vaekit.progress import Progress, silent

IMAGES = 2000  # at most so many, drawn by the seed: the work grows with their square
CHUNK = 64  # samples at a time: CHUNK x IMAGES float64 numbers are 1 MB, which stays in the cache
ESTIMABLE = 0.5  # a joint estimate above this share of log N is held down by N, not by the model


@dataclass(frozen=True)
class Information:
    """The parts of the kl over N images, in nats.

    Attributes:
        mutual: I(x; z_d) of each dim, (D,), at most log N.
        marginal: KL(q(z_d) || p(z_d)) of each dim, (D,).
        error: standard error of both, (D,).
        joint: estimate of I(x; z) over the N images, at most log N whatever the model.
        n: N.
    """

    mutual: np.ndarray
    marginal: np.ndarray
    error: np.ndarray
    joint: float
    n: int

    @property
    def joint_reason(self) -> str | None:
        """Why the joint mutual information is not reported; None where log N leaves room for it."""
        ceiling = math.log(self.n)
        if not math.isfinite(self.joint):
            return "it is not finite"
        if self.joint <= ESTIMABLE * ceiling:
            return None
        reached = f">= log N = {ceiling:.2f} nats" if self.joint > ceiling - 0.1 else f">= {self.joint:.2f} nats"
        return (
            f"{reached}, not estimable at N = {self.n:,}: no estimate from N images exceeds log N = {ceiling:.2f}, and "
            "one above half of it tells of N rather than of the model"
        )


def information(mu: np.ndarray, logvar: np.ndarray, z: np.ndarray, progress: Progress = silent) -> Information:
    """Return the parts of the kl for the mixture of N posteriors; mu, logvar and one sample z of each are (N, D).

    The marginal part is the mean of log q(z_d) - log p(z_d) over the N samples, which varies little where q(z_d) is
    near the prior; the mutual part is the closed-form kl minus it. Both are unbiased for the mixture of these N
    posteriors. O(N^2) for each dim, float64, in chunks of bounded memory.
    """
    mu, logvar, z = (a.astype(np.float64) for a in (mu, logvar, z))
    n, dims = mu.shape
    log_ratio = np.empty((n, dims))  # log q(z_d) - log p(z_d)
    # Element-wise numpy on one core: the small parallel steps of torch cost more in meetings than they save.
    work = np.empty((CHUNK, n))
    for d in range(dims):
        root, shift = np.exp(-0.5 * logvar[:, d]) * math.sqrt(0.5), np.log(n) + 0.5 * logvar[:, d]
        centre = mu[:, d] * root
        for start in range(0, n, CHUNK):
            here = z[start : start + CHUNK, d]
            exponent = np.multiply(here[:, None], root, out=work[: len(here)])
            exponent -= centre
            np.square(exponent, out=exponent)
            exponent += shift
            np.exp(np.negative(exponent, out=exponent), out=exponent)
            # Each sample's own posterior is in the sum, so that it can not underflow.
            log_ratio[start : start + CHUNK, d] = np.log(exponent.sum(1)) + 0.5 * here**2
        progress("information", d + 1, dims)
    kl = 0.5 * (mu**2 + np.expm1(logvar) - logvar)
    marginal = log_ratio.mean(0)
    error = log_ratio.std(0, ddof=1) / math.sqrt(n) if n > 1 else np.full(dims, math.inf)
    return Information(kl.mean(0) - marginal, marginal, error, _joint(mu, logvar, z), n)


def _joint(mu: np.ndarray, logvar: np.ndarray, z: np.ndarray) -> float:
    """Return the mean of log q(z|x) - log q(z) over the N samples, each under its own posterior and the mixture."""
    precision = np.exp(-logvar)
    own = -0.5 * ((z - mu) ** 2 * precision + logvar).sum(1)
    # |z - mu|^2 / sigma^2 expanded into matrix products: O(N^2 D) in BLAS.
    constant = -0.5 * (mu**2 * precision + logvar).sum(1)
    total = 0.0
    for start in range(0, len(mu), CHUNK):
        here = z[start : start + CHUNK]
        exponent = here @ (mu * precision).T - 0.5 * (here**2 @ precision.T) + constant
        top = exponent.max(1, keepdims=True)
        log_q = np.log(np.exp(exponent - top).mean(1)) + top[:, 0]
        total += float((own[start : start + CHUNK] - log_q).sum())
    return total / len(mu)
