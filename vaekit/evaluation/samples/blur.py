"""Test images with the spectrum of other images: what a set looks like that has lost detail and nothing else."""

import numpy as np
from scipy.fft import dctn, idctn

BLOCK = 512  # images at a time: 75 MB at 64 pixels, in float32


def radial_power(images: np.ndarray) -> np.ndarray:
    """Return the mean power of uint8 images (N, H, W, C) by radial frequency and channel, float64 (R, C).

    By the cosine transform, whose mirrored edges add no frequency of their own; ring r holds the frequencies whose
    distance from the mean rounds to r half cycles per longer side.
    """
    power = np.zeros(images.shape[1:])
    for start in range(0, len(images), BLOCK):
        power += np.square(_transformed(images[start : start + BLOCK]), dtype=np.float64).sum(0)
    rings = _rings(images.shape[1], images.shape[2])
    counts = np.bincount(rings.ravel())
    sums = [np.bincount(rings.ravel(), power[:, :, channel].ravel()) for channel in range(images.shape[3])]
    mean: np.ndarray = np.stack(sums, 1) / np.maximum(counts, 1)[:, None] / len(images)
    return mean


def blurred(images: np.ndarray, power: np.ndarray) -> np.ndarray:
    """Return uint8 images (N, H, W, C) filtered to the mean power (R, C) of `radial_power`; each keeps its mean colour.

    One gain per ring and channel, the root of the ratio of the powers, so that what lies where in the image stays.
    """
    own = radial_power(images)
    gain = np.sqrt(np.divide(power, own, out=np.ones_like(own), where=own > 0))
    gain[0] = 1
    filtered = np.empty_like(images)
    by_frequency = gain[_rings(images.shape[1], images.shape[2])].astype(np.float32)
    for start in range(0, len(images), BLOCK):
        part = slice(start, start + BLOCK)
        pixels = idctn(_transformed(images[part]) * by_frequency, axes=(1, 2), norm="ortho", overwrite_x=True)
        filtered[part] = np.rint(np.clip(pixels, 0, 255))
    return filtered


def _transformed(images: np.ndarray) -> np.ndarray:
    result: np.ndarray = dctn(images.astype(np.float32), axes=(1, 2), norm="ortho", overwrite_x=True)
    return result


def _rings(height: int, width: int) -> np.ndarray:
    longer = max(height, width)
    axes = (np.arange(side) * (longer / side) for side in (height, width))
    rings: np.ndarray = np.rint(np.hypot(*np.meshgrid(*axes, indexing="ij"))).astype(np.int64)
    return rings
