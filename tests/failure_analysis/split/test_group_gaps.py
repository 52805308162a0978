"""Gaps between groups: planted ones found, bounded where there is none, adjusted for what confounds them."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from vaekit.errors import ConfigError
from vaekit.failure_analysis.context import Context, Images
from vaekit.failure_analysis.split import group_gaps as module
from vaekit.failure_analysis.split.base import words

MSE = {"label": "Mean squared error", "unit": "squared pixel value", "higher_is_better": False}


def fairness(error, attributes, properties, *, metric=MSE, groups=None, face_error=None, persons=None, has_zero=True):
    people = np.arange(len(error)) if persons is None else persons
    none = np.zeros((0, 8, 8, 3), np.uint8)
    images = Images(None, np.arange(len(error)), none, none, attributes, properties, people.astype(str))
    columns = {} if face_error is None else {"face_mse": face_error}
    return module.fairness(Context(images, np.asarray(error), metric, has_zero, groups, columns=columns))


def material(n=1000, seed=0):
    generator = np.random.default_rng(seed)
    labels = pd.DataFrame(
        {
            "Male": generator.random(n) < 0.4,
            "Young": generator.random(n) < 0.75,
            "Pale_Skin": generator.random(n) < 0.1,
            "Eyeglasses": generator.random(n) < 0.1,
        }
    ).astype(int)
    properties = pd.DataFrame(generator.normal(size=(n, 2)), columns=["contrast", "background_edges"])
    return labels, properties, generator


def gamma(generator, mean):
    return generator.gamma(4, mean / 4)


def of(result, group):
    return next(row for row in result.rows if row["group"] == group)


def test_a_planted_gap_is_found_in_plain_words():
    labels, properties, generator = material(4000)
    error = gamma(generator, 0.01 * np.where(labels["Male"], 1.2, 1.0))
    result = fairness(error, labels, properties)
    assert [o.id for o in result.results if o.found] == ["gap-Male"]
    first = result.results[0]
    assert (
        words(first).sentence.startswith("Images labelled Male are reconstructed ")
        and " worse than the others" in words(first).sentence
    )
    row = of(result, "Male")
    assert row["ratio_low"] < 1.2 < row["ratio_high"] and row["ratio_high"] - row["ratio_low"] < 0.12
    assert row["ratio"] == pytest.approx(error[labels["Male"] == 1].mean() / error[labels["Male"] == 0].mean())
    assert row["adjusted_low"] < 1.2 < row["adjusted_high"]


def test_no_gap_is_said_with_what_bounds_it():
    labels, properties, generator = material(4000)
    result = fairness(gamma(generator, np.full(4000, 0.01)), labels, properties)
    assert not any(o.found for o in result.results)
    row, said = of(result, "Male"), words(result.results[0]).sentence
    bound = max(abs(row["ratio_low"] - 1), abs(row["ratio_high"] - 1))
    assert said.startswith("No gap found by Male") and f"leaves room for {100 * bound:.2g} % at most" in said


def test_a_gap_that_the_background_makes_vanishes_at_equal_pictures():
    labels, properties, generator = material(4000)
    properties["background_edges"] += 1.0 * labels["Male"]
    error = gamma(generator, 0.01 * np.exp(0.3 * properties["background_edges"]))
    result = fairness(error, labels, properties)
    row = of(result, "Male")
    assert row["found"] and row["ratio_low"] > 1.2 and row["adjusted_low"] < 1 < row["adjusted_high"]
    evidence = words(result.results[0]).evidence[0]
    assert (
        evidence.startswith("At equal contrast and background they are") and "can not be told from no gap" in evidence
    )


def test_a_gap_that_the_background_hides_shows_at_equal_pictures():
    labels, properties, generator = material(4000)
    properties["background_edges"] -= 0.5 * labels["Male"]
    error = gamma(generator, 0.01 * np.exp(0.4 * properties["background_edges"] + 0.2 * labels["Male"]))
    row = of(fairness(error, labels, properties), "Male")
    assert not row["found"] and row["adjusted_low"] > 1.1


def test_without_properties_the_pseudo_likelihood_is_the_ratio_of_means():
    labels, _, generator = material(500)
    error, inside = gamma(generator, np.full(500, 0.01)), labels["Male"].to_numpy() == 1
    value, low, high = module._adjusted(error, inside, np.empty((500, 0)), np.arange(500), as_ratio=True)
    assert value == pytest.approx(error[inside].mean() / error[~inside].mean(), rel=1e-9) and low < value < high
    value, *_ = module._adjusted(-error, inside, np.empty((500, 0)), np.arange(500), as_ratio=False)
    assert value == pytest.approx(error[~inside].mean() - error[inside].mean(), rel=1e-9)


def test_intervals_cover_the_true_gaps():
    runs, raw, adjusted = 300, 0, 0
    for seed in range(runs):
        labels, properties, generator = material(400, seed)
        properties["contrast"] += 0.5 * labels["Male"]
        error = gamma(generator, 0.01 * np.exp(0.2 * properties["contrast"] + np.log(1.1) * labels["Male"]))
        row = of(fairness(error, labels, properties, groups=("Male",)), "Male")
        raw += row["ratio_low"] <= 1.1 * np.exp(0.1) <= row["ratio_high"]
        adjusted += row["adjusted_low"] <= 1.1 <= row["adjusted_high"]
    for covered in (raw, adjusted):
        assert stats.binomtest(covered, runs, 0.945).pvalue > 1e-3, (raw, adjusted)


def test_images_of_one_person_count_as_one():
    generator = np.random.default_rng(0)
    persons = np.repeat(np.arange(100), 20)
    male = pd.DataFrame({"Male": (persons % 2).astype(int)})
    nothing = pd.DataFrame({"contrast": np.ones(2000)})
    found = {True: 0, False: 0}
    for _ in range(60):
        error = 0.01 * np.exp(generator.normal(0, 0.5, 100)[persons] + 0.1 * generator.normal(size=2000))
        for known in found:
            found[known] += fairness(error, male, nothing, persons=persons if known else None).results[0].found
    assert found[True] <= 8 < 25 < found[False]


def test_q_is_that_of_scipy():
    labels, properties, generator = material()
    rows = fairness(gamma(generator, np.full(1000, 0.01)), labels, properties, groups=tuple(labels)).rows
    np.testing.assert_allclose([r["q"] for r in rows], stats.false_discovery_control([r["p"] for r in rows]))


def test_a_metric_where_more_is_better_is_spoken_of_in_its_unit():
    labels, properties, generator = material(3000)
    psnr = 22 - 0.8 * labels["Young"] + generator.normal(size=3000)
    result = fairness(psnr, labels, properties, metric={"label": "PSNR", "unit": "dB", "higher_is_better": True})
    row = of(result, "Young")
    assert row["ratio"] is None and row["difference"] == pytest.approx(-0.8, abs=0.15) and row["found"]
    said = next(o for o in result.results if o.id == "gap-Young")
    assert "dB worse than the others (PSNR;" in words(said).sentence and "dB worse" in words(said).evidence[0]


def test_the_error_in_the_face_is_told_apart():
    labels, properties, generator = material(4000)
    face = gamma(generator, 0.01 * np.where(labels["Male"], 1.3, 1.0))
    result = fairness(gamma(generator, np.full(4000, 0.01)), labels, properties, face_error=face)
    row = of(result, "Male")
    assert not row["found"] and row["face_low"] < 1.3 < row["face_high"] and row["face_low"] > 1.1
    assert "In the face alone they are" in words(result.results[0]).evidence[1]


def test_groups_of_the_users_choice_and_a_name_that_is_none():
    labels, properties, generator = material()
    error = gamma(generator, np.full(1000, 0.01))
    assert [r["group"] for r in fairness(error, labels, properties, groups=("Eyeglasses",)).rows] == ["Eyeglasses"]
    with pytest.raises(
        ConfigError, match=r"--fairness Eyeglases is no attribute of these data\. Did you mean 'Eyeglasses'"
    ):
        fairness(error, labels, properties, groups=("Eyeglases",))
    none = fairness(error, labels[["Eyeglasses"]], properties)
    assert none.rows == [] and "label none of Male, Young, Pale_Skin" in none.notes[0]


def test_small_groups_and_values_that_are_not_finite():
    labels, properties, generator = material(10)
    error = gamma(generator, np.full(10, 0.01))
    result = fairness(error, labels, properties)
    assert result.results == () and sum("was not tested" in note for note in result.notes) == 3
    labels, properties, generator = material(500)
    error = gamma(generator, np.full(500, 0.01))
    error[:7] = np.nan
    result = fairness(error, labels, properties)
    assert of(result, "Male")["n_with"] + of(result, "Male")["n_without"] == 493
    assert result.notes[-1] == "Left out of the groups: 7 images without a finite value."


def test_order_changes_nothing_and_rows_are_json():
    labels, properties, generator = material()
    error = gamma(generator, np.full(1000, 0.01))
    order = generator.permutation(1000)
    a = fairness(error, labels, properties)
    b = fairness(error[order], labels.iloc[order].reset_index(drop=True), properties.iloc[order].reset_index(drop=True))
    for one, other in zip(a.rows, b.rows, strict=True):
        assert one.keys() == other.keys()
        for key, value in one.items():
            assert value is None or isinstance(value, str) or other[key] == pytest.approx(value, rel=1e-6)
    assert json.loads(json.dumps(a.rows, allow_nan=False)) == a.rows


def test_a_constant_property_and_a_group_equal_to_a_property_do_no_harm():
    labels, properties, generator = material()
    properties["contrast"] = 0.5
    error = gamma(generator, np.full(1000, 0.01))
    row = of(fairness(error, labels, properties), "Male")
    assert row["adjusted_low"] < 1 < row["adjusted_high"]
    assert of(fairness(error, labels, properties[[]]), "Male")["adjusted"] is None


def test_what_is_said_of_a_gap_never_contradicts_its_interval():
    """One rule: called a gap, too small, chance, or no gap with an interval around it; for further gaps likewise."""
    seen = set()
    for seed in range(40):
        labels, properties, generator = material(700, seed)
        error = gamma(generator, 0.01 * np.exp(0.04 * labels["Male"] + 0.1 * properties["contrast"]))
        result = fairness(error, labels, properties, groups=tuple(labels), face_error=error)
        for row, said in zip(result.rows, map(words, result.results), strict=True):
            holds = row["ratio_low"] <= 1 <= row["ratio_high"]
            assert ("leaves room for" in said.sentence) == (holds and not row["told"])
            if said.sentence.startswith("No gap found") and not holds:
                assert "chance gives as much" in said.sentence and row["q"] >= 0.05
            assert not row["found"] or not holds
            holds = row["adjusted_low"] <= 1 <= row["adjusted_high"]
            assert holds == ("can not be told from no gap" in said.evidence[0])
            if not holds:
                assert ("chance gives" in said.evidence[0]) == (row["adjusted_q"] >= 0.05)
            seen.add(said.sentence.split(" ")[0])
    assert seen == {"No", "Images"}


def test_a_certain_gap_under_two_percent_is_called_too_small():
    labels, properties, generator = material(4000)
    error = 0.01 * np.exp(0.01 * labels["Male"].to_numpy() + 0.001 * generator.normal(size=4000))
    result = fairness(error, labels, properties, groups=("Male",))
    assert result.rows[0]["told"] and not result.rows[0]["found"]
    assert words(result.results[0]).sentence.startswith("The gap by Male is too small to be called one")


def test_one_image_makes_no_gap():
    """Fifty people of whom one has a hundredfold error: an interval that leaves the bootstrap's by far is not used."""
    generator = np.random.default_rng(0)
    male = pd.DataFrame({"Male": (np.arange(400) < 50).astype(int)})
    error = 0.01 * np.exp(0.3 * generator.normal(size=400))
    error[0] *= 25
    row = fairness(error, male, pd.DataFrame(index=range(400))).rows[0]
    drawn = generator.integers(0, 50, (4000, 50)), generator.integers(50, 400, (4000, 350))
    ratios = np.log(error[drawn[0]].mean(1) / error[drawn[1]].mean(1))
    low, high = np.quantile(ratios, [0.025, 0.975])
    assert np.log(row["ratio_high"]) < high + (high - low) / 2 and row["ratio_low"] < 1 and not row["found"]
