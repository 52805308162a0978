"""What one test of the diagnosis says, found or not; and the resampling that their intervals share."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from vaekit.seeding import numpy_generator

LEAST = 20  # images on either side of a comparison: fewer say nothing
RESAMPLES = 1000
TAILS = (0.025, 0.975)  # of a 95 % interval
_AT_ONCE = 50  # resamples per matrix product


@dataclass(frozen=True)
class Effect:
    """The size of an effect: its value and 95 % interval in `unit`, and the same as a ratio where that means something.

    An end of an interval is None where it can not be given.
    """

    value: float
    low: float | None
    high: float | None
    unit: str
    ratio: float | None = None
    ratio_low: float | None = None
    ratio_high: float | None = None


@dataclass(frozen=True)
class Outcome:
    """The outcome of one test that was decided on before the data were seen.

    Attributes:
        id: short and unique, such as "detail" or "lost-Eyeglasses".
        kind: "detail", "grid", "region", "bias", "attribute", "explained" or "fairness".
        title: a few words.
        sentence: what the numbers say, whether or not the test passed.
        found: the test passed its stated thresholds.
        effect: None where nothing could be measured.
        n: images the test rests on.
        p: of the null hypothesis that the sentence names; q: p adjusted within its family (Benjamini-Hochberg).
        share: of the test split's total squared error, where the test says so.
        evidence: further sentences, each true by itself.
        remedy: what an engineer may try; empty where the test was not passed.
        rows: images that show it, the clearest first.
    """

    id: str
    kind: str
    title: str
    sentence: str
    found: bool
    effect: Effect | None = None
    n: int = 0
    p: float | None = None
    q: float | None = None
    share: float | None = None
    evidence: tuple[str, ...] = ()
    remedy: str = ""
    rows: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))


def interval(resampled: np.ndarray) -> tuple[float | None, float | None]:
    """Return the 95 % percentile interval of resampled values; an end that is not finite is None."""
    low, high = (float(end) for end in np.quantile(resampled, TAILS, method="closest_observation"))
    return (low if np.isfinite(low) else None), (high if np.isfinite(high) else None)


def spoken(value: float, low: float | None, high: float | None, scale: float = 1) -> str:
    """Return "3.8 [3.75, 3.84]" for a number and its interval, times `scale`: three digits, an open end as "…"."""
    value, low, high = ("…" if end is None else f"{scale * end:.3g}".replace("-", "−") for end in (value, low, high))
    return f"{value} [{low}, {high}]"


def percent(value: float, low: float | None, high: float | None) -> str:
    """Return "62.1 % [60.3, 64]" for a share and its interval, to a tenth of a percent."""
    value, low, high = (
        "…" if end is None else f"{round(100 * end, 1) + 0.0:.1f}".removesuffix(".0").replace("-", "−")
        for end in (value, low, high)
    )
    return f"{value} % [{low}, {high}]"


def estimate_row(
    value: float | None,
    ends: tuple[float | None, float | None],
    n: int,
    *,
    reason: str | None = None,
    label: str,
    unit: str,
    higher_is_better: bool | None,
    definition: str,
) -> dict[str, Any]:
    """Return a number as every table of vaekit carries it: with interval, n, unit, direction and definition."""
    return {
        "value": value,
        "low": ends[0],
        "high": ends[1],
        "n": n,
        "reason": reason,
        "unit": unit,
        "label": label,
        "higher_is_better": higher_is_better,
        "definition": definition,
    }


def resampled_sums(columns: np.ndarray, seed: int, *names: object) -> np.ndarray:
    """Return the column sums of (N, M) over each of 1,000 bootstrap resamples of the N images, (1000, M) float64.

    All columns see the same resamples, so that any ratio or difference of sums keeps what its parts share. Takes
    matrix products of 50 resamples at once: 20,000 images of 60 columns need about a second and 8 MB.
    """
    columns = np.asarray(columns, np.float64)
    return np.concatenate([weights @ columns for weights in _resamples(len(columns), seed, names)])


def _resamples(n: int, seed: int, names: tuple[object, ...]) -> Iterator[np.ndarray]:
    generator = numpy_generator(seed, "bootstrap", *names)
    for _ in range(RESAMPLES // _AT_ONCE):
        drawn = generator.integers(0, n, (_AT_ONCE, n)) + n * np.arange(_AT_ONCE)[:, None]
        yield np.bincount(drawn.ravel(), minlength=_AT_ONCE * n).reshape(_AT_ONCE, n).astype(np.float64)
