"""Many logistic regressions at once: scikit-learn's optimum, C chosen on valid, and honest where they stop early."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from vaekit.evaluation.probes import logistic
from vaekit.evaluation.probes.logistic import GRID, Fit, Scaling, fit_path, log_loss


def fit_one(train: np.ndarray, labels: np.ndarray, strength: float) -> Fit:
    """The probes of K labels (N, K) at one C on standardised codes (N, D)."""
    return fit_path(train, labels, train[:1], labels[:1], (strength,))


def data(n: int, dims: int, labels: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return correlated codes of very different spread, and labels from 3 % to 90 % that depend on them."""
    r = np.random.default_rng(seed)
    codes = r.normal(size=(n, dims)) @ r.normal(size=(dims, dims)) * np.geomspace(1e-3, 30, dims) + r.normal(size=dims)
    logits = Scaling.of(codes)(codes) @ r.normal(size=(dims, labels)) / np.sqrt(dims)
    cut = [np.quantile(logits[:, k], 1 - share) for k, share in enumerate(np.linspace(0.03, 0.9, labels))]
    return codes, r.logistic(size=logits.shape) < 3 * (logits - cut)


@pytest.mark.parametrize("strength", [1e-3, 0.1, 10.0])
@pytest.mark.parametrize("dims", [1, 12, 60])
def test_equals_scikit_learn(strength, dims):
    codes, labels = data(700, dims, 4)
    scaling = Scaling.of(codes)
    z = scaling(codes)
    fit = fit_one(z, labels, strength)
    assert fit.converged.all() and (fit.strength == strength).all()
    for k in range(4):
        theirs = LogisticRegression(C=strength, tol=1e-12, max_iter=500, solver="newton-cholesky").fit(z, labels[:, k])
        assert fit.weights[:, k] == pytest.approx(theirs.coef_[0], abs=1e-6)
        assert fit.intercept[k] == pytest.approx(theirs.intercept_[0], abs=1e-6)
        ours = 1 / (1 + np.exp(-fit.logits(z)[:, k]))
        assert ours == pytest.approx(theirs.predict_proba(z)[:, 1], abs=1e-6)


def test_takes_the_strength_of_least_log_loss_on_valid():
    codes, labels = data(900, 30, 5, seed=1)
    z = Scaling.of(codes[:300])(codes)
    train, valid = slice(300), slice(300, 900)
    fit = fit_path(z[train], labels[train], z[valid], labels[valid])
    losses = np.stack([log_loss(fit_one(z[train], labels[train], c).logits(z[valid]), labels[valid]) for c in GRID])
    assert fit.strength.tolist() == [GRID[i] for i in losses.argmin(0)]
    assert len(set(fit.strength)) > 1
    alone = fit_one(z[train], labels[train], fit.strength[2])
    assert fit.weights[:, 2] == pytest.approx(alone.weights[:, 2], abs=1e-6)


def test_separable_labels_have_an_optimum_too():
    z = np.linspace(-2, 2, 200)[:, None]
    fit = fit_one(z, z > 0.7, 10.0)
    theirs = LogisticRegression(C=10, tol=1e-12, solver="newton-cholesky").fit(z, z[:, 0] > 0.7)
    assert fit.converged.all()
    assert fit.weights[0, 0] == pytest.approx(theirs.coef_[0, 0], abs=1e-6)


def test_says_when_it_has_not_converged(monkeypatch):
    codes, labels = data(400, 10, 2)
    monkeypatch.setattr(logistic, "NEWTON", 1)
    fit = fit_one(Scaling.of(codes)(codes), labels, 10.0)
    assert not fit.converged.any() and (fit.gradient > logistic.FINE).all()


def test_a_dim_that_does_not_move_takes_no_part():
    codes, labels = data(300, 3, 2)
    codes = np.hstack([codes, np.full((300, 1), 7.0), np.full((300, 1), 0.3, np.float32)])
    scaling = Scaling.of(codes)
    assert scaling.sd[3:].tolist() == [0, 0] and (scaling.sd[:3] > 0).all()
    z = scaling(codes)
    assert (z[:, 3:] == 0).all() and z[:, :3].std(0) == pytest.approx(np.ones(3))
    assert (fit_one(z, labels, 1.0).weights[3:] == 0).all()


def test_nothing_to_tell_gives_the_share():
    labels = np.arange(100)[:, None] < 20
    fit = fit_one(np.zeros((100, 4)), labels, 1.0)
    assert fit.converged.all() and 1 / (1 + np.exp(-fit.intercept)) == pytest.approx([0.2])
