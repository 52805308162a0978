"""The evidence lower bound and its parts, with the model's own likelihood."""

from torch import Tensor

from vaekit.evaluation.base import Batch, metric


@metric(
    "kl",
    label="KL divergence to the prior (rate)",
    unit="nats per image",
    higher_is_better=None,
    definition="KL(q(z|x) || N(0, I)), summed over latent dims",
)
def kl(batch: Batch) -> Tensor:
    """KL(q(z|x) || p(z)) in nats per image, (B,)."""
    return batch.posterior.kl()


@metric(
    "recon_nll",
    label="Reconstruction negative log-likelihood (distortion)",
    unit="nats per image",
    higher_is_better=False,
    definition="-log p(x|z) at one z ~ q(z|x), the model's own likelihood over pixels in [0, 1], constants included",
)
def recon_nll(batch: Batch) -> Tensor:
    """-log p(x|z) at one z ~ q(z|x) in nats per image, (B,)."""
    return -batch.at_sample.log_prob(batch.x)


@metric(
    "elbo",
    label="Evidence lower bound",
    unit="nats per image",
    higher_is_better=True,
    definition="log p(x|z) - kl at one z ~ q(z|x): a lower bound of log p(x) in expectation (beta plays no part)",
)
def elbo(batch: Batch) -> Tensor:
    """The bound log p(x|z) - KL(q(z|x) || p(z)) from one sample, in nats per image, (B,); higher is better."""
    return batch.at_sample.log_prob(batch.x) - batch.posterior.kl()
