"""The rows that several sections of a report share: a metric with its facts, and a table of text and numbers."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from vaekit.figures.words import count, estimate, interval, number, short, unit

ABSENT = "not computed"


@dataclass(frozen=True)
class Metric:
    """One row of a table of metrics; `reason` is set where there is no value, `warning` where it smells of a bug.

    `entry` is the artifact's own row, with every digit: what sorting, tooltips and report.json take.
    """

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
    entry: dict[str, Any] = field(default_factory=dict, compare=False)

    @property
    def is_absent(self) -> bool:
        """Whether there is a reason instead of a value."""
        return self.value == ABSENT


@dataclass(frozen=True)
class Table:
    """A table of text: headings, rows, which columns hold numbers, and the exact number behind each cell (or None)."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: tuple[bool, ...]
    exact: tuple[tuple[float | None, ...], ...] = ()

    def behind(self, row: int, column: int) -> float | None:
        """Return the exact number behind a cell; None where the cell is text or says everything itself."""
        return self.exact[row][column] if self.exact else None


@dataclass(frozen=True)
class Column:
    """One column of a table to be made: its heading and cells, and the exact numbers of a column of numbers."""

    heading: str
    cells: tuple[str, ...]
    exact: tuple[float | None, ...] | None = None


def words(heading: str, values: Iterable[Any]) -> Column:
    """Return a column of text; None and NaN are shown as a dash."""
    return Column(heading, tuple("–" if _is_nothing(value) else str(value) for value in values))


def numbers(heading: str, values: Iterable[Any], show: Callable[[float], str] | None = None) -> Column:
    """Return a column of numbers, each shown with three significant digits or by `show`; no value is a dash."""
    exact = tuple(None if _is_nothing(value) else float(value) for value in values)
    return Column(heading, tuple("–" if value is None else (show or short)(value) for value in exact), exact)


def estimates(heading: str, values: Iterable[Any], lows: Iterable[Any], highs: Iterable[Any]) -> Column:
    """Return a column of numbers with their intervals in one cell: "0.83 [0.81, 0.85]"."""
    rows = [[None if _is_nothing(v) else float(v) for v in row] for row in zip(values, lows, highs, strict=True)]
    cells = tuple(estimate(value, low, high) for value, low, high in rows)
    return Column(heading, cells, tuple(row[0] for row in rows))


def table_of(*columns: Column) -> Table:
    """Return the table of these columns."""
    exact = [column.exact or (None,) * len(column.cells) for column in columns]
    return Table(
        tuple(column.heading for column in columns),
        tuple(zip(*(column.cells for column in columns), strict=True)),
        tuple(column.exact is not None for column in columns),
        tuple(zip(*exact, strict=True)),
    )


def metric_of(name: str, entry: dict[str, Any]) -> Metric:
    """Return the row of a metric from its entry in an artifact."""
    value, low, high = entry["value"], entry["low"], entry["high"]
    better = entry["higher_is_better"]
    arrow, direction = {True: ("↑", "higher is better"), False: ("↓", "lower is better"), None: ("", "")}[better]
    return Metric(
        id=name,
        label=entry["label"],
        value=ABSENT if value is None else _shown(value, low, high),
        interval=interval(low, high),
        n=count(entry["n"]),
        unit=unit(entry["unit"]),
        direction=direction,
        arrow=arrow,
        definition=entry["definition"],
        reason=(entry["reason"] or "No reason is given.") if value is None else entry["reason"],
        warning=entry.get("warning"),
        entry=dict(entry),
    )


def metrics_of(entries: dict[str, dict[str, Any]], names: Sequence[str] | None = None) -> tuple[Metric, ...]:
    """Return the rows of several metrics, of those in `names` that are there, or of all."""
    return tuple(metric_of(name, entries[name]) for name in (entries if names is None else names) if name in entries)


def _shown(value: float, low: float | None, high: float | None) -> str:
    return count(value) if isinstance(value, int) else number(value, low, high)


def _is_nothing(value: Any) -> bool:
    return value is None or bool(pd.isna(value))
