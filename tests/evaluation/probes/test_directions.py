"""Directions of attributes: what a step of strength 1 does, and that dims in no use stay where they are."""

import numpy as np
import pytest

from vaekit.evaluation.probes.directions import directions
from vaekit.evaluation.probes.disentanglement import Coded
from vaekit.evaluation.probes.logistic import Scaling, fit_path


@pytest.fixture(scope="module")
def world():
    """Return codes of six dims, the last two hardly or never moving, three attributes, and their directions."""
    r = np.random.default_rng(0)
    mu = (r.normal(size=(1500, 6)) * [3, 1, 0.5, 1, 1e-4, 0] + [0, 5, 0, 0, 1, 2]).astype(np.float32)
    labels = np.stack([mu[:, 0] > 1, mu[:, 0] + 3 * (mu[:, 1] - 5) > 0, mu[:, 3] + r.normal(size=1500) > 0.5], axis=1)
    train, test = slice(1000), slice(1000, 1500)
    scaling = Scaling.of(mu[train])
    x = scaling(mu[train])
    fit = fit_path(x, labels[train], x[:1], labels[train][:1], (1.0,))
    found = directions(
        ("First", "Both", "Fourth"),
        fit,
        scaling,
        np.array([0.99, 0.98, 0.8]),
        Coded(mu[train], labels[train], None),
        Coded(mu[test], labels[test], None),
    )
    return mu, labels, scaling, fit, found


def test_coefficients_give_the_probes_logits(world):
    mu, _, scaling, fit, found = world
    logits = mu.astype(np.float64) @ found.coefficients.T + found.intercept
    assert logits == pytest.approx(fit.logits(scaling(mu)), abs=1e-6)


def test_a_step_moves_the_probes_own_logit_by_its_standard_deviation(world):
    mu, _, scaling, fit, found = world
    test = mu[1000:].astype(np.float64)
    spread = fit.logits(scaling(test)).std(0)
    for k in range(3):
        moved = (test + found.normal[k]) @ found.coefficients[k] - test @ found.coefficients[k]
        assert moved == pytest.approx(np.full(500, spread[k]), rel=1e-9)
        assert moved == pytest.approx(
            (test + 3 * found.normal[k] - (test + 2 * found.normal[k])) @ found.coefficients[k]
        )


def test_a_step_leaves_unused_dims_alone(world):
    found = world[-1]
    assert np.abs(found.normal[:, 4]).max() < 1e-3, "a dim of spread 1e-4 moves by less than ten of its own"
    assert (found.normal[:, 5] == 0).all() and (found.coefficients[:, 5] == 0).all()
    assert np.abs(found.normal[0]).argmax() == 0 and np.abs(found.normal[2]).argmax() == 3


def test_cosines_tell_which_attributes_share_a_direction(world):
    found = world[-1]
    assert np.diag(found.cosine) == pytest.approx(np.ones(3)) and found.cosine == pytest.approx(found.cosine.T)
    assert found.cosine[0, 1] == pytest.approx(np.sqrt(0.5), abs=0.1), "3 : 3 in standard deviations is halfway"
    assert abs(found.cosine[0, 2]) < 0.1


def test_class_means_are_of_train_images(world):
    mu, labels, _, _, found = world
    own = labels[:1000, 1]
    expected = mu[:1000][own].mean(0, dtype=np.float64) - mu[:1000][~own].mean(0, dtype=np.float64)
    assert found.class_mean[1] == pytest.approx(expected, abs=1e-9)


def test_single_dims_are_scored_on_test(world):
    found = world[-1]
    assert found.single_dim_auroc.shape == (3, 6)
    assert found.single_dim_auroc[0, 0] == 1 and (found.single_dim_auroc[:, 5] == 0.5).all()


def test_arrays_are_those_of_the_contract(world):
    arrays = world[-1].arrays()
    assert list(arrays) == [
        "attributes",
        "normal",
        "intercept",
        "class_mean",
        "mu_mean",
        "mu_std",
        "coefficients",
        "cosine",
        "single_dim_auroc",
        "auroc",
    ]
    assert arrays["attributes"].tolist() == ["First", "Both", "Fourth"]
    assert all(arrays[name].shape == (3, 6) for name in ("normal", "class_mean", "coefficients", "single_dim_auroc"))
