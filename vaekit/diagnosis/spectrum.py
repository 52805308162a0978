"""What scale of detail a reconstruction keeps: the coherent transfer from x to x_hat by frequency."""

from dataclasses import dataclass

import numpy as np

from vaekit.diagnosis.outcome import Outcome
from vaekit.progress import Progress, silent


@dataclass(frozen=True)
class RadialSums:
    """Windowed spectra of the luminance of N pairs, summed over rings of equal frequency.

    Attributes:
        size: S, the side of the images.
        frequency: mean radius of each ring in cycles per image, (B,).
        cross: Re X_hat conj(X) summed over each ring, (N, B) float64; power: |X|^2; power_hat: |X_hat|^2.
        grid, grid_hat: power at the frequencies of a checkerboard over that at others as fine, of x and x_hat, (N,).
    """

    size: int
    frequency: np.ndarray
    cross: np.ndarray
    power: np.ndarray
    power_hat: np.ndarray
    grid: np.ndarray
    grid_hat: np.ndarray

    def transfer(self, rows: np.ndarray | slice = slice(None)) -> np.ndarray:
        """Return H = sum of cross / sum of power over these images, (B,); 1 where x has no power."""
        raise NotImplementedError


@dataclass(frozen=True)
class Spectrum:
    """What N reconstructions keep, by frequency.

    Attributes:
        outcomes: the tests "detail" (fine detail is lost) and "grid" (a checkerboard of the decoder's making).
        per_image: high_frequency_loss of each image (N,): share of its fine structure that x_hat lacks.
        facts: numbers for findings.json: half_frequency, period, detail_px, each {value, low, high, n, unit, ...}.
        arrays: for diagnosis.npz: spectrum_frequency (B,), spectrum_transfer, _low, _high, spectrum_power_ratio,
            spectrum_coherence (B,), spectrum_size.
    """

    outcomes: tuple[Outcome, ...]
    per_image: np.ndarray
    facts: dict
    arrays: dict[str, np.ndarray]


def radial_sums(x: np.ndarray, x_hat: np.ndarray, *, progress: Progress = silent) -> RadialSums:
    """Return the radial sums of N pairs, uint8 (N, S, S, 3) each, read in chunks."""
    raise NotImplementedError


def spectrum(sums: RadialSums, *, seed: int = 0) -> Spectrum:
    """Return what scale of detail the reconstructions keep, with bootstrap intervals over images."""
    raise NotImplementedError


def filter_images(images: np.ndarray, transfer: np.ndarray) -> np.ndarray:
    """Return uint8 (N, S, S, 3) images filtered by a radial transfer (B,), borders mirrored, the mean kept.

    This is x as blurred as the reconstructions are: the control that tells a lost attribute from lost sharpness.
    """
    raise NotImplementedError
