"""Which attributes survive reconstruction, which are lost and which made up, beyond what blur of equal strength does.

The judge looks at x, at x_hat, and at x under the blur that fits the reconstructions best: what it still sees in the
blurred image and no longer in x_hat is not lost to blur; what it sees in x_hat alone, the model has put there.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats
from sklearn.metrics import roc_auc_score

from vaekit.errors import VaekitError
from vaekit.failure_analysis.context import Context
from vaekit.failure_analysis.face_area import face_mask
from vaekit.failure_analysis.finding import Effect
from vaekit.failure_analysis.split.base import LEAST, Measured, SplitResult, split_test
from vaekit.failure_analysis.split.equal_blur import Blur, fit_blur
from vaekit.figures.words import fixed, plural, readable
from vaekit.judge import open_judge
from vaekit.progress import Progress, silent
from vaekit.seeding import numpy_generator
from vaekit.statistics.proportions import paired_difference, wilson
from vaekit.statistics.raters import pooled

CHUNK = 1000  # images blurred and judged at a time
BEYOND = 0.1  # of the images concerned: from so many on an attribute is called lost, or made up
MOST_JUDGED = 3000  # test images, drawn by the seed, that are blurred and judged again
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
    "auroc",
    "reason",
]


@dataclass(frozen=True)
class Preserved:
    """Attributes kept, lost and made up.

    Attributes:
        results: for each attribute tested, "lost-<attribute>" in the order of the rows, then "added-<attribute>".
        rows: for findings.json's "preserved", one per attribute, the most lost first; the keys are those of COLUMNS,
            None where there is no value. n images have it (labelled so, and the judge sees it in x): kept and control
            are the shares of them where the judge sees it in x_hat and in blurred x (Wilson's intervals), beyond =
            control - kept (Newcombe's paired interval), p McNemar's exact test, q adjusted; lost. n_without images
            lack it in label and judgement: appears and appears_control are the shares of them where it is seen in x_hat
            and in blurred x, added their difference; p_added, q_added, made_up. auroc: of the judge on test. reason
            where it could not be tested.
        notes: sentences about what was not tested.
    """

    results: tuple[SplitResult, ...]
    rows: list[dict[str, Any]]
    notes: tuple[str, ...]


def control_probabilities(
    x: np.ndarray, blur: Blur, judge: Callable[[np.ndarray], np.ndarray], *, progress: Progress = silent
) -> np.ndarray:
    """Return what the judge sees in x as unsharp as the reconstructions, (J, N, A): equal blur, and no model.

    Args:
        x: uint8 (N, S, S, 3).
        blur: of `fit_blur`.
        judge: uint8 images (M, S, S, 3), M >= 2 -> probabilities of its networks (J, M, A).
        progress: told of each chunk.
    """
    parts, stops = [], [*range(CHUNK, len(x) - 1, CHUNK), len(x)]  # never one image alone
    for start, stop in zip([0, *stops], stops, strict=False):
        parts.append(judge(blur(x[start:stop])))
        progress("blurred images", stop, len(x))
    return np.concatenate(parts, axis=-2)


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
        thresholds: the probability thresholds of the judge's J networks, (J, A).
        p_x: their probabilities on x, (J, N, A).
        p_x_hat: the same on x_hat.
        p_control: the same on blurred x, of `control_probabilities`.
        auroc: attribute -> the judge's AUROC on the test split.
    """
    if not attributes:
        note = "Which attributes survive reconstruction was not tested: the judge knows no attribute of these data."
        return Preserved((), [], (note,))
    known = np.isfinite(p_x).all(0) & np.isfinite(p_x_hat).all(0) & np.isfinite(p_control).all(0)
    rows, concerned = [], {}
    for k, name in enumerate(attributes):
        has = labels[name].to_numpy() == 1
        seen = [(p[:, :, k] >= thresholds[:, k, None]) for p in (p_x, p_x_hat, p_control)]
        rows.append(_row(name, has, known[:, k], seen))
        blurred = [_auroc(has[known[:, k]], one) for one in p_control[:, known[:, k], k]]
        rows[-1]["auroc"] = auroc[name]
        rows[-1]["reason"] = _reason(rows[-1], auroc[name], float(np.mean(blurred)))
        # Pictures are chosen by the networks' majority.
        x, x_hat, control = ((2 * s.sum(0) > len(s)) for s in seen)
        difference = (p_x_hat[:, :, k] - p_control[:, :, k]).mean(0)
        concerned["lost", name] = _first(known[:, k] & has & x & ~x_hat & control, difference)
        concerned["added", name] = _first(known[:, k] & ~has & ~x & x_hat & ~control, -difference)
    _adjust(rows)
    rows.sort(key=lambda row: (row["reason"] is not None, row["n"] < LEAST, -(row["beyond"] or 0), row["attribute"]))
    results = [
        _result(row, kind, concerned[kind, row["attribute"]])
        for kind, q in (("lost", "q"), ("added", "q_added"))
        for row in rows
        if row[q] is not None
    ]
    return Preserved(tuple(results), rows, _notes(rows, known))


def _row(
    name: str, has: npt.NDArray[np.bool_], known: npt.NDArray[np.bool_], seen: list[npt.NDArray[np.bool_]]
) -> dict[str, Any]:
    """Return the row of one attribute: the mean over the judge's networks, its interval allowing for other networks.

    The p of the networks, which see the same images, are combined as twice their median: valid whatever they share
    (Rueschendorf 1982). A comparison is given where every network has enough images for it.
    """
    own = []
    for x, x_hat, control in zip(*seen, strict=True):
        present, absent = known & has & x, known & ~has & ~x
        lost = _pair(("kept", "control", "beyond"), ~x_hat[present], ~control[present], inverted=True)
        added = _pair(("appears", "appears_control", "added"), x_hat[absent], control[absent], inverted=False)
        own.append({"n": int(present.sum()), "n_without": int(absent.sum())} | lost | added)
    row: dict[str, Any] = dict.fromkeys(COLUMNS) | {"attribute": name, "lost": False, "made_up": False}
    row |= {key: round(float(np.mean([one[key] for one in own]))) for key in ("n", "n_without")}
    for names, p in ((("kept", "control", "beyond"), "p"), (("appears", "appears_control", "added"), "p_added")):
        if not all(p in one for one in own):
            continue
        for key in names:
            least = -1.0 if key in ("beyond", "added") else 0.0
            value, low, high = ([one[key + end] for one in own] for end in _SHARES)
            ends = pooled(value, low, high, least, 1.0)
            row |= {key + end: float(value) for end, value in zip(_SHARES, ends, strict=True)}
        row[p] = own[0][p] if len(own) == 1 else min(1.0, 2 * float(np.median([one[p] for one in own])))
    return row


def _pair(names: tuple[str, str, str], changed: np.ndarray, control: np.ndarray, *, inverted: bool) -> dict[str, Any]:
    """Return the columns of one comparison from the same n images: changed in x_hat, changed in the control.

    `inverted` reports the shares that did not change. Fewer than 20 images are counted, and not compared.
    """
    n = len(changed)
    if n < LEAST:
        return {}
    row: dict[str, Any] = {}
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


def _reason(row: dict[str, Any], sharp: float, blurred: float) -> str | None:
    """Return why an attribute was not tested; None where it was. `sharp`, `blurred`: the judge's AUROC there."""
    if row["n"] < LEAST and row["n_without"] < LEAST:
        return f"{plural(row['n'], 'image has', 'images have')} it, {row['n_without']:,} without: {LEAST} are the least"
    if not sharp >= SURE:
        return f"the judge is not sure of it: AUROC {fixed(sharp, 2)}, {SURE} is the least"
    if not blurred >= SURE:
        return f"can not be judged under equal blur: AUROC {fixed(blurred, 2)} there, {SURE} is the least"
    return None


def _auroc(has: npt.NDArray[np.bool_], p: npt.NDArray[np.floating[Any]]) -> float:
    """Return how well probabilities tell who has an attribute; NaN where all or none have it."""
    return float(roc_auc_score(has, p)) if has.any() and not has.all() else float("nan")


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
        row[verdict] = bool(value < 0.05 and row[f"{effect}_low"] > 0 and row[effect] >= BEYOND)


def _result(row: dict[str, Any], kind: str, rows: npt.NDArray[np.int64]) -> SplitResult:
    """Return whether an attribute is "lost" or "added" as the row says."""
    found = row["lost"] if kind == "lost" else row["made_up"]
    of, n, p = ("beyond", "n", "p") if kind == "lost" else ("added", "n_without", "p_added")
    had = "had" if kind == "lost" else "lacked"
    effect = Effect(row[of], row[f"{of}_low"], row[f"{of}_high"], f"share of the images that {had} it")
    return SplitResult(
        f"{kind}-{row['attribute']}",
        "attribute",
        found,
        effect,
        row[n],
        row[p],
        row[f"q{p[1:]}"],
        numbers=row | {"train_share": float("nan")},
        rows=rows if found else rows[:0],
    )


def _notes(rows: list[dict[str, Any]], known: np.ndarray) -> tuple[str, ...]:
    notes = []
    few = [f"{readable(row['attribute'])} ({row['n']})" for row in rows if row["n"] < LEAST]
    if few:
        notes.append(f"Too few images have it to say whether it survives ({LEAST} are the least): {', '.join(few)}.")
    enough = [row for row in rows if max(row["n"], row["n_without"]) >= LEAST]
    blurred = [readable(row["attribute"]) for row in enough if (row["reason"] or "").startswith("can not")]
    if blurred:
        notes.append(f"Can not be judged, as equal blur alone hides them from the judge: {', '.join(blurred)}.")
    unsure = [readable(row["attribute"]) for row in enough if (row["reason"] or "").startswith("the judge")]
    if unsure:
        notes.append(f"Not tested, as the judge is not sure of them (AUROC under {SURE}): {', '.join(unsure)}.")
    lost = int((~known.all(1)).sum())
    if lost:
        notes.append(
            f"An answer of the judge is not finite on {lost:,} of {plural(len(known), 'image')}; such are left out."
        )
    return tuple(notes)


@split_test("attributes", place=30)
def attribute_survival(context: Context) -> Measured:
    """Measure which attributes survive reconstruction."""
    images, untested = context.images, "Which attributes survive reconstruction was not tested"
    if "probabilities_x_hat" not in images.judged or not len(images.judged["attributes"]):
        return _none(f"{untested}: there is no attribute network for these data.")
    if not images.is_square:
        return _none(f"{untested}: equal blur is made of square pictures only.")
    try:
        judge = open_judge(images.prepared, device=context.device, progress=context.progress)
    except VaekitError as error:
        return _none(f"{untested}: {error}")
    attributes = tuple(str(name) for name in images.judged["attributes"])
    chosen = np.arange(len(images.x))
    if len(chosen) > MOST_JUDGED:
        chosen = np.sort(numpy_generator(context.seed, "preserved").choice(chosen, MOST_JUDGED, replace=False))
    if judge.attributes != attributes or len(chosen) < 2:
        return _none("Which attributes survive was not tested: the attribute network has changed since.")
    x, x_hat = images.x[chosen], images.x_hat[chosen]
    face = face_mask(x.shape[1], images.sides)
    blur = fit_blur(x, x_hat, face, progress=context.progress)
    control = control_probabilities(
        x, blur, lambda blurred: judge.judge(blurred).probabilities, progress=context.progress
    )
    auroc = judge.scores.set_index("attribute")["auroc"]
    found = preserved(
        images.attributes.iloc[chosen].reset_index(drop=True),
        attributes,
        images.judged["thresholds"],
        images.judged["probabilities_x"][:, chosen],
        images.judged["probabilities_x_hat"][:, chosen],
        control,
        auroc={name: float(auroc[name]) for name in attributes},
    )
    notes = [blur.sentence, *found.notes]
    if len(chosen) < len(images.x):
        notes.append(f"Attributes kept and lost rest on {len(chosen):,} test images drawn by the seed.")
    train = images.train_attributes.mean()
    results = tuple(
        replace(
            result,
            rows=chosen[result.rows],
            numbers=dict(result.numbers) | {"train_share": float(train[result.numbers["attribute"]])},
        )
        for result in found.results
    )
    return Measured(results, {"preserved": found.rows}, notes=tuple(notes))


def _none(why: str) -> Measured:
    return Measured(record={"preserved": []}, notes=(why,))
