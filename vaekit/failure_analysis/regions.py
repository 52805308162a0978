"""Where the error lies: error maps, the face against what surrounds it, and systematic shifts of brightness."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from vaekit.failure_analysis.outcome import LEAST, Effect, Outcome, estimate_row, percent, spoken
from vaekit.progress import Progress, silent
from vaekit.statistics.bootstrap import interval, resampled_sums
from vaekit.statistics.discovery import Q_LEVEL

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
        facts: name -> estimate row, the names being those of `_ROWS`.
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
    n, face, slices = len(x), face_mask(x.shape[1], crop), slices or {}
    members = np.zeros((len(slices), n))
    for member, rows in zip(members, slices.values(), strict=True):
        member[rows] = 1
    sums = _Sums(face, mean_image, members)
    for start in range(0, n, CHUNK):
        part = slice(start, start + CHUNK)
        sums.add(part, x[part], x_hat[part])
        progress("error maps", min(start + CHUNK, n), n)
    columns = sums.columns()
    facts = _facts(columns, float(face.mean()), seed)
    arrays = {
        "regions_absolute": sums.absolute[0] / max(n, 1),
        "regions_signed": sums.signed / max(n, 1),
        "regions_face": face,
        "regions_slices": np.array(list(slices), dtype=str),
        "regions_slice_maps": sums.absolute[1:] / np.maximum(members.sum(1), 1)[:, None, None],
    }
    outcomes = (_worse_region(columns, facts, float(face.mean())), *_shifts(columns, facts, float(face.mean())))
    return Regions(
        outcomes, pd.DataFrame({"face_mse": columns[:, 0], "surroundings_mse": columns[:, 1]}), facts, arrays
    )


class _Sums:
    """What one pass over the pairs adds up: sums of 8-bit values, exact in float64, returned in [0, 1] units."""

    def __init__(self, face: np.ndarray, mean_image: np.ndarray, members: np.ndarray) -> None:
        self._masks = np.stack([face, ~face], axis=-1).reshape(-1, 2) / (3.0 * np.array([face.sum(), (~face).sum()]))
        self._mean = np.asarray(255 * mean_image, np.float32)
        self._members = np.concatenate([np.ones((1, members.shape[1])), members])
        self._columns: list[np.ndarray] = []
        self.absolute = np.zeros((len(self._members), *face.shape))  # over all images, then those of each slice
        self.signed = np.zeros(face.shape)

    def add(self, part: slice, x: np.ndarray, x_hat: np.ndarray) -> None:
        """Add the pairs that are images `part` of all."""
        x = x.astype(np.float32)
        difference = x_hat - x
        signed, squares = _over_channels(difference), _over_channels(difference * difference)
        absolute = _over_channels(np.abs(difference, out=difference))
        x -= self._mean
        x *= x
        means = [squares @ self._masks / 255**2, _over_channels(x) @ self._masks / 255**2, signed @ self._masks / 255]
        self._columns.append(np.concatenate(means, axis=1))
        self.absolute += (self._members[:, part] @ absolute).reshape(self.absolute.shape) / (3 * 255)
        self.signed += signed.sum(0).reshape(self.signed.shape) / (3 * 255)

    def columns(self) -> np.ndarray:
        """Return, per image: squared error, square around the mean image and shift, each of face and surroundings."""
        return np.concatenate(self._columns) if self._columns else np.zeros((0, 6))


def _over_channels(values: np.ndarray) -> np.ndarray:
    """Return the sum over channels of (B, S, S, 3), (B, S * S) float64; a product, ten times as fast as numpy's sum."""
    return (values.reshape(-1, 3) @ np.ones(3, np.float32)).reshape(len(values), -1).astype(np.float64)


