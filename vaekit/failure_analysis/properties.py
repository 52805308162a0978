"""What can be measured of a picture without a label: brightness, sharpness, how busy its background is."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import fft

from vaekit.failure_analysis.face_area import Sides, background_mask, face_mask
from vaekit.progress import Progress, silent

CHUNK = 64  # images at a time: their float32 copies stay in the cache
LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601
EDGE = 0.05  # slope of luma per pixel from which a pixel counts as an edge
COARSEST = 0.125  # cycles per pixel from which a regular pattern counts
COARSE = 8  # rows and columns of a coarse picture
NO_PATTERN, NO_POWER = 10.0, 1e-4  # what edges and noise reach; keeps a flat picture from dividing by nothing


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
        "sharpness of the face",
        "1",
        "mean square of the 4-neighbour Laplacian of luma over the variance of luma, over the ellipse of the face: low "
        "where a picture is blurred, whatever its contrast",
    ),
    "fine_detail": Property(
        "fine detail", "squared luma", "mean square of what a 5-tap binomial low-pass filter takes away from luma"
    ),
    "periodicity": Property(
        "regular pattern",
        "1",
        "largest power around one frequency (3 x 3 bins, finer than 8 pixels) over the mean power between 3 and 4 bins "
        f"away, of windowed luma: high for stripes, halftone and moire; no less than {NO_PATTERN:g}, which edges and "
        "noise reach",
    ),
    "face_brightness": Property("brightness of the face", "luma in [0, 1]", "mean luma over the ellipse of the face"),
    "face_colours": Property(
        "colour variety in the face",
        "pixel value",
        "standard deviation of red - green and blue - green over the ellipse of the face: high where something of "
        "another colour than skin is in front of it, or the light is coloured",
    ),
    "face_likeness": Property(
        "likeness to the mean face",
        "1",
        "correlation of luma with that of the train split's mean image over the ellipse of the face: low for profiles, "
        "covered faces and faces that are not where faces are",
    ),
    "background_edges": Property(
        "background edge density",
        "1",
        f"share of the background's pixels at which luma changes by more than {EDGE} per pixel; the background is what "
        "lies outside of the face and hair ellipse and above the shoulders of the aligned image",
    ),
    "background_brightness": Property("background brightness", "luma in [0, 1]", "mean luma of the background"),
    "background_saturation": Property("background saturation", "1", "mean saturation of the background"),
    "background_warmth": Property(
        "background warmth", "pixel value", "mean of red minus blue over the background: high for red, low for blue"
    ),
}
UNLIKE = "unlike_train"  # of `unlike`, beside those that are measured of a picture alone
KNOWN = PROPERTIES | {
    UNLIKE: Property(
        "unlikeness to train",
        "1",
        "-log10 p of the distance from train images among those of valid images, in code, looks, colours and "
        "properties or in properties alone",
    )
}


def label_of(name: str) -> str:
    """Return what a property is called; one that is not known by its own name."""
    return KNOWN[name].label if name in KNOWN else name


def image_properties(
    images: np.ndarray, mean_image: np.ndarray, *, sides: Sides, progress: Progress = silent
) -> pd.DataFrame:
    """Return every property in PROPERTIES of uint8 images (N, S, S, 3), (N, P) float64.

    Args:
        images: mapped or not: they are read once, a few at a time.
        mean_image: of the train split, (S, S, 3) in [0, 1].
        sides: of `covered`: where face and background are.
    """
    measure = _Measure(mean_image, sides)
    columns = np.empty((len(images), len(PROPERTIES)))
    for start in range(0, len(images), CHUNK):
        columns[start : start + CHUNK] = measure(images[start : start + CHUNK])
        progress("properties", min(start + CHUNK, len(images)), len(images))
    return pd.DataFrame(columns, columns=list(PROPERTIES))


def coarse(images: np.ndarray) -> np.ndarray:
    """Return images (N, H, W, C) at 8 x 8 pixels, (N, 64 C) float64."""
    parts = [blocks(images[start : start + CHUNK].astype(np.float32)) for start in range(0, len(images), CHUNK)]
    return np.concatenate(parts)


def blocks(values: np.ndarray) -> np.ndarray:
    """Return (B, H, W, C) averaged over 8 x 8 blocks of about equal size, (B, 64 C) float64."""
    for axis in (1, 2):
        edges = np.linspace(0, values.shape[axis], COARSE + 1).astype(int)
        shape = [1] * values.ndim
        shape[axis] = COARSE
        values = np.add.reduceat(values, edges[:-1], axis=axis) / np.diff(edges).reshape(shape)
    return values.reshape(len(values), -1).astype(np.float64)


def laplacian(luma: np.ndarray) -> np.ndarray:
    """Return the 4-neighbour Laplacian of (B, H, W), 0 at the edges."""
    found = np.zeros_like(luma)
    found[:, 1:-1, 1:-1] = luma[:, 2:, 1:-1] + luma[:, :-2, 1:-1] + luma[:, 1:-1, 2:] + luma[:, 1:-1, :-2]
    found[:, 1:-1, 1:-1] -= 4 * luma[:, 1:-1, 1:-1]
    return found


class _Measure:
    """What measuring an image needs to know besides the image."""

    def __init__(self, mean_image: np.ndarray, sides: Sides) -> None:
        side = len(mean_image)
        self._face = face_mask(side, sides).ravel()
        background = background_mask(side, sides).ravel()
        self._weights = np.stack(
            [mask / max(mask.sum(), 1) for mask in (np.ones(side**2), background, self._face)], axis=1
        ).astype(np.float32)
        self._mean_face = _standardised((mean_image @ LUMA).reshape(1, -1)[:, self._face])[0]
        window = np.hanning(side + 2)[1:-1].astype(np.float32)
        self._window = window[:, None] * window
        self._peaks = _Peaks(side)

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Return the properties of a few images in the order of PROPERTIES, (B, P)."""
        b = len(images)
        red, green, blue = np.moveaxis(images, 3, 0).astype(np.float32, order="C") / np.float32(255)
        luma = LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue
        most, least = np.maximum(np.maximum(red, green), blue), np.minimum(np.minimum(red, green), blue)
        saturation = (most - least) / np.maximum(most, np.float32(1 / 255))
        slope = np.zeros_like(luma)  # squared and times 4, as differences span two pixels
        slope[:, 1:-1] = (luma[:, 2:] - luma[:, :-2]) ** 2
        slope[:, :, 1:-1] += (luma[:, :, 2:] - luma[:, :, :-2]) ** 2
        detail = luma[:, 2:-2, 2:-2] - _binomial(_binomial(luma).swapaxes(1, 2)).swapaxes(1, 2)
        warm, cold = red - green, blue - green
        edges = slope > (2 * EDGE) ** 2
        means = np.stack([luma, saturation, warm - cold, warm, cold, warm**2, cold**2, edges, laplacian(luma) ** 2])
        whole, back, face = np.moveaxis(means.reshape(len(means), b, -1) @ self._weights, 2, 0).astype(np.float64)
        spread = np.maximum(face[5] - face[3] ** 2 + face[6] - face[4] ** 2, 0)
        face_luma = luma.reshape(b, -1)[:, self._face]
        return np.stack(
            [
                whole[0],
                np.sqrt(_mean_square(luma - whole[0][:, None, None].astype(np.float32))),
                whole[1],
                face[8] / np.maximum(face_luma.var(1, dtype=np.float64), 1e-6),
                _mean_square(detail),
                self._periodicity(luma),
                face[0],
                np.sqrt(spread),
                _standardised(face_luma) @ self._mean_face / len(self._mean_face),
                back[7],
                back[0],
                back[1],
                back[2],
            ],
            axis=1,
        )

    def _periodicity(self, luma: np.ndarray) -> np.ndarray:
        spectra = fft.rfft2((luma - luma.mean((1, 2), keepdims=True)) * self._window)
        result: np.ndarray = np.maximum(self._peaks(np.square(spectra.real) + np.square(spectra.imag)), NO_PATTERN)
        return result


