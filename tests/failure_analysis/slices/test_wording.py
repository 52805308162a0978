"""Findings in words and on disk: every sentence says its numbers, and comes back from JSON as it was."""

import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tests.failure_analysis.planted import errors, populate, searched
from vaekit.failure_analysis.advice import FACE_FIRST
from vaekit.failure_analysis.finding import Effect, Enrichment, Finding, finite
from vaekit.failure_analysis.not_found import candidate_rows, silent_tests
from vaekit.failure_analysis.slices.confirmation import Scale, confirm
from vaekit.failure_analysis.slices.findings import Errors, Told, slice_findings
from vaekit.failure_analysis.slices.rules import Material, attribute_condition, property_condition, rule_of
from vaekit.failure_analysis.slices.search import SEARCHES
from vaekit.failure_analysis.slices.wording import (
    Measure,
    false_if,
    not_found,
    remedy,
    sentence,
    subject,
    title,
    too_few,
)
from vaekit.failure_analysis.split.base import SplitResult
from vaekit.figures.words import percent

MSE = Measure("Mean squared error", "squared pixel value", Scale(False, 0.0))
PSNR = Measure("Peak signal-to-noise ratio", "dB", Scale(True, None))


@pytest.fixture(scope="module")
def found():
    """A blurred group and a regular pattern, searched for: (population, errors, what was found)."""
    part = populate("blur", 3000, 1)
    values = errors(part, np.random.default_rng(1))
    return part, values, searched(part, values, 0)


def material(**columns):
    attributes = pd.DataFrame(columns)
    return Material(attributes, pd.DataFrame({"sharpness": np.linspace(0, 1, len(attributes))}))


def as_findings(found, pictured=6):
    part, values, result = found
    ids = np.array([f"{i:06}" for i in range(len(values))])
    kinds = Errors(values, values, values, np.full(len(values), np.nan))
    told = Told(kinds, part.people, MSE)
    return slice_findings(result, told, ids, part.material.attributes, pictured), ids


def test_the_sentence_says_effect_interval_size_q_and_share(found):
    (finding, _), *_ = as_findings(found)[0]
    d = found[2].kept[0].tested.difference
    assert finding.title.startswith("Sharpness of the face in the lowest") and str(finding) == finding.sentence
    for number in (
        f"{d.ratio:.3g}",
        f"{d.low:.3g}",
        f"{d.high:.3g}",
        f"{d.n:,} of {found[2].n_tested_on:,} images",
        f"{found[2].kept[0].tested.came_up} of {SEARCHES} searches",
    ):
        assert number in finding.sentence, number
    assert f"{percent(finding.share)} of all error" in finding.sentence and "q < 0.0001" in finding.sentence
    assert (finding.effect.value, finding.effect.ratio) == (d.value, d.ratio) and finding.n == d.n
    assert any("worst of these images (" in said for said in finding.evidence) and finding.remedy


def test_what_would_make_a_slice_false_is_what_it_is_made_of():
    of = material(Eyeglasses=np.arange(200) < 40, Smiling=np.arange(200) % 2)
    label, blurred = attribute_condition(of, "Eyeglasses"), property_condition(of, "sharpness", 0.1, False)
    alone, both, property_alone = (false_if(rule_of(list(c)), 40) for c in ((label,), (label, blurred), (blurred,)))
    wrong = "the labels (Eyeglasses) are wrong in many of the 40 images it rests on"
    assert alone == f"False if {wrong}. What goes with it may be the cause: nothing was changed to test it."
    assert f"{wrong}, or sharpness of the face is not what its number says (mean square of" in both
    assert "label" not in property_alone and "Laplacian" in property_alone


def test_pictures_are_the_worst_of_the_slice_that_were_not_searched(found):
    pairs, ids = as_findings(found)
    finding, rows = pairs[0]
    tested = found[2].kept[0].tested
    inside = tested.rows[tested.mask]
    assert rows.tolist() == inside[np.argsort(-found[1][inside])][:6].tolist()
    assert finding.image_ids == tuple(ids[rows])


def test_later_galleries_show_other_images_first():
    part = populate(None, 3000, 0)
    values = errors(part, np.random.default_rng(0))
    names = part.material.attributes.columns[:2]
    both = part.material.attributes[names].to_numpy() == 1
    values = values * (1 + 2 * both[:, 0]) * (1 + 2 * both[:, 1])
    pairs, _ = as_findings((part, values, searched(part, values, 0)))
    assert len(pairs) >= 2 and not set(pairs[0][1]) & set(pairs[1][1])


def test_a_finding_comes_back_from_json(found):
    finding = as_findings(found)[0][0][0]
    assert Finding.of(json.loads(json.dumps(finding.record(), allow_nan=False))) == finding
    bare = Finding("a", "detail", "A", "A.", None, 3, None, None, None, None, (), (), "")
    assert Finding.of(bare.record()) == bare
    odd = Finding(
        "a", "x", "A", "A.", Effect(1.0, None, None, "1"), 3, 0.1, 0.1, None, Enrichment(3, 4, None, 0.1), (), (), ""
    )
    assert Finding.of(json.loads(json.dumps(odd.record()))) == odd
    assert finite({"a": [np.inf, (1.0, float("nan"))]}) == {"a": [None, [1.0, None]]}


