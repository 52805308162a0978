"""Numbers about the latent code: closed forms, independent references, unbiasedness, order and batch size."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal, norm

from tests.evaluation.oracle_runs import oracle, oracle_config, random_lengths
from vaekit.evaluation.latent import decoder
from vaekit.evaluation.latent.aggregate import aggregate
from vaekit.evaluation.latent.channels import by_place
from vaekit.evaluation.latent.codes import active_units, per_dim_table, regimes, sample_correlation
from vaekit.evaluation.latent.information import information

SEEDS = range(5)


def linear_codes(seed: int, n: int, dims: int = 4, low: float = 0.05, high: float = 1.2):
    """Posteriors of a linear-Gaussian model on its own data: mu_d ~ N(0, 1 - s2_d), variance s2_d; noise of z."""
    rng = np.random.default_rng(seed)
    s2 = np.exp(-2 * np.linspace(low, high, dims))  # so that I(x; z_d) = low ... high nats
    mu = rng.normal(size=(n, dims)) * np.sqrt(1 - s2)
    logvar = np.tile(np.log(s2), (n, 1))
    return mu, logvar, rng.normal(size=(n, dims)), s2


def any_codes(seed: int, n: int = 70, dims: int = 3):
    """Posteriors of different width for every image and dim, off centre; and noise."""
    rng = np.random.default_rng(seed)
    mu = rng.normal(0.3, 1, (n, dims)) * np.linspace(0.2, 2, dims)
    logvar = rng.normal(-1, 0.7, (n, dims))
    return mu, logvar, rng.normal(size=(n, dims))


# Where the kl goes


@pytest.mark.parametrize("seed", SEEDS)
def test_information_equals_an_independent_reference(seed):
    """The same sums, written out pair by pair with scipy's densities."""
    mu, logvar, noise = any_codes(seed)
    sd, n = np.exp(0.5 * logvar), len(mu)
    z = mu + sd * noise
    found = information(mu, logvar, noise)
    kl = 0.5 * (mu**2 + np.exp(logvar) - 1 - logvar).mean(0)
    for d in range(mu.shape[1]):
        log_q = np.log([norm.pdf(z[i, d], mu[:, d], sd[:, d]).mean() for i in range(n)])
        fitted = norm(mu[:, d].mean(), math.sqrt(mu[:, d].var() + (sd[:, d] ** 2).mean()))
        entropy = fitted.entropy() - (log_q - fitted.logpdf(z[:, d])).mean()
        mutual = entropy - norm(0, sd[:, d]).entropy().mean()
        assert found.mutual[d] == pytest.approx(mutual, rel=1e-9)
        assert found.marginal[d] == pytest.approx(kl[d] - mutual, rel=1e-9)
    log_joint = [np.log(np.mean(norm.pdf(z[i], mu, sd).prod(1))) for i in range(n)]
    own = [multivariate_normal.logpdf(z[i], mu[i], np.diag(np.exp(logvar[i]))) for i in range(n)]
    assert found.joint == pytest.approx(np.mean(own) - np.mean(log_joint), rel=1e-9)


@pytest.mark.parametrize("c", [0.01, 100.0])
def test_information_does_not_depend_on_the_scale_of_the_code(c):
    mu, logvar, noise = any_codes(0)
    plain, scaled = information(mu, logvar, noise), information(c * mu, logvar + 2 * math.log(c), noise)
    np.testing.assert_allclose(scaled.mutual, plain.mutual, rtol=1e-9)
    np.testing.assert_allclose(scaled.error, plain.error, rtol=1e-9)
    assert scaled.joint == pytest.approx(plain.joint, rel=1e-9)


@pytest.mark.parametrize("sharper", [0.0, -25.0, -60.0, -120.0])
def test_information_never_leaves_what_is_possible(sharper):
    """Codes of which float32 kept no digit: at most log N, as the posteriors no longer overlap."""
    mu, logvar, noise = (a.astype(np.float32) for a in any_codes(1, n=200))
    found = information(mu, logvar + np.float32(sharper), noise)
    assert (found.mutual <= math.log(200)).all() and (found.mutual >= -4 * found.error).all()
    assert 0 <= found.joint <= math.log(200) + 1e-6
    if sharper < 0:
        np.testing.assert_allclose(found.mutual, math.log(200), atol=4 * found.error.max() + 1e-6)


