"""Means over raters: the formula by hand, its limits, and how often the interval holds what other raters say."""

import numpy as np
import pytest
from scipy import stats

from vaekit.statistics.bootstrap import NORMAL, Estimate
from vaekit.statistics.raters import pooled, pooled_estimate


def test_the_formula_by_hand():
    mean, low, high = pooled([10.0, 11.0, 12.0], [9.0, 10.0, 11.0], [12.0, 13.0, 14.0])
    between = 2 * 1.0 / 3
    for end, width in ((mean - low, 1.0), (high - mean, 2.0)):
        within = (width / NORMAL) ** 2
        freedom = 2 * (1 + within / between) ** 2
        assert end == pytest.approx(stats.t.ppf(0.975, freedom) * (within + between) ** 0.5)
    assert mean == 11


def test_raters_that_agree_add_nothing_and_one_keeps_his_interval():
    assert [float(x) for x in pooled([5.0] * 3, [4.0] * 3, [7.0] * 3)] == pytest.approx([5, 4, 7])
    assert [float(x) for x in pooled([5.0], [4.0], [7.0])] == [5, 4, 7]


def test_the_ends_stay_where_the_number_can_be():
    _, low, high = pooled([0.1, 0.5, 0.9], [0.05, 0.4, 0.8], [0.2, 0.6, 0.95], 0.0, 1.0)
    assert (low, high) == (0.0, 1.0)


def test_a_value_or_an_interval_that_one_lacks_all_lack():
    whole, bare = Estimate(1.0, 0.5, 1.5, 9), Estimate(2.0, None, None, 9)
    none = Estimate(None, None, None, 9, "too few")
    assert pooled_estimate([whole, bare]) == Estimate(1.5, None, None, 9)
    assert pooled_estimate([whole, none]) is none


@pytest.mark.parametrize("share", [0.0, 0.5, 2.0])
def test_what_other_raters_say_of_all_images_is_held_94_to_95_times_of_100(share):
    """`share` is the images' variance over the raters'. Three raters see some images, three others all of them."""
    generator = np.random.default_rng(0)
    first, second = generator.normal(size=(2, 3, 20_000))
    first += generator.normal(size=20_000) * share**0.5
    half = NORMAL * share**0.5
    _, low, high = pooled(first, first - half, first + half)
    held = ((low <= second.mean(0)) & (second.mean(0) <= high)).mean()
    assert 0.93 < held < 0.97
