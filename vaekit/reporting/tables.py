"""The rows that several sections of a report share: a metric with its facts, and a table of text."""

from dataclasses import dataclass
from typing import Any

from vaekit.reporting.text import count, interval, number


@dataclass(frozen=True)
class Metric:
    """One row of a table of metrics; `reason` is set where there is no value, `warning` where it smells of a bug."""

    id: str
    label: str
    value: str
    interval: str
    n: str
    unit: str
    direction: str
    arrow: str
    definition: str
    reason: str | None
    warning: str | None


@dataclass(frozen=True)
class Table:
    """A table of text: headings, rows, and which columns hold numbers."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: tuple[bool, ...]


def metric_of(name: str, entry: dict[str, Any]) -> Metric:
    """Return the row of a metric from its entry in an artifact."""
    value, low, high = entry["value"], entry["low"], entry["high"]
    better = entry["higher_is_better"]
    arrow, direction = {True: ("↑", "higher is better"), False: ("↓", "lower is better"), None: ("", "")}[better]
    return Metric(
        id=name,
        label=entry["label"],
        value="not computed" if value is None else _shown(value, low, high),
        interval=interval(low, high),
        n=count(entry["n"]),
        unit=entry["unit"],
        direction=direction,
        arrow=arrow,
        definition=entry["definition"],
        reason=(entry["reason"] or "No reason is given.") if value is None else entry["reason"],
        warning=entry.get("warning"),
    )


def _shown(value: float, low: float | None, high: float | None) -> str:
    return count(value) if isinstance(value, int) else number(value, low, high)
