"""Which attributes survive reconstruction, and which are lost beyond what blur of the same strength takes.

The judge looks at x, at x_hat, and at x filtered by the reconstructions' own coherent transfer: what the judge still
sees in the filtered image and no longer in x_hat is not lost to blur.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from vaekit.diagnosis.outcome import LEAST, Effect, Outcome, percent
from vaekit.diagnosis.spectrum import RadialSums, filter_images
from vaekit.figures.words import readable
from vaekit.progress import Progress, silent

BEYOND = 0.1  # of the images that had an attribute: from so many on it is called lost beyond blur
SURE = 0.85  # AUROC from which the judge is trusted with an attribute: under it are the matters of taste
COLUMNS = [
    "attribute", "n", "kept", "kept_low", "kept_high", "control", "control_low", "control_high",
    "beyond", "beyond_low", "beyond_high", "p", "q", "lost",
    "n_without", "appears", "appears_low", "appears_high", "appears_control", "reason",
]  # fmt: skip


@dataclass(frozen=True)
class Preserved:
    """Attributes kept and lost.

    Attributes:
        outcomes: one test per attribute of the table that could be tested, "lost-<attribute>", in its order.
        table: one row per attribute, the most lost beyond blur first: n images that have it (labelled so, and the judge
            sees it in x); the share of them where the judge sees it in x_hat (kept) and in filtered x (control), with
            Wilson intervals; beyond = control - kept with Newcombe's paired interval, McNemar's exact p and its q;
            lost; n_without images that lack it in label and judgement, and the share of them where it appears in x_hat
            and in filtered x; reason, where it could not be tested.
        notes: sentences about what was not tested.
    """

    outcomes: tuple[Outcome, ...]
    table: pd.DataFrame
    notes: tuple[str, ...]


def control_probabilities(
    x: np.ndarray, sums: RadialSums, judge: Callable[[np.ndarray], np.ndarray], *, progress: Progress = silent
) -> np.ndarray:
    """Return what the judge sees in x filtered by the reconstructions' own transfer, (N, A): equal blur, no model.

    Args:
        x: uint8 (N, S, S, 3).
        sums: of x and x_hat, for the transfer.
        judge: uint8 images (M, S, S, 3) -> probabilities (M, A).
        progress: told once per 1,000 images.
    """
    parts, transfer = [], sums.transfer()
    starts = range(0, len(x), 1000)
    for start in starts:
        stop = len(x) if start == starts[-1] else start + 1000
        parts.append(judge(filter_images(x[start:stop], transfer, sums.frequency)))
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
    """Return which attributes survive in x_hat, against the control.

    An attribute is lost beyond blur where q < .05 (Benjamini-Hochberg over all attributes tested), the interval lies
    above 0 and `beyond` is 10 points or more. Tested are those that 20 images have and the judge is sure of.

    Args:
        labels: 0/1, (N, K), columns named.
        attributes: those the judge knows, (A,).
        thresholds: the judge's probability thresholds, (A,).
        p_x: the judge's probabilities on x, (N, A).
        p_x_hat: the same on x_hat.
        p_control: the same on filtered x, of `control_probabilities`.
        auroc: attribute -> the judge's AUROC on the test split.
    """
    if not attributes:
        note = "Which attributes survive reconstruction was not tested: the judge knows no attribute of these data."
        return Preserved((), pd.DataFrame(columns=COLUMNS), (note,))
    known = np.isfinite(p_x) & np.isfinite(p_x_hat) & np.isfinite(p_control)
    seen = [p >= thresholds for p in (p_x, p_x_hat, p_control)]
    rows, gone = [], {}
    for k, name in enumerate(attributes):
        has = labels[name].to_numpy() == 1
        row = _row(name, has[known[:, k]], *(s[known[:, k], k] for s in seen))
        if row["reason"] is None and not auroc[name] >= SURE:
            row |= {"p": None, "reason": f"the judge is not sure of it: AUROC {auroc[name]:.2f}, {SURE} is the least"}
        rows.append(row)
        lost_here = np.flatnonzero(has & known[:, k] & seen[0][:, k] & ~seen[1][:, k] & seen[2][:, k])
        gone[name] = lost_here[np.argsort(p_x_hat[lost_here, k] - p_control[lost_here, k], kind="stable")]
    tested = [row for row in rows if row["p"] is not None]
    adjusted = stats.false_discovery_control([row["p"] for row in tested]) if tested else []
    for row, q in zip(tested, adjusted, strict=True):
        row |= {"q": float(q), "lost": bool(q < 0.05 and row["beyond_low"] > 0 and row["beyond"] >= BEYOND)}
    rows.sort(key=lambda row: (row["p"] is None, -(row["beyond"] or 0), row["attribute"]))
    outcomes = tuple(_outcome(row, gone[row["attribute"]]) for row in rows if row["p"] is not None)
    return Preserved(outcomes, pd.DataFrame(rows, columns=COLUMNS), _notes(rows, known))


def _row(attribute: str, has: np.ndarray, in_x: np.ndarray, in_x_hat: np.ndarray, in_control: np.ndarray) -> dict:
    """Return the row of one attribute from four (N,) bool arrays: its label, and what the judge sees."""
    present, absent = has & in_x, ~has & ~in_x
    n, without = int(present.sum()), int(absent.sum())
    row: dict[str, Any] = dict.fromkeys(COLUMNS) | {
        "attribute": attribute, "n": n, "n_without": without, "lost": False,
    }  # fmt: skip
    if without:
        row |= _share("appears", in_x_hat[absent]) | {"appears_control": float(in_control[absent].mean())}
    if n < LEAST:
        return row | {"reason": f"{n:,} images have it, {LEAST} are the least"}
    kept, control = in_x_hat[present], in_control[present]
    more, less, both = (int(cell.sum()) for cell in (control & ~kept, kept & ~control, kept & control))
    low, high = paired_difference(both, more, less, n - both - more - less)
    p = float(stats.binomtest(more, more + less).pvalue) if more + less else 1.0
    beyond = {"beyond": (more - less) / n, "beyond_low": low, "beyond_high": high, "p": p}
    return row | _share("kept", kept) | _share("control", control) | beyond


def _share(name: str, true: np.ndarray) -> dict[str, float]:
    low, high = wilson(int(true.sum()), len(true))
    return {name: float(true.mean()), f"{name}_low": low, f"{name}_high": high}


def wilson(count: int, n: int) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson 1927)."""
    found = stats.binomtest(count, n).proportion_ci(method="wilson")
    return float(found.low), float(found.high)


