"""The bounds under a learned prior: what the code costs when z is expected where codes of train images lie."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from vaekit.evaluation.importance import rate_row
from vaekit.figures.words import plural, short
from vaekit.priors import Posteriors, Prior, Standard
from vaekit.quantity import Quantity
from vaekit.seeding import keyed_normal
from vaekit.statistics.bootstrap import bootstrap_means

SAMPLES = 8  # posterior draws of each image: no decode is needed
_AT_A_TIME = 2048


@dataclass(frozen=True, eq=False)
class LearnedBounds:
    """Bounds of N images under a learned prior.

    Attributes:
        table: one row per image: image_id, kl_learned and those of elbo_learned and bpd_calibrated_learned that have a
            counterpart under N(0, I).
        error: Monte Carlo standard error of the mean of kl_learned, in nats.
        prior: the learned prior.
    """

    table: pd.DataFrame
    error: float
    prior: Prior

    def rows(self, seed: int) -> dict[str, Quantity]:
        """Return the summary's rows, with intervals over images."""
        names = [name for name in _FACTS if name in self.table]
        estimates = bootstrap_means(self.table[names].to_numpy(np.float64), seed)
        drawn = (
            f"p(z) {self.prior.said}, learned from the codes of train images; {plural(SAMPLES, 'draw')} of z an image, "
            f"Monte Carlo standard error {short(self.error, 2)} nats"
        )
        return {
            name: replace(_FACTS[name], **vars(estimate), definition=_FACTS[name].definition.format(drawn=drawn))
            for name, estimate in zip(names, estimates, strict=True)
        }


def learned_bounds(
    per_image: pd.DataFrame, posteriors: Posteriors, prior: Prior, *, seed: int, values: int
) -> LearnedBounds:
    """Return the bounds of the images of `per_image`, whose posteriors these are.

    The sampled kl is the closed form under N(0, I) plus the mean over draws of log N(z; 0, I) - log p(z): the part of
    its noise that both priors share drops out. Noise is keyed by (seed, image_id).

    Args:
        per_image: with the columns image_id, kl, and elbo and bpd_calibrated where the model has them.
        posteriors: mu and sigma of the same N images.
        prior: the learned prior.
        seed: of the draws.
        values: number of pixel values of an image.
    """
    standard, ids = Standard(posteriors.mu.shape[1]), per_image["image_id"].astype(str).tolist()
    parts = []
    for start in range(0, len(ids), _AT_A_TIME):
        rows = slice(start, start + _AT_A_TIME)
        noise = keyed_normal(seed, "learned prior", ids[rows], SAMPLES * standard.dims).reshape(
            -1, SAMPLES, standard.dims
        )
        z = (posteriors.mu[rows, None] + posteriors.sigma[rows, None] * noise).reshape(-1, standard.dims)
        parts.append((standard.log_prob(z) - prior.log_prob(z)).reshape(-1, SAMPLES))
    saved = np.concatenate(parts)
    change = saved.mean(1)
    table = pd.DataFrame({"image_id": per_image["image_id"], "kl_learned": per_image["kl"] + change})
    if "elbo" in per_image:
        table["elbo_learned"] = per_image["elbo"] - change
    if "bpd_calibrated" in per_image:
        table["bpd_calibrated_learned"] = per_image["bpd_calibrated"] + change / (values * math.log(2))
    error = math.sqrt(float((saved.var(1, ddof=1) / SAMPLES).sum())) / len(saved)
    return LearnedBounds(table, error, prior)


_FACTS: Mapping[str, Quantity] = {
    "kl_learned": rate_row(
        "KL divergence to the learned prior (rate)", "nats per image", "E[log q(z|x) - log p(z)], z ~ q(z|x), {drawn}"
    ),
    "elbo_learned": rate_row(
        "Evidence lower bound, learned prior", "nats per image", "log p(x|z) - kl_learned; {drawn}", better=True
    ),
    "bpd_calibrated_learned": rate_row(
        "Bits per dim, calibrated, learned prior",
        "bits per pixel value",
        "bpd_calibrated with kl_learned in place of kl; {drawn}",
        better=False,
    ),
}
