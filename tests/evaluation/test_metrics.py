"""Every metric: a closed form, another implementation, and the properties that all of them share."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
import torchmetrics.functional.image as peer
from skimage.metrics import structural_similarity
from torch.distributions import Independent, Normal, kl_divergence

from tests.evaluation.conftest import batch_of, make_batch
from vaekit.evaluation.base import METRICS, Batch, Metric
from vaekit.evaluation.metrics.similarity import ssim_map
from vaekit.models.base import Gaussian, GaussianPosterior

EVERY = [name for name in METRICS.names() if name != "bce_excess"]  # of Bernoulli models only: see test_bits


def value(name: str, batch: Batch) -> torch.Tensor:
    return METRICS.get(name)(batch)


def part(batch: Batch, index) -> Batch:
    """The batch of some of its images."""
    q = batch.posterior
    return Batch(
        batch.x[index],
        GaussianPosterior(q.mu[index], q.logvar[index]),
        *(replace(p, mean=p.mean[index]) for p in (batch.at_mean, batch.at_sample, batch.calibrated)),
        batch.trained,
    )


# Closed forms


def test_errors_of_a_constant_offset():
    x = torch.full((2, 3, 8, 8), 0.5)
    offset = torch.tensor([0.1, 0.2]).view(2, 1, 1, 1)
    batch = batch_of(x, GaussianPosterior(torch.zeros(2, 3), torch.zeros(2, 3)), x + offset, x - 3 * offset)
    expected = {
        "mse": [0.01, 0.04],
        "sse": [1.92, 7.68],
        "mae": [0.1, 0.2],
        "psnr": [20.0, 10 * math.log10(25)],
        "mse_sampled": [0.09, 0.36],
        "kl": [0.0, 0.0],
    }
    for name, numbers in expected.items():
        assert value(name, batch).tolist() == pytest.approx(numbers, rel=1e-5, abs=1e-12), name


def test_psnr_of_two_images_is_not_pooled():
    """Pooling the squared error first would give 13.98 dB + ...: the mean of the two values is meant."""
    batch = make_batch(2)
    mse = value("mse", batch)
    assert value("psnr", batch).mean().item() == pytest.approx((-10 * mse.log10()).mean().item())
    assert value("psnr", batch).mean().item() > -10 * math.log10(mse.mean().item()) + 0.1


def test_psnr_of_an_exact_reconstruction_is_infinite(batch):
    exact = replace(batch, at_mean=replace(batch.at_mean, mean=batch.x))
    assert torch.isinf(value("psnr", exact)).all()


def test_kl_by_hand():
    """KL(N(m, s^2) || N(0, 1)) = (m^2 + s^2 - 1 - ln s^2) / 2 in each dim, different in each."""
    mu, s2 = torch.tensor([[0.0, 1.0, -2.0]]), torch.tensor([[1.0, 4.0, 0.25]])
    by_hand = [0.0, (1 + 4 - 1 - math.log(4)) / 2, (4 + 0.25 - 1 - math.log(0.25)) / 2]
    posterior = GaussianPosterior(mu, s2.log())
    assert posterior.kl_per_dim()[0].tolist() == pytest.approx(by_hand, rel=1e-6)
    assert posterior.kl().item() == pytest.approx(sum(by_hand), rel=1e-6)


def test_kl_keeps_its_digits_beside_the_prior():
    """At logvar = 1e-4 the closed form is logvar^2 / 4; exp(v) - 1 - v in float32 has no digit of it."""
    kl = GaussianPosterior(torch.zeros(1, 1), torch.full((1, 1), 1e-4)).kl().item()
    assert kl == pytest.approx(1e-8 / 4, rel=2e-2)


def test_recon_nll_by_hand():
    """-ln N(x; x_hat, s^2 I) = sse / (2 s^2) + D ln s + D/2 ln 2 pi: constants included, once."""
    x = torch.zeros(1, 3, 4, 4)
    likelihood = Gaussian(torch.full_like(x, 0.5), torch.tensor(0.25))
    by_hand = 48 * (0.25 / (2 * 0.0625) + math.log(0.25) + 0.5 * math.log(2 * math.pi))
    assert -likelihood.log_prob(x).item() == pytest.approx(by_hand, rel=1e-6)


def test_optimal_sigma_is_the_maximum_of_the_likelihood(batch):
    best = batch.at_sample.at_optimum(batch.x)
    assert best.sigma.item() == pytest.approx((batch.x - batch.at_sample.mean).square().mean().sqrt().item(), rel=1e-6)
    for factor in (0.99, 1.01):
        other = replace(best, sigma=best.sigma * factor)
        assert other.log_prob(batch.x).sum() < best.log_prob(batch.x).sum()


# Other implementations


def test_ssim_equals_torchmetrics(batch):
    theirs = peer.structural_similarity_index_measure(batch.x_hat, batch.x, data_range=1.0, reduction="none")
    np.testing.assert_allclose(value("ssim", batch), theirs.double(), atol=1e-5)
    assert len(set(theirs.tolist())) == len(theirs)


def test_ssim_map_equals_scikit_image_inside_the_border(batch):
    """scikit-image leaves the 5 border pixels out of the mean; on the rest the two maps are the same."""
    inside = ssim_map(batch.x, batch.x_hat)[..., 5:-5, 5:-5].mean((1, 2, 3))
    for ours, x, y in zip(inside.tolist(), batch.x.numpy(), batch.x_hat.numpy(), strict=True):
        theirs = structural_similarity(
            x, y, channel_axis=0, data_range=1.0, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
        )
        assert ours == pytest.approx(theirs, abs=1e-5)


def test_psnr_equals_torchmetrics_per_image(batch):
    theirs = peer.peak_signal_noise_ratio(batch.x_hat, batch.x, data_range=1.0, reduction="none", dim=(1, 2, 3))
    np.testing.assert_allclose(value("psnr", batch), theirs.double(), rtol=1e-5)


def test_bound_equals_torch_distributions(batch):
    q = batch.posterior
    posterior = Independent(Normal(q.mu.double(), (0.5 * q.logvar.double()).exp()), 1)
    prior = Independent(Normal(torch.zeros_like(q.mu).double(), torch.ones_like(q.mu).double()), 1)
    likelihood = Independent(Normal(batch.at_sample.mean.double(), batch.at_sample.sigma.double()), 3)
    kl, log_p = kl_divergence(posterior, prior), likelihood.log_prob(batch.x.double())
    np.testing.assert_allclose(value("kl", batch), kl, rtol=1e-6)
    np.testing.assert_allclose(value("recon_nll", batch), -log_p, rtol=1e-6)
    np.testing.assert_allclose(value("elbo", batch), log_p - kl, rtol=1e-6)


# What every metric must do, those of other packages included


@pytest.mark.parametrize("name", EVERY)
def test_one_finite_float64_value_per_image(name, batch):
    values = value(name, batch)
    assert values.shape == (6,) and values.dtype == torch.float64 and torch.isfinite(values).all()


@pytest.mark.parametrize("name", EVERY)
def test_an_image_is_worth_the_same_in_any_company(name, batch):
    alone = torch.cat([value(name, part(batch, slice(i, i + 1))) for i in range(6)])
    order = [3, 1, 5, 0, 2, 4]
    np.testing.assert_allclose(value(name, batch), alone, rtol=2e-5, atol=1e-6)
    np.testing.assert_allclose(value(name, part(batch, order)), alone[order], rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("name", [n for n in EVERY if METRICS.get(n).higher_is_better is not None])
def test_more_damage_is_never_better(name):
    better, worse = (value(name, make_batch(damage=d)).mean().item() for d in (0.05, 0.15))
    assert (better > worse) == METRICS.get(name).higher_is_better


@pytest.mark.parametrize("name", EVERY)
def test_facts_are_there_for_tables_and_axes(name):
    metric = METRICS.get(name)
    assert metric.id == name and metric.label and metric.unit and len(metric.definition) > 15


def test_a_metric_that_averages_is_refused(batch):
    bad = Metric("bad", "Bad", "1", False, "a mean over the batch", "Bad ones", lambda b: b.sse.mean())
    with pytest.raises(ValueError, match="'bad' returned \\(\\), not one value for each of 6 images"):
        bad(batch)
