"""Thresholds, reasons and scores, on numbers that can be worked out by hand."""

import numpy as np
import pytest

from vaekit.judge.scoring import FEWEST, rate_matching_thresholds, reasons_against, score_table


@pytest.mark.parametrize("positives", [1, 7, 40, 99])
def test_thresholds_say_yes_as_often_as_is_true(positives):
    generator = np.random.default_rng(positives)
    probabilities = generator.random((100, 3)).astype(np.float32)
    labels = np.zeros((100, 3), int)
    labels[:positives] = 1
    thresholds = rate_matching_thresholds(probabilities, labels)
    assert ((probabilities > thresholds).sum(0) == positives).all()


def test_the_threshold_lies_midway_between_two_probabilities():
    probabilities = np.array([[0.1], [0.2], [0.6], [0.9]])
    assert rate_matching_thresholds(probabilities, np.array([[0], [1], [0], [1]]))[0] == pytest.approx(0.4)


def test_reasons_name_the_count_and_the_split():
    labels = np.zeros((100, 4), int)
    labels[:FEWEST, 0] = labels[: FEWEST - 1, 1] = labels[:50, 2] = labels[: 100 - 3, 3] = 1
    valid = np.tile([[0, 0, 1, 0], [1, 1, 1, 1]], (5, 1))
    reasons = reasons_against(labels, valid, valid)
    assert reasons[0] == ""
    assert reasons[1].startswith("19 positives among the 100 images that the judge sees")
    assert reasons[2] == "only one class among the valid and the test images"
    assert reasons[3].startswith("3 negatives")


def test_scores_are_one_row_per_attribute_of_the_data_in_order():
    labels = np.array([[0, 1], [1, 0], [1, 1], [0, 0]])
    table = score_table(("A", "B"), ["few", ""], np.array([[[0.9], [0.2], [0.8], [0.85]]]), np.array([[0.5]]), labels)
    assert table["attribute"].tolist() == ["A", "B"] and table["judged"].tolist() == [False, True]
    b = table.iloc[1]
    assert (b["auroc"], b["rate"], b["judged_rate"], b["n"], b["positives"]) == (0.75, 0.5, 0.75, 4, 2)
    assert np.isnan(table["auroc"][0]) and table["reason"].tolist() == ["few", ""]
