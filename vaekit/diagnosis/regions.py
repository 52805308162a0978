"""Where the error lies: error maps, the face against what surrounds it, and systematic shifts of brightness."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from vaekit.diagnosis.outcome import LEAST, Effect, Outcome, interval, resampled_sums, spoken
from vaekit.progress import Progress, silent

CHUNK = 64  # images at a time: their differences stay in the cache
# A region is called worse from this ratio of its error per pixel on; a shift is called one from 2.5 grey levels on.
RATIO, SHIFT = 1.25, 0.01
# The face in CelebA's aligned 178 x 218 image, hairline to chin: column and row of the centre, half width, half height.
ELLIPSE = (89, 122, 46, 64)
ALIGNED = (178, 218)
AROUND = "what surrounds the face (hair, clothes, background)"


@dataclass(frozen=True)
class Regions:
    """Where the error of N images lies.

    Attributes:
        outcomes: the tests "region" (one region has the larger error) and "shift-face", "shift-surroundings" (it is
            reconstructed too dark or too bright on average).
        per_image: one row per image, in order: face_mse, surroundings_mse.
        facts: name -> estimate row: face_mse, surroundings_mse, surroundings_ratio, surroundings_share, face_r2,
            surroundings_r2, face_shift, surroundings_shift; and face_area, a plain number.
        arrays: for diagnosis.npz: regions_absolute and regions_signed (S, S), means of |x - x_hat| and x_hat - x over
            images and channels; regions_face (S, S) bool; regions_slices (K,) str, regions_slice_maps (K, S, S).
    """

    outcomes: tuple[Outcome, ...]
    per_image: pd.DataFrame
    facts: dict[str, Any]
    arrays: dict[str, np.ndarray]


def face_mask(image_size: int, crop: int | str = 178) -> np.ndarray:
    """Return which pixels lie on the face of a CelebA-aligned image, bool (S, S): one fixed ellipse.

    Hair, clothes and background are what surrounds it. `crop` is the protocol's: a centred square of the aligned
    image, or "none", the whole of it squeezed into a square.
    """
    sides = ALIGNED if crop == "none" else (crop, crop)
    column, row = (
        (np.arange(image_size) + 0.5) / image_size * side + (whole - side) / 2
        for side, whole in zip(sides, ALIGNED, strict=True)
    )
    centre_column, centre_row, half_width, half_height = ELLIPSE
    across, down = (column - centre_column) / half_width, (row - centre_row) / half_height
    return across[None, :] ** 2 + down[:, None] ** 2 <= 1


def regions(
    x: np.ndarray,
    x_hat: np.ndarray,
    mean_image: np.ndarray,
    *,
    crop: int | str,
    slices: Mapping[str, np.ndarray] | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> Regions:
    """Return where the error of N reconstructions lies, with bootstrap intervals over images.

    Args:
        x: uint8 (N, S, S, 3), mapped or not: it is read in chunks.
        x_hat: their reconstructions, likewise.
        mean_image: of the train split, (S, S, 3) in [0, 1]: what R2 is held against.
        crop: of the protocol (178, 148, 140 or "none"): where the face is.
        slices: name -> rows or mask (N,) of images that get a mean error map of their own.
    """
    face = face_mask(x.shape[1], crop)
    slices = slices or {}
    members = np.zeros((len(slices), len(x)))
    for member, rows in zip(members, slices.values(), strict=True):
        member[rows] = 1
    sums = _Sums(face, mean_image, members)
    for start in range(0, len(x), CHUNK):
        part = slice(start, start + CHUNK)
        sums.add(part, x[part], x_hat[part])
        progress("error maps", min(start + CHUNK, len(x)), len(x))
    values = 3 * np.array([face.sum(), (~face).sum()])
    squares, around, shifts = (np.concatenate(parts) for parts in (sums.squares, sums.around, sums.shifts))
    mse, shift = squares / values, shifts / values
    facts, outcomes = _judge_regions(squares, around, values, seed)
    for k, (id, name) in enumerate((("face", "the face"), ("surroundings", AROUND))):
        facts[f"{id}_shift"], outcome = _judge_shift(id, name, shift[:, k], values[k] / values.sum(), squares.sum(1))
        outcomes.append(outcome)
    counted = 3 * np.maximum(members.sum(1), 1)
    arrays = {
        "regions_absolute": sums.absolute[0] / (3 * max(len(x), 1)),
        "regions_signed": sums.signed / (3 * max(len(x), 1)),
        "regions_face": face,
        "regions_slices": np.array(list(slices), dtype=str),
        "regions_slice_maps": sums.absolute[1:] / counted[:, None, None],
    }
    table = pd.DataFrame({"face_mse": mse[:, 0], "surroundings_mse": mse[:, 1]})
    return Regions(tuple(outcomes), table, facts, arrays)


class _Sums:
    """What one pass over the pairs adds up: exact sums of 8-bit values, kept in [0, 1] units."""

    def __init__(self, face: np.ndarray, mean_image: np.ndarray, members: np.ndarray) -> None:
        self.side = len(face)
        self.masks = np.stack([face, ~face], axis=-1).reshape(-1, 2).astype(np.float64)
        self.mean = (255 * mean_image).astype(np.float32)
        self.members = np.concatenate([np.ones((1, members.shape[1])), members])
        self.absolute = np.zeros((len(self.members), self.side, self.side))
        self.signed = np.zeros((self.side, self.side))
        self.squares: list[np.ndarray] = []  # of x - x_hat, per image and region
        self.around: list[np.ndarray] = []  # of x - the mean image
        self.shifts: list[np.ndarray] = []  # sums of x_hat - x

    def add(self, part: slice, x: np.ndarray, x_hat: np.ndarray) -> None:
        """Add the pairs that are images `part` of all."""
        x = x.astype(np.float32)
        difference = x_hat - x
        signed = self._over_channels(difference)
        self.squares.append(self._over_channels(difference * difference) @ self.masks / 255**2)
        self.shifts.append(signed @ self.masks / 255)
        x -= self.mean
        x *= x
        self.around.append(self._over_channels(x) @ self.masks / 255**2)
        absolute = self._over_channels(np.abs(difference, out=difference))
        self.absolute += (self.members[:, part] @ absolute).reshape(self.absolute.shape) / 255
        self.signed += signed.sum(0).reshape(self.signed.shape) / 255

    def _over_channels(self, values: np.ndarray) -> np.ndarray:
        # A product with ones: numpy's own sum over so short an axis takes ten times as long.
        return (values.reshape(-1, 3) @ np.ones(3, np.float32)).reshape(-1, self.side**2).astype(np.float64)


def _judge_regions(
    squares: np.ndarray, around: np.ndarray, values: np.ndarray, seed: int
) -> tuple[dict[str, Any], list[Outcome]]:
    """Return the rows about the two regions' errors and the test of which has the larger; all (N, 2), values (2,)."""
    n, area = len(squares), float(values[0] / values.sum())
    mse = squares / values
    with np.errstate(divide="ignore", invalid="ignore"):  # a perfect model has no error to share out
        total = np.concatenate([squares, around], axis=1).sum(0)
        drawn = resampled_sums(np.concatenate([squares, around], axis=1), seed, "regions") if n > 1 else np.empty((0, 4))
        figures = {name: (float(of(total)), of(drawn)) for name, of in _figures(values).items()}
    facts: dict[str, Any] = {
        name: estimate_row(
            value if np.isfinite(value) else None,
            interval(resampled) if n > 1 else (None, None),
            n,
            reason=None if np.isfinite(value) else "there is no error, or no image",
            **WORDS[name],
        )
        for name, (value, resampled) in figures.items()
    }
    facts["face_area"] = area
    share, ratio = facts["surroundings_share"], facts["surroundings_ratio"]
    title = "Error in the face and around it"
    if n < LEAST or ratio["value"] is None or ratio["low"] is None or ratio["high"] is None:
        why = "there is no error" if n >= LEAST else f"{n:,} images are too few, {LEAST} are the least"
        sentence = f"Whether the face or what surrounds it is reconstructed worse can not be said: {why}."
        return facts, [Outcome("region", "region", title, sentence, False, n=n)]
    p = float(stats.ttest_rel(mse[:, 1], mse[:, 0]).pvalue)
    value, low, high = ratio["value"], ratio["low"], ratio["high"]
    found = p < 0.05 and not low <= 1 <= high and (value >= RATIO or value <= 1 / RATIO)
    worse = 1 if value > 1 else 0
    part = share["value"] if worse else 1 - share["value"]
    ends = (share["low"], share["high"]) if worse else (1 - share["high"], 1 - share["low"])
    name, other = (AROUND, "the face") if worse else ("the face", AROUND)
    times = spoken(value, low, high) if worse else spoken(1 / value, 1 / high, 1 / low)
    if found:
        sentence = (
            f"{_capital(name)} carries {spoken(part, *ends, 100, ' %')} of the squared error on "
            f"{100 * (1 - area if worse else area):.3g} % of the area: per pixel {times} times the error of {other}."
        )
    else:
        sentence = (
            f"The error is spread evenly: per pixel, {AROUND} has {spoken(value, low, high)} times the error of the face "
            f"(told apart from {RATIO} times on)."
        )
    r2 = {key: spoken(*(facts[f"{key}_r2"][end] for end in ("value", "low", "high"))) for key in ("face", "surroundings")}
    evidence = (
        f"Of what the mean face leaves open, the reconstructions explain {r2['face']} in the face and "
        f"{r2['surroundings']} around it (R2): {AROUND} also differs more between images than the face does."
        if total[3] / values[1] > total[2] / values[0]
        else f"Of what the mean face leaves open, the reconstructions explain {r2['face']} in the face and "
        f"{r2['surroundings']} around it (R2).",
    )
    remedy = _REMEDY[worse] if found else ""
    effect = Effect(value, low, high, "1", value)
    rows = np.argsort(-(mse[:, worse] - mse[:, 1 - worse]), kind="stable")
    return facts, [Outcome("region", "region", title, sentence, found, effect, n, p, None, part, evidence, remedy, rows)]