def paired_difference(both: int, first: int, second: int, neither: int) -> tuple[float, float]:
    """Return the 95 % interval of the difference of two shares seen on the same n images.

    `first` and `second` count the images where only the first, only the second is true. Newcombe's hybrid of two
    Wilson intervals and the correlation between them (Statistics in Medicine 17, 1998, method 10).
    """
    n = both + first + second + neither
    p1, p2 = (both + first) / n, (both + second) / n
    (low1, high1), (low2, high2) = wilson(both + first, n), wilson(both + second, n)
    margins = (both + first) * (second + neither) * (both + second) * (first + neither)
    product = both * neither - first * second
    correlation = (max(product - n / 2, 0) if product > 0 else product) / margins**0.5 if margins else 0.0
    down, up = (
        (a**2 - 2 * correlation * a * b + b**2) ** 0.5 for a, b in ((p1 - low1, high2 - p2), (high1 - p1, p2 - low2))
    )
    return p1 - p2 - down, p1 - p2 + up


def _outcome(row: dict[str, Any], rows: np.ndarray) -> Outcome:
    name = readable(row["attribute"])
    kept, control, appears = (
        percent(row[key], row[f"{key}_low"], row[f"{key}_high"]) if row[key] is not None else ""
        for key in ("kept", "control", "appears")
    )
    said = f"{name} survives in {kept} of the {row['n']:,} images that had it; equal blur alone keeps {control}"
    effect = Effect(row["beyond"], row["beyond_low"], row["beyond_high"], "share of the images that had it")
    evidence = (f"It appears in {appears} of the {row['n_without']:,} images that lacked it.",) if appears else ()
    test = {"effect": effect, "n": row["n"], "p": row["p"], "q": row["q"], "evidence": evidence}
    id = f"lost-{row['attribute']}"
    if not row["lost"]:
        said = f"{said} (called lost beyond blur from {100 * BEYOND:.0f} points on)."
        return Outcome(id, "attribute", f"{name} lost", said, False, **test)
    remedy = "Rare things go first: oversample the images that have it, or give the code more dims or a smaller beta."
    said = f"{said}: the model loses {name}, not just sharpness."
    return Outcome(id, "attribute", f"{name} is lost", said, True, **test, remedy=remedy, rows=rows)


def _notes(rows: list[dict[str, Any]], known: np.ndarray) -> tuple[str, ...]:
    notes = []
    few = [f"{readable(row['attribute'])} ({row['n']})" for row in rows if row["n"] < LEAST]
    if few:
        notes.append(
            f"Whether they survive can not be said of attributes that fewer than {LEAST} images have: {', '.join(few)}."
        )
    unsure = [readable(row["attribute"]) for row in rows if row["n"] >= LEAST and row["p"] is None]
    if unsure:
        notes.append(f"Not tested, as the judge is not sure of them (AUROC under {SURE}): {', '.join(unsure)}.")
    lost = int((~known.all(1)).sum())
    if lost:
        notes.append(
            f"Of {lost:,} of {len(known):,} images some of the judge's answers are not finite; they are left out."
        )
    return tuple(notes)
