"""Cutting the test split: no person in two parts, parts of equal size, nothing depends on the order."""

import numpy as np
import pandas as pd
import pytest

from vaekit.failure_analysis.persons import parts, persons


@pytest.mark.parametrize("count", [2, 5])
def test_parts_share_no_person_and_have_equal_sizes(count):
    people = np.random.default_rng(0).integers(0, 200, 3000).astype(str)
    part = parts(people, count, 0, "a")
    assert all(len(set(part[people == person])) == 1 for person in set(people))
    sizes = np.bincount(part, minlength=count)
    assert sizes.max() - sizes.min() <= 2 * np.unique(people, return_counts=True)[1].max()


def test_a_part_depends_on_person_seed_and_name_alone():
    people = np.array([f"p{i}" for i in range(400)])
    order = np.random.default_rng(1).permutation(400)
    part = parts(people, 2, 7, "a")
    assert (parts(people[order], 2, 7, "a") == part[order]).all()
    for other in (parts(people, 2, 8, "a"), parts(people, 2, 7, "b")):
        assert 120 < (other == part).sum() < 280


def test_unknown_people_stand_for_themselves():
    ids = np.array(["1", "2", "3", "4"])
    assert persons(ids, pd.Series(["7", "", "7", ""])).tolist() == ["person 7", "image 2", "person 7", "image 4"]
    assert len(set(persons(ids, None))) == 4


def test_hardly_any_image():
    assert parts(np.array([], dtype=str), 2, 0, "a").tolist() == []
    assert parts(np.array(["x"]), 2, 0, "a").tolist() in ([0], [1])
    assert sorted(parts(np.array(["x", "y"]), 2, 0, "a")) == [0, 1]
