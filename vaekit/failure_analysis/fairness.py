"""Whether the error differs between groups of people, in plain words, and what that can not say."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from vaekit.errors import ConfigError, did_you_mean
from vaekit.failure_analysis.explain import additive_design
from vaekit.failure_analysis.outcome import LEAST, Effect, Outcome, percent, spoken
from vaekit.failure_analysis.properties import PROPERTIES
from vaekit.figures.words import in_sentence, readable
from vaekit.statistics.bootstrap import TAILS
from vaekit.statistics.differences import MeanDifference, mean_difference
from vaekit.statistics.discovery import Q_LEVEL

GROUPS = ("Male", "Young", "Pale_Skin")
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
    "Groups are what annotators labelled, in two values each: not what the people pictured say of themselves.",
    "The test split is no sample of any population, and a larger error is not yet a harm.",
    "Brightness, contrast and saturation are partly those of skin and hair: where a gap vanishes once they are held "
    "equal, the people concerned are still reconstructed worse.",
)


@dataclass(frozen=True)
class Fairness:
    """The gap of the error between groups.

    Attributes:
        outcomes: one test per group, "gap-<attribute>".
        rows: for findings.json's "fairness", one per group: group, n_with, n_without, mean_with, mean_without,
            difference, low, high, ratio, ratio_low, ratio_high (None where the metric has no natural zero), p, q,
            found; adjusted, adjusted_low, adjusted_high: the gap at equal pictures, a ratio (a difference where there
            is no ratio); face, face_low, face_high: the ratio of the errors in the face alone. None where not known.
        held_equal: the properties that the adjusted gap holds equal.
        notes: what the gaps can not say, and groups that could not be tested.
    """

    outcomes: tuple[Outcome, ...]
    rows: list[dict[str, Any]]
    held_equal: tuple[str, ...]
    notes: tuple[str, ...]


def fairness(
    error: np.ndarray,
    attributes: pd.DataFrame,
    properties: pd.DataFrame,
    *,
    label: str,
    unit: str,
    higher_is_better: bool,
    has_zero: bool = True,
    groups: tuple[str, ...] | None = None,
    face_error: np.ndarray | None = None,
    persons: np.ndarray | None = None,
) -> Fairness:
    """Return the gap of the error between images with and without each attribute in `groups`.

    A gap is found where q < .05 (Benjamini-Hochberg over the groups) and it is 2 % of the others' error or more.

    Args:
        error: (N,) per-image values of the metric that `label` and `unit` name; those not finite are left out.
        attributes: 0/1 (N, K).
        properties: numbers per image (N, P); the adjusted gap holds those in HELD_EQUAL equal.
        label: of the metric.
        unit: of the metric.
        higher_is_better: of the metric.
        has_zero: False where a ratio of two values means nothing, as of likelihoods; so are metrics with values under 0
            or of which more is better.
        groups: attributes; None takes those of Male, Young and Pale_Skin that the data have.
        face_error: (N,) error in the face alone, `Regions.per_image["face_mse"]`.
        persons: (N,) codes of who is pictured; None where that is not known.

    Raises:
        ConfigError: a group that is no attribute of the data.
    """
    for group in groups or ():
        if group not in attributes:
            raise ConfigError(
                f"--fairness {group} is no attribute of these data.{did_you_mean(group, attributes.columns)}"
            )
    chosen = [group for group in GROUPS if group in attributes] if groups is None else list(dict.fromkeys(groups))
    if not chosen:
        note = f"No gap between groups was looked for: the data label none of {', '.join(GROUPS)}."
        return Fairness((), [], (), (note,))
    held = tuple(name for name in HELD_EQUAL if name in properties)
    usable = np.isfinite(error) & np.isfinite(properties[list(held)].to_numpy(np.float64)).all(1)
    error = np.asarray(error, np.float64)[usable]
    codes = None if persons is None else np.unique(persons[usable], return_inverse=True)[1]
    as_ratio = has_zero and not higher_is_better and len(error) > 0 and bool((error > 0).all())
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
                f"{readable(group)} was not tested: {inside.sum():,} images with it and {(~inside).sum():,} without, "
                f"{LEAST} of either are the least."
            )
            continue
        adjusted = _adjusted(error, inside, design, codes, as_ratio=as_ratio) if held else (None,) * 3
        rows.append(
            _row(group, gap) | _named("adjusted", adjusted) | _named("face", _face(face_error, usable, inside, codes))
        )
    adjusted_p = stats.false_discovery_control([row["p"] for row in rows]) if rows else []
    for row, q in zip(rows, adjusted_p, strict=True):
        large = abs(row["ratio"] - 1) >= GAP if as_ratio else True
        row |= {"q": float(q), "found": bool(q < Q_LEVEL and large)}
    if not usable.all():
        notes.append(f"{(~usable).sum():,} images without a finite value are left out.")
    words = {"label": label, "unit": unit, "sign": -1 if higher_is_better else 1, "held": held}
    return Fairness(tuple(_outcome(row, **words) for row in rows), rows, held, tuple(notes))


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
    error: np.ndarray | None, usable: np.ndarray, inside: np.ndarray, codes: np.ndarray | None
) -> tuple[float | None, float | None, float | None]:
    """Return the ratio of the errors in the face and its interval; None where there is none."""
    if error is None:
        return None, None, None
    gap = mean_difference(np.asarray(error, np.float64)[usable], inside, codes, ratio=True)
    return (None, None, None) if gap is None else (gap.ratio, gap.ratio_low, gap.ratio_high)


def _adjusted(
    error: np.ndarray, inside: np.ndarray, design: np.ndarray, codes: np.ndarray | None, *, as_ratio: bool
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
    groups = len(error) if codes is None else int(codes.max()) + 1
    if codes is not None:
        score = np.stack([np.bincount(codes, column, minlength=groups) for column in score.T], axis=1)
    freedom = max(groups - columns.shape[1], 1)
    spread = float(np.sqrt((bread @ (score.T @ score) @ bread)[1, 1] * groups / freedom))
    reach = float(stats.t.ppf(TAILS[1], freedom)) * spread
    value, low, high = float(beta[1]), float(beta[1]) - reach, float(beta[1]) + reach
    return (float(np.exp(value)), float(np.exp(low)), float(np.exp(high))) if as_ratio else (value, low, high)


def _gap(ends: Sequence[float], *, ratio: bool, unit: str = "", sign: int = 1, doubt: bool = True) -> str:
    """Return a gap in words: "6 % [4, 8] worse" from (ratio, low, high), "0.4 [0.3, 0.5] dB worse" from a difference.

    With `doubt`, an interval that holds no gap is said to.
    """
    value, *both = (sign * (end - 1 if ratio else end) for end in ends)
    low, high = sorted(both)
    words = "worse" if value > 0 else "better"
    if doubt and low <= 0 <= high:
        words += ", which can not be told from no gap"
    if value < 0:
        value, low, high = -value, -high, -low
    return f"{percent(value, low, high)} {words}" if ratio else f"{spoken(value, low, high)} {unit} {words}"


def _held_words(held: tuple[str, ...]) -> str:
    names = [PROPERTIES[name].label for name in held if not name.startswith("background")]
    names += ["background"] if len(names) < len(held) else []
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]


def _three(row: dict[str, Any], name: str) -> list[float]:
    return [row[name], row[f"{name}_low"], row[f"{name}_high"]]


def _outcome(row: dict[str, Any], *, label: str, unit: str, sign: int, held: tuple[str, ...]) -> Outcome:
    ratio, name, id = row["ratio"] is not None, readable(row["group"]), f"gap-{row['group']}"
    ends = _three(row, "ratio") if ratio else [row[end] for end in ("difference", "low", "high")]
    effect = Effect(row["difference"], row["low"], row["high"], unit, row["ratio"])
    about = f"({in_sentence(label)}; {row['n_with']:,} images with it, {row['n_without']:,} without)"
    said = _gap(ends, ratio=ratio, unit=unit, sign=sign, doubt=False)
    evidence = []
    if row["adjusted"] is not None:
        at_equal = _gap(_three(row, "adjusted"), ratio=ratio, unit=unit, sign=sign)
        evidence.append(f"At equal {_held_words(held)} they are {at_equal}.")
    if row["face"] is not None:
        evidence.append(f"In the face alone they are {_gap(_three(row, 'face'), ratio=True)}.")
    n = row["n_with"] + row["n_without"]
    test = {"effect": effect, "n": n, "p": row["p"], "q": row["q"], "evidence": tuple(evidence)}
    if row["found"]:
        sentence = f"Images labelled {name} are reconstructed {said} than the others {about}."
        remedy = "Look at how many of them the train split has, and weigh or add images where they are few."
        return Outcome(id, "fairness", f"Gap by {name}", sentence, True, **test, remedy=remedy)
    bound = max(abs(end - ratio) for end in ends[1:])
    bound = f"{100 * bound:.2g} %" if ratio else f"{bound:.3g} {unit}"
    sentence = (
        f"No gap found by {name}: images labelled so are {said} than the others {about}; the interval leaves room for "
        f"{bound} at most."
    )
    return Outcome(id, "fairness", f"Gap by {name}", sentence, False, **test)
