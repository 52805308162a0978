"""Test images with the spectrum of other images: what a set looks like that has lost detail and nothing else."""

import numpy as np
from scipy.fft import dctn, idctn

BLOCK = 512  # images at a time: 75 MB at 64 pixels, in float32


def radial_power(images: np.ndarray) -> np.ndarray:
    """Return the mean power of uint8 images (N, S, S, 3) by radial frequency and channel, float64 (R, 3).

    By the cosine transform, whose mirrored edges add no frequency of their own; ring r holds the frequencies whose
    distance from the mean rounds to r half cycles per image.
    """
    side = images.shape[1]
    power = np.zeros((side, side, 3))
    for start in range(0, len(images), BLOCK):
        power += np.square(_transformed(images[start : start + BLOCK]), dtype=np.float64).sum(0)
    rings = _rings(side)
    counts = np.bincount(rings.ravel())
    sums = [np.bincount(rings.ravel(), power[:, :, channel].ravel()) for channel in range(3)]
    return np.stack(sums, 1) / counts[:, None] / len(images)


def blurred(images: np.ndarray, power: np.ndarray) -> np.ndarray:
    """Return uint8 images (N, S, S, 3) filtered to the mean power (R, 3) of `radial_power`; each keeps its mean colour.

    One gain per ring and channel, the root of the ratio of the powers, so that what lies where in the image stays.
    """
    own = radial_power(images)
    gain = np.sqrt(np.divide(power, own, out=np.ones_like(own), where=own > 0))
    gain[0] = 1
    filtered = np.empty_like(images)
    by_frequency = gain[_rings(images.shape[1])].astype(np.float32)
    for start in range(0, len(images), BLOCK):
        part = slice(start, start + BLOCK)
        pixels = idctn(_transformed(images[part]) * by_frequency, axes=(1, 2), norm="ortho", overwrite_x=True)
        filtered[part] = np.rint(np.clip(pixels, 0, 255))
    return filtered


def _transformed(images: np.ndarray) -> np.ndarray:
    result: np.ndarray = dctn(images.astype(np.float32), axes=(1, 2), norm="ortho", overwrite_x=True)
    return result


def _rings(side: int) -> np.ndarray:
    return np.rint(np.hypot(*np.meshgrid(np.arange(side), np.arange(side), indexing="ij"))).astype(np.int64)
