"""What training minimises: the negative ELBO and its parts, in nats per image."""

from dataclasses import dataclass

from torch import Tensor

from vaekit.models.base import Gaussian, GaussianPosterior


@dataclass(frozen=True)
class NegativeElbo:
    """The loss of each image and its parts, each (B,), in nats; loss = recon_nll + beta * kl."""

    loss: Tensor
    recon_nll: Tensor
    kl: Tensor


def negative_elbo(x: Tensor, likelihood: Gaussian, posterior: GaussianPosterior, beta: float = 1.0) -> NegativeElbo:
    """Return -log p(x|z) + beta * KL(q(z|x) || p(z)) of each image, at the one z that gave `likelihood`.

    Args:
        x: images (B, C, H, W) in [0, 1].
        likelihood: p(x|z) at z ~ q(z|x).
        posterior: q(z|x).
        beta: weight of the KL term (Higgins et al. 2017); 1 is the bound itself (Kingma & Welling 2014).
    """
    recon_nll = -likelihood.log_prob(x)
    kl = posterior.kl()
    return NegativeElbo(recon_nll + beta * kl, recon_nll, kl)
