"""Where the error lies: error maps, the face against what surrounds it, and systematic shifts of brightness."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import stats

from vaekit.failure_analysis.context import Context
from vaekit.failure_analysis.face_area import Sides, face_mask
from vaekit.failure_analysis.finding import Effect
from vaekit.failure_analysis.split.base import LEAST, Measured, SplitResult, split_test, too_few
from vaekit.progress import Progress, silent
from vaekit.quantity import Quantity
from vaekit.statistics.bootstrap import FEW, interval, resampled_sums

CHUNK = 64  # images at a time: their differences stay in the cache
# A region is called worse from this ratio of its error per pixel on; a shift is called one from 2.5 grey levels on.
RATIO, SHIFT = 1.25, 0.01


@dataclass(frozen=True)
class Regions:
    """Where the error of N images lies.

    Attributes:
        results: the tests "region" (one region has the larger error) and "shift-face", "shift-surroundings" (it is
            reconstructed too dark or too bright on average).
        columns: face_mse and surroundings_mse of each image, (N,).
        facts: by the names of `_ROWS`.
        arrays: for diagnosis.npz: regions_absolute and regions_signed (S, S), means of |x - x_hat| and x_hat - x over
            images and channels; regions_face (S, S) bool; regions_slices (K,) str, regions_slice_maps (K, S, S).
    """

    results: tuple[SplitResult, ...]
    columns: dict[str, npt.NDArray[np.float64]]
    facts: dict[str, Quantity]
    arrays: dict[str, np.ndarray]


def regions(
    x: np.ndarray,
    x_hat: np.ndarray,
    mean_image: np.ndarray,
    *,
    sides: Sides,
    slices: Mapping[str, np.ndarray] | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> Regions:
    """Return where the error of N reconstructions lies, with bootstrap intervals over images.

    Args:
        x: uint8 (N, S, S, 3), mapped or not: it is read in chunks.
        x_hat: their reconstructions, likewise.
        mean_image: of the train split, (S, S, 3) in [0, 1]: what R2 is held against.
        sides: of `covered`: where the face is.
        slices: name -> rows or mask (N,) of images that get a mean error map of their own.
    """
    n, face, slices = len(x), face_mask(x.shape[1], sides), slices or {}
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
    results = (_worse_region(columns, facts, float(face.mean())), *_shifts(columns, facts, float(face.mean())))
    return Regions(results, {"face_mse": columns[:, 0], "surroundings_mse": columns[:, 1]}, facts, arrays)


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


def _facts(columns: np.ndarray, area: float, seed: int) -> dict[str, Quantity]:
    n = len(columns)
    drawn = resampled_sums(columns, seed, "regions") / n if n >= LEAST else None
    none = "there is no error" if n else "there is no image"
    facts = {}
    with np.errstate(divide="ignore", invalid="ignore"):  # a perfect model leaves no error to share out
        means = columns.sum(0) / n
        for name, (figure, label, unit, higher, definition) in _ROWS.items():
            value = float(figure(means, area))
            known = np.isfinite(value)
            low, high = interval(figure(drawn, area)) if known and drawn is not None else (None, None)
            facts[name] = Quantity(
                value=value if known else None,
                low=low,
                high=high,
                n=n,
                reason=none if not known else FEW if drawn is None else None,
                label=label,
                unit=unit,
                higher_is_better=higher,
                definition=definition,
            )
    return facts


def _worse_region(columns: npt.NDArray[np.float64], facts: dict[str, Quantity], area: float) -> SplitResult:
    """Test whether the face or what surrounds it has the larger error per pixel, paired over images."""
    n = len(columns)
    ratio, share = facts["surroundings_ratio"], facts["surroundings_share"].value
    if n < LEAST or ratio.value is None or ratio.low is None or ratio.high is None or share is None:
        why = too_few(n) if n < LEAST else "some regions have no error"
        return SplitResult("region", "region", False, untested=why)
    p = float(stats.ttest_rel(columns[:, 1], columns[:, 0]).pvalue)
    found = p < 0.05 and not ratio.low <= 1 <= ratio.high and not 1 / RATIO < ratio.value < RATIO
    numbers = {**facts, "area": area, "varies": float(columns[:, 3].mean() / columns[:, 2].mean())}
    effect = Effect(ratio.value, ratio.low, ratio.high, "1", ratio.value)
    if not found:
        return SplitResult("region", "region", False, effect, n, p, numbers=numbers)
    around = ratio.value > 1
    rows = np.argsort(columns[:, 0] - columns[:, 1] if around else columns[:, 1] - columns[:, 0], kind="stable")
    share = share if around else 1 - share
    return SplitResult("region", "region", True, effect, n, p, share=share, numbers=numbers, rows=rows)


def _shifts(columns: npt.NDArray[np.float64], facts: dict[str, Quantity], area: float) -> list[SplitResult]:
    """Test whether the face and what surrounds it come out too dark or too bright on average."""
    n = len(columns)
    if n < LEAST:
        why = too_few(n)
        return [SplitResult("shift", "shift", False, n=n, untested=why)]
    mse = area * columns[:, 0].mean() + (1 - area) * columns[:, 1].mean()
    spread = columns[:, 4:].std(0, ddof=1) / np.sqrt(n)
    p = 2 * stats.t.sf(np.abs(columns[:, 4:].mean(0)) / np.maximum(spread, 1e-300), n - 1)
    q = stats.false_discovery_control(p)
    results = []
    for k, (part, size) in enumerate((("face", area), ("surroundings", 1 - area))):
        row = facts[f"{part}_shift"]
        assert row.value is not None and row.low is not None and row.high is not None
        found = bool(q[k] < 0.05 and not row.low <= 0 <= row.high and abs(row.value) >= SHIFT)
        effect = Effect(row.value, row.low, row.high, "pixel value")
        result = SplitResult(f"shift-{part}", "shift", found, effect, n, p[k], q[k], numbers={"part": part})
        if found:
            rows = np.argsort(-np.sign(row.value) * columns[:, 4 + k], kind="stable")
            result = replace(result, share=size * row.value**2 / mse, rows=rows)
        results.append(result)
    return results


@split_test("regions", place=10)
def error_regions(context: Context) -> Measured:
    """Measure where the error lies."""
    images = context.images
    found = regions(
        images.x,
        images.x_hat,
        images.mean_image,
        sides=images.sides,
        slices=context.slices,
        seed=context.seed,
        progress=context.progress,
    )
    return Measured(found.results, facts=found.facts, arrays=found.arrays, columns=found.columns)
