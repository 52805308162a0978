"""The test of candidates: p, q, effect, size and enrichment against other implementations and by construction."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from vaekit.failure_analysis.slices.confirmation import SHARE, Scale, confirm
from vaekit.failure_analysis.slices.rules import Material, Rule, attribute_condition, rule_of
from vaekit.statistics.discovery import Q_LEVEL


def half(seed=0, n=1200, **shares):
    rng = np.random.default_rng(seed)
    attributes = pd.DataFrame({name: rng.random(n) < share for name, share in shares.items()}).astype(int)
    material = Material(attributes, pd.DataFrame({"brightness": rng.random(n)}))
    return material, rng.lognormal(0, 0.3, n)


def rule(material, *names):
    return rule_of([attribute_condition(material, name) for name in names])


def test_numbers_of_a_slice():
    material, error = half(hat=0.1)
    has = material.attributes["hat"].to_numpy() == 1
    error = error * np.where(has, 2.0, 1.0)
    (tested,) = confirm(error, material, [rule(material, "hat")], top=40)
    d = tested.difference
    assert (d.mean_in, d.mean_out, d.n) == pytest.approx((error[has].mean(), error[~has].mean(), has.sum()))
    assert tested.excess == pytest.approx(has.sum() * (d.mean_in - d.mean_out) / error.sum())
    worst = np.isin(np.arange(1200), np.argsort(-error)[:40])
    fisher = stats.fisher_exact(pd.crosstab(~worst, ~has), alternative="greater")
    assert tested.worst == pytest.approx(((worst & has).sum(), 40, fisher.statistic, fisher.pvalue))
    assert tested.passed and tested.size == pytest.approx(d.value / (0.1 * d.mean_out))


def test_q_is_that_of_scipy_over_all_candidates_planned_or_found():
    material, error = half(a=0.3, b=0.3, c=0.3, d=0.3)
    error = error * np.where(material.attributes["b"] == 1, 1.1, 1.0)
    found, planned = [rule(material, name) for name in "ab"], [rule(material, name) for name in "cdb"]
    tested = confirm(error, material, found, planned)
    assert [t.slice.title for t in tested] == ["c", "d", "b", "a"] and [t.planned for t in tested] == [True] * 3 + [
        False
    ]
    assert [t.q for t in tested] == pytest.approx(stats.false_discovery_control([t.p for t in tested]))


def test_a_slice_that_is_better_is_no_failure():
    material, error = half(good=0.3)
    (tested,) = confirm(
        error * np.where(material.attributes["good"] == 1, 0.5, 1.0), material, [rule(material, "good")]
    )
    assert tested.p == 1.0 and not tested.passed


def test_a_condition_that_adds_nothing_fails_the_whole_rule():
    material, error = half(hat=0.2, noise=0.5)
    error = error * np.where(material.attributes["hat"] == 1, 2.0, 1.0)
    alone, both = confirm(error, material, [rule(material, "hat"), rule(material, "hat", "noise")])
    assert alone.passed and not both.passed and both.difference.p < 1e-6 and both.p > 0.05


def test_trivial_and_tiny_effects_are_silent():
    material, error = half(n=20_000, many=0.4, few=0.01)
    error = error * np.where(material.attributes["many"] == 1, 1.05, 1.0)
    error = error * np.where(material.attributes["few"] == 1, 1.3, 1.0)
    many, few = confirm(error, material, [rule(material, "many"), rule(material, "few")])
    assert many.q < 1e-6 and many.size < 1 and not many.passed
    assert few.q < Q_LEVEL and few.excess < SHARE and not few.passed


def test_too_few_images_or_people_are_not_tested_and_cost_nothing():
    material, error = half(hat=0.1, rare=0.004)
    tested = confirm(error, material, [rule(material, "hat"), rule(material, "rare")])
    assert tested[1].difference is None and not tested[1].passed and tested[0].q == tested[0].p
    one_person = np.where(material.attributes["hat"] == 1, 0, np.arange(1200))
    assert confirm(error, material, [rule(material, "hat")], persons=one_person)[0].difference is None


def test_order_of_images_changes_nothing():
    material, error = half(a=0.3, b=0.3)
    order = np.random.default_rng(0).permutation(1200)
    slices = [rule(material, "a"), rule(material, "a", "b")]
    for one, two in zip(
        confirm(error, material, slices), confirm(error[order], material.take(order), slices), strict=True
    ):
        assert (one.p, one.q, one.excess) == pytest.approx((two.p, two.q, two.excess), rel=1e-6)


@pytest.mark.parametrize(
    ("metric", "values", "higher", "zero", "turned"),
    [
        ("mse", [0.1, 0.2], False, 0.0, False),
        ("ssim", [0.5, 0.9], True, 1.0, True),
        ("ssim_adjusted", [0.5, 1.1], True, None, True),
        ("psnr", [20.0, 30.0], True, None, True),
        ("elbo", [-5.0, 2.0], True, None, True),
        ("recon_nll", [3.0, 5.0], False, None, False),
        ("bpd_calibrated", [-0.1, 3.0], False, None, False),
        ("kl", [3.0, 9.0], None, 0.0, False),
        ("mse", [], False, None, False),
    ],
)
def test_how_a_metric_is_an_error(metric, values, higher, zero, turned):
    values = np.array(values)
    scale = Scale.of(metric, values, higher)
    assert (scale.zero, scale.higher_is_better) == (zero, turned)
    error = scale.error(values)
    assert (np.diff(error) < 0).all() if turned else (np.diff(error) > 0).all()
    assert [scale.metric(e) for e in error] == pytest.approx(values)
    assert zero is None or (error >= 0).all()


def test_a_rule_without_images_is_not_tested():
    material, error = half(a=0.3, b=0.3)
    nobody = Rule((*rule(material, "a").conditions, attribute_condition(material, "a", False)))
    assert confirm(error, material, [nobody])[0].difference is None
