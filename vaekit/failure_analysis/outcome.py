"""What one test of the diagnosis says, found or not."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

LEAST = 20  # images on either side of a comparison: fewer say nothing


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
