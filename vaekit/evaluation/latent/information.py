"""Where the kl goes (Hoffman & Johnson 2016; Chen et al. 2018): kl_d = I(x; z_d) + KL(q(z_d) || p(z_d))."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vaekit.figures.words import short
from vaekit.progress import Progress, silent

Floats = npt.NDArray[np.float64]

IMAGES = 2000  # at most so many, drawn by the seed: the work grows with their square
CHUNK = 64  # samples at a time: CHUNK x IMAGES float64 numbers are 1 MB, which stays in the cache
ESTIMABLE = 0.5  # a joint estimate above this share of log N is held down by N, not by the model
ERRORS = 4.0  # standard errors by which an estimate may leave what is possible, [0, log N]; further off it is none


@dataclass(frozen=True)
class Information:
    """The parts of the kl over N images, in nats.

    Attributes:
        mutual: I(x; z_d) of each dim, (D,), at most log N; NaN where the estimate is none.
        marginal: KL(q(z_d) || p(z_d)) of each dim, (D,); NaN there too.
        error: standard error of both, (D,).
        joint: estimate of I(x; z) over the N images, at most log N whatever the model.
        n: N.
    """

    mutual: Floats
    marginal: Floats
    error: Floats
    joint: float
    n: int

    @property
    def reason(self) -> str | None:
        """Why the sums over dims are not reported; None where they are."""
        bad = int(np.isnan(self.mutual).sum())
        return f"the estimate of {bad:,} of {len(self.mutual):,} dims leaves [0, log n]" if bad else None

    @property
    def joint_reason(self) -> str | None:
        """Why the joint mutual information is not reported; None where log N leaves room for it."""
        ceiling = math.log(self.n)
        if not math.isfinite(self.joint):
            return "it is not finite"
        if self.joint <= ESTIMABLE * ceiling:
            return None
        reached = f">= log N = {short(ceiling)} nats" if self.joint > ceiling - 0.1 else f">= {short(self.joint)} nats"
        return (
            f"{reached}, not estimable at N = {self.n:,}: no estimate from N images exceeds log N = {short(ceiling)}, "
            "and one above half of it tells of N rather than of the model"
        )


def information(
    mu: npt.NDArray[np.floating],
    logvar: npt.NDArray[np.floating],
    noise: npt.NDArray[np.floating],
    progress: Progress = silent,
) -> Information:
    """Return the parts of the kl for the mixture of N posteriors; mu, logvar and noise are (N, D).

    z = mu + sigma noise.
    I(x; z_d) is the entropy of q(z_d), less the mean entropy of the posteriors, which is exact; that entropy is the one
    of a Gaussian of the mixture's moments, exact too, less the divergence between the two, which is small and so is its
    error. Nothing depends on the scale of the code. Unbiased for the mixture of these N posteriors, O(N^2) for each
    dim. float64: z is never rounded, and differences are taken before anything is divided by sigma, so that codes
    far sharper than their means keep every digit.
    """
    mu, logvar, noise = (a.astype(np.float64) for a in (mu, logvar, noise))
    n, dims = mu.shape
    sigma, root = np.exp(0.5 * logvar), np.exp(-0.5 * logvar) * math.sqrt(0.5)
    centre, variance = mu.mean(0), mu.var(0) + np.exp(logvar).mean(0)
    divergence = np.empty((n, dims))  # log q(z_d) - log g(z_d), g the Gaussian of the mixture's moments
    joint = np.empty(n)
    # Element-wise numpy on one core: the small parallel steps of torch cost more in meetings than they save.
    work, total = np.empty((CHUNK, n)), np.empty((CHUNK, n))
    for start in range(0, n, CHUNK):
        here = slice(start, min(start + CHUNK, n))
        rows = here.stop - start
        total[:rows] = 0
        for d in range(dims):
            step = sigma[here, d] * noise[here, d]  # z - mu of each sample
            exponent = np.subtract(mu[here, d, None], mu[:, d], out=work[:rows])
            exponent += step[:, None]
            exponent *= root[:, d]
            np.square(exponent, out=exponent)
            exponent += 0.5 * logvar[:, d]
            total[:rows] += exponent
            np.exp(np.negative(exponent, out=exponent), out=exponent)
            # Each sample's own posterior is in the sum, so that it can not underflow; constants of both cancel.
            gaussian = -0.5 * ((mu[here, d] - centre[d] + step) ** 2 / variance[d] + np.log(variance[d]))
            divergence[here, d] = np.log(exponent.mean(1)) - gaussian
        log_own = -0.5 * (noise[here] ** 2 + logvar[here]).sum(1)
        least = total[:rows].min(1, keepdims=True)
        joint[here] = log_own - np.log(np.exp(least - total[:rows]).mean(1)) + least[:, 0]
        progress("information", here.stop, n)
    error = divergence.std(0, ddof=1) / math.sqrt(n) if n > 1 else np.full(dims, math.inf)
    mutual = 0.5 * (np.log(variance) - logvar.mean(0)) - divergence.mean(0)
    slack = ERRORS * error + 1e-9
    mutual = np.where((mutual >= -slack) & (mutual <= math.log(n) + slack), np.minimum(mutual, math.log(n)), np.nan)
    kl = 0.5 * (mu**2 + np.expm1(logvar) - logvar).mean(0)
    return Information(mutual, kl - mutual, error, float(joint.mean()), n)
