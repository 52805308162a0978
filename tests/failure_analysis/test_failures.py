"""Ranking and the descriptive slices, on tables whose answer is known."""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from vaekit.failure_analysis.pictures.ranking import rank
from vaekit.failure_analysis.slices.attribute_table import attribute_slices


def table(values, ids=None):
    return pd.DataFrame({"image_id": ids or [f"{i:03}" for i in range(len(values))], "mse": values})


def ranked_ids(frame, **options):
    result = rank(frame, "mse", **{"top": 3, "higher_is_better": False, "seed": 0, **options})
    ids = frame["image_id"].to_numpy()
    return ids[result.worst].tolist(), ids[result.best].tolist(), result


def test_whole_order_is_right_in_every_permutation():
    for order in itertools.permutations(range(4)):
        frame = table([0.1, 0.4, 0.2, 0.3]).iloc[list(order)].reset_index(drop=True)
        worst, best, _ = ranked_ids(frame, top=4)
        assert worst == ["001", "003", "002", "000"] and best == worst[::-1]


def test_direction_turns_the_order():
    worst, best, _ = ranked_ids(table([0.1, 0.4, 0.2]), higher_is_better=True)
    assert worst == ["000", "002", "001"] and best == ["001", "002", "000"]


def test_ties_are_ordered_by_image_id_at_both_ends():
    worst, best, _ = ranked_ids(table([1.0, 1.0, 1.0, 1.0], ids=["d", "b", "c", "a"]))
    assert worst == best == ["a", "b", "c"]


def test_nan_and_infinite_values_are_counted_and_in_no_list():
    worst, best, result = ranked_ids(table([np.nan, 3.0, np.inf, 1.0, -np.inf]), top=10)
    assert (worst, best, result.not_finite) == (["001", "003"], ["003", "001"], 3)
    assert set(result.random) == {1, 3}


def test_random_images_depend_on_the_seed_alone():
    frame = table(np.arange(100.0))
    first, again, other = (ranked_ids(frame, seed=s)[2].random for s in (0, 0, 1))
    assert first.tolist() == again.tolist() != other.tolist() and len(set(first)) == 3


@pytest.fixture
def planted():
    """Attribute `hat` in 20 % of 500 images adds 0.5 to the error; `noise` has nothing to do with it."""
    generator = np.random.default_rng(0)
    attributes = pd.DataFrame({"noise": generator.random(500) < 0.3, "hat": generator.random(500) < 0.2}).astype(int)
    values = generator.normal(1, 0.2, 500) + 0.5 * attributes["hat"].to_numpy()
    return values, attributes, np.argsort(-values)[:32]


def test_slice_numbers_against_other_implementations(planted):
    values, attributes, worst = planted
    first = attribute_slices(values, attributes, worst).iloc[0]
    has = attributes["hat"].to_numpy() == 1
    assert first["attribute"] == "hat" and (first["n_with"], first["n_without"]) == (has.sum(), (~has).sum())
    assert first["difference"] == pytest.approx(values[has].mean() - values[~has].mean())
    welch = stats.ttest_ind(values[has], values[~has], equal_var=False).confidence_interval(0.95)
    assert (first["low"], first["high"]) == pytest.approx((welch.low, welch.high), abs=0.01)
    assert first["auc"] == pytest.approx(roc_auc_score(has, values))
    inside = np.isin(np.arange(500), worst)
    fisher = stats.fisher_exact(pd.crosstab(~inside, ~has))
    assert (first["odds_ratio"], first["p_value"]) == pytest.approx((fisher.statistic, fisher.pvalue))
    assert first["worst_with"] == (inside & has).sum() and first["worst_n"] == 32


def test_an_attribute_without_effect_has_an_interval_over_zero(planted):
    row = attribute_slices(*planted).set_index("attribute").loc["noise"]
    assert row["low"] < 0 < row["high"] and 0.4 < row["auc"] < 0.6


def test_an_attribute_of_all_or_none_is_left_out(planted):
    values, attributes, worst = planted
    result = attribute_slices(values, attributes.assign(all=1, none=0), worst)
    assert set(result["attribute"]) == {"hat", "noise"}
    assert attribute_slices(values, attributes[[]], worst).columns.tolist() == result.columns.tolist()


def test_values_that_are_not_finite_are_left_out_of_the_slices(planted):
    values, attributes, worst = planted
    spoiled = np.append(values, [np.nan, np.inf])
    more = pd.concat([attributes, pd.DataFrame({"noise": [1, 1], "hat": [1, 1]})], ignore_index=True)
    pd.testing.assert_frame_equal(attribute_slices(spoiled, more, worst), attribute_slices(values, attributes, worst))
