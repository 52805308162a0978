"""The gate: what passes, what fails, what is within noise, and what can not be asked."""

import pytest

from vaekit.errors import ConfigError
from vaekit.quantity import Quantity
from vaekit.reporting.gate import COMPARED, Gate, check_baseline, check_bounds
from vaekit.statistics.differences import Difference


def row(value, low=None, high=None, *, higher=False, reason=None):
    facts = {"n": 100, "label": "Label", "unit": "u", "higher_is_better": higher, "definition": "what it is"}
    return Quantity(value=value, low=low, high=high, reason=reason, **facts).record()


ROWS = {
    "mse": row(0.010, 0.009, 0.012),
    "ssim": row(0.7, 0.68, 0.72, higher=True),
    "active_units": row(24, higher=None),
    "kl": row(50.0, 49.0, 51.0, higher=None),
    "fid": row(None, reason="the weights are not here"),
}


@pytest.mark.parametrize(
    ("kind", "metric", "bound", "strict", "passed", "noise"),
    [
        ("max", "mse", 0.013, False, True, False),  # all of the interval keeps it
        ("max", "mse", 0.011, False, True, True),  # the value keeps it, the interval reaches over
        ("max", "mse", 0.011, True, False, True),  # asked of the whole interval
        ("max", "mse", 0.0095, False, False, True),  # the value breaks it, the interval reaches back
        ("max", "mse", 0.008, False, False, False),
        ("max", "mse", 0.010, False, True, True),  # a bound that is met exactly is kept
        ("min", "ssim", 0.67, True, True, False),
        ("min", "ssim", 0.69, False, True, True),
        ("min", "ssim", 0.69, True, False, True),
        ("min", "ssim", 0.73, False, False, False),
        ("min", "active_units", 20, True, True, False),  # no interval: the value decides
        ("min", "active_units", 25, False, False, False),
        ("max", "kl", 60, False, True, False),  # a metric without direction is bounded too
    ],
)
def test_bounds(kind, metric, bound, strict, passed, noise):
    most, least = ({metric: bound}, {}) if kind == "max" else ({}, {metric: bound})
    (check,) = check_bounds(ROWS, most, least, strict=strict)
    assert (check.passed, check.within_noise, check.kind, check.bound) == (passed, noise, kind, bound)
    assert metric in check.sentence and f"{bound:g}" in check.sentence


def test_what_was_not_computed_fails_with_its_reason():
    (check,) = check_bounds(ROWS, {"fid": 50}, {})
    assert not check.passed and "was not computed: the weights are not here" in check.sentence


def test_an_unknown_metric_is_met_with_the_nearest():
    with pytest.raises(ConfigError, match=r"--max msee=0.1: there is no such metric. Did you mean 'mse'\?"):
        check_bounds(ROWS, {"msee": 0.1}, {})
    with pytest.raises(ConfigError, match="--min mse=nan: a bound is a finite number"):
        check_bounds(ROWS, {}, {"mse": float("nan")})


def difference(metric, value, low, high, reason=None):
    return Difference(metric, "base", "new", value, low, high, 100, 0.01, 0.02, reason)


@pytest.mark.parametrize(
    ("metric", "value", "low", "high", "tolerance", "passed", "noise"),
    [
        ("mse", 0.002, 0.001, 0.003, 0.0, False, False),  # grew, for certain: worse
        ("mse", 0.002, -0.001, 0.005, 0.0, True, True),  # grew, perhaps
        ("mse", -0.002, -0.003, -0.001, 0.0, True, False),  # fell: better
        ("ssim", -0.02, -0.03, -0.01, 0.0, False, False),  # fell, where more is better
        ("ssim", 0.02, 0.01, 0.03, 0.0, True, False),
        ("mse", 0.0, 0.0, 0.0, 0.0, True, False),  # the same model
        ("mse", 0.0004, 0.0003, 0.0005, 0.06, True, False),  # 6 % of .010 is .0006
        ("mse", 0.0004, 0.0003, 0.0005, 0.04, True, True),  # .0004 lies in the interval
        ("mse", 0.0004, 0.0003, 0.0005, 0.02, False, False),
    ],
)
def test_baseline(metric, value, low, high, tolerance, passed, noise):
    found = difference(metric, value, low, high)
    (check,) = check_baseline(ROWS, ROWS, [found], [metric], tolerance)
    assert (check.passed, check.within_noise, check.value) == (passed, noise, value)
    assert f"{metric} differs from the baseline's" in check.sentence


def test_a_baseline_can_not_be_asked_for_everything():
    known = [difference("mse", 0.0, 0.0, 0.0), difference("kl", 1.0, 0.5, 1.5)]
    for metrics, says in (
        (["mxe"], r"--metrics mxe: there is no such metric. Did you mean 'mse'\?"),
        (["kl"], "--metrics kl: it has no better direction"),
        (["ssim"], "--metrics ssim: there is no value of it for each image"),
    ):
        with pytest.raises(ConfigError, match=says):
            check_baseline(ROWS, ROWS, known, metrics)
    with pytest.raises(ConfigError, match="--tolerance -1 is no share"):
        check_baseline(ROWS, ROWS, known, ["mse"], -1.0)
    (check,) = check_baseline(ROWS, ROWS, [difference("mse", None, None, None, "3 images are not finite")], ["mse"])
    assert not check.passed and "3 images are not finite" in check.sentence


def test_the_whole_says_what_failed():
    checks = check_bounds(ROWS, {"mse": 0.011, "fid": 50}, {"active_units": 20})
    gate = Gate("default", "celeba-test", None, tuple(checks))
    assert not gate.passed and not gate.record()["passed"] and len(gate.record()["checks"]) == 3
    lines = str(gate).splitlines()
    assert lines[0] == "default on celeba-test: 1 of 3 checks failed"
    assert lines[1].startswith("  pass (within noise) mse is 0.0100 [0.0090, 0.0120]")
    assert lines[2].startswith("  FAIL") and "fid must be at most 50" in lines[2]
    assert Gate("default", "celeba-test", None, tuple(checks[:1])).passed
    assert set(COMPARED) == {"mse", "ssim", "elbo_calibrated"}
