"""Where the kl goes (Hoffman & Johnson 2016; Chen et al. 2018): kl_d = I(x; z_d) + KL(q(z_d) || p(z_d))."""

import math
from dataclasses import dataclass

import numpy as np
import torch

from vaekit.progress import Progress, silent

IMAGES = 2000  # at most so many, drawn by the seed: the work grows with their square
CHUNK = 64  # samples at a time: the memory is CHUNK x IMAGES float64 numbers, 1 MB, which stays in the cache
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
        if self.joint <= ESTIMABLE * ceiling:
            return None
        reached = f">= log N = {ceiling:.2f} nats" if self.joint > ceiling - 0.1 else f"over {self.joint:.2f} nats"
        return (
            f"{reached}, not estimable at N = {self.n:,}: no estimate from N images exceeds log N = {ceiling:.2f}, and "
            "one above half of it tells of N rather than of the model"
        )


@torch.inference_mode()
def information(mu: np.ndarray, logvar: np.ndarray, z: np.ndarray, progress: Progress = silent) -> Information:
    """Return the parts of the kl for the mixture of N posteriors; mu, logvar and one sample z of each are (N, D).

    The marginal part is the mean of log q(z_d) - log p(z_d) over the N samples, which varies little where q(z_d) is
    near the prior; the mutual part is the closed-form kl minus it. Both are unbiased for the mixture of these N
    posteriors. O(N^2) for each dim, float64, in chunks of bounded memory.
    """
    m, v, sample = (torch.from_numpy(a.astype(np.float64)) for a in (mu, logvar, z))
    precision = (-v).exp()
    n, dims = m.shape
    log_ratio = torch.empty(n, dims, dtype=torch.float64)  # log q(z_d) - log p(z_d)
    for d in range(dims):
        root, shift = (0.5 * precision[:, d]).sqrt(), -0.5 * v[:, d]
        for start in range(0, n, CHUNK):
            here = sample[start : start + CHUNK, d]
            exponent = (here[:, None] - m[None, :, d]).mul_(root).square_().neg_().add_(shift)
            log_q = _log_mean_exp(exponent)
            log_ratio[start : start + CHUNK, d] = log_q + 0.5 * here.square()
        progress("information", d + 1, dims)
    kl = 0.5 * (m.square() + torch.expm1(v) - v)
    marginal = log_ratio.mean(0)
    error = log_ratio.std(0) / math.sqrt(n) if n > 1 else torch.full((dims,), torch.inf)
    joint = _joint(m, v, sample, precision)
    return Information((kl.mean(0) - marginal).numpy(), marginal.numpy(), error.numpy(), joint, n)


def _log_mean_exp(exponent: torch.Tensor) -> torch.Tensor:
    """Return log of the mean of exp over the last axis, in place of `exponent`."""
    top = exponent.amax(1, keepdim=True)
    return exponent.sub_(top).exp_().mean(1).log_().add_(top[:, 0])


def _joint(m: torch.Tensor, v: torch.Tensor, z: torch.Tensor, precision: torch.Tensor) -> float:
    """Return the mean of log q(z|x) - log q(z) over the N samples, each under its own posterior and the mixture."""
    own = -0.5 * ((z - m).square() * precision + v).sum(1)
    # |z - m|^2 / sigma^2 expanded into matrix products: O(N^2 D) in BLAS.
    constant = -0.5 * (m.square() * precision + v).sum(1)
    total = 0.0
    for start in range(0, len(m), CHUNK):
        here = z[start : start + CHUNK]
        exponent = (here @ (m * precision).T).sub_(0.5 * here.square() @ precision.T).add_(constant)
        total += (own[start : start + CHUNK] - _log_mean_exp(exponent)).sum().item()
    return total / len(m)
