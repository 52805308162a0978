import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.mixture import GaussianMixture

from vaekit.errors import VaekitError
from vaekit.priors import Mixture, Posteriors, choose_mixture
from vaekit.priors.mixture import fit_mixture


def clusters(n: int, seed: int, centres: int = 2, dims: int = 3) -> np.ndarray:
    generator = np.random.default_rng(seed)
    return 6 * np.arange(centres)[generator.integers(centres, size=n), None] + generator.normal(size=(n, dims))


def posteriors(z: np.ndarray) -> Posteriors:
    return Posteriors(z.astype(np.float32), np.zeros_like(z, np.float32), z.astype(np.float32))


def test_density_is_that_of_scipy():
    generator = np.random.default_rng(0)
    roots = generator.normal(size=(3, 4, 4))
    found = Mixture(np.array([0.5, 0.3, 0.2]), generator.normal(size=(3, 4)), roots @ roots.transpose(0, 2, 1))
    z = generator.normal(size=(50, 4))
    parts = zip(found.weights, found.means, found.covariances, strict=True)
    expected = np.log(sum(w * multivariate_normal(m, c).pdf(z) for w, m, c in parts))
    assert found.log_prob(z) == pytest.approx(expected, rel=1e-9)


def test_maximum_likelihood_is_that_of_scikit_learn():
    codes = clusters(3000, 1, centres=3) @ np.random.default_rng(2).normal(size=(3, 3))
    ours = fit_mixture(codes, 3, 0, steps=300, leaning=0.0)
    theirs = GaussianMixture(3, tol=1e-9, max_iter=2000, random_state=0, n_init=5).fit(codes)
    assert ours.log_prob(codes).mean() == pytest.approx(theirs.score(codes), abs=0.02)
    order, other = np.argsort(ours.means[:, 0]), np.argsort(theirs.means_[:, 0])
    assert ours.weights[order] == pytest.approx(theirs.weights_[other], abs=0.01)
    assert ours.means[order] == pytest.approx(theirs.means_[other], abs=0.15)
    assert ours.covariances[order] == pytest.approx(theirs.covariances_[other], rel=0.1, abs=0.15)


def test_one_gaussian_in_closed_form():
    codes = clusters(300, 4, centres=1)
    own = np.cov(codes.T, bias=True)
    plain = fit_mixture(codes, 1, 0, leaning=0.0)
    assert plain.means[0] == pytest.approx(codes.mean(0), abs=1e-6)
    assert plain.covariances[0] == pytest.approx(own, abs=1e-5)
    assert fit_mixture(codes, 1, 0).covariances[0] == pytest.approx(own, abs=1e-3)


def test_takes_as_many_components_as_valid_codes_support():
    found = choose_mixture(posteriors(clusters(1500, 0, 3)), posteriors(clusters(400, 1, 3)), seed=0)
    assert len(found.mixture.weights) == 3 and sorted(found.mixture.means[:, 0].round()) == [0, 6, 12]
    assert found.mixture.weights == pytest.approx([1 / 3] * 3, abs=0.05)
    assert found.tried.tolist() == [1, 3, 10]
    gauss = choose_mixture(posteriors(clusters(400, 2, 1, 8)), posteriors(clusters(400, 3, 1, 8)), seed=0)
    assert len(gauss.mixture.weights) == 1
    assert gauss.tried.tolist() == [1, 3]  # the second is worse on valid: the rest is left
    assert abs(gauss.away_from_prior) < 0.2
    assert "one Gaussian of full covariance" in gauss.sentence()
    assert "below that of N(0, I)" in gauss.sentence() or "above that of N(0, I)" in gauss.sentence()


def test_leaning_covariances_describe_unseen_codes_better_where_codes_are_few():
    generator = np.random.default_rng(5)
    turn = generator.normal(size=(20, 20))
    train, unseen = (clusters(n, seed, 2, 20) @ turn for n, seed in ((150, 6), (1000, 7)))
    leaning, plain = (fit_mixture(train, 3, 0, leaning=by).log_prob(unseen).mean() for by in (2.0, 0.0))
    assert leaning > plain + 1


def test_samples_have_the_moments_of_the_codes_and_the_first_ones_do_not_depend_on_their_number():
    turned = clusters(4000, 7) @ np.random.default_rng(6).normal(size=(3, 3))
    found = fit_mixture(turned, 3, 0)
    drawn = found.sample(20_000, seed=1)
    assert drawn.dtype == np.float32 and drawn.shape == (20_000, 3)
    assert drawn.mean(0) == pytest.approx(turned.mean(0), abs=0.25)
    assert np.cov(drawn.T) == pytest.approx(np.cov(turned.T), rel=0.1, abs=0.3)
    assert np.array_equal(found.sample(5, seed=1), drawn[:5])
    assert {tuple(z) for z in found.sample(300, seed=1, temperature=0).round(3)} <= {
        tuple(z) for z in found.means.astype(np.float32).round(3)
    }


def test_equal_seeds_give_equal_mixtures():
    codes = posteriors(clusters(500, 8)), posteriors(clusters(100, 9))
    first, second = (choose_mixture(*codes, seed=3).arrays() for _ in range(2))
    assert all(np.array_equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("n", [2, 5, 20])
def test_few_codes_of_many_dims_and_constant_ones_have_a_density(n):
    found = choose_mixture(posteriors(clusters(n, 10, dims=30)), posteriors(clusters(20, 11, dims=30)), seed=0)
    assert np.isfinite(found.valid_log_likelihood).all()
    still = fit_mixture(np.zeros((50, 2)), 3, 0)
    assert np.isfinite(still.sample(4, seed=0)).all() and np.isfinite(still.log_prob(np.zeros((1, 2)))).all()


@pytest.mark.parametrize(
    ("train", "valid", "says"),
    [
        (np.zeros((1, 2)), np.zeros((3, 2)), "2 train images or more, and there is one"),
        (np.zeros((9, 2)), np.zeros((0, 2)), "1 valid image or more, and there are none"),
        (np.full((9, 2), np.nan), np.zeros((3, 2)), "not finite"),
    ],
)
def test_bad_codes_give_a_sentence(train, valid, says):
    with pytest.raises(VaekitError, match=says):
        choose_mixture(posteriors(train), posteriors(valid), seed=0)
