"""Attributes kept, lost and made up, on judgements whose truth is known."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tests.failure_analysis.split.test_detail import blurred, natural
from vaekit.failure_analysis.advice import UNKNOWN, Training
from vaekit.failure_analysis.face_area import face_mask
from vaekit.failure_analysis.split.attribute_survival import COLUMNS, control_probabilities, preserved
from vaekit.failure_analysis.split.base import words
from vaekit.failure_analysis.split.equal_blur import fit_blur

SURE = 0.95


def judged(labels, kept, control, appears=0.02, appears_control=0.02, seed=0):
    """Probabilities (x, x_hat, control) of one attribute that survives and appears in the given shares."""
    generator = np.random.default_rng(seed)
    has = np.asarray(labels) == 1

    def seen(with_it, without):
        yes = generator.random(len(has)) < np.where(has, with_it, without)
        return np.where(yes, 0.9, 0.1)

    return has * 0.8 + 0.1, seen(kept, appears), seen(control, appears_control)


def table(*columns):
    """Stack (labels, judged) pairs into what `preserved` takes."""
    names = tuple(f"A_{k}" for k in range(len(columns)))
    labels = pd.DataFrame({name: labels for name, (labels, _) in zip(names, columns, strict=True)})
    stacks = [np.column_stack([probabilities[i] for _, probabilities in columns]) for i in range(3)]
    return labels, names, np.full((1, len(names)), 0.5), *(stack[None] for stack in stacks)


def some(share, n=400, seed=0):
    return (np.random.default_rng(seed).permutation(n) < share * n).astype(int)


def run(*columns, auroc=SURE):
    arguments = table(*columns)
    return preserved(*arguments, auroc=dict.fromkeys(arguments[1], auroc))


def row(result, name):
    return next(r for r in result.rows if r["attribute"] == name)


def found(result):
    return [o.id for o in result.results if o.found]


def test_an_attribute_lost_beyond_blur_is_found_and_one_lost_to_blur_is_not():
    rare, common = some(0.1), some(0.5, seed=1)
    result = run((rare, judged(rare, 0.2, 0.9)), (common, judged(common, 0.4, 0.4, seed=2)))
    assert found(result) == ["lost-A_0"]
    first = result.results[0]
    assert words(first).sentence.startswith("A 0: still seen in ") and "not just sharpness" in words(first).sentence
    assert first.n == 40 and first.effect.low > 0.4
    truth = row(result, "A_0")
    assert truth["beyond"] == pytest.approx(truth["control"] - truth["kept"])
    gone = (rare == 1) & (table((rare, judged(rare, 0.2, 0.9)))[4][0, :, 0] < 0.5)
    assert len(first.rows) and gone[first.rows].all()


def test_a_loss_that_is_certain_and_small_is_no_finding():
    common = some(0.5, 4000)
    result = run((common, judged(common, 0.85, 0.91)))
    lost = result.results[0]
    assert lost.q < 0.001 and lost.effect.low > 0 and lost.effect.value < 0.1 and not lost.found


def test_an_attribute_that_appears_from_nowhere_is_found():
    rare = some(0.3)
    result = run((rare, judged(rare, 0.95, 0.95, appears=0.5, appears_control=0.05)))
    assert found(result) == ["added-A_0"]
    said = next(o for o in result.results if o.found)
    assert "The model makes it up" in words(said).sentence and said.n == 280
    assert (rare[said.rows] == 0).all()


def test_shares_are_counted_among_images_that_have_it_in_label_and_judgement():
    labels = np.repeat([1, 1, 0, 0], 30)
    p_x = np.repeat([0.9, 0.1, 0.9, 0.1], 30)  # half of those labelled are not seen, half of the others are
    p_hat = np.concatenate([np.repeat([0.9, 0.1], [18, 12]), np.full(60, 0.9), np.repeat([0.9, 0.1], [3, 27])])
    result = run((labels, (p_x, p_hat, p_x)))
    found = row(result, "A_0")
    assert (found["n"], found["n_without"]) == (30, 30)
    assert found["kept"] == pytest.approx(0.6) and found["control"] == 1
    assert found["appears"] == pytest.approx(0.1) and found["appears_control"] == 0
    wilson = stats.binomtest(18, 30).proportion_ci(method="wilson")
    assert (found["kept_low"], found["kept_high"]) == pytest.approx((wilson.low, wilson.high))
    assert found["p"] == pytest.approx(stats.binomtest(12, 12).pvalue)


def test_under_the_null_little_is_found():
    false = 0
    for seed in range(40):
        columns = []
        for k in range(10):
            labels = some(0.2, 600, seed=100 * seed + k)
            share = 0.9 + 0.01 * k
            columns.append((labels, judged(labels, share, share, 0.1, 0.1, seed=7000 + 100 * seed + k)))
        false += bool(found(run(*columns)))
    assert stats.binomtest(false, 40, 0.05, alternative="greater").pvalue > 1e-3, false


def test_q_is_that_of_scipy_over_both_comparisons_of_all_attributes():
    columns = [(some(0.2, seed=k), judged(some(0.2, seed=k), 0.6 + 0.05 * k, 0.8, 0.1, 0.05, seed=k)) for k in range(6)]
    rows = run(*columns).rows
    p = [row[key] for row in rows for key in ("p", "p_added")]
    q = [row[key] for row in rows for key in ("q", "q_added")]
    np.testing.assert_allclose(q, stats.false_discovery_control(p), rtol=1e-12)


def test_a_rare_attribute_and_an_unsure_judge_are_said_and_not_tested():
    rare, common = some(0.02), some(0.5)
    result = run((rare, judged(rare, 0.0, 1.0)))
    assert not any(o.id.startswith("lost") for o in result.results)
    assert result.notes == ("Too few images have it to say whether it survives (20 are the least): A 0 (8).",)
    unsure = run((common, judged(common, 0.0, 1.0)), auroc=0.7)
    assert not unsure.results and "AUROC 0.70" in unsure.rows[0]["reason"]
    assert unsure.rows[0]["kept"] == 0  # the numbers stay, the verdict is withheld
    assert "not sure of them" in unsure.notes[0]
    assert run((common, judged(common, 0.0, 1.0)), auroc=np.nan).results == ()


def test_an_attribute_that_equal_blur_hides_from_the_judge_can_not_be_judged():
    """The judge says yes to most blurred images, whoever has it: that the reconstructions say so less is no loss."""
    common = some(0.5)
    result = run((common, judged(common, 0.2, 1.0, appears=0.1, appears_control=0.86)))
    assert not result.results and "can not be judged under equal blur: AUROC 0.5" in row(result, "A_0")["reason"]
    assert result.notes == ("Can not be judged, as equal blur alone hides them from the judge: A 0.",)


@pytest.mark.parametrize(
    ("share", "training", "says", "never"),
    [
        (0.02, UNKNOWN, "Only 2 % of the train images are like this: add such images", "will not help"),
        (0.46, UNKNOWN, "will not help much, 46 % of train are like this", "draw them more often"),
        (0.46, Training(True, 0, 128), "Train on: ", "more dims"),
        (
            0.46,
            Training(False, 1, 128),
            "Weigh the KL less, not more dims: 1 latent dim carries nothing.",
            "Give the code",
        ),
        (0.46, Training(False, 0, 128, 1.0), "Give the code more dims or weigh the KL less.", "Train on"),
        (0.46, Training(False, 0, 128, 0.01), "Give the code more dims.", "weigh"),
    ],
)
def test_advice_on_a_lost_attribute_follows_from_its_share_in_train_and_the_training(share, training, says, never):
    rare = some(0.1)
    lost = run((rare, judged(rare, 0.2, 0.9))).results[0]
    remedy = words(replace(lost, numbers=dict(lost.numbers) | {"train_share": share}), training).remedy
    assert says in remedy and never not in remedy


def test_networks_that_disagree_widen_the_interval():
    rare = some(0.2)
    arguments = [table((rare, judged(rare, kept, 0.9, seed=k))) for k, kept in enumerate((0.1, 0.4, 0.7))]
    stacks = [np.concatenate([a[i] for a in arguments]) for i in range(2, 6)]
    together = preserved(*arguments[0][:2], *stacks, auroc={"A_0": SURE}).rows[0]
    alone = [preserved(*a, auroc={"A_0": SURE}).rows[0] for a in arguments]
    assert together["kept"] == pytest.approx(np.mean([one["kept"] for one in alone]))
    width = together["beyond_high"] - together["beyond_low"]
    assert width > 2 * max(one["beyond_high"] - one["beyond_low"] for one in alone) and not together["lost"]
    assert together["p"] == pytest.approx(2 * np.median([one["p"] for one in alone]))


def test_ten_images_say_nothing():
    labels = some(0.5, 10)
    result = run((labels, judged(labels, 0.0, 1.0)))
    assert result.results == () and "5 images have it, 5 without" in result.rows[0]["reason"]


def test_data_without_attributes_say_so():
    empty = np.zeros((30, 0))
    result = preserved(pd.DataFrame(index=range(30)), (), np.zeros(0), empty, empty, empty, auroc={})
    assert result.rows == [] and "knows no attribute" in result.notes[0]


def test_answers_that_are_not_finite_are_left_out_and_counted():
    labels = some(0.5, 100)
    x, x_hat, control = judged(labels, 0.5, 0.9)
    x_hat = x_hat.copy()
    x_hat[np.flatnonzero(labels == 1)[:5]] = np.nan
    result = run((labels, (x, x_hat, control)))
    assert row(result, "A_0")["n"] == 45 and "5 of 100 images" in result.notes[0]


def test_the_order_of_the_images_changes_nothing_and_rows_are_json():
    labels = [some(0.3, seed=k) for k in range(3)]
    columns = [(has, judged(has, 0.3 + 0.2 * k, 0.9, seed=k)) for k, has in enumerate(labels)]
    order = np.random.default_rng(1).permutation(400)
    shuffled = [(has[order], tuple(p[order] for p in ps)) for has, ps in columns]
    a, b = run(*columns), run(*shuffled)
    assert a.rows == b.rows and [words(o).sentence for o in a.results] == [words(o).sentence for o in b.results]
    assert {tuple(np.sort(o.rows)) for o in a.results} == {tuple(np.sort(order[o.rows])) for o in b.results}
    assert json.loads(json.dumps(a.rows, allow_nan=False)) == a.rows and list(a.rows[0]) == COLUMNS
    assert [r["attribute"] for r in a.rows] == ["A_0", "A_1", "A_2"]


@pytest.mark.parametrize("n", [2, 999, 1000, 1001, 2001])
def test_the_control_judges_every_image_once_and_none_alone(n):
    x = natural(4, 16)[np.arange(n) % 4]
    blur = fit_blur(x[:4], blurred(x[:4], 1.0), face_mask(16))
    sizes = []

    def judge(images):
        sizes.append(len(images))
        return images.reshape(len(images), -1)[:, :2] / 255

    seen = control_probabilities(x, blur, judge)
    assert sum(sizes) == n and min(sizes) >= 2 and max(sizes) <= 1001
    np.testing.assert_array_equal(seen, blur(x).reshape(n, -1)[:, :2] / 255)


def test_a_pure_blur_loses_nothing_beyond_blur():
    """The judge is a threshold on fine contrast, which blur destroys: without the control this would be a loss."""
    x = natural(300, 32)
    x_hat = blurred(x, 1.2)

    def judge(images):
        grey = images[..., 0].astype(float)
        return 1 / (1 + np.exp(-(np.abs(np.diff(grey, axis=2)).mean((1, 2)) - 9)))[:, None]

    p_x = judge(x)
    labels = pd.DataFrame({"Sharp": (p_x[:, 0] >= 0.5).astype(int)})
    control = control_probabilities(x, fit_blur(x, x_hat, face_mask(32)), judge)
    result = preserved(
        labels, ("Sharp",), np.array([[0.5]]), p_x[None], judge(x_hat)[None], control[None], auroc={"Sharp": 1.0}
    )
    row = result.rows[0]
    assert row["n"] > 100 and row["kept"] < 0.5 and abs(row["beyond"]) < 0.05 and not found(result)
