"""How unlike train an image is: other kinds of pictures head the list, and ordinary ones make none."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from vaekit import artifacts
from vaekit.failure_analysis.properties import image_properties
from vaekit.failure_analysis.split.base import words
from vaekit.failure_analysis.split.unlike_train import unlike_train
from vaekit.failure_analysis.unlike import LEAST, described, held_against_train, tail_p, unlike
from vaekit.reporting.sections.failures import unlike as in_report

N, SIDE = 400, 32


def pictures(n, rng):
    """Pictures that are bright on top and red on the left, each with soft patches, shades and a grain of its own."""
    down, right = np.mgrid[:SIDE, :SIDE] / (SIDE - 1)
    base = np.stack([0.8 - 0.4 * down - 0.3 * right, 0.7 - 0.5 * down, 0.6 - 0.5 * down], axis=-1)
    patches = np.kron(rng.normal(0, 0.06, (n, 4, 4, 3)), np.ones((1, 8, 8, 1)))
    grain = rng.normal(0, 0.03, (n, SIDE, SIDE, 1)) * rng.lognormal(0, 0.3, (n, 1, 1, 1))
    return np.clip(255 * (base * rng.lognormal(0, 0.1, (n, 1, 1, 1)) + patches + grain), 0, 255).astype(np.uint8)


def measure(images):
    return image_properties(images, np.full((SIDE, SIDE, 3), 0.5), sides=(178, 178))


def seen(images):
    code = images[:, ::8, ::8].reshape(len(images), -1) / 255.0
    return described(images, code, None, measure(images))


OTHERS = {
    "noise": lambda p, rng: rng.integers(0, 256, p.shape).astype(np.uint8),
    "upside down": lambda p, rng: p[:, ::-1],
    "a negative": lambda p, rng: 255 - p,
    "flat": lambda p, rng: np.broadcast_to(p.mean((1, 2), keepdims=True).astype(np.uint8), p.shape),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_pictures_of_another_kind_head_the_list(kind):
    rng = np.random.default_rng(3)
    train, valid, test = (pictures(n, rng) for n in (2 * N, N, N))
    test[:5] = OTHERS[kind](test[:5], rng)
    found = unlike(*(seen(images) for images in (train, valid, test)))
    assert set(np.argsort(-found.score)[:5]) == set(range(5)) and (found.q[:5] < 0.05).all()
    assert (found.q[5:] > 0.05).mean() > 0.99


@pytest.mark.parametrize("freedom", [np.inf, 4])
def test_ordinary_images_make_no_list_however_heavy_their_tails(freedom):
    rng, silent = np.random.default_rng(0), 0
    for _ in range(60):
        heavy = 1 if freedom == np.inf else np.sqrt(freedom / rng.chisquare(freedom, (1400, 1)))
        values = rng.standard_normal((1400, 12)) * heavy
        views = [(part, part[:, :4]) for part in np.split(values, [600, 1000])]
        silent += not (unlike(*views).q <= 0.05).any()
    assert silent >= 57


def test_the_tail_goes_on_where_the_valid_images_end_and_is_theirs_within():
    ordinary = np.random.default_rng(0).pareto(5, 1000) + 1
    p = tail_p(ordinary, np.array([1.0, np.quantile(ordinary, 0.5), 2.0, 4.0, 8.0]))
    assert p[0] == 1.0 and p[1] == pytest.approx(0.5, abs=0.01)
    np.testing.assert_allclose(np.log(p[2:]), -5 * np.log([2, 4, 8]), rtol=0.25)
    assert (np.diff(tail_p(ordinary, np.linspace(1, 9, 400))) <= 0).all()


def test_images_that_are_all_the_same_and_codes_that_are_wide_give_numbers(tmp_path):
    same = np.zeros((LEAST, 3))
    assert np.isfinite(unlike((same, same), (same + 1, same + 1), (same + 1e9, same + 1e9)).score).all()
    rng = np.random.default_rng(0)
    images, rows = pictures(2 * LEAST, rng), np.arange(LEAST)
    arrays = {f"{part}_{split}": values for split in ("train", "valid") for part, values in (("rows", rows),)}
    arrays |= {f"mu_{split}": rng.standard_normal((LEAST, 700), np.float32) for split in ("train", "valid")}
    artifacts.write_arrays(tmp_path / artifacts.REFERENCE, **arrays)
    evaluation, mu = SimpleNamespace(folder=tmp_path, summary={}), rng.standard_normal((2 * LEAST, 700))
    prepared = SimpleNamespace(images=images)
    found = held_against_train(evaluation, prepared, measure, images, mu, None, measure(images))
    assert not found.reason and np.isfinite(found.score).all()


def context(q, ratio=2.0):
    """A context of as many images as q, those with q <= .05 with `ratio` times the error."""
    q = np.asarray(q, float)
    index = pd.DataFrame({"image_id": [f"{k}.png" for k in range(len(q))]})
    held = SimpleNamespace(score=1 - q, q=q, valid=900, reason="")
    images = SimpleNamespace(unlike=held, prepared=SimpleNamespace(index=index), rows=np.arange(len(q)))
    values, metric = np.where(q <= 0.05, ratio, 1.0), {"label": "Mean squared error"}
    return SimpleNamespace(images=images, values=values, metric=metric, has_zero=True)


def test_the_list_says_who_is_on_it_and_none_where_nobody_is():
    measured = unlike_train(context([0.9, 0.01, 0.8, 0.001]))
    said = words(measured.results[0])
    assert measured.results[0].rows.tolist() == [3, 1] and [r["image_id"] for r in measured.record["unlike"]] == [
        "3.png",
        "1.png",
    ]
    assert said.sentence.startswith("2 of 4 images are unlike anything in train: they lie farther from train")
    assert said.evidence == (
        "The farthest: 3.png, 1.png.",
        "The mean squared error is 2.00 times that of the other images.",
    )
    listed = list(in_report({"findings": [vars(said) | {"kind": "unlike"}, {"kind": "detail"}]}))
    assert [block.kind for block in listed] == ["heading", "prose"]
    assert "farthest: 3.png, 1.png." in listed[1].text and not list(in_report({"findings": [{"kind": "detail"}]}))
    measured = unlike_train(context([0.9, 0.2, 0.8]))
    said = words(measured.results[0])
    assert not measured.results[0].found and measured.record["unlike"] == [] and not said.evidence
    assert said.sentence.startswith("None of 3 images lies farther from train") and "1.png, q = 0.2" in said.sentence


def test_where_train_and_valid_are_not_known_it_says_why(tmp_path):
    rng = np.random.default_rng(0)
    images = pictures(LEAST + 10, rng)
    prepared = SimpleNamespace(images=images)
    evaluation = SimpleNamespace(folder=tmp_path, summary={})
    asked = (prepared, measure, images, np.zeros((len(images), 2)), None, measure(images))
    untold = SimpleNamespace(folder=tmp_path, summary={"absent": {artifacts.REFERENCE: "There is no valid image."}})
    assert held_against_train(untold, *asked).reason == "There is no valid image"
    assert "keeps no codes" in held_against_train(evaluation, *asked).reason

    def kept(train, code=0.0):
        rows = np.arange(train), np.arange(LEAST)
        arrays = {"rows_train": rows[0], "rows_valid": rows[1]}
        arrays |= {
            f"mu_{split}": np.full((len(own), 2), code) for split, own in zip(("train", "valid"), rows, strict=True)
        }
        artifacts.write_arrays(tmp_path / artifacts.REFERENCE, **arrays)
        return held_against_train(evaluation, *asked)

    assert kept(LEAST - 1).reason == f"{LEAST - 1} train images are too few ({LEAST} are the least)"
    assert "no numbers" in kept(LEAST, np.nan).reason
    assert not kept(LEAST).reason and len(kept(LEAST).score) == len(images)