def test_an_estimate_that_can_not_be_is_not_reported():
    mu, logvar, noise = any_codes(2)
    noise[:, 1] = 20.0  # no posterior's noise: the sum leaves [0, log N] far behind
    found = information(mu, logvar, noise)
    assert np.isnan(found.mutual[1]) and np.isnan(found.marginal[1]) and np.isfinite(found.mutual[[0, 2]]).all()
    assert found.reason == "the estimate of 1 of 3 dims leaves [0, log n]"


@pytest.mark.parametrize("seed", SEEDS)
def test_information_of_the_population(seed):
    """I(x; z_d) = -ln(s2_d) / 2 and q(z_d) = p(z_d): far below log N, so N images know it to 4 standard errors."""
    mu, logvar, noise, s2 = linear_codes(seed, 1500)
    found = information(mu, logvar, noise)
    exact = -0.5 * np.log(s2)
    kl = 0.5 * (mu**2 + np.exp(logvar) - 1 - logvar)
    error = np.hypot(found.error, kl.std(0, ddof=1) / math.sqrt(len(mu)))
    assert (np.abs(found.mutual - exact) < 4 * error + 0.01).all()  # 0.01: a mixture of N lies nearer to its own draws
    assert (np.abs(found.marginal) < 4 * found.error + 0.01).all()


def test_joint_information_is_reported_where_log_n_leaves_room():
    low = information(*linear_codes(0, 1000, dims=2, low=0.1, high=0.4)[:3])
    assert low.joint_reason is None and low.joint == pytest.approx(0.5, abs=0.1)
    high = information(*linear_codes(0, 300, dims=12, low=1, high=3)[:3])
    assert high.joint == pytest.approx(math.log(300), abs=0.01)
    assert high.joint_reason.startswith(">= log N = 5.70 nats, not estimable at N = 300")


def test_information_of_dead_and_of_extremely_narrow_dims():
    mu, logvar, noise, _ = linear_codes(1, 200, dims=2)
    mu[:, 0], logvar[:, 0] = 0.0, 0.0
    logvar[:, 1] = -60.0
    found = information(mu, logvar, noise)
    assert found.marginal[0] == pytest.approx(0, abs=1e-12) and found.mutual[0] == pytest.approx(0, abs=1e-12)
    assert np.isfinite(found.mutual).all() and np.isfinite(found.joint)


def test_information_does_not_depend_on_order():
    mu, logvar, noise = any_codes(3, n=150)
    order = np.random.default_rng(0).permutation(150)
    first, second = information(mu, logvar, noise), information(mu[order], logvar[order], noise[order])
    np.testing.assert_allclose(first.mutual, second.mutual, rtol=1e-12)
    assert first.joint == pytest.approx(second.joint, rel=1e-12)


# Moments


@pytest.mark.parametrize("seed", SEEDS)
def test_aggregate_moments_against_numpy_and_torch(seed):
    mu, logvar, _ = any_codes(seed, n=200, dims=5)
    found = aggregate(mu, logvar)
    covariance = np.cov(mu.T, bias=True) + np.diag(np.exp(logvar).mean(0))
    q = torch.distributions.MultivariateNormal(torch.tensor(mu.mean(0)), torch.tensor(covariance))
    prior = torch.distributions.MultivariateNormal(torch.zeros(5).double(), torch.eye(5).double())
    assert found.kl_to_prior == pytest.approx(torch.distributions.kl_divergence(q, prior).item(), rel=1e-10)
    apart = torch.distributions.MultivariateNormal(q.mean, torch.tensor(np.diag(np.diag(covariance))))
    assert found.total_correlation == pytest.approx(torch.distributions.kl_divergence(q, apart).item(), rel=1e-9)
    eigenvalues = np.linalg.eigvalsh(np.cov(mu.T))
    assert found.effective_dimension == pytest.approx(eigenvalues.sum() ** 2 / (eigenvalues**2).sum(), rel=1e-10)
    np.testing.assert_allclose(found.correlation, np.corrcoef(mu.T), rtol=1e-10)


@pytest.mark.parametrize("sigma2", [1e-20, 0.5])
def test_floors_are_what_the_prior_itself_gives(sigma2):
    """mu ~ N(0, (1 - sigma^2) I): the aggregate posterior is the prior, and all that is found is for lack of images."""
    rng = np.random.default_rng(0)
    spread, logvar = math.sqrt(1 - sigma2), np.full((400, 10), math.log(sigma2))
    found = [aggregate(spread * rng.normal(size=(400, 10)), logvar) for _ in range(60)]
    for value, floor in (("kl_to_prior", "kl_floor"), ("total_correlation", "total_correlation_floor")):
        values = np.array([getattr(f, value) for f in found])
        assert values.mean() == pytest.approx(np.mean([getattr(f, floor) for f in found]), rel=0.12), value


