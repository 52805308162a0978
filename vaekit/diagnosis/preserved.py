"""Which attributes survive reconstruction, and which are lost beyond what blur of the same strength takes.

The judge looks at x, at x_hat, and at x filtered by the reconstructions' own coherent transfer: what the judge still
sees in the filtered image and no longer in x_hat is not lost to blur.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from vaekit.diagnosis.outcome import LEAST, Effect, Outcome, spoken
from vaekit.diagnosis.spectrum import RadialSums, filter_images
from vaekit.progress import Progress, silent

BEYOND = 0.1  # of the images that had an attribute: from so many on it is called lost beyond blur
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
) -> Preserved:
    """Return which attributes survive in x_hat, against the control.

    An attribute is lost beyond blur where q < .05 (Benjamini-Hochberg over all attributes tested), the interval lies
    above 0 and `beyond` is 10 points or more. At least 20 images must have it.

    Args:
        labels: 0/1, (N, K), columns named.
        attributes: those the judge knows, (A,).
        thresholds: the judge's probability thresholds, (A,).
        p_x: the judge's probabilities on x, (N, A).
        p_x_hat: the same on x_hat.
        p_control: the same on filtered x, of `control_probabilities`.
    """
    if not attributes:
        note = "Which attributes survive reconstruction was not tested: the judge knows no attribute of this data."
        return Preserved((), pd.DataFrame(columns=COLUMNS), (note,))
    known = np.isfinite(p_x) & np.isfinite(p_x_hat) & np.isfinite(p_control)
    seen = [p >= thresholds for p in (p_x, p_x_hat, p_control)]
    rows = []
    for k, attribute in enumerate(attributes):
        has = labels[attribute].to_numpy() == 1
        rows.append(_row(attribute, has[known[:, k]], *(s[known[:, k], k] for s in seen)))
    table = pd.DataFrame(rows, columns=COLUMNS)
    tested = table["p"].notna()
    if tested.any():
        table.loc[tested, "q"] = stats.false_discovery_control(table.loc[tested, "p"].to_numpy(float))
    table["lost"] = (table["q"] < 0.05) & (table["beyond_low"] > 0) & (table["beyond"] >= BEYOND)
    table = table.sort_values(["beyond", "attribute"], ascending=[False, True], na_position="last", ignore_index=True)
    place = {attribute: k for k, attribute in enumerate(attributes)}
    outcomes = []
    for row in table[table["reason"].isna()].itertuples():
        k = place[row.attribute]
        gone = (labels[row.attribute].to_numpy() == 1) & seen[0][:, k] & ~seen[1][:, k] & seen[2][:, k]
        rows = np.flatnonzero(gone)
        outcomes.append(_outcome(row, rows[np.argsort(p_x_hat[rows, k] - p_control[rows, k], kind="stable")]))
    return Preserved(tuple(outcomes), table, _notes(table, known))


def _row(attribute: str, has: np.ndarray, in_x: np.ndarray, in_x_hat: np.ndarray, in_control: np.ndarray) -> dict:
    present, absent = has & in_x, ~has & ~in_x
    n, without = int(present.sum()), int(absent.sum())
    row: dict = dict.fromkeys(COLUMNS) | {"attribute": attribute, "n": n, "n_without": without}
    if without:
        low, high = wilson(int(in_x_hat[absent].sum()), without)
        row |= {"appears": in_x_hat[absent].mean(), "appears_low": low, "appears_high": high,
                "appears_control": in_control[absent].mean()}  # fmt: skip
    if n < LEAST:
        return row | {"reason": f"{n:,} images have it, {LEAST} are the least"}
    kept, control = in_x_hat[present], in_control[present]
    only_control, only_kept = int((control & ~kept).sum()), int((kept & ~control).sum())
    both = int((kept & control).sum())
    beyond_low, beyond_high = paired_difference(both, only_control, only_kept, n - both - only_control - only_kept)
    different = only_control + only_kept
    (kept_low, kept_high), (control_low, control_high) = (wilson(int(s.sum()), n) for s in (kept, control))
    return row | {
        "kept": kept.mean(), "kept_low": kept_low, "kept_high": kept_high,
        "control": control.mean(), "control_low": control_low, "control_high": control_high,
        "beyond": (only_control - only_kept) / n, "beyond_low": beyond_low, "beyond_high": beyond_high,
        "p": stats.binomtest(only_control, different).pvalue if different else 1.0,
    }  # fmt: skip


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


def _outcome(row, rows: np.ndarray) -> Outcome:  # noqa: ANN001
    name = row.attribute.replace("_", " ")
    survives = f"{name} survives in {spoken(row.kept, row.kept_low, row.kept_high, 100, ' %')} of the {row.n:,} images that had it"
    blur = f"blur of the same strength alone keeps {spoken(row.control, row.control_low, row.control_high, 100, ' %')}"
    effect = Effect(row.beyond, row.beyond_low, row.beyond_high, "share of images")
    evidence = ()
    if row.appears is not None and np.isfinite(row.appears):
        appears = spoken(row.appears, row.appears_low, row.appears_high, 100, " %")
        evidence = (f"It appears in {appears} of the {row.n_without:,} images that lacked it.",)
    id, n = f"lost-{row.attribute}", int(row.n)
    if not row.lost:
        said = f"{survives}; {blur} (called lost beyond blur from {100 * BEYOND:.0f} points on)."
        return Outcome(id, "attribute", name, said, False, effect, n, row.p, row.q, None, evidence)
    said = f"{survives}; {blur}: the model loses {name}, not just sharpness."
    remedy = (
        f"Show the network more images with {name} (oversample them), or give the code more dims: rare things go first."
    )
    return Outcome(
        id, "attribute", f"{name} is lost", said, True, effect, n, row.p, row.q, None, evidence, remedy, rows
    )


def _notes(table: pd.DataFrame, known: np.ndarray) -> tuple[str, ...]:
    notes = []
    skipped = table[table["reason"].notna()]
    if len(skipped):
        named = ", ".join(f"{row.attribute} ({row.n})" for row in skipped.itertuples())
        notes.append(f"Too few images to tell whether it survives ({LEAST} with it are the least): {named}.")
    lost = int((~known.all(1)).sum())
    if lost:
        notes.append(f"On {lost:,} of {len(known):,} images the judge's answer is not a number; they are left out.")
    return tuple(notes)
