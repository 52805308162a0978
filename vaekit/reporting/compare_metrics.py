"""The numbers of several models side by side: which is best of each metric, and whether that is more than noise."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vaekit.reporting.compare_models import Compared
from vaekit.reporting.tables import Metric, Table, metric_of
from vaekit.reporting.text import interval, number

if TYPE_CHECKING:
    from vaekit.evaluation.paired import Difference


@dataclass(frozen=True)
class SideBySide:
    """One metric of every model.

    Attributes:
        metric: label, unit, direction and definition.
        cells: one for each model, in the comparison's order.
        best: the models that none is clearly better than; empty where there is no better, or nothing to tell it by.
        ground: on what `best` rests, as a sentence.
    """

    metric: Metric
    cells: tuple[Metric, ...]
    best: tuple[str, ...]
    ground: str


def side_by_side(
    models: Sequence[Compared], rows: Mapping[str, Mapping[str, dict[str, Any]]], differences: Sequence["Difference"]
) -> tuple[SideBySide, ...]:
    """Return the metrics that at least one model has a value of.

    Args:
        models: in the order of the columns.
        rows: name of a model -> metric -> its row.
        differences: paired ones; a metric without is judged by its intervals alone, and says so.
    """
    names = [model.name for model in models]
    found = []
    for metric in dict.fromkeys(metric for name in names for metric in rows[name]):
        entries = {name: rows[name][metric] for name in names if metric in rows[name]}
        facts = next(iter(entries.values()))
        absent = facts | {"value": None, "low": None, "high": None, "n": 0, "reason": "It was not evaluated."}
        if all(entry["value"] is None for entry in entries.values()):
            continue
        best, ground = _best(metric, entries, differences)
        cells = tuple(metric_of(metric, entries.get(name, absent)) for name in names)
        found.append(SideBySide(metric_of(metric, facts), cells, best, ground))
    return tuple(found)


def not_computed(rows: Mapping[str, Mapping[str, dict[str, Any]]]) -> list[str]:
    """Return a sentence for each metric that no model has a value of, with the first one's reason."""
    every = dict.fromkeys(metric for own in rows.values() for metric in own)
    said = []
    for metric in every:
        entries = [own[metric] for own in rows.values() if metric in own]
        if all(entry["value"] is None for entry in entries):
            reason = str(entries[0]["reason"] or "no reason is given").removesuffix(".")
            said.append(f"{entries[0]['label']} was computed for no model: {reason}.")
    return said


def _best(
    metric: str, entries: Mapping[str, dict[str, Any]], differences: Sequence["Difference"]
) -> tuple[tuple[str, ...], str]:
    """Return the model with the best value and those that it is not clearly better than, and the ground of it."""
    higher = next(iter(entries.values()))["higher_is_better"]
    values = {name: entry["value"] for name, entry in entries.items() if entry["value"] is not None}
    if higher is None:
        return (), "It has no better direction."
    if len(values) < 2:
        return (), "Only one model has a value."
    leader = (max if higher else min)(values, key=lambda name: values[name])
    paired = {d.first if d.second == leader else d.second: d for d in differences
              if d.metric == metric and leader in (d.first, d.second) and d.low is not None}  # fmt: skip
    others = values.keys() - {leader}
    if others <= paired.keys():
        n = next(iter(paired.values())).n
        beaten = {name for name in others if paired[name].is_clear}
        ground = f"Paired differences on the same {n:,} images."
    elif all(entries[name]["low"] is not None for name in values):
        beaten = {name for name in others if _apart(entries[leader], entries[name])}
        ground = "No paired differences: beaten is whose interval does not overlap."
    else:
        return (), "Neither paired differences nor intervals to tell the models apart by."
    return tuple(name for name in values if name not in beaten), ground


def _apart(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return one["high"] < other["low"] or other["high"] < one["low"]


def verdict_of(difference: "Difference", higher: bool | None) -> str:
    """Return what a paired difference says of its second model: better, worse, higher, lower or nothing clear."""
    if difference.value is None or difference.low is None:
        return "not tested"
    if not difference.is_clear:
        return "no clear difference"
    if higher is None:
        return "higher" if difference.value > 0 else "lower"
    return "better" if (difference.value > 0) == higher else "worse"


def differences_table(differences: Sequence["Difference"], rows: Mapping[str, Mapping[str, dict[str, Any]]]) -> Table:
    """Return every paired difference as a row of text, with p, q and what it says of the second model."""
    headings = ("Metric", "Model", "minus", "Difference", "95 % interval", "n", "p", "q", "The first named is")
    lines = []
    for d in differences:
        facts = next(own[d.metric] for own in rows.values() if d.metric in own)
        if d.value is None:
            lines.append((facts["label"], d.second, d.first, "–", "–", f"{d.n:,}", "–", "–", d.reason or "not tested"))
            continue
        verdict = verdict_of(d, facts["higher_is_better"])
        lines.append((
            facts["label"], d.second, d.first, signed(d.value, d.low, d.high), interval(d.low, d.high), f"{d.n:,}",
            _probability(d.p), _probability(d.q), verdict,
        ))  # fmt: skip
    return Table(headings, tuple(lines), (False, False, False, True, True, True, True, True, False))


def signed(value: float, low: float | None = None, high: float | None = None) -> str:
    """Return a difference with its sign, in the decimals that its interval bears."""
    text = number(value, low, high)
    return f"+{text}" if value > 0 and float(text.replace(",", "")) else text


def _probability(p: float | None) -> str:
    return "–" if p is None else "< 0.0001" if p < 1e-4 else f"{p:.4f}"
