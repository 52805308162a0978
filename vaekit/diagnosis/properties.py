"""What can be measured of a picture without a label: brightness, sharpness, how busy its background is."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from vaekit.diagnosis.regions import ALIGNED, ELLIPSE
from vaekit.progress import Progress, silent

CHUNK = 128  # images at a time: their float32 copies stay in the cache
LUMA = np.array([0.299, 0.587, 0.114], np.float32) / 255  # ITU-R BT.601
EDGE = 0.05  # slope of luma per pixel from which a pixel counts as an edge
# The background of an aligned image: outside of the face's ellipse stretched over the hair, above the shoulders.
STRETCH, SHOULDERS = (1.5, 1.4), 160


@dataclass(frozen=True)
class Property:
    """A number per image: its name in a sentence, its unit and what it is."""

    label: str
    unit: str
    definition: str


PROPERTIES: dict[str, Property] = {
    "brightness": Property("brightness", "luma in [0, 1]", "mean luma (BT.601)"),
    "contrast": Property("contrast", "luma in [0, 1]", "standard deviation of luma over the pixels"),
    "saturation": Property("saturation", "1", "mean over pixels of (max - min) / max of the channels, 0 for black"),
    "sharpness": Property(
        "sharpness", "1",
        "mean square of the 4-neighbour Laplacian of luma over the variance of luma: low where a picture is blurred, "
        "whatever its contrast",
    ),
    "fine_detail": Property(
        "fine detail", "squared luma", "mean square of what a 5-tap binomial low-pass filter takes away from luma"
    ),
    "background_edges": Property(
        "background edge density", "1",
        f"share of the background's pixels at which luma changes by more than {EDGE} per pixel; the background is what "
        "lies outside of the face and hair ellipse and above the shoulders of the aligned image",
    ),
    "background_brightness": Property("background brightness", "luma in [0, 1]", "mean luma of the background"),
    "background_saturation": Property("background saturation", "1", "mean saturation of the background"),
    "background_warmth": Property(
        "background warmth", "pixel value", "mean of red minus blue over the background: high for red, low for blue"
    ),
}  # fmt: skip


def background_mask(image_size: int, crop: int | str) -> np.ndarray:
    """Return which pixels of a CelebA-aligned image show its background, bool (S, S): the corners above the shoulders.

    `crop` is the protocol's: a centred square of the aligned image, or "none", the whole of it squeezed into a square.
    """
    sides = ALIGNED if crop == "none" else (crop, crop)
    column, row = (
        (np.arange(image_size) + 0.5) / image_size * side + (whole - side) / 2
        for side, whole in zip(sides, ALIGNED, strict=True)
    )
    x, y, half_width, half_height = ELLIPSE
    across, down = (column - x) / (STRETCH[0] * half_width), (row - y) / (STRETCH[1] * half_height)
    return (across[None, :] ** 2 + down[:, None] ** 2 > 1) & (row[:, None] < SHOULDERS)


def image_properties(images: np.ndarray, *, crop: int | str, progress: Progress = silent) -> pd.DataFrame:
    """Return every property in PROPERTIES of uint8 images (N, S, S, 3), (N, P) float64; mapped images are read once."""
    background = background_mask(images.shape[1], crop).ravel()
    columns = np.empty((len(images), len(PROPERTIES)))
    for start in range(0, len(images), CHUNK):
        columns[start : start + CHUNK] = _measure(images[start : start + CHUNK], background)
        progress("properties", min(start + CHUNK, len(images)), len(images))
    return pd.DataFrame(columns, columns=list(PROPERTIES))


def _measure(images: np.ndarray, background: np.ndarray) -> np.ndarray:
    """Return the properties of a few images in the order of PROPERTIES, (B, P)."""
    b, side = images.shape[:2]
    luma = images.astype(np.float32) @ LUMA
    saturation = _saturation(images).reshape(b, -1)
    slope = np.zeros_like(luma)
    slope[:, 1:-1] = (luma[:, 2:] - luma[:, :-2]) ** 2
    slope[:, :, 1:-1] += (luma[:, :, 2:] - luma[:, :, :-2]) ** 2  # of twice the slope, as differences span two pixels
    edges = (slope > (2 * EDGE) ** 2).reshape(b, -1)
    inner = luma[:, 1:-1, 1:-1]
    laplacian = luma[:, 2:, 1:-1] + luma[:, :-2, 1:-1] + luma[:, 1:-1, 2:] + luma[:, 1:-1, :-2] - 4 * inner
    detail = luma[:, 2:-2, 2:-2] - _binomial(_binomial(luma, 1), 2)
    flat = luma.reshape(b, -1)
    variance = flat.var(1, dtype=np.float64)
    warmth = images[..., 0].reshape(b, -1)[:, background].mean(1) - images[..., 2].reshape(b, -1)[:, background].mean(1)
    return np.stack(
        [
            flat.mean(1, dtype=np.float64),
            np.sqrt(variance),
            saturation.mean(1, dtype=np.float64),
            _mean_square(laplacian) / np.maximum(variance, 1e-6),
            _mean_square(detail),
            edges[:, background].mean(1),
            flat[:, background].mean(1, dtype=np.float64),
            saturation[:, background].mean(1, dtype=np.float64),
            warmth / 255,
        ],
        axis=1,
    )


def _saturation(images: np.ndarray) -> np.ndarray:
    red, green, blue = images[..., 0], images[..., 1], images[..., 2]
    most = np.maximum(np.maximum(red, green), blue)
    least = np.minimum(np.minimum(red, green), blue)
    return (most - least) / np.maximum(most, 1).astype(np.float32)


def _binomial(luma: np.ndarray, axis: int) -> np.ndarray:
    """Return luma filtered along one axis with (1, 4, 6, 4, 1) / 16, without the two pixels at either end."""
    size = luma.shape[axis]
    taps = [np.take(luma, range(i, size - 4 + i), axis) for i in range(5)]
    return (taps[0] + taps[4] + 4 * (taps[1] + taps[3]) + 6 * taps[2]) / np.float32(16)


def _mean_square(values: np.ndarray) -> np.ndarray:
    return np.square(values).mean((1, 2), dtype=np.float64)
