"""Scores and their bootstrap: scikit-learn's numbers, the brute-force bootstrap, and intervals that cover."""

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import norm
from sklearn import metrics

from vaekit.evaluation.probes.scores import SCORES, auroc_matrix, interval, resamples, score

SHARES = (0.05, 0.2, 0.5, 0.8, 0.95)


def calls(n: int = 300, seed: int = 0, decimals: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return probabilities and labels of five attributes; rounded, many images score alike."""
    r = np.random.default_rng(seed)
    labels = r.random((n, len(SHARES))) < SHARES
    probability = expit(1.2 * labels - 0.6 + r.normal(size=labels.shape))
    return (probability if decimals is None else probability.round(decimals)), labels


def theirs(probability: np.ndarray, labels: np.ndarray, threshold: float) -> list[float]:
    return [
        metrics.roc_auc_score(labels, probability),
        metrics.average_precision_score(labels, probability),
        metrics.balanced_accuracy_score(labels, probability > threshold),
        metrics.brier_score_loss(labels, probability),
    ]


@pytest.mark.parametrize("decimals", [None, 1, 0])
def test_equals_scikit_learn(decimals):
    probability, labels = calls(decimals=decimals)
    threshold = labels.mean(0)
    value = score(probability, labels, threshold, seed=0).value
    for k in range(len(SHARES)):
        assert value[:, k] == pytest.approx(theirs(probability[:, k], labels[:, k], threshold[k]), abs=1e-12)


def test_a_draw_is_the_score_of_the_images_it_drew():
    probability, labels = calls(n=120, decimals=1)
    threshold = np.full(len(SHARES), 0.4)
    draws = score(probability, labels, threshold, seed=3).draws
    assert draws.shape == (len(SCORES), 1000, len(SHARES))
    counts = np.concatenate(list(resamples(120, 3)), axis=1)
    for i in (0, 500, 999):
        rows = np.repeat(np.arange(120), counts[:, i])
        assert len(rows) == 120
        for k in (1, 2, 3):
            again = theirs(probability[rows, k], labels[rows, k], 0.4)
            assert draws[:, i, k] == pytest.approx(again, abs=1e-12)


def test_draws_do_not_depend_on_how_many_are_made_at_once(monkeypatch):
    from vaekit.evaluation.probes import scores

    probability, labels = calls(n=80)
    at_once = score(probability, labels, np.full(5, 0.5), seed=0).draws
    monkeypatch.setattr(scores, "AT_ONCE", 80 * 7)
    again = score(probability, labels, np.full(5, 0.5), seed=0).draws
    assert np.allclose(again, at_once, rtol=0, atol=1e-14, equal_nan=True)
    assert np.isnan(again[0, :, 0]).any(), "a resample without the attribute has no AUROC"


def test_intervals_cover_what_they_should():
    """500 samples of 200 images from two normals 1 apart, whose AUROC is known: 95 % +- 2 of the intervals hold it."""
    r = np.random.default_rng(1)
    n, draws = 200, 500
    labels = np.broadcast_to((np.arange(n) < 60)[:, None], (n, draws))
    scores = expit(labels + r.normal(size=(n, draws)))
    low, high = interval(score(scores, labels, np.full(draws, 0.5), seed=0).draws[0])
    truth = norm.cdf(1 / np.sqrt(2))
    assert abs(((low <= truth) & (truth <= high)).mean() - 0.95) <= 0.02


def test_paired_differences_cover_none():
    """Two probes that share half of their noise are equally good: 95 % +- 2 of the differences' intervals hold 0."""
    r = np.random.default_rng(2)
    n, draws = 200, 500
    labels = np.broadcast_to((np.arange(n) < 60)[:, None], (n, draws))
    shared = labels + r.normal(size=(n, draws))
    probes = [expit(shared + r.normal(size=(n, draws))) for _ in range(2)]
    scored = score(np.hstack(probes), np.hstack([labels, labels]), np.full(2 * draws, 0.5), seed=0).draws[0]
    low, high = interval(scored[:, :draws] - scored[:, draws:])
    assert abs(((low <= 0) & (high >= 0)).mean() - 0.95) <= 0.02


def test_one_class_alone_has_no_auroc():
    value = score(np.array([[0.2], [0.7]]), np.array([[True], [True]]), np.array([0.5]), seed=0).value
    assert np.isnan(value[0]) and value[3] == pytest.approx((0.64 + 0.09) / 2)


@pytest.mark.parametrize("decimals", [None, 0])
def test_single_dims_equal_scikit_learn(decimals):
    r = np.random.default_rng(4)
    codes, (_, labels) = r.normal(size=(300, 6)).astype(np.float32), calls()
    codes[:, 0] += labels[:, 2]
    codes = codes if decimals is None else codes.round(decimals)
    found = auroc_matrix(codes, labels)
    assert found.shape == (5, 6)
    again = [[metrics.roc_auc_score(labels[:, k], codes[:, d]) for d in range(6)] for k in range(5)]
    assert found == pytest.approx(np.array(again), abs=1e-12)
    assert found[2, 0] > 0.65
