import numpy as np
import pytest
from vaekit.evaluation.samples.mixture import fit_mixture

from vaekit.errors import VaekitError


def clusters(n: int, seed: int, centres: int = 2, dims: int = 3) -> np.ndarray:
    generator = np.random.default_rng(seed)
    return 6 * np.arange(centres)[generator.integers(centres, size=n), None] + generator.normal(size=(n, dims))


def test_takes_as_many_components_as_valid_codes_support():
    found = fit_mixture(clusters(1500, 0), clusters(400, 1), seed=0)
    assert len(found.weights) == 2 and sorted(found.means[:, 0].round()) == [0, 6]
    assert found.weights == pytest.approx([0.5, 0.5], abs=0.05)
    assert found.tried[:2].tolist() == [1, 2] and found.kinds[0] == "full"
    gauss = fit_mixture(clusters(400, 2, centres=1, dims=8), clusters(400, 3, centres=1, dims=8), seed=0)
    assert len(gauss.weights) == 1 and gauss.tried.tolist() == [1, 2]  # the second is worse on valid: the rest is left
    assert abs(gauss.away_from_prior) < 0.2
    assert "one Gaussian of full covariance" in gauss.sentence()


def test_density_of_one_gaussian_in_closed_form():
    train, valid = clusters(300, 4, centres=1), clusters(50, 5, centres=1) + 1.0
    found = fit_mixture(train, valid, seed=0)
    one, covariance = train.mean(0), np.cov(train.T, bias=True) + 1e-6 * train.var(0).mean() * np.eye(3)
    apart = valid - one
    log_density = -0.5 * (
        (apart @ np.linalg.inv(covariance) * apart).sum(1) + np.linalg.slogdet(2 * np.pi * covariance)[1]
    )
    assert found.valid_log_likelihood[0] == pytest.approx(log_density.mean(), rel=1e-9)
    prior = -0.5 * (np.square(valid).sum(1) + 3 * np.log(2 * np.pi))
    assert found.valid_under_prior == pytest.approx(prior.mean(), rel=1e-12)


def test_samples_have_the_moments_of_the_codes():
    generator = np.random.default_rng(6)
    turned = clusters(4000, 7) @ generator.normal(size=(3, 3))
    found = fit_mixture(turned[:3000], turned[3000:], seed=0)
    drawn = found.sample(20_000, generator)
    assert drawn.dtype == np.float32 and drawn.shape == (20_000, 3)
    assert drawn.mean(0) == pytest.approx(turned.mean(0), abs=0.25)
    assert np.cov(drawn.T) == pytest.approx(np.cov(turned.T), rel=0.1, abs=0.3)


def test_equal_seeds_give_equal_codes():
    codes = clusters(500, 8), clusters(100, 9)
    first, second = (fit_mixture(*codes, seed=3).arrays() for _ in range(2))
    assert all(np.array_equal(first[name], second[name]) for name in first)


def test_few_codes_have_diagonal_covariances_and_constant_ones_a_floor():
    found = fit_mixture(clusters(20, 10, dims=8), clusters(20, 11, dims=8), seed=0)
    assert set(found.kinds) == {"diagonal"}
    assert found.covariances.shape == (len(found.weights), 8, 8)
    assert np.count_nonzero(found.covariances[0] - np.diag(np.diag(found.covariances[0]))) == 0
    still = fit_mixture(np.zeros((50, 2)), np.zeros((5, 2)), seed=0)
    assert np.isfinite(still.sample(4, np.random.default_rng(0))).all()


@pytest.mark.parametrize(
    ("train", "valid", "says"),
    [
        (np.zeros((1, 2)), np.zeros((3, 2)), "there are 1 and 3"),
        (np.zeros((9, 2)), np.zeros((0, 2)), "there are 9 and 0"),
        (np.full((9, 2), np.nan), np.zeros((3, 2)), "not finite"),
    ],
)
def test_bad_codes_give_a_sentence(train, valid, says):
    with pytest.raises(VaekitError, match=says):
        fit_mixture(train, valid, seed=0)
