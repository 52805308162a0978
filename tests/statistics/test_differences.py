"""The difference of two means: against scipy where both apply, and by its coverage where only ours does."""

import numpy as np
import pytest
from scipy import stats

from vaekit.statistics.differences import LEAST_GROUPS, mean_difference


def two_groups(seed, n=60, m=1900, sigma=0.35, times=3.0):
    rng = np.random.default_rng(seed)
    inside = np.arange(n + m) < n
    return np.where(inside, times, 1.0) * rng.lognormal(-(sigma**2) / 2, sigma, n + m), inside


def test_without_skewness_it_is_welch():
    rng = np.random.default_rng(0)
    half = rng.standard_normal(40)
    values, inside = np.concatenate([half, -half, 1 + 2 * half, 1 - 2 * half]), np.arange(160) < 80
    ours, welch = mean_difference(values, inside), stats.ttest_ind(values[inside], values[~inside], equal_var=False)
    ends = welch.confidence_interval(0.95)
    assert (ours.low, ours.high, ours.p) == pytest.approx((ends.low, ends.high, welch.pvalue), rel=1e-9)
    assert ours.value == pytest.approx(-1.0) and (ours.n, ours.n_out, ours.groups) == (80, 80, 80)


def test_p_and_interval_agree_at_the_edge():
    values, inside = two_groups(1, times=1.3)
    ours = mean_difference(values, inside)
    at_the_end = mean_difference(np.where(inside, values - ours.low, values), inside)
    assert at_the_end.p == pytest.approx(0.05, rel=1e-6) and at_the_end.low == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(("sigma", "n", "least"), [(0.35, 60, 0.93), (0.6, 60, 0.92), (0.6, 30, 0.91)])
def test_intervals_cover_skewed_errors(sigma, n, least):
    covered = ratio = 0
    for seed in range(400):
        d = mean_difference(*two_groups(seed, n=n, sigma=sigma), ratio=True)
        covered += d.low <= 2 <= d.high
        ratio += d.ratio_low <= 3 <= d.ratio_high
    assert covered / 400 >= least and ratio / 400 >= least


def test_skewness_moves_the_interval_to_the_side_of_the_tail():
    values, inside = two_groups(3, sigma=0.5)
    d = mean_difference(values, inside)
    welch = stats.ttest_ind(values[inside], values[~inside], equal_var=False).confidence_interval(0.95)
    assert d.high > welch.high and d.low > welch.low


def test_repeated_images_of_a_person_tell_nothing_new():
    values, inside = two_groups(4)
    once = mean_difference(values, inside)
    people = np.arange(len(values))
    repeated = mean_difference(np.repeat(values, 5), np.repeat(inside, 5), np.repeat(people, 5))
    assert (repeated.value, repeated.low, repeated.high, repeated.p) == pytest.approx(
        (once.value, once.low, once.high, once.p), rel=1e-9
    )
    assert repeated.groups == pytest.approx(once.groups) and repeated.n == 5 * once.n
    blind = mean_difference(np.repeat(values, 5), np.repeat(inside, 5))
    assert blind.high - blind.low < 0.6 * (once.high - once.low)


def test_a_person_on_both_sides_is_paired():
    """A shift that all images of a person share cancels: the interval is that of the paired differences."""
    rng = np.random.default_rng(5)
    shift = np.repeat(rng.standard_normal(50), 2)
    inside = np.tile([True, False], 50)
    values = shift + 0.01 * rng.standard_normal(100) + 0.1 * inside
    paired = mean_difference(values, inside, np.repeat(np.arange(50), 2))
    assert paired.low > 0.09 and paired.high < 0.11 and mean_difference(values, inside).low < 0


def test_order_and_scale():
    values, inside = two_groups(6)
    d = mean_difference(values, inside, ratio=True)
    order = np.random.default_rng(0).permutation(len(values))
    other = mean_difference(1000 * values[order], inside[order], ratio=True)
    assert (other.low / 1000, other.high / 1000, other.p) == pytest.approx((d.low, d.high, d.p), rel=1e-9)
    assert (other.ratio, other.ratio_low) == pytest.approx((d.ratio, d.ratio_low), rel=1e-9)


@pytest.mark.parametrize("n", [0, 1, LEAST_GROUPS - 1])
def test_few_images_or_people_say_nothing(n):
    values, inside = np.random.default_rng(0).random(100), np.arange(100) < n
    assert mean_difference(values, inside) is None and mean_difference(values, ~inside) is None
    people = np.concatenate([np.zeros(50, int), np.arange(1, 51)])
    assert mean_difference(values, np.arange(100) < 50, people) is None


def test_errors_that_are_all_the_same():
    inside = np.arange(40) < 20
    assert mean_difference(np.ones(40), inside).p == 1.0
    constant = mean_difference(np.where(inside, 2.0, 1.0), inside)
    assert (constant.low, constant.high, constant.p) == (1.0, 1.0, 0.0)
    assert mean_difference(np.zeros(40), inside, ratio=True).ratio is None


def test_a_correction_that_one_value_blows_up_is_not_used():
    """The plain interval stands where the corrected one leaves it by more than half its width."""
    values, inside = two_groups(0, n=50, times=1.0, sigma=0.3)
    values[0] *= 25
    d = mean_difference(values, inside, ratio=True)
    welch = stats.ttest_ind(values[inside], values[~inside], equal_var=False).confidence_interval(0.95)
    assert (d.low, d.high) == pytest.approx((welch.low, welch.high), rel=1e-9)
    drawn = np.random.default_rng(1).integers(0, 50, (4000, 50))
    low, high = np.quantile(np.log(values[inside][drawn].mean(1) / d.mean_out), [0.025, 0.975])
    assert np.log(d.ratio_high) < high + (high - low) / 2
