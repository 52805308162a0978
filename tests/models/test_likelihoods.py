"""Densities and bin masses against scipy, numerical integration and one another."""

import math

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.stats import logistic, norm

from vaekit.config import LikelihoodConfig
from vaekit.errors import ConfigError
from vaekit.models.likelihoods import Bernoulli, DiscretisedLogistic, Gaussian, LocationScale, NotComputed, build_head

W = 1 / 255
VALUES = torch.arange(256, dtype=torch.float64).view(256, 1, 1, 1) / 255  # every 8-bit value, as images of one pixel
FAMILIES = {
    Gaussian: lambda m, s: norm(m, s),
    DiscretisedLogistic: lambda m, s: logistic(m, s * math.sqrt(3) / math.pi),
}
MEANS = (0.0, 1.0, 0.5, 0.3, 1 / 255, 0.5 / 255, 100.5 / 255, -0.2, 1.3, -3.0)
SIGMAS = (1e-6, 1e-4, 0.3 * W, W, 0.02, 0.1, 0.7, 5.0)

families = pytest.mark.parametrize("family", FAMILIES, ids=lambda f: f.__name__)


def around(family: type[LocationScale], mean: float, sigma: float, n: int = 256) -> LocationScale:
    return family(torch.full((n, 1, 1, 1), mean, dtype=torch.float64), torch.tensor(sigma, dtype=torch.float64))


def edges(v: int) -> tuple[float, float]:
    return (-math.inf if v == 0 else (v - 0.5) * W), (math.inf if v == 255 else (v + 0.5) * W)


@families
@pytest.mark.parametrize("mean", MEANS)
@pytest.mark.parametrize("sigma", SIGMAS)
def test_the_256_masses_sum_to_one(family, mean, sigma):
    log_mass = around(family, mean, sigma).log_mass(VALUES)
    assert torch.isfinite(log_mass).all()  # also where the mass itself is far under 1e-308
    assert log_mass.dtype == torch.float64
    assert log_mass.exp().sum().item() == pytest.approx(1, abs=1e-9)


@families
@pytest.mark.parametrize(("mean", "sigma"), [(0.3, 0.1), (0.0, 0.02), (1.2, 0.05), (0.5, 2.0), (0.7, W)])
def test_masses_equal_numerical_integration_of_the_density(family, mean, sigma):
    log_mass, reference = around(family, mean, sigma).log_mass(VALUES), FAMILIES[family](mean, sigma)
    for v in (0, 1, 77, 128, 178, 254, 255):
        low, high = (np.clip(edge, mean - 40 * sigma, mean + 40 * sigma) for edge in edges(v))
        expected, _ = quad(
            reference.pdf, low, high, points=[mean] if low < mean < high else None, epsabs=0, epsrel=1e-10
        )
        if expected > 0:
            assert log_mass[v].item() == pytest.approx(math.log(expected), abs=1e-6)


@families
def test_the_lower_and_the_upper_tail_mirror_each_other(family):
    sigma = 0.003
    low, high = around(family, 0.05, sigma), around(family, 0.95, sigma)
    torch.testing.assert_close(low.log_mass(VALUES), high.log_mass(VALUES).flip(0), rtol=1e-9, atol=1e-9)


@families
@pytest.mark.parametrize("sigma", [0.1, 1.0, 30.0])
def test_a_narrow_bin_is_the_density_times_its_width(family, sigma):
    inner = slice(1, 255)
    log_density = torch.from_numpy(FAMILIES[family](0.4, sigma).logpdf(VALUES[inner].flatten().numpy()))
    bound = 4 * (W / sigma) ** 2  # the next term of the expansion is of this order for |t| < 6
    torch.testing.assert_close(
        around(family, 0.4, sigma, 254).log_mass(VALUES[inner]), log_density + math.log(W), rtol=0, atol=bound + 1e-9
    )


def test_a_mass_that_underflows_follows_the_gaussian_tail():
    # 100 sigma away: log P = -t^2/2 - log(t sqrt(2 pi)) + log(1 - 1/t^2 + ...) at the nearer edge t.
    sigma, mean = 0.001, 0.0
    t = (50 - 0.5) * W / sigma
    tail = -0.5 * t**2 - math.log(t * math.sqrt(2 * math.pi)) + math.log1p(-1 / t**2 + 3 / t**4)
    assert tail < -10_000
    assert around(Gaussian, mean, sigma).log_mass(VALUES)[50].item() == pytest.approx(tail, abs=1e-6)


@families
def test_log_cdf_is_scipys(family):
    values = torch.linspace(-30, 5, 50, dtype=torch.float64)
    expected = torch.from_numpy(FAMILIES[family](0, 1).logcdf(values.numpy()))
    torch.testing.assert_close(family.log_cdf(values), expected, rtol=1e-12, atol=1e-15)


def test_uniform_pixels_cost_eight_bits():
    # A flat likelihood over all 256 bins: a very wide Gaussian, its two open bins aside.
    inner = around(Gaussian, 0.5, 1e3).log_mass(VALUES)[1:255]
    torch.testing.assert_close(
        inner - inner.logsumexp(0), torch.full((254,), -math.log(254)).double(), atol=1e-6, rtol=0
    )


@families
def test_the_gradient_of_a_mass_is_finite_and_right(family):
    mean = torch.tensor([0.0, 0.4, 1.0, 1.5], dtype=torch.float64).view(4, 1, 1, 1).requires_grad_()
    log_sigma = torch.tensor(-2.0, dtype=torch.float64, requires_grad=True)
    x = torch.tensor([0.0, 0.3, 1.0, 0.2], dtype=torch.float64).view(4, 1, 1, 1)
    assert torch.autograd.gradcheck(lambda m, s: family(m, s.exp()).log_mass(x), (mean, log_sigma))


