"""Differences of two means: between images inside and outside a slice, and between models on the same images."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from vaekit.errors import DataError
from vaekit.statistics.bootstrap import FEW, LEAST, RESAMPLES, TAILS, resampled_sums
from vaekit.statistics.discovery import Q_LEVEL

if TYPE_CHECKING:
    import pandas as pd

FARTHEST = 1.0  # half-widths by which the correction for skewness may leave the plain interval
LEAST_GROUPS = 10  # on either side: with fewer independent persons (or images) nothing is said


@dataclass(frozen=True)
class MeanDifference:
    """Mean inside a slice minus mean outside, in the metric's unit, with its 95 % interval and two-sided p.

    `ratio` is mean inside over mean outside with its own interval, None where the metric has no natural zero. `groups`
    is the effective number of independent persons (images, where nobody is known) inside.
    """

    value: float
    low: float
    high: float
    mean_in: float
    mean_out: float
    n: int
    n_out: int
    groups: float
    t: float
    p: float
    ratio: float | None = None
    ratio_low: float | None = None
    ratio_high: float | None = None


def mean_difference(
    values: np.ndarray, inside: np.ndarray, persons: np.ndarray | None = None, *, ratio: bool = False
) -> MeanDifference | None:
    """Return the difference of the means inside and outside, or None where either side is too small to say anything.

    Welch's t with two corrections: squares are summed over the images of a person before they are squared (a
    cluster-robust variance), and Hall's (1992) transformation takes the skewness of the errors into the interval.

    Args:
        values: (N,) float64, finite.
        inside: (N,) bool.
        persons: (N,) int codes of who is pictured; None where every image stands for itself.
        ratio: the values have a natural zero, so that their ratio means something.
    """
    n, n_out = int(inside.sum()), int((~inside).sum())
    if not n or not n_out:
        return None
    codes = np.arange(len(values)) if persons is None else persons
    mean_in, mean_out = float(values[inside].mean()), float(values[~inside].mean())
    pulls = [
        _pulls(np.where(inside, (values - mean_in) / n, 0.0), codes, inside),
        _pulls(np.where(inside, 0.0, (values - mean_out) / n_out), codes, ~inside),
    ]
    if min(groups for _, groups in pulls) < LEAST_GROUPS:
        return None
    (pull_in, groups_in), (pull_out, groups_out) = pulls
    difference = mean_in - mean_out
    low, high, t, p = _interval(difference, pull_in, pull_out, groups_in, groups_out)
    as_ratio: tuple[float | None, ...] = (None, None, None)
    if ratio and mean_in > 0 and mean_out > 0:
        # The logarithm of a mean moves by the mean's own pull, divided by the mean.
        ends = _interval(np.log(mean_in / mean_out), pull_in / mean_in, pull_out / mean_out, groups_in, groups_out)
        as_ratio = (mean_in / mean_out, float(np.exp(ends[0])), float(np.exp(ends[1])))
    return MeanDifference(difference, low, high, mean_in, mean_out, n, n_out, groups_in, t, p, *as_ratio)


def _pulls(pulls: np.ndarray, codes: np.ndarray, side: np.ndarray) -> tuple[np.ndarray, float]:
    """Return each person's pull on the mean of one side, scaled to an unbiased variance, and the persons' number.

    The number is the effective one, (sum of sizes)^2 / sum of sizes^2: ten persons of whom one has most of the images
    are fewer than ten.
    """
    sizes = np.bincount(codes[side], minlength=int(codes.max()) + 1).astype(np.float64)
    groups = float(sizes.sum() ** 2 / np.square(sizes).sum())
    summed = np.bincount(codes, pulls, minlength=len(sizes))
    return summed * np.sqrt(groups / max(groups - 1, 1e-9)), groups


def _interval(
    difference: float, pull_in: np.ndarray, pull_out: np.ndarray, groups_in: float, groups_out: float
) -> tuple[float, float, float, float]:
    """Return low, high, the transformed t and its two-sided p (Hall 1992; degrees of freedom of Welch).

    A correction that leaves the plain interval by more than half its width is not used.
    """
    pull = pull_in - pull_out
    variance = float(np.square(pull).sum())
    if variance <= 0:
        return difference, difference, np.inf if difference > 0 else -np.inf, float(difference == 0)
    parts = [float(np.square(part).sum()) for part in (pull_in, pull_out)]
    freedom = sum(parts) ** 2 / (parts[0] ** 2 / (groups_in - 1) + parts[1] ** 2 / (groups_out - 1))
    spread = variance**0.5
    skew = float((pull**3).sum()) / variance**1.5  # 1 / sqrt(n) times the skewness, for a single mean
    reach = float(stats.t.ppf(TAILS[1], freedom))
    low, high = (difference - spread * _untransformed(end, skew) for end in (reach, -reach))
    t = _transformed(difference / spread, skew)
    margin = FARTHEST * reach * spread  # half of the plain interval is reach * spread
    if low < difference - reach * spread - margin or high > difference + reach * spread + margin:
        # One image makes the skewness: an expansion in it says nothing here.
        low, high, t = difference - reach * spread, difference + reach * spread, difference / spread
    return low, high, t, float(2 * stats.t.sf(abs(t), freedom))


def _transformed(t: float, skew: float) -> float:
    return t + skew / 3 * t**2 + skew**2 / 27 * t**3 + skew / 6


def _untransformed(t: float, skew: float) -> float:
    if abs(skew) < 1e-9:
        return t
    return float(3 / skew * (np.cbrt(1 + skew * (t - skew / 6)) - 1))


@dataclass(frozen=True)
class Difference:
    """The mean over n images of `metric` of `second` minus that of `first`; None, with a reason, where there is none.

    `low` and `high` are its 95 % interval, `p` the paired t-test's, `q` corrected for all differences tested together.
    """

    metric: str
    first: str
    second: str
    value: float | None
    low: float | None
    high: float | None
    n: int
    p: float | None
    q: float | None = None
    reason: str | None = None

    def turned(self) -> "Difference":
        """Return the difference of the same two models the other way round."""
        value, low, high = (None if end is None else -end for end in (self.value, self.high, self.low))
        return replace(self, first=self.second, second=self.first, value=value, low=low, high=high)

    @property
    def is_clear(self) -> bool:
        """Whether it is more than noise: q at most 0.05 and an interval without 0."""
        if self.q is None or self.low is None or self.high is None:
            return False
        return self.q <= Q_LEVEL and not self.low <= 0 <= self.high


def paired_differences(tables: Mapping[str, "pd.DataFrame"], metrics: Sequence[str], seed: int) -> list[Difference]:
    """Return the paired difference of every metric for every two models, in the order of `tables`.

    The intervals are percentile bootstraps over images, the same 1,000 resamples for all models and metrics, and those
    of the single means: a resample's difference is the difference of its two means.

    Args:
        tables: name of a model -> its per-image table, joined on image_id.
        metrics: columns; one that a table lacks, or that is not finite everywhere, gives a reason.
        seed: of the resamples.

    Raises:
        DataError: the tables are not of the same images.
    """
    names = list(tables)
    ids = _common_ids(tables)
    n = len(ids)
    columns = np.full((n, len(names), len(metrics)), np.nan)
    for i, table in enumerate(tables.values()):
        aligned = table.set_index("image_id").loc[ids]
        for j, metric in enumerate(metrics):
            if metric in aligned:
                columns[:, i, j] = aligned[metric].to_numpy(float)
    usable = np.where(np.isfinite(columns), columns, 0.0).reshape(n, -1)
    means = (resampled_sums(usable, seed) / n).reshape(RESAMPLES, *columns.shape[1:])
    found = []
    for j, metric in enumerate(metrics):
        for a, b in combinations(range(len(names)), 2):
            absent = [names[i] for i in (a, b) if metric not in tables[names[i]]]
            found.append(
                Difference(metric, names[a], names[b], None, None, None, 0, None, reason=_lacks(absent, metric))
                if absent
                else _difference(
                    metric, names[a], names[b], columns[:, b, j] - columns[:, a, j], means[:, b, j] - means[:, a, j]
                )
            )
    return found


def leads(name: str, metric: str, differences: Sequence[Difference]) -> list[Difference]:
    """Return the differences in a metric of one model minus each of the others, whichever way they were taken."""
    return [
        d if d.second == name else d.turned() for d in differences if d.metric == metric and name in (d.first, d.second)
    ]


def with_q(differences: Sequence[Difference]) -> list[Difference]:
    """Return the differences with q-values over all of them (Benjamini & Hochberg 1995)."""
    tested = [i for i, difference in enumerate(differences) if difference.p is not None]
    corrected = stats.false_discovery_control([differences[i].p for i in tested]) if tested else []
    q = dict(zip(tested, map(float, corrected), strict=True))
    return [replace(difference, q=q.get(i)) for i, difference in enumerate(differences)]


def _common_ids(tables: Mapping[str, "pd.DataFrame"]) -> list[str]:
    """Return the image ids, in the first table's order; DataError where another table has other ones."""
    first, *others = tables
    ids = tables[first]["image_id"].tolist()
    for name in (first, *others):
        own = tables[name]["image_id"].tolist()
        if len(set(own)) < len(own) or set(own) != set(ids):
            raise DataError(
                f"{first} and {name} were not evaluated on the same images ({len(ids):,} and {len(own):,}, "
                f"{len(set(ids) & set(own)):,} shared): evaluate both on the same data with --data and --limit."
            )
    return ids


def _difference(metric: str, first: str, second: str, values: np.ndarray, resampled: np.ndarray) -> Difference:
    n = len(values)
    bad = n - int(np.isfinite(values).sum())
    if bad:
        reason = f"the value is not finite on {bad:,} of {n:,} images"
        return Difference(metric, first, second, None, None, None, n, None, reason=reason)
    mean = float(values.mean())
    if n < LEAST:
        return Difference(metric, first, second, mean, None, None, n, None, reason=FEW)
    low, high = np.quantile(resampled, TAILS)
    spread = float(values.std(ddof=1)) / np.sqrt(n)
    p = 2 * float(stats.t.sf(abs(mean) / spread, n - 1)) if spread > 0 else float(mean == 0)
    return Difference(metric, first, second, mean, float(low), float(high), n, p)


def _lacks(models: list[str], metric: str) -> str:
    return f"{' and '.join(models)} {'has' if len(models) == 1 else 'have'} no {metric} of each image"