def test_effective_dimension_counts_equal_directions():
    mu = np.zeros((4, 6))
    mu[:, :2] = [[1, 1], [1, -1], [-1, 1], [-1, -1]]
    assert aggregate(mu, np.zeros((4, 6))).effective_dimension == pytest.approx(2)
    dead = aggregate(np.zeros((4, 6)), np.zeros((4, 6)))
    assert dead.effective_dimension == 0 and dead.kl_to_prior == 0 and dead.total_correlation == 0
    np.testing.assert_array_equal(dead.correlation, np.eye(6))


def test_skewness_and_kurtosis_of_the_mixture():
    mu, logvar, _ = any_codes(0, n=30, dims=2)
    rng = np.random.default_rng(1)
    z = (mu + np.exp(0.5 * logvar) * rng.normal(size=(40_000, *mu.shape))).reshape(-1, 2)
    z = (z - z.mean(0)) / z.std(0)
    table = per_dim_table(mu, logvar)
    np.testing.assert_allclose(table["skewness"], (z**3).mean(0), atol=0.03)
    np.testing.assert_allclose(table["kurtosis"], (z**4).mean(0), atol=0.06)


def test_regimes_by_hand():
    """Moves and used by all; still and unused; used by half of the images; constant, yet at another scale."""
    mu = np.zeros((100, 4))
    mu[::2, 0] = mu[::2, 2] = 1.0
    logvar = np.log(np.tile([0.1, 1.0, 1.0, 0.1], (100, 1)))
    logvar[::2, 2] = np.log(0.1)
    table = per_dim_table(mu, logvar)
    assert table["regime"].tolist() == ["active", "passive", "mixed", "passive"]
    assert table["unused"].tolist() == [0, 1, 0.5, 1]
    assert table["mu_mean"].tolist() == [0.5, 0, 0.5, 0]
    assert table["sigma2_mean"].tolist() == pytest.approx([0.1, 1, 0.55, 0.1])
    assert table["mu_share"].tolist() == pytest.approx([0.25 / 0.35, 0, 0.25 / 0.8, 0])
    assert table["kl_fitted"][3] == pytest.approx(0, abs=1e-12) and table["kl"][3] > 0.5
    assert regimes(np.array([0.02]), np.array([0.06])).tolist() == ["mixed"]
    assert regimes(np.array([0.0, 0.02]), np.array([0.95, 0.05])).tolist() == ["passive", "active"]  # both ends count


@pytest.mark.parametrize("seed", SEEDS)
def test_kl_to_the_fitted_prior_is_the_least_of_all_normals(seed):
    """The kl less what the moments of a diagonal N(0, I) cost: the mean kl to N(m_d, v_d), by torch."""
    mu, logvar, _ = (torch.tensor(a) for a in any_codes(seed))
    q = torch.distributions.Normal(mu, (0.5 * logvar).exp())
    table = per_dim_table(mu.numpy(), logvar.numpy())
    for factor, is_best in ((1.0, True), (1.1, False)):
        spread = torch.tensor(factor * np.sqrt(table["variance"].to_numpy()))
        fitted = torch.distributions.Normal(torch.tensor(table["mu_mean"].to_numpy()), spread)
        cost = torch.distributions.kl_divergence(q, fitted).mean(0).numpy()
        assert np.allclose(table["kl_fitted"], cost, rtol=1e-9) == is_best and (cost >= table["kl_fitted"] - 1e-9).all()


def test_a_code_that_is_a_picture_is_told_by_channel_and_by_place():
    """Two channels of 2 x 3 places, flattened in that order; the second channel and the last column say nothing."""
    shape = (2, 2, 3)
    rng = np.random.default_rng(0)
    mu = rng.normal(size=(50, *shape))
    mu[:, 1], mu[..., 2] = 0, 0
    logvar = np.where(np.abs(mu).max(0) > 0, -4.0, 0.0) + np.zeros(mu.shape)
    table = per_dim_table(mu.reshape(50, -1), logvar.reshape(50, -1)).assign(sensitivity=1.0)
    channels, positions = by_place(table, shape)
    assert channels["passive_dims"].tolist() == [2, 6] and channels["kl"][1] == pytest.approx(0, abs=1e-12)
    assert positions["active_dims"].tolist() == [1, 1, 0, 1, 1, 0] and positions["dims"].tolist() == [2] * 6
    assert channels["kl"].sum() == pytest.approx(table["kl"].sum()) == pytest.approx(positions["kl"].sum())
    assert by_place(table, (12,)) is None


