"""The bounds under a learned prior against a linear Gaussian model, whose log p(x) is known exactly."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import multivariate_normal

from vaekit.evaluation.learned_prior import learned_bounds
from vaekit.priors import Mixture, Posteriors, Standard, choose_mixture

DIMS, VALUES, SIGMA = 4, 12, 0.5


class LinearGaussian:
    """x = W z + noise with orthogonal columns and z ~ N(m, diag c), which is not N(0, I)."""

    def __init__(self, seed: int) -> None:
        generator = np.random.default_rng(seed)
        basis = np.linalg.qr(generator.normal(size=(VALUES, DIMS)))[0]
        self.lengths = np.array([3.0, 2.0, 1.0, 0.5])
        self.weights = basis * self.lengths
        self.mean, self.variance = np.array([2.0, -1.0, 0.5, 0.0]), np.array([0.25, 2.0, 1.0, 3.0])

    def draw(self, n: int, seed: int) -> np.ndarray:
        generator = np.random.default_rng(seed)
        z = self.mean + np.sqrt(self.variance) * generator.normal(size=(n, DIMS))
        return z @ self.weights.T + SIGMA * generator.normal(size=(n, VALUES))

    def posteriors(self, x: np.ndarray, seed: int) -> Posteriors:
        variance = 1 / (self.lengths**2 / SIGMA**2 + 1 / self.variance)
        mu = variance * (x @ self.weights / SIGMA**2 + self.mean / self.variance)
        sigma = np.broadcast_to(np.sqrt(variance), mu.shape)
        z = mu + sigma * np.random.default_rng(seed).normal(size=mu.shape)
        return Posteriors(*(part.astype(np.float32) for part in (mu, sigma, z)))

    def table(self, x: np.ndarray, q: Posteriors) -> pd.DataFrame:
        """Columns of per_image.csv, the reconstruction term in its exact expectation."""
        kl = 0.5 * (q.mu**2 + q.sigma**2 - 1 - 2 * np.log(q.sigma)).sum(1)
        error = ((x - q.mu @ self.weights.T) ** 2).sum(1) + (q.sigma**2 * self.lengths**2).sum(1)
        likelihood = -0.5 * error / SIGMA**2 - 0.5 * VALUES * np.log(2 * np.pi * SIGMA**2)
        ids = [f"{i:06}" for i in range(len(x))]
        bits = (kl - likelihood) / (VALUES * np.log(2))
        return pd.DataFrame({"image_id": ids, "kl": kl, "elbo": likelihood - kl, "bpd_calibrated": bits})

    def log_prob(self, x: np.ndarray) -> np.ndarray:
        covariance = (self.weights * self.variance) @ self.weights.T + SIGMA**2 * np.eye(VALUES)
        return multivariate_normal(self.weights @ self.mean, covariance).logpdf(x)


@pytest.mark.parametrize("seed", range(3))
def test_the_bound_reaches_log_p_of_x_and_does_not_pass_it(seed):
    model = LinearGaussian(seed)
    train, valid, test = (model.draw(n, 10 * seed + i) for i, n in enumerate((6000, 1500, 1500)))
    prior = choose_mixture(model.posteriors(train, 1), model.posteriors(valid, 2), seed).mixture
    q = model.posteriors(test, 3)
    table = model.table(test, q)
    found = learned_bounds(table, q, prior, seed=seed, values=VALUES)
    exact, bound = model.log_prob(test).mean(), found.table["elbo_learned"].mean()
    assert bound <= exact + 4 * found.error
    assert bound == pytest.approx(exact, abs=0.05 + 4 * found.error)
    assert table["elbo"].mean() < exact - 2  # what N(0, I) costs here
    rows = found.rows(seed)
    assert rows["kl_learned"].value == pytest.approx(found.table["kl_learned"].mean())
    assert rows["bpd_calibrated_learned"].value == pytest.approx(-bound / (VALUES * np.log(2)), rel=1e-6)
    assert "Monte Carlo standard error" in rows["kl_learned"].definition and prior.said in rows["kl_learned"].definition


def test_under_the_normal_itself_the_sampled_kl_is_the_closed_form():
    model = LinearGaussian(0)
    x = model.draw(200, 5)
    q = model.posteriors(x, 3)
    table = model.table(x, q)
    found = learned_bounds(table, q, Standard(DIMS), seed=0, values=VALUES)
    assert found.table["kl_learned"].to_numpy() == pytest.approx(table["kl"].to_numpy(), abs=1e-9) and found.error == 0


def test_the_monte_carlo_error_is_that_of_other_draws():
    model = LinearGaussian(1)
    x = model.draw(300, 6)
    q = model.posteriors(x, 3)
    table = model.table(x, q)
    prior = Mixture(np.ones(1), model.mean[None], np.diag(model.variance)[None])
    found = [learned_bounds(table, q, prior, seed=seed, values=VALUES) for seed in range(40)]
    spread = np.std([one.table["kl_learned"].mean() for one in found], ddof=1)
    assert found[0].error == pytest.approx(spread, rel=0.4)
    exact = 0.5 * (
        (q.sigma**2 + (q.mu - model.mean) ** 2) / model.variance - 1 + np.log(model.variance) - 2 * np.log(q.sigma)
    ).sum(1)
    assert np.mean([one.table["kl_learned"] for one in found], 0) == pytest.approx(exact, abs=0.6)
    assert np.mean([one.table["kl_learned"].mean() for one in found]) == pytest.approx(exact.mean(), abs=4 * spread)


def test_images_of_any_order_and_number_have_their_own_values():
    model = LinearGaussian(2)
    x = model.draw(50, 7)
    q = model.posteriors(x, 3)
    table = model.table(x, q)
    prior = Mixture(np.ones(1), model.mean[None], np.diag(model.variance)[None])
    whole = learned_bounds(table, q, prior, seed=0, values=VALUES).table.set_index("image_id")
    rows = np.array([7, 3, 40])
    part = Posteriors(q.mu[rows], q.sigma[rows], q.z[rows])
    some = learned_bounds(table.iloc[rows], part, prior, seed=0, values=VALUES).table.set_index("image_id")
    pd.testing.assert_frame_equal(some, whole.loc[some.index])
