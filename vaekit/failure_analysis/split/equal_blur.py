"""The blur that fits reconstructions best: images as unsharp as theirs, with nothing else changed.

It is the control of everything that blur alone would do. Faces are kept sharper than what surrounds them, so the blur
has one radial transfer in the face and one around it, fitted by least squares over pixels (no window, no leakage: a
reconstruction that is a blurred x is matched exactly).
"""

from dataclasses import dataclass

import numpy as np
from scipy import fft, ndimage

from vaekit.failure_analysis.split.detail import half_frequency
from vaekit.figures.words import short
from vaekit.progress import Progress, silent

FITTED_ON = 1024  # images, spread evenly: the transfers are then known to a few thousandths
CHUNK = 32  # images at a time: about 60 MB at 64 pixels


@dataclass(frozen=True)
class Blur:
    """A blur of S x S images whose strength differs between the face and what surrounds it.

    Attributes:
        frequency: the knots in cycles per image, (K,), between which the transfers are straight lines.
        face: the transfer in the face, (K,); around: that of what surrounds it. Both keep the mean.
        mask: how much each pixel is the face, (S, S) in [0, 1], soft at its border.
    """

    frequency: np.ndarray
    face: np.ndarray
    around: np.ndarray
    mask: np.ndarray

    @property
    def sentence(self) -> str:
        """What equal blur is, for the report."""
        face, around = (self._resolved(transfer) for transfer in (self.face, self.around))
        return (
            "Equal blur is the blur of x that comes closest to the reconstructions; like theirs, its detail goes down "
            f"to {face} in the face and {around} around it."
        )

    def _resolved(self, transfer: np.ndarray) -> str:
        half = float(half_frequency(transfer, self.frequency))
        return f"{short(len(self.mask) / (2 * half), 2)} px" if np.isfinite(half) else "the pixel"

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Return uint8 (N, S, S, 3) images, blurred."""
        blurred = np.empty(images.shape, np.uint8)
        gains = [np.interp(_radius(len(self.mask)), self.frequency, gain) for gain in (self.face, self.around)]
        for start in range(0, len(images), CHUNK):
            part = slice(start, start + CHUNK)
            cosines = _cosines(np.moveaxis(images[part], 3, 1).astype(np.float32))
            face, around = (_pixels(gain.astype(np.float32) * cosines) for gain in gains)
            mixed = np.rint(around + self.mask.astype(np.float32) * (face - around)).clip(0, 255)
            blurred[part] = np.moveaxis(mixed, 1, 3)
        return blurred


def fit_blur(x: np.ndarray, x_hat: np.ndarray, face: np.ndarray, *, progress: Progress = silent) -> Blur:
    """Return the blur of x that comes closest to x_hat, in the face and around it.

    Args:
        x: uint8 (N, S, S, 3), N > 0, mapped or not; read in chunks.
        x_hat: their reconstructions, likewise.
        face: which pixels are the face, bool (S, S).
        progress: told of each chunk.
    """
    size = len(face)
    knots = _knots(size)
    # Tents between the knots: a sum of tents is a straight line from knot to knot.
    tents = np.stack([np.interp(_radius(size), knots, one) for one in np.eye(len(knots))]).astype(np.float32)
    rows = np.unique(np.linspace(0, len(x) - 1, min(len(x), FITTED_ON)).astype(int))
    regions = (face.ravel(), ~face.ravel())
    products = np.zeros((2, len(knots), len(knots) + 1))
    for start in range(0, len(rows), CHUNK):
        part = rows[start : start + CHUNK]
        grey, target = (images[part].astype(np.float32).mean(3) for images in (x, x_hat))
        bands = _pixels(tents[:, None] * _cosines(grey)).reshape(len(knots), -1, size**2)
        for k, region in enumerate(regions):
            inside = bands[:, :, region].reshape(len(knots), -1).astype(np.float64)
            goal = target.reshape(-1, size**2)[:, region].reshape(-1).astype(np.float64)
            products[k] += inside @ np.column_stack([inside.T, goal])
        progress("equal blur", min(start + CHUNK, len(rows)), len(rows))
    own, around = (np.linalg.lstsq(both[:, :-1], both[:, -1], rcond=None)[0] for both in products)
    for transfer in (own, around):
        transfer[0] = 1.0  # the mean colour is no structure
    soft = ndimage.gaussian_filter(face.astype(np.float64), size / 32, mode="nearest")
    return Blur(knots, own, around, soft)


def _knots(size: int) -> np.ndarray:
    """Return the knots of the transfers: dense where faces have their power, every half octave, and the corner."""
    octaves = 8 * 2 ** np.arange(0, np.log2(size / 16) + 0.25, 0.5)
    return np.concatenate([[0, 0.5, 1, 1.5, 2, 3, 4, 5, 6], octaves, [size / 2**0.5]])


def _radius(size: int) -> np.ndarray:
    """Return the frequency of each cosine of an S x S image in cycles per image, (S, S): whole and half cycles."""
    steps = np.arange(size) / 2
    return np.hypot(steps[:, None], steps[None, :])


def _cosines(planes: np.ndarray) -> np.ndarray:
    """Return the cosine transform of (..., S, S): the spectrum of an image continued by its mirror image."""
    result: np.ndarray = fft.dctn(planes, axes=(-2, -1), norm="ortho")
    return result


def _pixels(cosines: np.ndarray) -> np.ndarray:
    result: np.ndarray = fft.idctn(cosines, axes=(-2, -1), norm="ortho")
    return result