_SQUARE, _REGION = "squared pixel value", "the face is a fixed ellipse from hairline to chin of the aligned image"
# name: value from the six means and the area of the face; label; unit; higher is better; definition
_ROWS: dict[str, tuple[Callable[[np.ndarray, float], np.ndarray], str, str, bool | None, str]] = {
    "face_mse": (
        lambda m, a: m[..., 0],
        "Mean squared error in the face",
        _SQUARE,
        False,
        f"mse over the pixels of the face; {_REGION}",
    ),
    "surroundings_mse": (
        lambda m, a: m[..., 1],
        "Mean squared error around the face",
        _SQUARE,
        False,
        f"mse over the pixels that are not the face: hair, clothes, background; {_REGION}",
    ),
    "surroundings_ratio": (
        lambda m, a: m[..., 1] / m[..., 0],
        "Error around the face over error in it",
        "1",
        None,
        "surroundings_mse / face_mse, per pixel: 1 where both are reconstructed as well",
    ),
    "surroundings_share": (
        lambda m, a: (1 - a) * m[..., 1] / (a * m[..., 0] + (1 - a) * m[..., 1]),
        "Share of the error around the face",
        "1",
        None,
        "squared error outside of the face / squared error of the whole image, over all images",
    ),
    "face_r2": (
        lambda m, a: 1 - m[..., 0] / m[..., 2],
        "Explained variance in the face",
        "1",
        True,
        "1 - squared error / squares around the train split's mean image, over the pixels of the face",
    ),
    "surroundings_r2": (
        lambda m, a: 1 - m[..., 1] / m[..., 3],
        "Explained variance around the face",
        "1",
        True,
        "1 - squared error / squares around the train split's mean image, over the pixels that are not the face",
    ),
    "face_shift": (
        lambda m, a: m[..., 4],
        "Shift of brightness in the face",
        "pixel value",
        None,
        "mean of x_hat - x over the pixels of the face: above 0 where reconstructions are too bright",
    ),
    "surroundings_shift": (
        lambda m, a: m[..., 5],
        "Shift of brightness around the face",
        "pixel value",
        None,
        "mean of x_hat - x over the pixels that are not the face: above 0 where reconstructions are too bright",
    ),
}


def _facts(columns: np.ndarray, area: float, seed: int) -> dict[str, dict[str, Any]]:
    n = len(columns)
    drawn = resampled_sums(columns, seed, "regions") / n if n > 1 else None
    facts = {}
    with np.errstate(divide="ignore", invalid="ignore"):  # a perfect model leaves no error to share out
        means = columns.sum(0) / n
        for name, (figure, label, unit, higher, definition) in _ROWS.items():
            value = float(figure(means, area))
            known = np.isfinite(value)
            facts[name] = estimate_row(
                value if known else None,
                interval(figure(drawn, area)) if known and n > 1 else (None, None),
                n,
                reason=None if known else "there is no error" if n else "there is no image",
                label=label,
                unit=unit,
                higher_is_better=higher,
                definition=definition,
            )
    return facts


