"""Bits of 8-bit images: the fast sum against the exact one, and which likelihood a training loss amounts to."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import norm

from tests.evaluation.conftest import batch_of, make_batch
from vaekit.config import LikelihoodConfig, ModelConfig, RunConfig
from vaekit.errors import ConfigError
from vaekit.evaluation.base import METRICS
from vaekit.evaluation.eightbit import DoesNotApply, Residual, TrainedLikelihood, trained_likelihood
from vaekit.models.base import Gaussian, GaussianPosterior, build_model
from vaekit.models.likelihoods import Bernoulli, DiscretisedLogistic, NotComputed
from vaekit.objective import negative_elbo, stated_objective

LN2 = math.log(2)


def pixels(n: int = 5, size: int = 16, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Images of 8 bits with many black and white values, and means at every distance from them."""
    generator = torch.Generator().manual_seed(seed)
    x = (torch.rand(n, 3, size, size, generator=generator) * 1.4 - 0.2).clamp(0, 1).mul(255).round() / 255
    spread = torch.linspace(0.01, 0.6, n).view(-1, 1, 1, 1)
    return x, (x + spread * torch.randn(x.shape, generator=generator)).clamp(0, 1)


@pytest.mark.parametrize("sigma", [0.013, 0.022, 0.03, 0.05, 0.1, 0.3, 1.0, 40.0])
def test_sum_of_powers_is_the_exact_mass(sigma):
    x, mean = pixels()
    likelihood = Gaussian(mean, torch.tensor(sigma))
    exact = likelihood.log_mass(x)
    torch.testing.assert_close(Residual(x, mean).log_mass(likelihood), exact, rtol=1e-6, atol=0)
    far = Gaussian(mean + 0.7, torch.tensor(sigma))  # a decoder that leaves [0, 1]
    torch.testing.assert_close(Residual(x, far.mean).log_mass(far), far.log_mass(x), rtol=1e-6, atol=0)


def test_narrow_or_other_likelihoods_take_the_exact_path():
    x, mean = pixels()
    for likelihood in (Gaussian(mean, torch.tensor(0.004)), DiscretisedLogistic(mean, torch.tensor(0.1))):
        torch.testing.assert_close(Residual(x, mean).log_mass(likelihood), likelihood.log_mass(x), rtol=0, atol=0)


def test_bits_by_hand():
    """Every pixel half a grey level off, sigma one grey level: the bin's mass is Phi(1) - Phi(0), different in kl."""
    x = torch.full((2, 3, 4, 4), 100 / 255)
    posterior = GaussianPosterior(torch.tensor([[0.0], [3.0]]), torch.zeros(2, 1))
    batch = batch_of(x, posterior, x, x + 0.5 / 255, sigma=1 / 255)
    bits = -math.log2(norm.cdf(0) - norm.cdf(-1))
    expected = [bits, bits + 4.5 / LN2 / 48]
    for name in ("bpd_calibrated", "bpd_model"):
        assert METRICS.get(name)(batch).tolist() == pytest.approx(expected, rel=1e-5), name


def test_bits_are_the_density_where_sigma_is_wide():
    """-log2 p(x) / D - log2 w, away from the open bins; x must not touch 0 or 255."""
    batch = make_batch(damage=0.02)
    inner = replace(batch, x=(0.1 + 0.8 * batch.x).mul(255).round() / 255)
    density = -METRICS.get("elbo_calibrated")(inner) / LN2 / inner.pixels + math.log2(255)
    np.testing.assert_allclose(METRICS.get("bpd_calibrated")(inner), density, rtol=1e-4)


def test_an_ever_wider_gaussian_costs_what_its_two_open_bins_leave():
    """sigma -> infinity puts half of the mass on black, half on white: one bit there, and no bits of 8 are saved."""
    x, mean = pixels()
    black_and_white = x.round()
    wide = Gaussian(mean, torch.tensor(1e4))
    bits = -Residual(black_and_white, mean).log_mass(wide) / LN2 / x[0].numel()
    torch.testing.assert_close(bits, torch.ones_like(bits), rtol=1e-3, atol=0)


