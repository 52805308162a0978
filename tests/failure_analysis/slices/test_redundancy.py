"""Few findings that do not say the same: identical, nested and overlapping slices, and shares that add up."""

import numpy as np
import pandas as pd
import pytest

from vaekit.failure_analysis.slices.confirmation import confirm
from vaekit.failure_analysis.slices.redundancy import MOST, fold
from vaekit.failure_analysis.slices.rules import Material, Rule, attribute_condition, property_condition, rule_of

N = 3000


def half(seed=0, names="abcdefg", share=0.1):
    rng = np.random.default_rng(seed)
    attributes = pd.DataFrame(rng.random((N, len(names))) < share, columns=list(names)).astype(int)
    properties = pd.DataFrame({"brightness": rng.random(N), "contrast": rng.random(N)})
    return Material(attributes, properties), rng.lognormal(0, 0.3, N)


def has(material, name):
    return material.attributes[name].to_numpy() == 1


def folded(material, error, slices, persons=None):
    tested = confirm(error, material, slices)
    kept, beyond = fold(tested, error, material, persons, has_zero=True)
    return kept, [t.slice.title for t in beyond]


def rules(material, *names):
    return [rule_of([attribute_condition(material, one) for one in name]) for name in names]


def test_a_slice_identical_to_another_is_folded():
    material, error = half()
    material = Material(material.attributes.assign(z=material.attributes["a"]), material.properties)
    kept, _ = folded(material, error * np.where(has(material, "a"), 2.0, 1.0), rules(material, "z", "a"))
    assert [k.tested.slice.title for k in kept] == ["a"] and [t.slice.title for t in kept[0].folded] == ["z"]


def test_a_slice_that_nearly_is_another_is_folded():
    material, error = half()
    nearly = material.attributes["a"].to_numpy().copy()
    nearly[np.flatnonzero(nearly)[:30]] = 0
    material = Material(material.attributes.assign(z=nearly), material.properties)
    kept, _ = folded(material, error * np.where(has(material, "a"), 2.0, 1.0), rules(material, "z", "a"))
    assert [k.tested.slice.title for k in kept] == ["a"]


def test_what_only_contains_the_culprit_is_folded_into_it():
    material, error = half(share=0.25)
    error = error * np.where(has(material, "a") & has(material, "b"), 3.0, 1.0)
    kept, _ = folded(material, error, rules(material, "a", "b", "ab"))
    assert [k.tested.slice.title for k in kept] == ["a and b"]
    assert {t.slice.title for t in kept[0].folded} == {"a", "b"}


def test_two_slices_that_overlap_by_chance_stay_two():
    material, error = half()
    error = error + 2.0 * has(material, "a") + 1.0 * has(material, "b")
    kept, _ = folded(material, error, rules(material, "b", "a"))
    assert [k.tested.slice.title for k in kept] == ["a", "b"]


def test_shares_add_up_and_count_no_error_twice():
    material, error = half(share=0.3)
    a, b = has(material, "a"), has(material, "b")
    error = 1.0 + 2.0 * a + 1.0 * b + 0.01 * error
    kept, _ = folded(material, error, rules(material, "a", "b"))
    shares = {k.tested.slice.title: k.share for k in kept}
    assert shares["a"] == pytest.approx(2.0 * a.sum() / error.sum(), rel=0.01)
    assert shares["b"] == pytest.approx(1.0 * b.sum() / error.sum(), rel=0.01)
    assert sum(shares.values()) == pytest.approx(1 - N * (error.min()) / error.sum(), abs=0.01)


def test_findings_stand_in_the_order_of_their_share_and_are_at_most_five():
    material, error = half()
    for k, name in enumerate("abcdefg"):
        error = error + (1.0 - 0.1 * k) * has(material, name)
    kept, beyond = folded(material, error, rules(material, *"gfedcba"))
    shares = [k.share for k in kept]
    assert len(kept) == MOST and shares == sorted(shares, reverse=True) and len(beyond) == 2


def test_one_property_gives_one_finding():
    material, error = half()
    values = material.properties["brightness"].to_numpy()
    ends = [Rule((property_condition(material, "brightness", share, True),)) for share in (0.05, 0.1, 0.25)]
    kept, _ = folded(material, error * (1 + 2 * values**4), ends)
    assert len(kept) == 1 and len(kept[0].folded) == 2


def test_what_rests_on_one_person_does_not_remain():
    """Beside `a`, all that is left of `b` is the error of a single person: counted once, it is nothing."""
    material, error = half()
    a, b = has(material, "a"), has(material, "b")
    error = error * np.where(a, 3.0, 1.0)
    persons = np.arange(N)
    one = np.flatnonzero(b & ~a)[:60]
    persons[one] = N
    error[one] *= 2.0
    error[b & ~a & (persons != N)] *= 1.02
    tested = confirm(error, material, rules(material, "a", "b"))
    apart, _ = fold(tested, error, material, None, has_zero=True)
    together, _ = fold(tested, error, material, persons, has_zero=True)
    assert len(apart) == 2 and len(together) == 1


def test_nothing_passed_nothing_kept():
    material, error = half()
    assert folded(material, error, rules(material, "a", "b")) == ([], [])
