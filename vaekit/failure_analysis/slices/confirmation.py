"""The test of candidate slices on the half of the images that they were not found on."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy import stats

from vaekit.failure_analysis.slices.rules import Material, Rule
from vaekit.statistics.differences import MeanDifference, mean_difference
from vaekit.statistics.discovery import Q_LEVEL

RATIO, SPREAD = 1.1, 0.25  # least effect: as a ratio of means, or in standard deviations where there is no zero
SHARE = 0.005  # of the total error (of n standard deviations, without a zero) that a slice must have in excess


@dataclass(frozen=True, eq=False)
class Scale:
    """How a metric becomes an error: larger is worse, and 0 is no error where the metric has a `zero`."""

    higher_is_better: bool
    zero: float | None

    @classmethod
    def of(cls, metric: str, values: np.ndarray, higher_is_better: bool | None) -> "Scale":
        """Return the scale of a metric's finite values; one without a direction counts its highest values as worst."""
        if metric.removesuffix("_adjusted") == "ssim" and values.size and values.max() <= 1:
            return cls(True, 1.0)
        has_zero = not higher_is_better and not metric.startswith("recon_nll") and values.size and values.min() >= 0
        return cls(bool(higher_is_better), 0.0 if has_zero else None)

    def error(self, values: np.ndarray) -> np.ndarray:
        """Return the values as errors."""
        above = np.asarray(values, np.float64) - (self.zero or 0.0)
        return -above if self.higher_is_better else above

    def metric(self, error: float) -> float:
        """Return the value of the metric that an error is."""
        return (-error if self.higher_is_better else error) + (self.zero or 0.0)


@dataclass(frozen=True, eq=False)
class Tested:
    """One candidate on a half of the images that was not searched.

    Attributes:
        slice: what it says.
        planned: it was a candidate before anything was looked at.
        mask: its images, bool (N,).
        difference: of mean errors inside and outside; None where the slice is too small to be tested.
        p: of "no worse than the other images, or than a plainer rule that contains it"; q: adjusted over all of them.
        excess: its images times the difference, over the total error; over N standard deviations without a zero.
        size: the effect over its least size worth a finding, below 1 where it is trivial.
        worst: its images among the worst, the number of those, odds ratio and p of Fisher's exact test.
        rows: the images that it was tested on.
        came_up: in how many searches it passed.
    """

    slice: Rule
    planned: bool
    mask: np.ndarray
    difference: MeanDifference | None
    p: float = 1.0
    q: float = 1.0
    excess: float = 0.0
    size: float = 0.0
    worst: tuple[int, int, float, float] = (0, 0, float("nan"), 1.0)
    rows: np.ndarray = field(default_factory=lambda: np.array([], dtype=np.int64))
    came_up: int = 0

    @property
    def passed(self) -> bool:
        """Whether it is a finding: q at most 0.05 and an effect worth the name."""
        return self.difference is not None and self.q <= Q_LEVEL and self.size >= 1 and self.excess >= SHARE

    @property
    def strength(self) -> float:
        """Return its t; the plainer of two slices that are about as strong counts as stronger."""
        if self.difference is None:
            return 0.0
        return float(self.difference.t * 0.9 ** (len(self.slice.conditions) - 1))


def confirm(
    error: np.ndarray,
    material: Material,
    slices: Sequence[Rule],
    planned: Sequence[Rule] = (),
    *,
    persons: np.ndarray | None = None,
    has_zero: bool = True,
    top: int = 32,
) -> list[Tested]:
    """Return every candidate, tested on images it was not found on; none is left out, so that q counts them all.

    Args:
        error: (N,) of the confirmation half, the larger the worse, finite.
        material: of the same images.
        slices: found on the other half.
        planned: decided on before.
        persons: (N,) int codes of who is pictured; None where every image stands for itself.
        has_zero: ratios of the error mean something.
        top: how many worst images the enrichment looks at, at most a tenth of N.
    """
    worst = np.zeros(len(error), dtype=bool)
    worst[np.argsort(-error, kind="stable")[: max(1, min(top, len(error) // 10))]] = True
    candidates = [*planned, *(s for s in slices if s not in planned)]
    tested = [
        _test(error, material, candidate, k < len(planned), worst, persons, has_zero)
        for k, candidate in enumerate(candidates)
    ]
    known = [t for t in tested if t.difference is not None]
    q = iter(stats.false_discovery_control([t.p for t in known]) if known else ())
    return [replace(t, q=float(next(q))) if t.difference is not None else t for t in tested]


def _test(
    error: np.ndarray,
    material: Material,
    candidate: Rule,
    planned: bool,
    worst: np.ndarray,
    persons: np.ndarray | None,
    has_zero: bool,
) -> Tested:
    mask = candidate.mask(material)
    difference = mean_difference(error, mask, persons, ratio=has_zero)
    if difference is None:
        return Tested(candidate, planned, mask, None)
    p = difference.p if difference.value > 0 else 1.0
    for parent in candidate.parents():
        # A rule of several conditions claims each of them: it is no surer than its least sure condition.
        family = parent.mask(material)
        beats = mean_difference(error[family], mask[family], None if persons is None else persons[family])
        p = max(p, beats.p if beats is not None and beats.value > 0 else 1.0)
    unit = difference.mean_out if has_zero else float(error.std())
    total = float(error.sum()) if has_zero else len(error) * unit
    size, excess = least_sizes(difference.value, difference.n, unit, total, has_zero)
    table = [[np.sum(worst & mask), np.sum(worst & ~mask)], [np.sum(~worst & mask), np.sum(~worst & ~mask)]]
    fisher = stats.fisher_exact(table, alternative="greater")
    among = (int(table[0][0]), int(worst.sum()), float(fisher.statistic), float(fisher.pvalue))
    return Tested(candidate, planned, mask, difference, p, 1.0, excess, size, among)


def least_sizes(value: float, n: int, unit: float, total: float, has_zero: bool) -> tuple[float, float]:
    """Return an effect over the least one worth a finding, and its excess over the total error."""
    least = (RATIO - 1 if has_zero else SPREAD) * unit
    return (value / least if least > 0 else 0.0), (n * value / total if total > 0 else 0.0)