def test_calibrated_bound_uses_the_calibrated_sigma_at_the_sampled_code(batch):
    wide = replace(batch, calibrated=replace(batch.calibrated, sigma=torch.tensor(0.5)))
    by_hand = torch.distributions.Normal(batch.at_sample.mean.double(), 0.5).log_prob(batch.x.double()).sum((1, 2, 3))
    np.testing.assert_allclose(METRICS.get("elbo_calibrated")(wide), by_hand - batch.posterior.kl(), rtol=1e-6)
    assert METRICS.get("elbo")(wide).tolist() == METRICS.get("elbo")(batch).tolist()


def config_of(model=None, objective=None, **likelihood) -> tuple:
    config = RunConfig(
        model={"name": "dense", "latent_dim": 2, "hidden": (4,), **(model or {})},
        objective=objective or {},
        likelihood=likelihood,
    )
    return build_model(config.model, config.likelihood, 64, 0), config


@pytest.mark.parametrize(
    ("given", "objective", "sigma", "weight"),
    [
        (math.sqrt(1 / 2), {"beta": 1.2}, math.sqrt(1.2 / 2), "1.2"),  # sse + 1.2 kl on [0, 1]
        (math.sqrt(1 / 8), {"beta": 4.0}, math.sqrt(4 / 8), "1"),  # sse + 4 kl on [-1, 1]
        (0.3, {"beta": 1.0}, 0.3, "0.18"),
        (math.sqrt(1 / 2), {"beta": 0.5, "pixels": "mean"}, math.sqrt(0.5 * 12288 / 2), "6,144"),
    ],
)
def test_implied_sigma(given, objective, sigma, weight):
    found = trained_likelihood(*config_of(sigma=given, objective=objective))
    assert found.family is Gaussian and found.sigma == pytest.approx(sigma, rel=1e-6)
    assert "implied sigma" in found.sentence and f"+ {weight} kl" in found.sentence


def test_implied_sigma_has_the_optimum_of_the_training_loss():
    """The two losses differ by a factor and a constant, so their gradients are parallel: beta times apart."""
    x, mean = pixels()
    mean.requires_grad_()
    kl = mean.square().sum()  # stands for any rate
    beta, given = 7.0, 0.4
    found = trained_likelihood(*config_of(sigma=given, objective={"beta": beta}))
    (ours,) = torch.autograd.grad(-Gaussian(mean, torch.tensor(given)).log_prob(x).sum() + beta * kl, mean)
    (implied,) = torch.autograd.grad(-found.around(mean).log_prob(x).sum() + mean.square().sum(), mean)
    torch.testing.assert_close(implied * beta, ours, rtol=1e-4, atol=1e-3)


def test_a_sigma_that_is_learned_is_taken_at_its_word():
    model, config = config_of(sigma="learned", objective={"beta": 5.0})
    found = trained_likelihood(model, config)
    assert found.sigma == pytest.approx(0.3) and "beta = 5 weighs the KL in training only" in found.sentence
    logistic = trained_likelihood(*config_of(name="discretised_logistic", sigma=0.2))
    assert logistic.family is DiscretisedLogistic and logistic.sigma == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("objective", "likelihood", "reason"),
    [
        ({"perceptual": 0.5}, {"sigma": 0.3}, "undefined: the training loss has a perceptual term"),
        ({}, {"name": "bernoulli"}, "undefined: the training loss is the binary cross-entropy"),
        ({"beta": 0.0}, {"sigma": 0.3}, "undefined: with beta = 0"),
    ],
)
def test_a_loss_that_is_no_likelihood_gives_its_reason(batch, objective, likelihood, reason):
    found = trained_likelihood(*config_of(objective=objective, **likelihood))
    with pytest.raises(NotComputed, match=reason):
        METRICS.get("bpd_model")(replace(batch, trained=found))