def test_the_logistic_is_trained_on_its_mass():
    x = VALUES.float().expand(256, 3, 2, 2)
    likelihood = DiscretisedLogistic(torch.full_like(x, 0.4), torch.tensor(0.1))
    torch.testing.assert_close(likelihood.log_prob(x), likelihood.log_mass(x))
    scale = 0.1 * math.sqrt(3) / math.pi
    reference = logistic(0.4, scale)
    by_hand = 12 * math.log(reference.cdf(100.5 * W) - reference.cdf(99.5 * W))
    assert likelihood.log_prob(x)[100].item() == pytest.approx(by_hand, rel=1e-5)  # 0.4 and 0.1 as float32


def test_gaussian_with_sigma_sqrt_half_is_sse_and_a_constant(batch_of_pixels):
    x, mean = batch_of_pixels
    head = build_head(LikelihoodConfig(name="gaussian", sigma=math.sqrt(0.5)))
    sse = (x - mean).square().sum((1, 2, 3))
    constant = 0.5 * math.log(math.pi) * x[0].numel()  # log(sigma sqrt(2 pi)) of each value
    torch.testing.assert_close(-head(mean).log_prob(x).float() - constant, sse, rtol=1e-4, atol=1e-3)


def test_gaussian_at_its_optimum_beats_every_other_sigma(batch_of_pixels):
    x, mean = batch_of_pixels
    best = Gaussian(mean, torch.tensor(0.1)).at_optimum(x)
    for factor in (0.9, 1.1):
        assert best.log_prob(x).sum() > Gaussian(mean, factor * best.sigma).log_prob(x).sum()


def test_bernoulli_is_the_cross_entropy_of_clamped_values(batch_of_pixels):
    x, mean = batch_of_pixels
    x, mean = x.clone(), mean.clone()
    x[0], mean[0], x[1], mean[1] = 0.0, 1.0, 1.0, 0.0  # infinite without the clamp
    low, high = 1e-6, 1 - 1e-6
    a, b = x.double().clamp(low, high), mean.double().clamp(low, high)
    by_hand = (a * b.log() + (1 - a) * (1 - b).log()).sum((1, 2, 3))
    torch.testing.assert_close(Bernoulli(mean).log_prob(x), by_hand, rtol=1e-2, atol=0)  # float32 knows 1 - 1e-6 to 5 %
    torch.testing.assert_close(Bernoulli(mean.double()).log_prob(x.double()), by_hand, rtol=1e-12, atol=0)
    peer = torch.nn.functional.binary_cross_entropy(mean[2:], x[2:], reduction="sum")
    assert -Bernoulli(mean).log_prob(x)[2:].sum().item() == pytest.approx(peer.item(), rel=1e-4)


def test_a_head_holds_one_sigma_given_learned_or_fitted():
    given = build_head(LikelihoodConfig(sigma=0.25))
    assert (given.sigma.item(), given.is_optimal, list(given.parameters())) == (0.25, False, [])

    fitted = build_head(LikelihoodConfig(sigma="optimal"))
    fitted.sigma.fill_(0.07)  # as the trainer does
    assert fitted.is_optimal
    assert fitted(torch.zeros(1, 3, 2, 2)).sigma.item() == pytest.approx(0.07)
    assert fitted.state_dict()["fixed_sigma"].item() == pytest.approx(0.07)

    learned = build_head(LikelihoodConfig(sigma="learned"))
    x = torch.rand(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    optimiser = torch.optim.Adam(learned.parameters(), 0.05)
    for _ in range(300):
        optimiser.zero_grad()
        (-learned(torch.full_like(x, 0.5)).log_prob(x)).sum().backward()
        optimiser.step()
    rmse = (x - 0.5).square().mean().sqrt().item()
    assert learned.sigma.item() == pytest.approx(rmse, rel=1e-3)  # the learned sigma is the optimal one


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({"sigma": 0.25}, "Gaussian for every pixel value in [0, 1], one sigma = 0.25000 (set by the loss)"),
        ({"sigma": "learned"}, "one sigma = 0.30000 (learned)"),
        ({}, "(its maximum-likelihood value on the validation split)"),
        ({"name": "bernoulli"}, "no likelihood of an 8-bit image"),
        ({"name": "discretised_logistic", "sigma": 0.1}, "cut into the 256 bins"),
    ],
)
def test_a_head_says_what_it_is(config, sentence):
    assert sentence in build_head(LikelihoodConfig(**config)).sentence()


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"name": "discretised_logistic"}, ("likelihood.sigma = 'optimal'", "root mean squared error", "'learned'")),
        ({"name": "bernoulli", "sigma": 0.3}, ("likelihood.sigma = 0.3", "Leave the key out")),
    ],
)
def test_an_impossible_sigma_is_refused(config, words):
    with pytest.raises(ConfigError) as caught:
        build_head(LikelihoodConfig(**config))
    assert all(word in str(caught.value) for word in words)


def test_a_model_of_unknown_objective_has_a_mean_and_no_likelihood(batch_of_pixels):
    head = build_head(None)
    x, mean = batch_of_pixels
    assert torch.equal(head(mean).mean, mean) and math.isnan(head.sigma.item()) and head.state_dict() == {}
    with pytest.raises(NotComputed, match="training objective unknown: give --objective"):
        head(mean).log_prob(x)


@pytest.fixture
def batch_of_pixels() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return torch.rand(5, 3, 16, 16, generator=generator), torch.rand(5, 3, 16, 16, generator=generator)
