"""The evidence lower bound and its parts: the model's own likelihood, the calibrated one, and bits of 8-bit images."""

import math

from torch import Tensor

from vaekit.evaluation.base import Batch, DoesNotApply, metric
from vaekit.evaluation.eightbit import SIGMA_ZERO
from vaekit.models.likelihoods import Bernoulli, NotComputed


@metric(
    "kl",
    label="KL divergence to N(0, I) (rate)",
    unit="nats per image",
    higher_is_better=None,
    definition="KL(q(z|x) || N(0, I)), summed over latent dims",
    group="Rate and likelihood",
)
def kl(batch: Batch) -> Tensor:
    """KL(q(z|x) || p(z)) in nats per image, (B,)."""
    return batch.kl


@metric(
    "recon_nll",
    label="Reconstruction negative log-likelihood (distortion)",
    unit="nats per image",
    higher_is_better=False,
    definition="-log p(x|z) at one z ~ q(z|x), the model's own likelihood over pixels in [0, 1], constants included",
    group="Rate and likelihood",
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
    group="Rate and likelihood",
)
def elbo(batch: Batch) -> Tensor:
    """The bound log p(x|z) - KL(q(z|x) || p(z)) from one sample, in nats per image, (B,); higher is better."""
    return batch.at_sample.log_prob(batch.x) - batch.kl


@metric(
    "elbo_calibrated",
    label="Evidence lower bound, calibrated",
    unit="nats per image",
    higher_is_better=True,
    definition="log N(x; x_hat, sigma^2) - kl at one z ~ q(z|x), a density over [0, 1] pixels; one sigma for all, its "
    "maximum-likelihood value on the valid split: comparable between models of any loss",
    group="Rate and likelihood",
)
def elbo_calibrated(batch: Batch) -> Tensor:
    """The bound with one Gaussian sigma fitted on valid (Rybkin et al. 2021), in nats per image, (B,)."""
    return batch.residual.log_density(_calibrated_sigma(batch)) - batch.kl


@metric(
    "bpd_calibrated",
    label="Bits per dim, calibrated",
    unit="bits per pixel value",
    higher_is_better=False,
    definition="-(log2 P(8-bit image|z) - kl / ln 2) / D at one z ~ q(z|x), D pixel values; bins of the Gaussian with "
    "the sigma fitted on valid: comparable between models of any loss. Uniform pixels cost 8",
    group="Rate and likelihood",
)
def bpd_calibrated(batch: Batch) -> Tensor:
    """Bits per pixel value of the 8-bit image under the calibrated Gaussian, an upper bound in expectation, (B,)."""
    _calibrated_sigma(batch)
    return (batch.kl - batch.residual.log_mass(batch.calibrated)) / (batch.pixels * math.log(2))


@metric(
    "bpd_model",
    label="Bits per dim, as trained",
    unit="bits per pixel value",
    higher_is_better=False,
    definition="the same with the likelihood that the training loss amounts to, named in the section on likelihood",
    group="Rate and likelihood",
)
def bpd_model(batch: Batch) -> Tensor:
    """Bits per pixel value of the 8-bit image under the likelihood of the training loss, (B,)."""
    trained = batch.trained.around(batch.at_sample.mean)
    return (batch.kl - batch.residual.log_mass(trained)) / (batch.pixels * math.log(2))


@metric(
    "bce_excess",
    label="Cross-entropy above its floor",
    unit="nats per image",
    higher_is_better=False,
    definition="cross-entropy of x and x_hat minus that of x with itself, at one z ~ q(z|x): grey values make the "
    "cross-entropy of a perfect reconstruction large, and this takes that floor away",
    group="Rate and likelihood",
)
def bce_excess(batch: Batch) -> Tensor:
    """BCE(x, x_hat) - BCE(x, x) in nats per image, (B,), 0 for a perfect reconstruction; Bernoulli models only."""
    if not isinstance(batch.at_sample, Bernoulli):
        raise DoesNotApply("the model's likelihood is no Bernoulli")
    return Bernoulli(batch.x).log_prob(batch.x) - batch.at_sample.log_prob(batch.x)


def _calibrated_sigma(batch: Batch) -> float:
    """Return sigma of the calibrated Gaussian; NotComputed where it is exactly 0, whatever made it so."""
    sigma = batch.calibrated.sigma.item()
    if sigma == 0:
        raise NotComputed(SIGMA_ZERO)
    return sigma