def test_active_units_are_counted_over_the_whole_split():
    """A dim that moves between batches, never inside one, is active: its variance is over all images."""
    mu = np.repeat([[0.0], [1.0]], 50, axis=0)
    assert active_units(mu.var(0), np.array([0.01, 0.2499, 0.26])).tolist() == [1, 1, 0]


def test_sample_correlation_falls_with_noise():
    rng = np.random.default_rng(0)
    mu = np.concatenate([rng.normal(size=(5000, 1)), np.zeros((5000, 1))], axis=1)
    found = sample_correlation(mu, mu + rng.normal(size=mu.shape))
    assert found[0] == pytest.approx(math.sqrt(0.5), abs=0.03) and np.isnan(found[1])


# The decoder


@pytest.mark.parametrize("seed", SEEDS)
def test_sensitivity_equals_the_jacobian_within_four_errors(seed):
    """A decoder that is not linear, so that each image has its own Jacobian, known in closed form."""
    model = nonlinear(seed)
    mu = torch.randn(128, 4, generator=torch.Generator().manual_seed(seed))
    variance = np.array([1.0, 0.5, 2.0, 1.5])
    found = decoder.sensitivity(model, mu, [f"{i}.jpg" for i in range(128)], variance, seed=seed, batch_size=50)
    with torch.no_grad():  # d sin(W z) / 4 = cos(W z) W / 4
        slope = (mu @ model.weight.T).cos().square() / 16
        exact = (slope @ model.weight.square()).double().mean(0).numpy() * variance
    assert (np.abs(found.value - exact) < 4 * found.error).all()


def test_the_error_of_what_moves_by_hand():
    moved = decoder._moved(np.array([[1.0], [3.0], [8.0]]))  # squares around 4: 9, 1, 16
    assert moved.value == pytest.approx([4]) and moved.error == pytest.approx([np.sqrt(26 / 2 / 3)])


def nonlinear(seed: int):
    """The oracle with its decoder bent: x = sin(W z) / 4 + 1/2."""
    model = oracle(oracle_config(seed, latent_dim=4, lengths=random_lengths(seed, 4, 20, 90)))
    straight = model.decode
    model.decode = lambda z: model.likelihood((straight(z).mean - 0.5).sin() / 4 + 0.5)
    return model


def test_what_moves_does_not_depend_on_batch_size_or_order():
    model = nonlinear(0)
    mu = torch.randn(12, 4, generator=torch.Generator().manual_seed(0))
    ids = [f"{i}.jpg" for i in range(12)]
    variance = np.ones(4)
    order = torch.tensor([5, 0, 11, 2, 7, 1, 3, 4, 6, 8, 10, 9])
    for f in (
        lambda m, i, b: decoder.sensitivity(model, m, i, variance, seed=0, batch_size=b),
        lambda m, i, b: decoder.interventions(model, m, i, np.zeros(4), variance, seed=0, batch_size=b),
    ):
        expected = f(mu, ids, 12)
        for got in (f(mu, ids, 5), f(mu, ids, 1), f(mu[order], [ids[i] for i in order], 7)):
            np.testing.assert_allclose(got.value, expected.value, rtol=2e-5)
            np.testing.assert_allclose(got.error, expected.error, rtol=2e-4)


def test_a_cycle_through_the_oracle_shrinks_by_the_gain():
    """mu(x_hat(z)) = g z with g = |w|^2 / (|w|^2 + s^2), so the error is (1 - g)^2 z^2 in each dim."""
    model = oracle(oracle_config(latent_dim=3, lengths=(0.5, 1.0, 2.0), sigma=0.5))
    gain = np.array([0.25, 1, 4]) / (np.array([0.25, 1, 4]) + 0.25)
    z = torch.randn(20, 3, generator=torch.Generator().manual_seed(0))
    expected = ((1 - gain) ** 2 * z.double().numpy() ** 2)[:, 1:].mean(1) / 2
    found = decoder.cycle_error(model, z, np.array([0.0, 2.0, 2.0]), batch_size=7)
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_interventions_cost_no_more_than_their_share():
    assert decoder.intervened(19_962, 64) == 9  # 9 x 64 decodes: 1 % of 3 x 19,962 calls
    assert decoder.intervened(1_006, 128) == 4 and decoder.intervened(3, 128) == 3
    assert decoder.intervened(10**6, 128) == 32
