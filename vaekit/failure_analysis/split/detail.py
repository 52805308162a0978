"""What scale of detail a reconstruction keeps: the coherent transfer from x to x_hat by frequency.

H(f) = E[X_hat X] / E[X^2] over the cosines of frequency f, the images being continued by their mirror images: no border
leaks, every pixel counts alike, and a filter's transfer comes out exactly. (A window would weigh the centre, where the
face is, and leak low frequencies into the steep part of H.) H counts only what follows the image: power that a decoder
makes up leaves H as it is and shows in the power ratio E[X_hat^2] / E[X^2] beside it.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import fft, stats

from vaekit.failure_analysis.context import Context
from vaekit.failure_analysis.finding import Effect
from vaekit.failure_analysis.split.base import LEAST, Measured, SplitResult, split_test, too_few
from vaekit.failure_analysis.split.checkerboard import GridPower, grid_results
from vaekit.progress import Progress, silent
from vaekit.quantity import Quantity
from vaekit.statistics.bootstrap import FEW, TAILS, interval, resampled_sums

CHUNK = 128  # images at a time: about 20 MB at 64 pixels
GRIDS_ON = 2048  # images, spread evenly, on which a grid of the decoder's making is looked for
LUMINANCE = (0.299, 0.587, 0.114)  # ITU-R BT.601
HALF = 0.5  # of a structure is kept where it is called resolved


@dataclass(frozen=True)
class RadialSums:
    """Spectra of the luminance of N pairs, pixels in [0, 1], summed over rings of equal frequency.

    The sum over all rings but ring 0, the mean, is an image's sum of squares about its mean. Rings are half a cycle
    wide and reach into the corners of the plane.

    Attributes:
        size: S, the side of the images.
        frequency: mean radius of each ring in cycles per image, (B,).
        cross: X_hat X summed over each ring, (N, B) float64.
        power: X^2; power_hat: X_hat^2.
        grid_rows: the M images on which a grid is looked for; grid, grid_hat: `GridPower` of x and x_hat there.
    """

    size: int
    frequency: np.ndarray
    cross: np.ndarray
    power: np.ndarray
    power_hat: np.ndarray
    grid_rows: np.ndarray
    grid: np.ndarray
    grid_hat: np.ndarray

    def transfer(self) -> np.ndarray:
        """Return H over all N images, (B,); 1 where x has no power. Ring 0 is the mean brightness: no structure."""
        return _ratio(self.cross.sum(0), self.power.sum(0))


@dataclass(frozen=True)
class Spectrum:
    """What N reconstructions keep, by frequency.

    Attributes:
        results: the tests "detail" (fine detail is lost), "grid-2" and "grid-4" (a grid of the decoder's making).
        facts: by name: half_frequency, detail_px, fine_transfer, fine_error_share.
        arrays: for diagnosis.npz, of the rings up to size / 2 but the mean: spectrum_frequency, spectrum_transfer,
            spectrum_transfer_low, spectrum_transfer_high, spectrum_power_ratio, spectrum_coherence; spectrum_size;
            spectrum_half (value, low, high; infinite where H stays above one half, NaN where it is not known); and
            spectrum_fine (transfer and power ratio of structure under 2 pixels).
    """

    results: tuple[SplitResult, ...]
    facts: dict[str, Quantity]
    arrays: dict[str, np.ndarray]


def radial_sums(x: np.ndarray, x_hat: np.ndarray, *, progress: Progress = silent) -> RadialSums:
    """Return the radial sums of N pairs, uint8 (N, S, S, 3) each, mapped or not: they are read in chunks."""
    n, size = len(x), x.shape[1]
    ring, frequency = _rings(size)
    order = np.argsort(ring, kind="stable")
    first = np.searchsorted(ring[order], np.arange(len(frequency)))
    sums = np.empty((3, n, len(frequency)))
    for start in range(0, n, CHUNK):
        part = slice(start, start + CHUNK)
        seen, made = (
            fft.dctn(_luminance(images[part]), axes=(1, 2), norm="ortho")
            .reshape(-1, size**2)[:, order]
            .astype(np.float64)
            for images in (x, x_hat)
        )
        for k, product in enumerate((seen * made, seen * seen, made * made)):
            sums[k, part] = np.add.reduceat(product, first, axis=1)
        progress("spectra", min(start + CHUNK, n), n)
    rows = np.unique(np.linspace(0, n - 1, min(n, GRIDS_ON)).astype(int))
    grid_power = GridPower(size)
    grid, grid_hat = (
        np.concatenate(
            [grid_power(images[rows[i : i + CHUNK]]) for i in range(0, len(rows), CHUNK)] or [np.zeros((0, 2, 2))]
        )
        for images in (x, x_hat)
    )
    cross, power, power_hat = sums
    return RadialSums(size, frequency, cross, power, power_hat, rows, grid, grid_hat)


def _luminance(images: np.ndarray) -> np.ndarray:
    return images.astype(np.float32) @ (np.array(LUMINANCE, np.float32) / np.float32(255))


def _rings(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the ring of each cosine of an S x S image, (S * S,), and the mean radius of each ring."""
    steps = np.arange(size) / 2  # a cosine of the mirrored image has whole and half cycles
    radius = np.hypot(steps[:, None], steps[None, :]).ravel()
    ring = np.rint(2 * radius).astype(int)
    return ring, np.bincount(ring, radius) / np.bincount(ring)


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    result: np.ndarray = np.divide(above, below, out=np.ones_like(above), where=below > 0)
    return result


def half_frequency(transfer: np.ndarray, frequency: np.ndarray) -> np.ndarray:
    """Return where a transfer (..., B) first falls under one half, in cycles per image, (...); infinite where never.

    Between two rings it is a straight line. Ring 0, the mean, does not count: under one half from ring 1 on, the
    frequency of ring 1 is returned.
    """
    under = transfer[..., 1:] < HALF
    at = 1 + under.argmax(-1)
    before = np.maximum(at - 1, 1)
    upper, lower = (np.take_along_axis(transfer, k[..., None], -1)[..., 0] for k in (before, at))
    step = _ratio(np.where(at > before, upper - HALF, 0.0), np.where(at > before, upper - lower, 1.0))
    return np.where(under.any(-1), frequency[before] + step * (frequency[at] - frequency[before]), np.inf)


def spectrum(sums: RadialSums, *, seed: int = 0) -> Spectrum:
    """Return what scale of detail N reconstructions keep, with bootstrap intervals over images.

    "Fine detail is lost" is said where H of the finest octave (structure under 2 pixels: frequencies from a quarter of
    the size on) lies under one half with its whole interval. "Resolves detail down to n px" is where H crosses one
    half, a detail being half a period: about the width of the blur.
    """
    n, shown = len(sums.power), sums.frequency <= sums.size / 2
    frequency, fine = sums.frequency[shown], shown & (sums.frequency >= sums.size / 4)
    error = sums.power + sums.power_hat - 2 * sums.cross
    beyond = error[:, sums.frequency >= half_frequency(sums.transfer()[shown], frequency)].sum(1)
    fine_sums = [part[:, fine].sum(1) for part in (sums.cross, sums.power)]
    columns = np.column_stack([*fine_sums, beyond, error.sum(1), sums.cross[:, shown], sums.power[:, shown]])
    value = _figures(columns.sum(0), frequency)
    drawn = _figures(resampled_sums(columns, seed, "spectrum"), frequency) if n >= LEAST else None
    facts = _facts(value, drawn, n, sums.size)
    power, made = sums.power[:, shown].sum(0), sums.power_hat[:, shown].sum(0)
    curve = np.quantile(drawn["transfer"], TAILS, axis=0) if drawn else np.full((2, len(frequency)), np.nan)
    ends = np.quantile(drawn["half"], TAILS, method="closest_observation") if drawn else (np.nan, np.nan)
    arrays = {
        "spectrum_frequency": frequency[1:],
        "spectrum_transfer": value["transfer"][1:],
        "spectrum_transfer_low": curve[0, 1:],
        "spectrum_transfer_high": curve[1, 1:],
        "spectrum_power_ratio": _ratio(made, power)[1:],
        "spectrum_coherence": _ratio(sums.cross[:, shown].sum(0) ** 2, power * made)[1:],
        "spectrum_size": np.array(sums.size),
        "spectrum_half": np.array([value["half"], *ends]),
        "spectrum_fine": np.array([value["fine"], _ratio(sums.power_hat[:, fine].sum(), sums.power[:, fine].sum())]),
    }
    detail = _detail(facts, drawn, sums, fine, beyond)
    return Spectrum((detail, *grid_results(sums.grid, sums.grid_hat, sums.grid_rows, seed=seed)), facts, arrays)


def _figures(sums: np.ndarray, frequency: np.ndarray) -> dict[str, np.ndarray]:
    """Return what is said of column sums (..., 4 + 2 B): transfer (..., B), and half, fine and share (...)."""
    transfer = _ratio(*np.split(sums[..., 4:], 2, axis=-1))
    return {
        "transfer": transfer,
        "half": half_frequency(transfer, frequency),
        "fine": _ratio(sums[..., 0], sums[..., 1]),
        "share": np.divide(sums[..., 2], sums[..., 3], out=np.zeros_like(sums[..., 2]), where=sums[..., 3] > 0),
    }


def _facts(value: dict[str, np.ndarray], drawn: dict[str, np.ndarray] | None, n: int, size: int) -> dict[str, Quantity]:
    words: dict[str, tuple[Callable[[dict[str, np.ndarray]], np.ndarray], str, str, bool | None, str]] = {
        "half_frequency": (
            lambda of: of["half"],
            "Frequency at which half is lost",
            "cycles per image",
            True,
            "where the coherent transfer E[X_hat X] / E[X^2] of the luminance first falls under one half",
        ),
        "detail_px": (
            lambda of: size / (2 * of["half"]),
            "Resolved detail",
            "px",
            False,
            "half a period at the frequency at which half is lost: lines and spots narrower than this are mostly gone",
        ),
        "fine_transfer": (
            lambda of: of["fine"],
            "Transfer of fine detail",
            "1",
            True,
            "coherent transfer over the finest octave: structure between 1 and 2 pixels wide; 1 keeps all",
        ),
        "fine_error_share": (
            lambda of: of["share"],
            "Share of the error in unresolved detail",
            "1",
            None,
            "squared error of the luminance above the frequency at which half is lost / all of it",
        ),
    }
    none = "there is no image" if not n else "more than half is kept at every frequency"
    facts = {}
    for name, (of, label, unit, higher, definition) in words.items():
        known = n > 0 and (np.isfinite(value["half"]) or name == "fine_transfer")
        low, high = interval(of(drawn)) if known and drawn else (None, None)
        facts[name] = Quantity(
            value=float(of(value)) if known else None,
            low=low,
            high=high,
            n=n,
            label=label,
            unit=unit,
            higher_is_better=higher,
            definition=definition,
            reason=none if not known else None if drawn else FEW,
        )
    return facts


def _detail(
    facts: dict[str, Quantity],
    drawn: dict[str, npt.NDArray[np.float64]] | None,
    sums: RadialSums,
    fine: npt.NDArray[np.bool_],
    beyond: npt.NDArray[np.float64],
) -> SplitResult:
    """Test whether fine detail is lost: H of the finest octave under one half."""
    n = len(sums.power)
    if n < LEAST or drawn is None or not sums.power[:, fine].sum() > 0:
        why = too_few(n) if n < LEAST else "the images have none"
        return SplitResult("detail", "detail", False, n=n, untested=why)
    kept = facts["fine_transfer"]
    assert kept.value is not None
    p = float(stats.norm.sf((HALF - kept.value) / max(float(drawn["fine"].std()), 1e-12)))
    power, made, cross = (part[:, fine].sum() for part in (sums.power, sums.power_hat, sums.cross))
    numbers = {
        **facts,
        "coarsest": float(sums.frequency[1]),
        "fine_power": float(made / power),
        "fine_coherence": float(min(cross**2 / max(power * made, 1e-300), 1)),
    }
    effect = Effect(kept.value, kept.low, kept.high, "1", kept.value)
    if not (p < 0.05 and kept.high is not None and kept.high < HALF):
        return SplitResult("detail", "detail", False, effect, n, p, numbers=numbers)
    rows, share = np.argsort(-beyond, kind="stable"), facts["fine_error_share"].value
    return SplitResult("detail", "detail", True, effect, n, p, share=share, numbers=numbers, rows=rows)


@split_test("detail", place=20)
def lost_detail(context: Context) -> Measured:
    """Measure what scale of detail is lost, and whether the decoder leaves a grid."""
    images = context.images
    found = spectrum(radial_sums(images.x, images.x_hat, progress=context.progress), seed=context.seed)
    return Measured(found.results, facts=found.facts, arrays=found.arrays)
