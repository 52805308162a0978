"""The search for rules: against a plain loop over all pairs, and on planted rules of one, two and three conditions."""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from vaekit.failure_analysis.slices.rule_search import BEATS, PLAIN, Conditions, account_for, discover
from vaekit.failure_analysis.slices.rules import (
    LEAST,
    Condition,
    Material,
    Rule,
    all_conditions,
    attribute_condition,
    property_condition,
    rule_of,
)

NAMES = tuple("abcdefgh")


def material(n=2000, seed=0, share=0.3):
    rng = np.random.default_rng(seed)
    attributes = pd.DataFrame(rng.random((n, len(NAMES))) < share, columns=list(NAMES)).astype(int)
    return Material(attributes, pd.DataFrame({"sharpness": rng.lognormal(size=n)}))


def noise(n=2000, seed=1):
    return np.random.default_rng(seed).lognormal(0, 0.3, n)


def mask(of, *names):
    return of.attributes[list(names)].all(axis=1).to_numpy()


@pytest.mark.parametrize("planted", [("c",), ("b", "f"), ("a", "d", "g")])
def test_a_planted_rule_comes_first_with_all_its_conditions_and_no_more(planted):
    of = material()
    rules = discover(np.where(mask(of, *planted), 3.0, 1.0) * noise(), of)
    assert tuple(c.name for c in rules[0].conditions) == planted and all(c.above for c in rules[0].conditions)


def test_a_rule_is_followed_by_the_plainer_ones_inside_it():
    of = material()
    rules = discover(np.where(mask(of, "a", "d", "g"), 3.0, 1.0) * noise(), of)
    assert [len(rule.conditions) for rule in rules[:3]] == [3, 2, 1]
    assert set(rules[2].conditions) < set(rules[1].conditions) < set(rules[0].conditions)


def test_absence_is_a_condition_too():
    of = material()
    rules = discover(np.where(mask(of, "b") & ~mask(of, "f"), 3.0, 1.0) * noise(), of)
    assert rules[0].title == "b and not f"


def test_the_threshold_of_a_property_is_found():
    of = material()
    values = of.properties["sharpness"].to_numpy()
    cut = np.quantile(values, 0.03)
    first, *_ = discover(np.where(values <= cut, 3.0, 1.0) * noise(), of)
    inside = first.mask(of)
    assert first.title == "sharpness of the face in the lowest 3 %"
    assert (inside & (values <= cut)).sum() / (inside | (values <= cut)).sum() > 0.9


def test_the_best_pair_is_that_of_a_plain_loop():
    of, error = material(600, seed=3), noise(600, seed=4)
    error = np.where(mask(of, "b", "f"), 2.0, 1.0) * error
    conditions = all_conditions(error, of)

    def t(inside):
        return stats.ttest_ind(error[inside], error[~inside], equal_var=False).statistic

    best = []
    for condition in conditions:
        inside = condition.mask(of)
        if LEAST <= inside.sum() <= 300:
            best.append((t(inside), (condition,)))
    for pair in itertools.combinations(conditions, 2):
        if pair[0].name == pair[1].name:
            continue
        one, two = (c.mask(of) for c in pair)
        both = one & two
        if not LEAST <= both.sum() <= 150 or min((one & ~two).sum(), (two & ~one).sum()) < 10:
            continue
        beats = [stats.ttest_ind(error[both], error[rest & ~both], equal_var=False).statistic for rest in (one, two)]
        if min(beats) >= BEATS:
            best.append((PLAIN * t(both), pair))
    expected = max(best, key=lambda item: item[0])[1]
    assert discover(error, of)[0] == rule_of(list(expected))


def test_sums_of_pairs_and_of_three_are_those_of_a_plain_loop():
    of, residual = material(600, seed=5), noise(600, seed=6) - 1
    conditions = all_conditions(residual, of)
    masks = np.array([condition.mask(of) for condition in conditions])
    assert {condition.above for condition in conditions if condition.kind == "attribute"} == {True, False}
    search = Conditions(conditions, of)
    rows, columns = np.triu_indices(len(conditions), 1)
    for found, first in (
        (search.pairs(residual), masks),
        (search.thirds(rows, columns, residual), masks[rows] & masks[columns]),
    ):
        for part, values in ((found.n, residual**0), (found.first, residual), (found.second, residual**2)):
            plain = [[values[one & other].sum() for other in masks] for one in first]
            np.testing.assert_allclose(part, plain, atol=1e-9)
    assert (search.pairs(residual).n == masks @ masks.T.astype(int)).all()


def test_two_planted_rules_are_both_found_and_neither_twice():
    of = material()
    error = noise() * np.where(mask(of, "a"), 2.0, 1.0) * np.where(mask(of, "b", "c"), 2.0, 1.0)
    titles = [rule.title for rule in discover(error, of)]
    assert {"a", "b and c"} <= set(titles) and len(titles) == len(set(titles))


def test_a_column_equal_to_another_is_not_found_again():
    of = material()
    of = Material(of.attributes.assign(z=of.attributes["a"]), of.properties)
    titles = [rule.title for rule in discover(np.where(mask(of, "a"), 3.0, 1.0) * noise(), of)]
    assert titles.count("a") == 1 and "z" not in titles


def test_conditions_have_enough_images_on_either_side():
    of = material(300, share=0.05)
    for condition in all_conditions(noise(300), of):
        assert LEAST <= condition.mask(of).sum() <= 300 - LEAST
    assert discover(noise(50), material(50)) == []


def test_nothing_to_search_in():
    of = Material(pd.DataFrame(index=range(200)), pd.DataFrame({"sharpness": np.ones(200)}))
    assert discover(noise(200), of) == []


def test_words_of_a_rule():
    of = material()
    rule = rule_of([property_condition(of, "sharpness", 0.1, False), attribute_condition(of, "b", False)])
    assert rule.title == "not b and sharpness of the face in the lowest tenth"
    assert [parent.title for parent in rule.parents()] == ["sharpness of the face in the lowest tenth", "not b"]
    assert list(Rule((rule.conditions[0],)).parents()) == []
    assert Condition("attribute", "b", True, 0.5, 0.1) == Condition("attribute", "b", True, 0.5, 0.2)


def test_a_property_is_accounted_for_over_its_whole_course():
    of = material()
    columns = np.stack(account_for(Rule((property_condition(of, "sharpness", 0.1, True),)), of), axis=1)
    design = np.column_stack([np.ones(2000), columns])
    course = np.log(of.properties["sharpness"].to_numpy())
    left = course - design @ np.linalg.lstsq(design, course, rcond=None)[0]
    assert left.var() < 0.05 * course.var()