def _worse_region(columns: np.ndarray, facts: dict[str, dict[str, Any]], area: float) -> Outcome:
    """Test whether the face or what surrounds it has the larger error per pixel, paired over images."""
    n, title = len(columns), "Error in the face and around it"
    ratio, share = facts["surroundings_ratio"], facts["surroundings_share"]
    if n < LEAST or ratio["low"] is None or ratio["high"] is None:
        why = f"{n:,} images are too few ({LEAST} are the least)" if n < LEAST else "some regions have no error"
        return Outcome(
            "region", "region", title, f"Whether the face is reconstructed worse was not tested: {why}.", False
        )
    value, low, high = ratio["value"], ratio["low"], ratio["high"]
    p = float(stats.ttest_rel(columns[:, 1], columns[:, 0]).pvalue)
    found = p < 0.05 and not low <= 1 <= high and not 1 / RATIO < value < RATIO
    r2 = [spoken(*(facts[f"{name}_r2"][end] for end in ("value", "low", "high"))) for name in ("face", "surroundings")]
    varies = columns[:, 3].mean() / columns[:, 2].mean()
    evidence = (
        f"Of what the mean face leaves open, the reconstructions explain {r2[0]} in the face and {r2[1]} around it "
        f"(R2); per pixel, what surrounds the face differs {varies:.3g} times as much from the mean face.",
    )
    effect = Effect(value, low, high, "1", value)
    if not found:
        said = (
            f"Per pixel, {AROUND} has {spoken(value, low, high)} times the squared error of the face: from {RATIO} "
            f"times on it would be called worse, below {1 / RATIO:.2g} better."
        )
        return Outcome("region", "region", title, said, False, effect, n, p, evidence=evidence)
    around = value > 1
    part, ends = (share["value"], (share["low"], share["high"]))
    if not around:
        part, ends = 1 - part, (1 - ends[1], 1 - ends[0])
    name = AROUND if around else "the face"
    said = (
        f"{name[0].upper()}{name[1:]} carries {percent(part, *ends)} of the squared error "
        f"on {100 * (1 - area if around else area):.3g} % of the area: per pixel "
        f"{spoken(value, low, high) if around else spoken(1 / value, 1 / high, 1 / low)} times the error of "
        f"{'the face' if around else 'what surrounds it'}."
    )
    remedy = "Weight the face in the loss, crop closer, or give the code more dims, if faces are what counts."
    if not around:
        remedy = "Weight the face in the loss, or add a perceptual term: what surrounds it is already the easier part."
    rows = np.argsort(columns[:, 0] - columns[:, 1] if around else columns[:, 1] - columns[:, 0], kind="stable")
    return Outcome("region", "region", title, said, True, effect, n, p, None, part, evidence, remedy, rows)


def _shifts(columns: np.ndarray, facts: dict[str, dict[str, Any]], area: float) -> list[Outcome]:
    """Test whether the face and what surrounds it come out too dark or too bright on average."""
    n, title = len(columns), "Shift of brightness"
    if n < LEAST:
        said = f"Whether reconstructions are too dark or too bright was not tested: {n:,} images are too few"
        return [Outcome("shift", "shift", title, f"{said} ({LEAST} are the least).", False, n=n)]
    mse = area * columns[:, 0].mean() + (1 - area) * columns[:, 1].mean()
    spread = columns[:, 4:].std(0, ddof=1) / np.sqrt(n)
    p = 2 * stats.t.sf(np.abs(columns[:, 4:].mean(0)) / np.maximum(spread, 1e-300), n - 1)
    q = stats.false_discovery_control(p)
    outcomes = []
    for k, (id, name, part) in enumerate((("face", "the face", area), ("surroundings", AROUND, 1 - area))):
        value, low, high = (facts[f"{id}_shift"][end] for end in ("value", "low", "high"))
        effect = Effect(value, low, high, "pixel value")
        if q[k] < Q_LEVEL and not low <= 0 <= high and abs(value) >= SHIFT:
            ends = sorted((abs(low), abs(high)))
            said = f"{name} comes out {spoken(abs(value), *ends, 255)} grey levels of 255 too"
            said = f"{said[0].upper()}{said[1:]} {'bright' if value > 0 else 'dark'} on average."
            remedy = (
                "Look at the preprocessing and the last layer's range: a decoder that is trained enough has no shift."
            )
            rows = np.argsort(-np.sign(value) * columns[:, 4 + k], kind="stable")
            share = part * value**2 / mse
            outcome = Outcome(f"shift-{id}", "shift", title, said, True, effect, n, p[k], q[k], share, (), remedy, rows)
        else:
            said = (
                f"The brightness of {name} is shifted by {spoken(value, low, high, 255)} grey levels of 255 on average "
                f"(called a shift from {255 * SHIFT:.2g} on)."
            )
            outcome = Outcome(f"shift-{id}", "shift", title, said, False, effect, n, p[k], q[k])
        outcomes.append(outcome)
    return outcomes
