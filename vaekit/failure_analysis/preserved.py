"""Which attributes survive reconstruction, which are lost and which made up, beyond what blur of equal strength does.

The judge looks at x, at x_hat, and at x under the blur that fits the reconstructions best: what it still sees in the
blurred image and no longer in x_hat is not lost to blur; what it sees in x_hat alone, the model has put there.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from vaekit.failure_analysis.blur import Blur
from vaekit.failure_analysis.outcome import LEAST, Effect, Outcome, percent
from vaekit.figures.words import readable
from vaekit.progress import Progress, silent
from vaekit.statistics.discovery import Q_LEVEL
from vaekit.statistics.proportions import paired_difference, wilson

CHUNK = 1000  # images blurred and judged at a time
BEYOND = 0.1  # of the images concerned: from so many on an attribute is called lost, or made up
SURE = 0.85  # AUROC from which the judge is trusted with an attribute: under it are the matters of taste
_SHARES = ("", "_low", "_high")
COLUMNS = [
    "attribute",
    "n",
    *(name + end for name in ("kept", "control", "beyond") for end in _SHARES),
    "p",
    "q",
    "lost",
    "n_without",
    *(name + end for name in ("appears", "appears_control", "added") for end in _SHARES),
    "p_added",
    "q_added",
    "made_up",
    "reason",
]


@dataclass(frozen=True)
class Preserved:
    """Attributes kept, lost and made up.

    Attributes:
        outcomes: for each attribute tested, "lost-<attribute>" in the order of the rows, then "added-<attribute>".
        rows: for findings.json's "preserved", one per attribute, the most lost first; the keys are those of COLUMNS,
            None where there is no value. n images have it (labelled so, and the judge sees it in x): kept and control
            are the shares of them where the judge sees it in x_hat and in blurred x (Wilson's intervals), beyond =
            control - kept (Newcombe's paired interval), p McNemar's exact test, q adjusted; lost. n_without images
            lack it in label and judgement: appears and appears_control are the shares of them where it is seen in x_hat
            and in blurred x, added their difference; p_added, q_added, made_up. reason where it could not be tested.
        notes: sentences about what was not tested.
    """

    outcomes: tuple[Outcome, ...]
    rows: list[dict[str, Any]]
    notes: tuple[str, ...]


def control_probabilities(
    x: np.ndarray, blur: Blur, judge: Callable[[np.ndarray], np.ndarray], *, progress: Progress = silent
) -> np.ndarray:
    """Return what the judge sees in x as unsharp as the reconstructions, (N, A): equal blur, and no model.

    Args:
        x: uint8 (N, S, S, 3).
        blur: of `fit_blur`.
        judge: uint8 images (M, S, S, 3), M >= 2 -> probabilities (M, A).
        progress: told of each chunk.
    """
    parts, stops = [], [*range(CHUNK, len(x) - 1, CHUNK), len(x)]  # never one image alone
    for start, stop in zip([0, *stops], stops, strict=False):
        parts.append(judge(blur(x[start:stop])))
        progress("blurred images", stop, len(x))
    return np.concatenate(parts)


def preserved(
    labels: pd.DataFrame,
    attributes: tuple[str, ...],
    thresholds: np.ndarray,
    p_x: np.ndarray,
    p_x_hat: np.ndarray,
    p_control: np.ndarray,
    *,
    auroc: Mapping[str, float],
) -> Preserved:
    """Return which attributes survive in x_hat and which appear there, against the control.

    An attribute is lost (made up) where q < .05, Benjamini-Hochberg over all tests, the interval of
    `beyond` (`added`) lies above 0 and it is 10 points or more. Tested is what the judge is sure of, on 20 images.

    Args:
        labels: 0/1, (N, K), columns named.
        attributes: those the judge knows, (A,).
        thresholds: the judge's probability thresholds, (A,).
        p_x: the judge's probabilities on x, (N, A).
        p_x_hat: the same on x_hat.
        p_control: the same on blurred x, of `control_probabilities`.
        auroc: attribute -> the judge's AUROC on the test split.
    """
    if not attributes:
        note = "Which attributes survive reconstruction was not tested: the judge knows no attribute of these data."
        return Preserved((), [], (note,))
    known = np.isfinite(p_x) & np.isfinite(p_x_hat) & np.isfinite(p_control)
    rows, concerned = [], {}
    for k, name in enumerate(attributes):
        has = labels[name].to_numpy() == 1
        x, x_hat, control = ((p[:, k] >= thresholds[k]) for p in (p_x, p_x_hat, p_control))
        present, absent = known[:, k] & has & x, known[:, k] & ~has & ~x
        row: dict[str, Any] = dict.fromkeys(COLUMNS) | {"attribute": name, "lost": False, "made_up": False}
        lost = _pair(("kept", "control", "beyond"), ~x_hat[present], ~control[present], inverted=True)
        added = _pair(("appears", "appears_control", "added"), x_hat[absent], control[absent], inverted=False)
        row |= {"n": int(present.sum()), "n_without": int(absent.sum())} | lost | added
        row["reason"] = _reason(row, auroc[name])
        rows.append(row)
        difference = p_x_hat[:, k] - p_control[:, k]
        concerned["lost", name] = _first(present & ~x_hat & control, difference)
        concerned["added", name] = _first(absent & x_hat & ~control, -difference)
    _adjust(rows)
    rows.sort(key=lambda row: (row["reason"] is not None, row["n"] < LEAST, -(row["beyond"] or 0), row["attribute"]))
    outcomes = [
        said(row, concerned[kind, row["attribute"]])
        for kind, said, p in (("lost", _lost, "p"), ("added", _added, "p_added"))
        for row in rows
        if row[f"q{p[1:]}"] is not None
    ]
    return Preserved(tuple(outcomes), rows, _notes(rows, known))


def _pair(names: tuple[str, str, str], changed: np.ndarray, control: np.ndarray, *, inverted: bool) -> dict[str, Any]:
    """Return the columns of one comparison from the same n images: changed in x_hat, changed in the control.

    `inverted` reports the shares that did not change. Fewer than 20 images are counted, and not compared.
    """
    n = len(changed)
    if n < LEAST:
        return {}
    row = {}
    for name, share in zip(names, (changed, control), strict=False):
        low, high = map(float, wilson(int(share.sum()), n))
        value = float(share.mean())
        if inverted:
            value, low, high = 1 - value, 1 - high, 1 - low
        row |= {name: value, f"{name}_low": low, f"{name}_high": high}
    both, more, less = (int(cell.sum()) for cell in (changed & control, changed & ~control, control & ~changed))
    low, high = paired_difference(both, more, less, n - both - more - less)
    row |= {names[2]: (more - less) / n, f"{names[2]}_low": low, f"{names[2]}_high": high}
    p = float(stats.binomtest(more, more + less).pvalue) if more + less else 1.0
    return row | {"p_added" if names[2] == "added" else "p": p}


def _reason(row: dict[str, Any], auroc: float) -> str | None:
    if row["n"] < LEAST and row["n_without"] < LEAST:
        return f"{row['n']:,} images have it and {row['n_without']:,} lack it, {LEAST} are the least"
    return None if auroc >= SURE else f"the judge is not sure of it: AUROC {auroc:.2f}, {SURE} is the least"


def _first(concerned: np.ndarray, value: np.ndarray) -> np.ndarray:
    rows = np.flatnonzero(concerned)
    return rows[np.argsort(value[rows], kind="stable")]


def _adjust(rows: list[dict[str, Any]]) -> None:
    """Fill in q and the verdicts of all rows: both comparisons of every attribute are one family."""
    tests = [
        (row, p, f"q{p[1:]}", effect, verdict)
        for row in rows
        for p, effect, verdict in (("p", "beyond", "lost"), ("p_added", "added", "made_up"))
        if row["reason"] is None and row[p] is not None
    ]
    adjusted = stats.false_discovery_control([row[p] for row, p, *_ in tests]) if tests else []
    for (row, _, q, effect, verdict), value in zip(tests, adjusted, strict=True):
        row[q] = float(value)
        row[verdict] = bool(value < Q_LEVEL and row[f"{effect}_low"] > 0 and row[effect] >= BEYOND)


def _share(row: dict[str, Any], name: str) -> str:
    return percent(*(row[name + end] for end in _SHARES))


def _lost(row: dict[str, Any], rows: np.ndarray) -> Outcome:
    name, id = readable(row["attribute"]), f"lost-{row['attribute']}"
    effect = Effect(row["beyond"], row["beyond_low"], row["beyond_high"], "share of the images that had it")
    test = {"effect": effect, "n": row["n"], "p": row["p"], "q": row["q"]}
    said = (
        f"{name}: still seen in {_share(row, 'kept')} of the {row['n']:,} images that had it; equal blur alone keeps "
        f"it in {_share(row, 'control')}"
    )
    if not row["lost"]:
        said = f"{said} (called lost beyond blur from {100 * BEYOND:.0f} points on)."
        return Outcome(id, "attribute", f"{name} lost", said, False, **test)
    remedy = "Rare things go first: oversample the images that have it, or give the code more dims or a smaller beta."
    said = f"{said}. The model loses it, not just sharpness."
    return Outcome(id, "attribute", f"{name} is lost", said, True, **test, remedy=remedy, rows=rows)


def _added(row: dict[str, Any], rows: np.ndarray) -> Outcome:
    name, id = readable(row["attribute"]), f"added-{row['attribute']}"
    effect = Effect(row["added"], row["added_low"], row["added_high"], "share of the images that lacked it")
    test = {"effect": effect, "n": row["n_without"], "p": row["p_added"], "q": row["q_added"]}
    said = (
        f"{name}: appears in {_share(row, 'appears')} of the {row['n_without']:,} images that lacked it; under equal "
        f"blur alone in {_share(row, 'appears_control')}"
    )
    if not row["made_up"]:
        said = f"{said} (called made up from {100 * BEYOND:.0f} points beyond blur on)."
        return Outcome(id, "attribute", f"{name} made up", said, False, **test)
    remedy = "The decoder falls back on the commonest face: give the code more dims or a smaller beta."
    said = f"{said}. The model makes it up."
    return Outcome(id, "attribute", f"{name} is made up", said, True, **test, remedy=remedy, rows=rows)


def _notes(rows: list[dict[str, Any]], known: np.ndarray) -> tuple[str, ...]:
    notes = []
    few = [f"{readable(row['attribute'])} ({row['n']})" for row in rows if row["n"] < LEAST]
    if few:
        notes.append(f"Too few images have it to say whether it survives ({LEAST} are the least): {', '.join(few)}.")
    enough = [row for row in rows if max(row["n"], row["n_without"]) >= LEAST]
    unsure = [readable(row["attribute"]) for row in enough if row["reason"] is not None]
    if unsure:
        notes.append(f"Not tested, as the judge is not sure of them (AUROC under {SURE}): {', '.join(unsure)}.")
    lost = int((~known.all(1)).sum())
    if lost:
        notes.append(
            f"On {lost:,} of {len(known):,} images an answer of the judge is not finite; such answers are left out."
        )
    return tuple(notes)
