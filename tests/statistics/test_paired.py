"""Paired differences: in closed form, against scipy, and under a null."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from vaekit.errors import DataError
from vaekit.statistics.bootstrap import bootstrap_means
from vaekit.statistics.differences import paired_differences, with_q


def table(**columns) -> pd.DataFrame:
    n = len(next(iter(columns.values())))
    return pd.DataFrame({"image_id": [f"{i:04d}" for i in range(n)], **columns})


def test_a_shift_is_found_exactly_whatever_the_images_differ_by():
    hard = np.random.default_rng(0).gamma(2, 10, 300)
    (found,) = with_q(paired_differences({"a": table(mse=hard), "b": table(mse=hard + 0.25)}, ["mse"], seed=0))
    assert (found.first, found.second, found.n) == ("a", "b", 300)
    assert found.value == pytest.approx(0.25) and found.low == pytest.approx(0.25) and found.high == pytest.approx(0.25)
    assert found.p < 1e-12 and found.is_clear


def test_equal_models_do_not_differ():
    values = np.arange(20.0)
    (found,) = with_q(paired_differences({"a": table(mse=values), "b": table(mse=values)}, ["mse"], seed=0))
    assert (found.value, found.low, found.high, found.p, found.q) == (0, 0, 0, 1, 1) and not found.is_clear


def test_interval_is_the_bootstrap_of_the_differences_and_p_is_scipys():
    rng = np.random.default_rng(1)
    a, b, c = rng.normal(0, 1, (3, 200)) + 5 * rng.normal(0, 1, 200)
    tables = {"a": table(mse=a, kl=2 * a), "b": table(mse=b, kl=-b), "c": table(mse=c, kl=c)}
    found = paired_differences(tables, ["mse", "kl"], seed=3)
    assert [(d.metric, d.first, d.second) for d in found] == [
        (metric, *pair) for metric in ("mse", "kl") for pair in (("a", "b"), ("a", "c"), ("b", "c"))
    ]
    expected = bootstrap_means(np.stack([b - a, c - a, c - b], axis=1), seed=3)
    for difference, estimate, (x, y) in zip(found, expected, ((a, b), (a, c), (b, c)), strict=False):
        assert difference.value == pytest.approx(estimate.value)
        assert (difference.low, difference.high) == pytest.approx((estimate.low, estimate.high))
        assert difference.p == pytest.approx(stats.ttest_rel(y, x).pvalue)
    corrected = [d.q for d in with_q(found)]
    assert corrected == pytest.approx(stats.false_discovery_control([d.p for d in found]))


def test_rows_are_joined_by_image_and_not_by_position():
    values = np.arange(50.0)
    first, second = table(mse=values), table(mse=values + 1).sample(frac=1, random_state=0)
    (found,) = paired_differences({"a": first, "b": second}, ["mse"], seed=0)
    assert (found.low, found.high) == (1, 1)


def test_pure_noise_is_rarely_called_clear():
    """40 nulls of 30 metrics: BH keeps the share of experiments with any false alarm near 5 %."""
    rng = np.random.default_rng(2)
    names = [f"m{i}" for i in range(30)]
    alarms = 0
    for _ in range(40):
        a, b = rng.normal(size=(2, 60, 30))
        tables = {"a": table(**dict(zip(names, a.T, strict=True))), "b": table(**dict(zip(names, b.T, strict=True)))}
        alarms += any(d.is_clear for d in with_q(paired_differences(tables, names, seed=0)))
    assert alarms <= stats.binom.ppf(0.9999, 40, 0.05)


def test_what_is_not_finite_or_not_there_has_a_reason():
    tables = {"a": table(mse=[1.0, 2.0], lpips=[1.0, 2.0]), "b": table(mse=[1.0, np.inf])}
    mse, lpips = with_q(paired_differences(tables, ["mse", "lpips"], seed=0))
    assert mse.value is None and mse.reason == "the value is not finite on 1 of 2 images" and mse.q is None
    assert lpips.value is None and lpips.reason == "b has no lpips of each image" and not lpips.is_clear


def test_other_images_are_refused():
    with pytest.raises(DataError, match=r"a and b were not evaluated on the same images \(3 and 2, 2 shared\)"):
        paired_differences({"a": table(mse=[1.0, 2, 3]), "b": table(mse=[1.0, 2])}, ["mse"], seed=0)


def test_one_image_has_a_difference_without_an_interval():
    (found,) = with_q(paired_differences({"a": table(mse=[1.0]), "b": table(mse=[3.0])}, ["mse"], seed=0))
    assert (found.value, found.low, found.p, found.q) == (2, None, None, None) and not found.is_clear
