"""A comparison of runs that differ in one setting, and dims of several models that tell the same."""

import json

import numpy as np
import pandas as pd
import pytest

from tests.reporting import test_compare as comparison
from vaekit import artifacts
from vaekit.figures.compare import histories
from vaekit.reporting.comparison.matching import matched
from vaekit.statistics.differences import paired_differences, with_q


def said(tmp_path, *, worse=0.01, paired=False, **settings):
    """Return what a comparison of two models that differ in beta says of that setting, as text."""
    models = {
        name: comparison.write_model(tmp_path / name, run=name, worse=own) for name, own in (("a", 0.0), ("b", worse))
    }
    for name, folder in models.items():
        path = folder / artifacts.EVALUATION / artifacts.SUMMARY
        content = artifacts.read_json(path)
        content["config"] = {"objective": {"beta": 1.0 if name == "a" else 8.0}}
        content["config"] |= {key: value if name == "b" else None for key, value in settings.items()}
        artifacts.write_json(path, content)
    differences = with_q(paired_differences(comparison.tables_of(models), ["mse"], 0)) if paired else []
    _, data = comparison.build(models, tmp_path / "out", differences=differences)
    found = [section for section in data["sections"] if section["id"] == "ablation"]
    return json.dumps(found, ensure_ascii=False)


def test_what_beta_alone_did_is_told_in_numbers(tmp_path):
    text = said(tmp_path)
    assert "differ in `objective.beta` alone, one run each. From 1 to 8: " in text
    assert "50.00 → 40.00" in text and "No clear change" not in text and "Numbers over objective.beta" in text


def test_what_the_intervals_do_not_tell_apart_did_not_change(tmp_path):
    text = said(tmp_path, worse=1e-6)
    assert "no number changes clearly" in text and "→" not in text


def test_a_paired_difference_tells_apart_what_intervals_do_not(tmp_path):
    text = said(tmp_path, worse=2e-4, paired=True)
    assert "mean squared error 0.0" in text.partition("No clear change")[0].lower()


@pytest.mark.parametrize("settings", [{"training": {"epochs": 9}}, {"model": {"norm": "batch"}}])
def test_runs_that_differ_in_more_tell_nothing_of_one_setting(tmp_path, settings):
    assert said(tmp_path, **settings) == "[]"


def test_dims_are_matched_by_what_they_tell_and_not_by_rank():
    rng = np.random.default_rng(0)
    mu, ids = rng.normal(size=(400, 4)), np.array([f"{i:03}" for i in range(400)])
    other = np.stack([rng.normal(size=400), -mu[:, 2], mu[:, 0] + 0.3 * rng.normal(size=400), np.zeros(400)], 1)
    shuffled = rng.permutation(400)
    codes = {"a": (ids, mu), "b": (ids[shuffled], other[shuffled])}
    groups = matched(codes, {"a": np.array([2, 0, 1]), "b": np.array([0, 1, 2, 3])})
    assert [[(name, place) for name, place, _ in group] for group in groups] == [
        [("a", 0), ("b", 1)],
        [("a", 1), ("b", 2)],
    ]
    assert groups[0][1][2] == pytest.approx(-1) and 0.9 < groups[1][1][2] < 1
    assert matched(codes, {"a": np.array([1]), "b": np.array([0, 3])}) == []  # noise and a dead dim tell of nothing


def test_histories_are_drawn_together_and_said_one_by_one():
    table = pd.DataFrame({"epoch": [1, 2], "valid_mse": [0.02, 0.01], "valid_kl": [3.0, 4.0]})
    drawn = histories({"a": table, "b": table.assign(valid_mse=[0.01, 0.03])})
    assert "the MSE of a falls from 0.02 to 0.01 over 2 epochs; the MSE of b rises from 0.01 to 0.03" in drawn.caption
