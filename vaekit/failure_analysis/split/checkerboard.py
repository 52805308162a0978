"""Whether a decoder leaves a grid: the checkerboard of strided layers, which the transfer does not see."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy import fft, stats

from vaekit.failure_analysis.finding import Effect
from vaekit.failure_analysis.split.base import LEAST, SplitResult, too_few
from vaekit.statistics.bootstrap import interval, resampled_sums

PERIODS = (2, 4)  # pixels, of the grids that strided layers leave
# What is called a grid: its peaks stand so many times higher than the images' own, and it weighs so many grey levels.
# By eye, on real CelebA: 2.9 times and 0.46 grey levels are a lattice all over the picture, 1.4 and 0.66 are none.
PEAK, AMPLITUDE = 1.5, 0.25 / 255


class GridPower:
    """Measures the power of images at the frequencies of grids and beside them, per channel: grids are coloured."""

    def __init__(self, size: int) -> None:
        line = np.hanning(size + 1)[:-1]
        self._window = np.outer(line, line).astype(np.float32)
        down, across = np.meshgrid(fft.fftfreq(size, 1 / size), fft.rfftfreq(size, 1 / size), indexing="ij")
        # A real image's spectrum is kept to one half; a column inside of it stands for its mirror image too.
        twice = np.where((across == 0) | (across == size / 2), 1.0, 2.0)
        scale = size**2 * np.square(self._window, dtype=np.float64).sum()
        self._columns = _peaks_and_beside(np.abs(down), across, twice, size) / scale

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Return, of uint8 (B, S, S, 3), the power at the peaks of each grid and what those beside would give there.

        (B, 2, len(PERIODS)) float64: squared amplitudes of pixels in [0, 1], mean over the channels, windowed (Hann),
        the mean taken away.
        """
        planes = np.moveaxis(images, 3, 1).astype(np.float32) / np.float32(255)
        centre = np.einsum("ncij,ij->nc", planes, self._window) / self._window.sum()
        spectra = fft.rfft2((planes - centre[:, :, None, None]) * self._window)
        power = (np.square(spectra.real) + np.square(spectra.imag)).mean(1, dtype=np.float64)
        result: np.ndarray = (power.reshape(len(power), -1) @ self._columns).reshape(-1, 2, len(PERIODS))
        return result


def _peaks_and_beside(down: np.ndarray, across: np.ndarray, twice: np.ndarray, size: int) -> np.ndarray:
    """Return the columns that sum a spectrum at the peaks of each grid, then beside them, (frequencies, 2 * periods).

    "Beside" is the mean of the frequencies as far from the centre that lie near no peak of any grid, as many times as
    the peak has frequencies. A size that a period does not divide has no such grid: its columns are 0.
    """
    radius = np.hypot(down, across)
    centres: dict[int, list[tuple[float, float]]] = {}
    for period in PERIODS:
        steps = np.arange(0, size / 2 + 1, size / period) if size % period == 0 else np.zeros(0)
        own = [(a, b) for a in steps for b in steps if (a, b) != (0, 0)]
        centres[period] = [c for c in own if c not in centres.get(period // 2, [])]  # a finer grid is its own
    # Hann's window spreads a line over its neighbours.
    near = {centre: np.hypot(down - centre[0], across - centre[1]) < 2 for own in centres.values() for centre in own}
    free = ~np.any(list(near.values()), axis=0) if near else np.ones_like(radius, dtype=bool)
    columns = np.zeros((*radius.shape, 2, len(PERIODS)))
    for k, period in enumerate(PERIODS):
        for centre in centres[period]:
            peak, beside = near[centre], free & (np.abs(radius - np.hypot(*centre)) <= 2.5)
            if beside.any():
                columns[peak, 0, k] = twice[peak]
                columns[beside, 1, k] += twice[peak].sum() * twice[beside] / twice[beside].sum()
    return columns.reshape(radius.size, -1)


def grid_results(
    grid: npt.NDArray[np.float64], grid_hat: npt.NDArray[np.float64], rows: npt.NDArray[np.int64], *, seed: int = 0
) -> tuple[SplitResult, ...]:
    """Return, for each period, the test of whether x_hat has a grid that x has not; grids found are one, the strongest.

    The peaks of x_hat over what stands beside them are held against those of x, whose own straight lines make peaks
    too. A grid is found where they are 1.5 times as high, the interval lies above 1 and the pattern weighs a
    quarter of a grey level.

    Args:
        grid: `GridPower` of x, (M, 2, len(PERIODS)).
        grid_hat: the same of x_hat.
        rows: which images the M are, for the pictures.
        seed: of the bootstrap.
    """
    results = [_result(period, grid[:, :, k], grid_hat[:, :, k], rows, seed) for k, period in enumerate(PERIODS)]
    found = sorted((r for r in results if r.found), key=lambda r: -r.numbers["amplitude"])
    if not found:
        return tuple(results)
    also = [dict(r.numbers) | {"ratio": r.effect.value} for r in found[1:] if r.effect is not None]
    first = replace(found[0], numbers=dict(found[0].numbers) | {"also": also})
    return (first, *(r for r in results if not r.found))


def _result(
    period: int, own: npt.NDArray[np.float64], made: npt.NDArray[np.float64], rows: npt.NDArray[np.int64], seed: int
) -> SplitResult:
    id, n, numbers = f"grid-{period}", len(own), {"period": period, "also": []}
    columns = np.concatenate([own, made], axis=1)
    if n < LEAST or not (columns.sum(0) > 0).all():
        why = too_few(n) if n < LEAST else "there is no power at its frequencies"
        return SplitResult(id, "grid", False, n=n, untested=why, numbers=numbers)
    value, drawn = (
        (sums[..., 2] / sums[..., 3]) / (sums[..., 0] / sums[..., 1])
        for sums in (columns.sum(0), resampled_sums(columns, seed, "grid", period))
    )
    low, high = interval(drawn)
    p = float(stats.norm.sf(np.log(value) / max(float(np.log(drawn).std()), 1e-12)))
    # What stands over peaks like the images' own, as the standard deviation of a pattern.
    above = made[:, 0] - made[:, 1] * own[:, 0].sum() / own[:, 1].sum()
    amplitude = float(np.sqrt(max(above.mean(), 0)))
    found = p < 0.05 and low is not None and low > 1 and bool(value >= PEAK) and amplitude >= AMPLITUDE
    worst = rows[np.argsort(-above, kind="stable")] if found else rows[:0]
    effect = Effect(float(value), low, high, "1", float(value))
    return SplitResult(id, "grid", found, effect, n, p, numbers=numbers | {"amplitude": amplitude}, rows=worst)
