"""Seeded splits and subsets: decided by the image's name alone."""

import numpy as np
import pandas as pd
import pytest

from vaekit.data import parse_limit
from vaekit.data.selection import select, split_by_id
from vaekit.errors import ConfigError

IDS = [f"{i:06d}" for i in range(2000)]
INDEX = pd.DataFrame({"image_id": IDS, "split": np.repeat(["train", "valid", "test"], [1600, 200, 200])})


def test_other_images_move_no_image_to_another_split():
    all_of_them = dict(zip(IDS, split_by_id(0, IDS), strict=True))
    some = IDS[3::7]
    assert split_by_id(0, some).tolist() == [all_of_them[i] for i in some]
    assert split_by_id(1, IDS).tolist() != list(all_of_them.values())
    assert {s: list(all_of_them.values()).count(s) / 2000 for s in ("train", "valid", "test")} == pytest.approx(
        {"train": 0.8, "valid": 0.1, "test": 0.1}, abs=0.03
    )
    assert len(split_by_id(0, [])) == 0


def test_a_smaller_limit_gives_a_part_of_a_larger_one():
    larger, _, _ = select(INDEX, {"train": 500}, 0)
    smaller, cut, notes = select(INDEX, {"train": 100, "test": 9999}, 0)
    assert set(smaller["image_id"]) < set(larger["image_id"])
    assert smaller["split"].value_counts().to_dict() == {"valid": 200, "test": 200, "train": 100}
    assert smaller["image_id"].is_monotonic_increasing
    assert cut == {"train": 100}
    assert notes == ("A seeded subset: 100 of the 1,600 train images (seed 0).",)
    other, _, _ = select(INDEX, {"train": 100}, 1)
    assert set(other["image_id"]) != set(smaller["image_id"])


def test_no_limit_takes_everything():
    everything, cut, notes = select(INDEX, {}, 0)
    assert everything.equals(INDEX) and not cut and not notes
    nothing, _, _ = select(INDEX, {"train": 0, "valid": 0, "test": 0}, 0)
    assert nothing.empty


def test_limits_are_read():
    assert parse_limit("train=20000,valid=2000,test=2000") == {"train": 20000, "valid": 2000, "test": 2000}
    assert parse_limit(" test = 5 ,") == {"test": 5}
    assert parse_limit("") == {}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("trian=5", "'trian'. Did you mean 'train'? Known: train, valid, test."),
        ("val=5", "Did you mean 'valid'?"),
        ("train=-1", "--limit train=-1 is negative: give 0 or more"),
        ("train=many", "'many' is not a whole number"),
        ("train=1.5", "'1.5' is not a whole number"),
        ("train=", "'' is not a whole number"),
        ("2000", "--limit '2000' has no number: write a split and a number, as in --limit train=20000"),
        ("test=1,test=2", "names 'test' twice"),
    ],
)
def test_a_limit_that_can_not_be_read_says_why(text, words):
    with pytest.raises(ConfigError) as caught:
        parse_limit(text)
    assert words in str(caught.value)
