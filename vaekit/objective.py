"""What training minimises: the negative ELBO and its parts."""

from dataclasses import dataclass

from torch import Tensor

from vaekit.config import ObjectiveConfig
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
