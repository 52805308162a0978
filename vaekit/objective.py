"""What training minimises: the negative ELBO and its parts, and what a loss that others minimised amounts to."""

import math
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from vaekit.config import LikelihoodConfig, ObjectiveConfig
from vaekit.errors import ConfigError
from vaekit.models.base import GaussianPosterior, Likelihood


@dataclass(frozen=True)
class NegativeElbo:
    """The loss of each image and its parts, each (B,).

    `recon_nll` and `kl` are in nats per image. The loss is recon_nll + beta * kl, where the objective may average the
    first over pixels and let the first nats of each dim of the second go free.
    """

    loss: Tensor
    recon_nll: Tensor
    kl: Tensor


def negative_elbo(
    x: Tensor, likelihood: Likelihood, posterior: GaussianPosterior, objective: ObjectiveConfig, warmth: float = 1.0
) -> NegativeElbo:
    """Return -log p(x|z) + beta * KL(q(z|x) || p(z)) of each image, at the one z that gave `likelihood`.

    Args:
        x: images (B, C, H, W) in [0, 1].
        likelihood: p(x|z) at z ~ q(z|x).
        posterior: q(z|x).
        objective: beta (Higgins et al. 2017; 1 is the bound itself, Kingma & Welling 2014), free bits (Kingma et al.
            2016: a dim's batch mean under that many nats costs as much as that many), sum or mean over pixels.
        warmth: factor on beta in [0, 1], for the KL warm-up (Bowman et al. 2016).
    """
    recon_nll = -likelihood.log_prob(x)
    kl = posterior.kl()
    distortion = recon_nll / x[0].numel() if objective.pixels == "mean" else recon_nll
    if objective.free_bits > 0:
        rate = posterior.kl_per_dim().mean(0).clamp_min(objective.free_bits).sum().to(kl.dtype).expand_as(kl)
    else:
        rate = kl
    return NegativeElbo(distortion + warmth * objective.beta * rate, recon_nll, kl)


def stated_objective(
    term: Literal["sse", "mse", "bce", "gaussian"],
    reduction: Literal["sum", "mean"] | None,
    beta: float | None,
    *,
    scale: float,
) -> tuple[LikelihoodConfig, ObjectiveConfig]:
    """Return the likelihood and objective of the loss term(y, y_hat) + beta * kl, in our own terms.

    y = lo + scale * x are the network's pixels, x those in [0, 1]; kl is summed over dims, and the loss averaged over
    images. The squared error of y is scale^2 times that of x: the negative log-density of a Gaussian with
    sigma = 1 / (scale sqrt 2) on [0, 1] pixels, up to a constant. Under beta that is the bound of the implied sigma
    sqrt(beta / 2) / scale; where pixels are averaged, beta counts as many times as an image has values.

    Args:
        term: sse or mse, the squared error (the names differ in the reduction that they stand for); gaussian, half of
            it: the negative log-density of unit variance; bce, the cross-entropy of pixels in [0, 1].
        reduction: over pixels; None where the term's name says it.
        beta: weight of the kl beside it; of a * term + b * kl that is b / a.
        scale: width of the range of the network's pixels: 1 for [0, 1], 2 for [-1, 1].

    Raises:
        ConfigError: the reduction or beta is needed and was not said, or cross-entropy of pixels outside [0, 1].
    """
    implied: dict[str, Literal["sum", "mean"]] = {"sse": "sum", "mse": "mean"}
    pixels = reduction or implied.get(term)
    if pixels is None or beta is None:
        missing = "--reduction sum or mean" if pixels is None else "--beta, the weight of the KL beside it"
        raise ConfigError(f"--objective {term} says not enough of the training loss: give {missing} too.")
    if term == "bce" and scale != 1:
        raise ConfigError("--objective bce: a cross-entropy is one of pixels in [0, 1], and this network has others.")
    objective = ObjectiveConfig(beta=beta, pixels=pixels)
    if term == "bce":
        return LikelihoodConfig(name="bernoulli"), objective
    return LikelihoodConfig(sigma=1 / (scale * (1 if term == "gaussian" else math.sqrt(2)))), objective
