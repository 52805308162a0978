"""Bootstrap intervals: against theory, against scipy, and honest where there is nothing to say."""

import numpy as np
import pytest
from scipy import stats

from vaekit.statistics.bootstrap import bootstrap_means


def test_interval_matches_theory_for_normal_data():
    values = np.random.default_rng(0).normal(3, 2, (2000, 1))
    (estimate,) = bootstrap_means(values, seed=1)
    half = 1.96 * values.std() / np.sqrt(2000)
    assert estimate.value == pytest.approx(values.mean(), rel=1e-12)
    assert (estimate.low, estimate.high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.15 * half)


def test_interval_matches_scipy():
    values = np.random.default_rng(1).exponential(1, 300)
    (ours,) = bootstrap_means(values[:, None], seed=2)
    theirs = stats.bootstrap((values,), np.mean, n_resamples=4000, method="percentile", rng=np.random.default_rng(3))
    width = theirs.confidence_interval.high - theirs.confidence_interval.low
    assert ours.low == pytest.approx(theirs.confidence_interval.low, abs=0.08 * width)
    assert ours.high == pytest.approx(theirs.confidence_interval.high, abs=0.08 * width)


def test_coverage_is_what_it_says():
    """Of 300 samples of 100 values, 95 % +- 3.8 % (three binomial standard errors) must cover the true mean."""
    draws = np.random.default_rng(4).normal(0, 1, (100, 300))
    covered = np.mean([e.low <= 0 <= e.high for e in bootstrap_means(draws, seed=5)])
    assert 0.95 - 0.038 <= covered <= 0.95 + 0.038


def test_columns_share_their_resamples():
    values = np.random.default_rng(6).normal(size=(50, 1))
    first, double = bootstrap_means(np.hstack([values, 2 * values]), seed=0)
    assert (double.low, double.high) == pytest.approx((2 * first.low, 2 * first.high))


def test_same_seed_same_interval():
    values = np.random.default_rng(7).normal(size=(50, 3))
    assert bootstrap_means(values, seed=1) == bootstrap_means(values, seed=1) != bootstrap_means(values, seed=2)


def test_what_can_not_be_said_is_not_said():
    values = np.array([[1.0, np.nan, np.inf], [2.0, 3.0, 4.0]])
    fine, nan, infinite = bootstrap_means(values, seed=0)
    assert fine.value == 1.5 and fine.low is None
    for estimate in (nan, infinite):
        assert (estimate.value, estimate.low, estimate.n) == (None, None, 2)
        assert estimate.reason == "the value is not finite on 1 of 2 images"
    for n in (1, 19):
        (few,) = bootstrap_means(np.full((n, 1), 4.0), seed=0)
        assert (few.value, few.low, few.high, few.n) == (4.0, None, None, n)
        assert few.reason == "no interval: 20 images are the least for one"
    assert bootstrap_means(np.arange(20.0)[:, None], seed=0)[0].low is not None
    assert bootstrap_means(np.zeros((0, 1)), seed=0)[0].reason == "there is no image"
