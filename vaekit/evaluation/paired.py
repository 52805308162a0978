"""Differences between models on the same images: what two images share, their difficulty, cancels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

from vaekit.errors import DataError
from vaekit.evaluation.uncertainty import LEVEL, RESAMPLES
from vaekit.seeding import numpy_generator

Q_LEVEL = 0.05  # of all differences called clear, at most this share is expected to be none


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

    @property
    def is_clear(self) -> bool:
        """Whether it is more than noise: q at most 0.05 and an interval without 0."""
        if self.q is None or self.low is None or self.high is None:
            return False
        return self.q <= Q_LEVEL and not self.low <= 0 <= self.high


def paired_differences(tables: Mapping[str, pd.DataFrame], metrics: Sequence[str], seed: int) -> list[Difference]:
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
    means = _resampled_means(np.where(np.isfinite(columns), columns, 0.0), seed)
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


def with_q(differences: Sequence[Difference]) -> list[Difference]:
    """Return the differences with q-values over all of them (Benjamini & Hochberg 1995)."""
    tested = [i for i, difference in enumerate(differences) if difference.p is not None]
    corrected = stats.false_discovery_control([differences[i].p for i in tested]) if tested else []
    q = dict(zip(tested, map(float, corrected), strict=True))
    return [replace(difference, q=q.get(i)) for i, difference in enumerate(differences)]


def _common_ids(tables: Mapping[str, pd.DataFrame]) -> list[str]:
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


def _resampled_means(columns: np.ndarray, seed: int) -> np.ndarray:
    """Return the means of (N, K, M) over the images of each resample, (RESAMPLES, K, M)."""
    n = len(columns)
    flat = columns.reshape(n, -1)
    generator = numpy_generator(seed, "bootstrap")
    means = [np.bincount(generator.integers(0, n, n), minlength=n) @ flat / n for _ in range(RESAMPLES)]
    return np.reshape(means, (RESAMPLES, *columns.shape[1:]))


def _difference(metric: str, first: str, second: str, values: np.ndarray, resampled: np.ndarray) -> Difference:
    n = len(values)
    bad = n - int(np.isfinite(values).sum())
    if bad:
        reason = f"{bad:,} of {n:,} images have a value that is not finite"
        return Difference(metric, first, second, None, None, None, n, None, reason=reason)
    mean = float(values.mean())
    if n == 1:
        return Difference(metric, first, second, mean, None, None, 1, None)
    low, high = np.quantile(resampled, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    spread = float(values.std(ddof=1)) / np.sqrt(n)
    p = 2 * float(stats.t.sf(abs(mean) / spread, n - 1)) if spread > 0 else float(mean == 0)
    return Difference(metric, first, second, mean, float(low), float(high), n, p)


def _lacks(models: list[str], metric: str) -> str:
    return f"{' and '.join(models)} {'has' if len(models) == 1 else 'have'} no {metric} of each image"
