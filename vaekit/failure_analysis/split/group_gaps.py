"""Whether the error differs between groups of people, in plain words, and what that can not say."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from vaekit.errors import ConfigError, did_you_mean
from vaekit.failure_analysis.context import Context
from vaekit.failure_analysis.finding import Effect
from vaekit.failure_analysis.split.base import LEAST, Measured, SplitResult, split_test, words
from vaekit.failure_analysis.split.explained_error import additive_design
from vaekit.figures.words import plural, readable
from vaekit.statistics.bootstrap import NORMAL
from vaekit.statistics.differences import MeanDifference, mean_difference
from vaekit.statistics.discovery import Q_LEVEL

GROUPS = ("Male", "Young", "Pale_Skin")
_DIFFERENCE = ("difference", "low", "high")
GAP = 0.02  # of the error of the others: a smaller gap is not called one
# What belongs to the picture rather than to the face in it, as far as that can be told apart.
HELD_EQUAL = (
    "brightness",
    "contrast",
    "saturation",
    "background_edges",
    "background_brightness",
    "background_saturation",
    "background_warmth",
)
CAVEATS = (
    "Brightness, contrast and saturation are partly those of skin and hair: where a gap vanishes once they are held "
    "equal, the people concerned are still reconstructed worse.",
)


@dataclass(frozen=True)
class Fairness:
    """The gap of the error between groups.

    Attributes:
        results: one test per group, "gap-<attribute>".
        rows: for findings.json's "fairness", one per group: group, n_with, n_without, mean_with, mean_without,
            difference, low, high, ratio, ratio_low, ratio_high (None where the metric has no natural zero), p, q, told
            (from no gap) and found; adjusted, adjusted_low, adjusted_high: the gap at equal pictures, a ratio (a
            difference where there is no ratio); face, face_low, face_high: the ratio of the errors in the face alone;
            both with their own q. None where not known.
        notes: what the gaps can not say, and groups that could not be tested.
    """

    results: tuple[SplitResult, ...]
    rows: list[dict[str, Any]]
    notes: tuple[str, ...]


def fairness(context: Context) -> Fairness:
    """Return the gap of the error between images with and without each of the context's groups.

    A gap is found where q < .05 (Benjamini-Hochberg over the groups), its interval holds no "no gap", and it is 2 % of
    the others' error or more. It is a ratio where the metric has a zero, no values under it, and less is better.
    Images without a finite value are left out; the adjusted gap holds the properties in HELD_EQUAL equal, that in the
    face takes the errors that the test of regions left.

    Raises:
        ConfigError: a group that is no attribute of the data.
    """
    images, groups, metric = context.images, context.groups, context.metric
    attributes, properties, face_error = images.attributes, images.properties, context.columns.get("face_mse")
    for group in groups or ():
        if group not in attributes:
            raise ConfigError(
                f"--fairness {group} is no attribute of these data.{did_you_mean(group, attributes.columns)}"
            )
    chosen = [group for group in GROUPS if group in attributes] if groups is None else list(dict.fromkeys(groups))
    if not chosen:
        note = f"No gap between groups was looked for: the data label none of {', '.join(GROUPS)}."
        return Fairness((), [], (note,))
    held = tuple(name for name in HELD_EQUAL if name in properties)
    usable = np.isfinite(context.values) & np.isfinite(properties[list(held)].to_numpy(np.float64)).all(1)
    error = context.values[usable]
    codes = np.unique(images.persons[usable], return_inverse=True)[1]
    as_ratio = context.has_zero and not metric["higher_is_better"] and len(error) > 0 and bool((error > 0).all())
    design = additive_design(
        properties[list(held)].to_numpy(np.float64)[usable], np.empty((len(error), 0)), slice(None)
    )
    notes, rows = [*CAVEATS], []
    for group in chosen:
        inside = attributes[group].to_numpy()[usable] == 1
        gap = (
            mean_difference(error, inside, codes, ratio=as_ratio)
            if min(inside.sum(), (~inside).sum()) >= LEAST
            else None
        )
        if gap is None:
            notes.append(
                f"{readable(group)} was not tested: {plural(inside.sum(), 'image')} with it and {(~inside).sum():,} "
                f"without, {LEAST} of either are the least."
            )
            continue
        adjusted = _adjusted(error, inside, design, codes, as_ratio=as_ratio) if held else (None,) * 3
        rows.append(
            _row(group, gap) | _named("adjusted", adjusted) | _named("face", _face(face_error, usable, inside, codes))
        )
    _decide(rows, as_ratio)
    if not usable.all():
        notes.append(f"Left out of the groups: {plural((~usable).sum(), 'image')} without a finite value.")
    sign = -1 if metric["higher_is_better"] else 1
    about = {"label": metric["label"], "unit": metric["unit"], "sign": sign, "held": held}
    return Fairness(tuple(_result(row, about) for row in rows), rows, tuple(notes))


def _decide(rows: list[dict[str, Any]], as_ratio: bool) -> None:
    """Fill in q and what counts as told: one rule, p corrected and the whole interval on one side of no gap.

    The gaps themselves are one family, those at equal pictures and in the face alone another.
    """
    none = 1.0 if as_ratio else 0.0
    for row, q in zip(rows, _q([row["p"] for row in rows]), strict=True):
        value, low, high = (row[end] for end in (("ratio", "ratio_low", "ratio_high") if as_ratio else _DIFFERENCE))
        told = q < Q_LEVEL and not low <= none <= high
        row |= {"q": q, "told": told, "found": told and (not as_ratio or abs(value - 1) >= GAP)}
    further = [
        (row, name, none if name == "adjusted" else 1.0)
        for row in rows
        for name in ("adjusted", "face")
        if row[name] is not None
    ]
    p = [_p_of_interval(row[name], row[f"{name}_low"], row[f"{name}_high"], at) for row, name, at in further]
    for (row, name, _), value in zip(further, _q(p), strict=True):
        row[f"{name}_q"] = value


def _q(p: list[float]) -> list[float]:
    return list(map(float, stats.false_discovery_control(p))) if p else []


def _p_of_interval(value: float, low: float, high: float, none: float) -> float:
    """Return the two-sided p that a 95 % interval implies; of a ratio (none = 1), on its logarithm."""
    if none:
        value, low, high, none = (float(np.log(end)) for end in (value, low, high, none))
    return float(2 * stats.norm.sf(2 * NORMAL * abs(value - none) / max(high - low, 1e-300)))


def _result(row: dict[str, Any], about: dict[str, Any]) -> SplitResult:
    effect = Effect(row["difference"], row["low"], row["high"], about["unit"], row["ratio"])
    n = row["n_with"] + row["n_without"]
    return SplitResult(
        f"gap-{row['group']}", "fairness", row["found"], effect, n, row["p"], row["q"], numbers=row | about
    )


def _row(group: str, gap: MeanDifference) -> dict[str, Any]:
    return {
        "group": group,
        "n_with": gap.n,
        "n_without": gap.n_out,
        "mean_with": gap.mean_in,
        "mean_without": gap.mean_out,
        "difference": gap.value,
        "low": gap.low,
        "high": gap.high,
        "ratio": gap.ratio,
        "ratio_low": gap.ratio_low,
        "ratio_high": gap.ratio_high,
        "p": gap.p,
    }


def _named(name: str, ends: Sequence[float | None]) -> dict[str, float | None]:
    return dict(zip((name, f"{name}_low", f"{name}_high"), ends, strict=True))


def _face(
    error: np.ndarray | None, usable: np.ndarray, inside: np.ndarray, codes: np.ndarray
) -> tuple[float | None, float | None, float | None]:
    """Return the ratio of the errors in the face and its interval; None where there is none."""
    if error is None:
        return None, None, None
    gap = mean_difference(np.asarray(error, np.float64)[usable], inside, codes, ratio=True)
    return (None, None, None) if gap is None else (gap.ratio, gap.ratio_low, gap.ratio_high)


def _adjusted(
    error: np.ndarray, inside: np.ndarray, design: np.ndarray, codes: np.ndarray, *, as_ratio: bool
) -> tuple[float, float, float]:
    """Return the gap at equal pictures: a ratio of means (log link) or a difference of means, with its interval.

    Poisson pseudo-likelihood for the ratio: without properties it is the plain ratio of the means, whatever the
    distribution of the errors (Gourieroux, Monfort & Trognon 1984). The variance is the sandwich, summed over persons.
    """
    columns = np.column_stack([np.ones(len(error)), inside, design])
    used = np.ptp(columns, axis=0) > 0
    used[0] = True
    columns = columns[:, used]
    scaled = error / error.mean() if as_ratio else error
    beta = np.zeros(columns.shape[1])
    fitted = np.ones(len(error))
    for _ in range(50):
        weight = fitted if as_ratio else np.ones_like(fitted)
        bread = np.linalg.pinv(columns.T @ (weight[:, None] * columns), hermitian=True)
        step = bread @ (columns.T @ (scaled - (fitted if as_ratio else columns @ beta)))
        beta += step
        fitted = np.exp(np.clip(columns @ beta, -30, 30))
        if np.abs(step).max() < 1e-10:
            break
    score = columns * (scaled - (fitted if as_ratio else columns @ beta))[:, None]
    groups = int(codes.max()) + 1
    score = np.stack([np.bincount(codes, column, minlength=groups) for column in score.T], axis=1)
    freedom = max(groups - columns.shape[1], 1)
    spread = float(np.sqrt((bread @ (score.T @ score) @ bread)[1, 1] * groups / freedom))
    reach = float(stats.t.ppf(0.975, freedom)) * spread
    value, low, high = float(beta[1]), float(beta[1]) - reach, float(beta[1]) + reach
    return (float(np.exp(value)), float(np.exp(low)), float(np.exp(high))) if as_ratio else (value, low, high)


@split_test("fairness", place=50)
def group_gaps(context: Context) -> Measured:
    """Measure the gap of the error between groups."""
    found = fairness(context)
    rows = [
        row | {"sentence": said.sentence, "evidence": list(said.evidence)}
        for row, said in zip(found.rows, map(words, found.results), strict=True)
    ]
    return Measured(record={"fairness": rows}, notes=found.notes)