def network_loss(term, x, mean, beta, kl, reduction, scale):
    """A training loss as others write it, of the network's own pixels: summed or averaged over pixels, per image."""
    y, y_hat = scale * x - scale + 1, scale * mean - scale + 1
    losses = {
        "sse": (y - y_hat) ** 2,
        "mse": (y - y_hat) ** 2,
        "gaussian": 0.5 * (y - y_hat) ** 2,
        "bce": torch.nn.functional.binary_cross_entropy(mean.clamp(0, 1), x, reduction="none"),
    }
    reconstruction = losses[term].flatten(1)
    return (reconstruction.sum(1) if reduction == "sum" else reconstruction.mean(1)) + beta * kl


@pytest.mark.parametrize("reduction", ["sum", "mean"])
@pytest.mark.parametrize("term", ["sse", "mse", "gaussian", "bce"])
@pytest.mark.parametrize("scale", [1, 2])
def test_a_stated_objective_is_the_loss_up_to_a_constant(term, reduction, scale):
    """Ours and theirs differ by the same number for every image, so that they have the same optimum."""
    if (term, scale) == ("bce", 2):
        with pytest.raises(ConfigError, match="pixels in"):
            stated_objective(term, reduction, 3.0, scale=scale)
        return
    x, mean = (t.double().clamp(0.01, 0.99) for t in pixels())
    posterior = GaussianPosterior(torch.randn(5, 2, generator=torch.Generator().manual_seed(0)), torch.zeros(5, 2))
    likelihood, objective = stated_objective(term, reduction, 3.0, scale=scale)
    head = build_model(ModelConfig(name="dense"), likelihood, 64, 0).likelihood.double()
    ours = negative_elbo(x, head(mean), posterior, objective).loss
    theirs = network_loss(term, x, mean, 3.0, posterior.kl(), reduction, scale)
    apart = ours - theirs
    torch.testing.assert_close(apart, apart[:1].expand(5), rtol=1e-6, atol=1e-4)
    assert theirs.std() > 0.01  # so that the comparison is one


@pytest.mark.parametrize(
    ("term", "reduction", "scale", "sigma"),
    [
        ("sse", None, 1, math.sqrt(3 / 2)),
        ("sse", None, 2, math.sqrt(3 / 8)),
        ("mse", None, 1, math.sqrt(3 / 2 * 12288)),
        ("mse", "sum", 1, math.sqrt(3 / 2)),
        ("gaussian", "sum", 2, math.sqrt(3) / 2),
    ],
)
def test_implied_sigma_of_a_stated_objective(term, reduction, scale, sigma):
    likelihood, objective = stated_objective(term, reduction, 3.0, scale=scale)
    config = RunConfig(model={"name": "dense"}, likelihood=likelihood, objective=objective)
    found = trained_likelihood(build_model(config.model, config.likelihood, 64, 0), config)
    assert found.sigma == pytest.approx(sigma, rel=1e-6)


def test_what_was_not_said_of_an_objective_is_asked_for():
    with pytest.raises(ConfigError, match="--reduction sum or mean"):
        stated_objective("bce", None, 1.0, scale=1)
    with pytest.raises(ConfigError, match="--beta"):
        stated_objective("mse", None, None, scale=1)


def test_excess_over_the_floor_of_the_cross_entropy():
    x, mean = pixels()
    batch = replace(
        batch_of(x, GaussianPosterior(torch.zeros(5, 2), torch.zeros(5, 2)), mean, mean), at_sample=Bernoulli(mean)
    )
    a, b = (t.double().clamp(1e-6, 1 - 1e-6) for t in (x, mean))
    divergence = (a * (a / b).log() + (1 - a) * ((1 - a) / (1 - b)).log()).sum((1, 2, 3))
    np.testing.assert_allclose(METRICS.get("bce_excess")(batch), divergence, rtol=2e-2)  # float32 at 1 - 1e-6
    perfect = METRICS.get("bce_excess")(replace(batch, at_sample=Bernoulli(x)))
    assert perfect.tolist() == [0.0] * 5
    with pytest.raises(DoesNotApply):
        METRICS.get("bce_excess")(make_batch())


def test_the_oracle_model_config_builds():
    assert build_model(ModelConfig(name="linear_gaussian"), LikelihoodConfig(sigma=0.3), 64, 0)
    assert TrainedLikelihood(Gaussian, 0.3, "").around(torch.zeros(1, 3, 2, 2)).sigma.item() == pytest.approx(0.3)
