"""The gate: numbers of one checkpoint held against bounds and against another checkpoint, for continuous integration.

A bound is held against the value; where its interval holds the bound too, the outcome is within noise, and says so.
With `strict` the whole interval must keep the bound. Against a baseline a metric fails when the paired difference on
the same images is worse and its whole interval lies beyond the tolerance.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from vaekit import artifacts
from vaekit.errors import ConfigError, did_you_mean
from vaekit.figures.words import estimate, interval, number, plural
from vaekit.quantity import Quantity
from vaekit.reporting.tables import Metric, quantities

if TYPE_CHECKING:
    from vaekit.statistics.differences import Difference

COMPARED = ("mse", "ssim", "elbo_calibrated")  # with a baseline, unless others are named
Rows = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Check:
    """One bound, or one metric against the baseline, and whether it was kept.

    Attributes:
        metric, label, unit: what was checked.
        kind: "max", "min" or "baseline".
        bound: the most or least allowed; for a baseline the largest loss that is allowed, in the metric's unit.
        value, low, high: the metric with its interval; for a baseline the paired difference, positive where it grew.
        n: images behind the value.
        passed: whether it was kept.
        within_noise: whether the interval holds the bound, so that other images could turn the outcome.
        sentence: all of it in words.
    """

    metric: str
    label: str
    unit: str
    kind: str
    bound: float
    value: float | None
    low: float | None
    high: float | None
    n: int
    passed: bool
    within_noise: bool
    sentence: str


@dataclass(frozen=True)
class Gate:
    """What `vaekit check` found of one checkpoint."""

    checkpoint: str
    protocol: str
    baseline: str | None
    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """Whether every check was kept."""
        return all(check.passed for check in self.checks)

    def record(self) -> dict[str, Any]:
        """Return everything as plain data for JSON."""
        return {"passed": self.passed, **asdict(self)}

    def __str__(self) -> str:
        failed = sum(not check.passed for check in self.checks)
        head = f"{self.checkpoint} on {self.protocol}: "
        head += (
            f"{failed} of {plural(len(self.checks), 'check')} failed"
            if failed
            else f"{plural(len(self.checks), 'check')} passed"
        )
        return "\n".join([head, *(f"  {_word(check):18} {check.sentence}" for check in self.checks)])


def _word(check: Check) -> str:
    return ("pass" if check.passed else "FAIL") + (" (within noise)" if check.within_noise else "")


def check_bounds(
    rows: Rows, most: Mapping[str, float], least: Mapping[str, float], *, strict: bool = False
) -> list[Check]:
    """Return a check for each bound.

    Args:
        rows: metric -> its row, of the evaluation and of the latent code.
        most, least: metric -> bound.
        strict: the whole interval must keep the bound, not only the value.

    Raises:
        ConfigError: there is no such metric, or a bound is no number.
    """
    found, checks = quantities(rows, artifacts.SUMMARY), []
    for kind, bounds in (("max", most), ("min", least)):
        for metric, bound in bounds.items():
            if metric not in rows:
                raise ConfigError(f"--{kind} {metric}={bound:g}: there is no such metric.{did_you_mean(metric, rows)}")
            if not math.isfinite(bound):
                raise ConfigError(f"--{kind} {metric}={bound}: a bound is a finite number.")
            checks.append(_bounded(metric, found[metric], kind, bound, strict))
    return checks


def _bounded(metric: str, row: Quantity, kind: str, bound: float, strict: bool) -> Check:
    value, low, high = row.value, row.low, row.high
    facts: dict[str, Any] = {
        "metric": metric,
        "label": row.label,
        "unit": row.unit,
        "kind": kind,
        "bound": bound,
        "value": value,
        "low": low,
        "high": high,
        "n": row.n,
    }
    word = {"max": "at most", "min": "at least"}[kind]
    if value is None:
        reason = row.reason or "no reason is given"
        return Check(
            **facts,
            passed=False,
            within_noise=False,
            sentence=f"{metric} must be {word} {bound:g} and was not computed: {reason}",
        )
    within_noise = low is not None and high is not None and low <= bound <= high and low < high
    end = {"max": high, "min": low}[kind]
    far = end if strict and end is not None else value
    passed = far <= bound if kind == "max" else far >= bound
    said = f"{metric} is {Metric(metric, row).value}"
    said += f" {interval(low, high)}" if low is not None else " (no interval)"
    said += f"; {word} {bound:g} is {'allowed' if kind == 'max' else 'required'}"
    said += " for the whole interval" if strict else ""
    return Check(**facts, passed=passed, within_noise=within_noise, sentence=said)


def check_baseline(
    rows: Rows, baseline: Rows, differences: Sequence["Difference"], metrics: Sequence[str], tolerance: float = 0.0
) -> list[Check]:
    """Return a check for each metric against the baseline.

    Args:
        rows: metric -> its row, of the checkpoint.
        baseline: the same of the baseline.
        differences: the paired ones, checkpoint minus baseline.
        metrics: which.
        tolerance: the loss that is allowed, as a share of the baseline's value.

    Raises:
        ConfigError: a metric does not exist, has no better direction or no value of each image; or no such tolerance.
    """
    if not 0 <= tolerance < math.inf:
        raise ConfigError(f"--tolerance {tolerance:g} is no share: give 0 or more, such as 0.02 for two percent.")
    by_metric = {difference.metric: difference for difference in differences}
    found, of_baseline, checks = quantities(rows, artifacts.SUMMARY), quantities(baseline, artifacts.SUMMARY), []
    for metric in metrics:
        if metric not in rows:
            raise ConfigError(f"--metrics {metric}: there is no such metric.{did_you_mean(metric, by_metric)}")
        if found[metric].higher_is_better is None:
            raise ConfigError(
                f"--metrics {metric}: it has no better direction, so none is worse. Bound it with --max or --min."
            )
        if metric not in by_metric:
            raise ConfigError(
                f"--metrics {metric}: there is no value of it for each image, so no paired difference. Bound it with "
                f"--max or --min, or compare: {', '.join(by_metric)}."
            )
        checks.append(_against(found[metric], of_baseline.get(metric, found[metric]), by_metric[metric], tolerance))
    return checks


def _against(row: Quantity, base: Quantity, difference: "Difference", tolerance: float) -> Check:
    metric, value, low, high = difference.metric, difference.value, difference.low, difference.high
    facts: dict[str, Any] = {
        "metric": metric,
        "label": row.label,
        "unit": row.unit,
        "kind": "baseline",
        "value": value,
        "low": low,
        "high": high,
        "n": difference.n,
    }
    if value is None or low is None or high is None:
        reason = difference.reason or "one image has no interval"
        return Check(
            **facts,
            bound=0.0,
            passed=False,
            within_noise=False,
            sentence=f"{metric} can not be held against the baseline: {reason}",
        )
    allowed = tolerance * abs(base.value or 0.0)
    # The loss and its interval, whichever way is worse.
    loss, least, most = (-value, -high, -low) if row.higher_is_better else (value, low, high)
    said = (
        f"{metric} differs from the baseline's {number(base.value, low, high)} by "
        f"{estimate(value, low, high, sign=True)} on the same {plural(difference.n, 'image')}: "
        f"{'worse' if loss > 0 else 'not worse'}"
    )
    if allowed:
        said += f"; a loss of {number(allowed, low, high)} ({100 * tolerance:g} %) is allowed"
    within_noise = least <= allowed <= most and least < most
    return Check(**facts, bound=allowed, passed=least <= allowed, within_noise=within_noise, sentence=said)