class _Peaks:
    """Finds the frequency that stands out most from its surroundings, in half-plane spectra of S x S images."""

    def __init__(self, side: int) -> None:
        down, across = np.meshgrid(np.arange(side), np.arange(side // 2 + 1), indexing="ij")
        radius = np.hypot(np.minimum(down, side - down), across) / side
        band = (radius >= COARSEST) & (radius <= 0.5)
        self._band = np.flatnonzero(band)
        rings = np.rint(radius[band] * side).astype(int) - int(COARSEST * side)
        in_ring = (rings[:, None] == np.arange(rings.max() + 1)).astype(np.float32)
        self._in_ring, self._ring_mean = in_ring, in_ring / np.maximum(in_ring.sum(0), 1)
        steps = np.arange(-4, 5)
        away = np.maximum(abs(steps[:, None]), abs(steps)).ravel()
        dy, dx = (part.ravel() for part in np.meshgrid(steps, steps, indexing="ij"))
        y, x = down[band][:, None] + dy, across[band][:, None] + dx
        mirrored = (x % side) > side // 2  # the other half of a real image's spectrum
        y, x = np.where(mirrored, -y, y) % side, np.where(mirrored, -x, x) % side
        near = y * (side // 2 + 1) + x
        self._core, self._around = near[:, away <= 1], near[:, away >= 3]

    def __call__(self, power: np.ndarray) -> np.ndarray:
        """Return the largest mean power of 3 x 3 bins over that of the bins 3 and 4 away, of (B, S, S // 2 + 1).

        Looked for at the eight frequencies with most power for their ring.
        """
        flat = power.reshape(len(power), -1)
        inside = flat[:, self._band]
        for_ring = inside / ((inside @ self._ring_mean) @ self._in_ring.T + NO_POWER)
        first = np.argpartition(-for_ring, 8, axis=1)[:, :8]
        rows = np.arange(len(power))[:, None, None]
        core, around = (flat[rows, near[first]].mean(2) for near in (self._core, self._around))
        result: np.ndarray = (core / (around + NO_POWER)).max(1)
        return result


def _standardised(values: np.ndarray) -> np.ndarray:
    """Return (B, M) with mean 0 and variance 1 along M; a constant row stays 0."""
    centred = values - values.mean(1, keepdims=True)
    result: np.ndarray = centred / np.maximum(centred.std(1, keepdims=True), 1e-6)
    return result


def _binomial(luma: np.ndarray) -> np.ndarray:
    """Return (B, H, W) filtered along H with (1, 4, 6, 4, 1) / 16, without the two rows at either end."""
    outer, near = luma[:, :-4] + luma[:, 4:], luma[:, 1:-3] + luma[:, 3:-1]
    result: np.ndarray = (outer + 4 * near + 6 * luma[:, 2:-2]) / np.float32(16)
    return result


def _mean_square(values: np.ndarray) -> np.ndarray:
    """Return the mean square of (B, H, W) over H and W, (B,), accumulated in float64."""
    flat = values.reshape(len(values), -1).astype(np.float64)
    result: np.ndarray = np.einsum("ij,ij->i", flat, flat) / flat.shape[1]
    return result
