"""The numbers of several models side by side: which is best of each metric, and whether that is more than noise."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from vaekit.figures.words import count, estimate, interval, listed, number, probability
from vaekit.quantity import Quantity
from vaekit.reporting.document import Block, Bullets, Prose, told
from vaekit.reporting.tables import ABSENT, Column, Metric, Table, numbers, table_of, words
from vaekit.statistics.differences import Difference, leads

_BY_INTERVALS = "told apart by intervals that do not overlap"
Rows = Mapping[str, Mapping[str, Quantity]]  # name of a model -> metric -> its number


@dataclass(frozen=True)
class SideBySide:
    """One metric of every model.

    Attributes:
        metric: label, unit, direction and definition.
        entries: name of a model -> its number; None where it was not evaluated.
        best: the model with the best value, then those that it is not clearly better than; empty where there is no
            better, or nothing to tell it by.
        ground: on what `best` rests: "paired", "intervals", or why there is none.
    """

    metric: Metric
    entries: dict[str, Quantity | None]
    best: tuple[str, ...]
    ground: str


@dataclass(frozen=True)
class Cell:
    """One number of a table, in words and with every digit; `mark` is what is said of it, such as "best"."""

    name: str
    shown: str
    value: float | None
    low: float | None
    high: float | None
    n: int
    mark: str = ""

    @property
    def interval(self) -> str:
        """The interval in words; empty where there is none."""
        return "" if self.low is None else interval(self.low, self.high)


@dataclass(frozen=True)
class Line:
    """One metric of such a table: a cell for each column, and a remark below its label."""

    metric: Metric
    remark: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Versus(Block):
    """A table of metrics with a column for each model, or for each difference, in which the best stand out."""

    kind: ClassVar[str] = "versus"
    label: str
    lines: tuple[Line, ...]


def values(label: str, rows: Sequence[SideBySide]) -> Iterable[Block]:
    """Yield the table of these metrics; what holds of every row is said once, above it."""
    grounds = {row.ground for row in rows}
    alike = "intervals" in grounds and "paired" not in grounds
    if alike:
        yield Prose(f"{_BY_INTERVALS}: none of these numbers has a value for each image.".capitalize(), "small")
    yield Versus(label, tuple(_line(row, alike) for row in rows))


def _line(row: SideBySide, alike: bool) -> Line:
    mark = "best" if len(row.best) == 1 else "tied"
    cells = []
    for name, entry in row.entries.items():
        if entry is None:
            cells.append(Cell(name, ABSENT, None, None, None, 0))
            continue
        shown = Metric(row.metric.id, entry).value
        cells.append(Cell(name, shown, entry.value, entry.low, entry.high, entry.n, mark if name in row.best else ""))
    said = {"paired": "", "intervals": "" if alike else _BY_INTERVALS}.get(row.ground, row.ground)
    return Line(row.metric, "" if row.metric.quantity.higher_is_better is None else said, tuple(cells))


def side_by_side(rows: Rows, differences: Sequence[Difference], *, ranked: bool = True) -> tuple[SideBySide, ...]:
    """Return the metrics that a model has a value of.

    Where `ranked`, each names its best, by paired differences or, for those that have none, by intervals alone.
    """
    found = []
    for metric in _ids(rows):
        entries = {name: own.get(metric) for name, own in rows.items()}
        known = {name: entry for name, entry in entries.items() if entry and entry.value is not None}
        if known:
            facts = next(iter(known.values()))
            best, ground = _best(metric, known, differences) if ranked else ((), "")
            found.append(SideBySide(Metric(metric, facts), entries, best, ground))
    return tuple(found)


def absences(rows: Rows) -> Iterable[Block]:
    """Yield why models have no value of some metrics, where there are such."""
    if said := tuple(not_computed(rows)):
        yield Bullets(said)


def not_computed(rows: Rows) -> Iterable[str]:
    """Yield a sentence for each reason why models have no value of some metrics."""
    reasons: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for metric in _ids(rows):
        label = next(own[metric].label for own in rows.values() if metric in own)
        why: dict[str, list[str]] = {}
        for name, own in rows.items():
            if metric not in own:
                why.setdefault("not evaluated", []).append(name)
            elif own[metric].value is None:
                why.setdefault(str(own[metric].reason or "no reason is given"), []).append(name)
        for reason, names in why.items():
            reasons.setdefault((reason, tuple(names)), []).append(label)
    for (reason, without), labels in reasons.items():
        whom = "any model" if len(without) == len(rows) else listed(without)
        yield f"Not computed for {whom}: {listed(labels)}. {told(reason)}"


def _ids(rows: Rows) -> Iterable[str]:
    return dict.fromkeys(metric for own in rows.values() for metric in own)


def _best(metric: str, known: Mapping[str, Quantity], differences: Sequence[Difference]) -> tuple[tuple[str, ...], str]:
    higher = next(iter(known.values())).higher_is_better
    if higher is None:
        return (), "it has no better direction"
    if len(known) < 2:
        return (), "one model alone has a value"
    if len({entry.value for entry in known.values()}) == 1:
        return (), "the same for all"
    leader = (max if higher else min)(known, key=lambda name: known[name].value or 0.0)
    others = known.keys() - {leader}
    if reason := next(
        (d.reason for d in differences if d.metric == metric and {d.first, d.second} <= known.keys() and d.reason), None
    ):
        return (), reason
    paired = {d.first: d for d in leads(leader, metric, differences) if d.low is not None}
    if others <= paired.keys():
        beaten, ground = {name for name in others if paired[name].is_clear}, "paired"
    elif all(entry.low is not None for entry in known.values()):
        beaten, ground = {name for name in others if _apart(known[leader], known[name])}, "intervals"
    else:
        return (), "no interval to tell them apart by"
    return (leader, *(name for name in known if name in others - beaten)), ground


def _apart(one: Quantity, other: Quantity) -> bool:
    if one.low is None or one.high is None or other.low is None or other.high is None:
        return False
    return one.high < other.low or other.high < one.low


def differences_from_first(rows: Sequence[SideBySide], differences: Sequence[Difference]) -> Versus:
    """Return the paired difference of every other model from the first, and whether it is better or worse."""
    first, *others = rows[0].entries
    found = {(d.metric, d.second): d for d in differences if d.first == first}
    lines = []
    for row in rows:
        own = [found.get((row.metric.id, name)) for name in others]
        if any(own):
            cells = tuple(_change(d, name, first, row.metric) for d, name in zip(own, others, strict=True))
            lines.append(Line(row.metric, "", cells))
    return Versus("Paired differences", tuple(lines))


def _change(difference: Difference | None, name: str, first: str, metric: Metric) -> Cell:
    heading = f"{name} − {first}"
    if difference is None or difference.value is None:
        reason = None if difference is None else difference.reason
        return Cell(heading, "–", None, None, None, 0, reason or "not tested")
    value, low, high = difference.value, difference.low, difference.high
    mark = verdict_of(difference, metric.quantity.higher_is_better)
    return Cell(heading, number(value, low, high, sign=True), value, low, high, difference.n, mark)


def every_difference(rows: Sequence[SideBySide], differences: Sequence[Difference]) -> Table:
    """Return every paired difference as a row, with n, p and q."""
    known = {row.metric.id: row.metric for row in rows}
    shown = [d for d in differences if d.metric in known]
    verdicts = [verdict_of(d, known[d.metric].quantity.higher_is_better) for d in shown]
    return table_of(
        words("Metric", (known[d.metric].label for d in shown)),
        words("Model", (d.second for d in shown)),
        words("minus", (d.first for d in shown)),
        Column(
            "Difference, 95 % interval",
            tuple("–" if d.value is None else estimate(d.value, d.low, d.high, sign=True) for d in shown),
            tuple(d.value for d in shown),
        ),
        numbers("n", (d.n for d in shown), count),
        numbers("p", (d.p for d in shown), probability),
        numbers("q", (d.q for d in shown), probability),
        words("The model is", (d.reason or said for d, said in zip(shown, verdicts, strict=True))),
    )


def verdict_of(difference: Difference, higher: bool | None) -> str:
    """Return what a paired difference says of its second model: better, worse, higher, lower or nothing clear."""
    if difference.value is None or difference.low is None:
        return "not tested"
    if not difference.is_clear:
        return "no clear difference"
    if higher is None:
        return "higher" if difference.value > 0 else "lower"
    return "better" if (difference.value > 0) == higher else "worse"
