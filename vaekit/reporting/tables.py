"""The rows that several sections of a report share: a metric with its facts, and a table of text and numbers."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from vaekit.figures.words import ARROWS, count, estimate, interval, number, short, unit
from vaekit.quantity import Quantity

ABSENT = "not computed"


@dataclass(frozen=True)
class Metric:
    """One row of a table of metrics: a number with its facts, and how a reader sees each of them."""

    id: str
    quantity: Quantity

    @property
    def label(self) -> str:
        """What the number is called."""
        return self.quantity.label

    @property
    def is_absent(self) -> bool:
        """Whether there is a reason instead of a value."""
        return self.quantity.value is None

    @property
    def value(self) -> str:
        """The number, with the digits that it bears."""
        q = self.quantity
        if q.value is None:
            return ABSENT
        return count(q.value) if isinstance(q.value, int) else number(q.value, q.low, q.high)

    @property
    def interval(self) -> str:
        """The interval; a dash where there is none."""
        return interval(self.quantity.low, self.quantity.high)

    @property
    def n(self) -> str:
        """What the number rests on."""
        return count(self.quantity.n)

    @property
    def unit(self) -> str:
        """The unit; nothing for a pure number."""
        return unit(self.quantity.unit)

    @property
    def arrow(self) -> str:
        """An arrow to where it is better, if anywhere."""
        return ARROWS[self.quantity.higher_is_better]

    @property
    def direction(self) -> str:
        """The arrow in words."""
        return {True: "higher is better", False: "lower is better", None: ""}[self.quantity.higher_is_better]

    @property
    def reason(self) -> str | None:
        """Why there is no value, or no interval."""
        return self.quantity.reason or ("No reason is given." if self.is_absent else None)


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


def quantities(records: Mapping[str, Mapping[str, Any]], where: str) -> dict[str, Quantity]:
    """Return the numbers that an artifact holds by name; DataError names `where` one can not be read."""
    return {name: Quantity.from_record(record, f"{name} in {where}") for name, record in records.items()}


def metrics_of(found: Mapping[str, Quantity], names: Sequence[str] | None = None) -> tuple[Metric, ...]:
    """Return the rows of several numbers, of those in `names` that are there, or of all."""
    return tuple(Metric(name, found[name]) for name in (found if names is None else names) if name in found)


def _is_nothing(value: Any) -> bool:
    return value is None or bool(pd.isna(value))