def test_a_metric_without_zero_is_spoken_of_in_its_unit_and_direction():
    rng = np.random.default_rng(0)
    of = material(hat=(rng.random(800) < 0.2).astype(int))
    psnr = 30 - 3 * of.attributes["hat"].to_numpy() + rng.standard_normal(800)
    (tested,) = confirm(-psnr, of, [rule_of([attribute_condition(of, "hat")])], has_zero=False)
    said = sentence(tested, 0.0, PSNR, 800)
    effect = PSNR.effect(tested.difference)
    assert (
        effect.value == pytest.approx(-3, abs=0.3) and effect.low < effect.value < effect.high and effect.ratio is None
    )
    assert "worse peak signal-to-noise ratio" in said and "dB" in said and "standard deviations worse" in said
    assert f"{psnr[of.attributes['hat'] == 1].mean():.4g} against" in said


def test_words_of_slices():
    of = material(Wearing_Hat=[0, 1] * 20, Smiling=[0, 0, 1, 1] * 10)
    blurred = property_condition(of, "sharpness", 0.25, False)
    rule = rule_of([blurred, attribute_condition(of, "Wearing_Hat"), attribute_condition(of, "Smiling", False)])
    assert (
        subject(rule) == "Images labelled not Smiling and Wearing Hat with sharpness of the face in the lowest quarter"
    )
    assert rule.id == "slice-not-Smiling-and-Wearing_Hat-and-sharpness-low"
    assert title(rule).startswith("Not Smiling and Wearing Hat")
    other = rule_of([property_condition(of, "sharpness", 0.1, False)])
    assert other.id == rule_of([property_condition(of, "sharpness", 0.25, False)]).id
    strange = material(**{"a/b ü": [0, 1] * 20})
    assert rule_of([attribute_condition(strange, "a/b ü")]).id == "slice-a-b-"


def test_the_remedy_says_how_rare_a_label_is_in_train():
    of = material(hat=[0, 1] * 20)
    rule = rule_of([attribute_condition(of, "hat")])
    assert "Only 1 % of the train images" in remedy(rule, pd.DataFrame({"hat": [1] + [0] * 99}))
    assert "will not help much, 50 % of train are like this" in remedy(rule, pd.DataFrame({"hat": [0, 1] * 50}))
    assert (
        remedy(rule, pd.DataFrame({"hat": []}))
        and remedy(
            rule_of([property_condition(populate(None, 40, 0).material, "background_edges", 0.25, True)]),
            pd.DataFrame(),
        )
        == FACE_FIRST
    )


def test_every_candidate_has_a_row_and_a_fate(found):
    rows = candidate_rows(found[2], MSE)
    assert len(rows) == len(found[2].tested) and rows[0]["became"] == "finding"
    fates = {re.split(" into |: ", row["became"])[0] for row in rows}
    assert (
        fates <= {"finding", "folded", "not confirmed", "not stable", "too small", "too few images"}
        and "not confirmed" in fates
    )
    json.dumps(rows, allow_nan=False)


def test_what_is_always_tested_is_said_when_it_is_not_found(found):
    silent = silent_tests(found[2], MSE, ())
    titles = [item["title"] for item in silent]
    assert {"Accessories and occlusion", "Busy backgrounds"} <= set(titles)
    accessories = next(item["sentence"] for item in silent if item["title"] == "Accessories and occlusion")
    for name in ("Eyeglasses", "Wearing Hat", "likeness to the mean face", "colour variety"):
        assert name in accessories
    assert accessories.count("q = ") == 7 and "not told from no difference" in accessories


def test_a_topic_that_the_whole_split_answers_is_not_called_silent(found):
    part, values, _ = found
    nothing = searched(part, np.random.default_rng(0).permutation(values), 0)
    detail = SplitResult("detail", "detail", True)
    with_it, without = (silent_tests(nothing, MSE, outcomes) for outcomes in ((detail,), ()))
    assert "Fine detail" not in [item["title"] for item in with_it]
    assert any(item["title"].startswith("Fine detail") for item in without)


def test_slices_of_too_few_images_are_named_in_one_sentence(found):
    few = replace(found[2], tested=[replace(t, difference=None) for t in found[2].tested], kept=[], beyond=[])
    silent = [item["sentence"] for item in silent_tests(few, MSE, ())]
    accessories = next(s for s in silent if "Eyeglasses (" in s)
    assert accessories.count("Not tested") == 1 and "Wearing Hat (" in accessories
    assert all(s.count("Not tested") == 1 for s in silent)


def test_reasons_of_silence():
    rng = np.random.default_rng(0)
    of = material(
        hat=(rng.random(2000) < 0.2).astype(int), noise=(rng.random(2000) < 0.5).astype(int), rare=[1] * 5 + [0] * 1995
    )
    error = rng.lognormal(0, 0.2, 2000) * (1 + 0.06 * of.attributes["hat"].to_numpy())
    rules = [[("hat", True)], [("noise", True)], [("rare", True)]]
    tested = confirm(error, of, [rule_of([attribute_condition(of, *c) for c in rule]) for rule in rules])
    hat, noise = (not_found(t, MSE) for t in tested[:2])
    assert hat.endswith("too small to be called a finding (from 1.1 times and 0.5 % of the error on).")
    assert noise.endswith("not told from no difference.") and "rare (5)" in too_few(tested[2:])
