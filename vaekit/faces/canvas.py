"""The picture being painted: linear light in float32 planes, coordinate grids, noise made once, antialiased masks."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from PIL import Image, ImageDraw

WIDTH, HEIGHT = 178, 218
OVERSAMPLING = 3

Box = tuple[int, int, int, int]  # left, top, right, bottom in pixels
FULL: Box = (0, 0, WIDTH, HEIGHT)


def linear(red: float, green: float, blue: float) -> np.ndarray:
    """(3,) linear light of a display colour on 0 to 255; gamma 2 stands for sRGB, as it is only a square root back."""
    return np.array((red, green, blue), np.float32) ** 2 / np.float32(255**2)


def mix(stops: Sequence[np.ndarray], place: float) -> np.ndarray:
    """The colour at `place` in [0, 1] along evenly spaced stops."""
    at = min(max(place, 0.0), 1.0) * (len(stops) - 1)
    first = min(int(at), len(stops) - 2)
    result: np.ndarray = stops[first] + np.float32(at - first) * (stops[first + 1] - stops[first])
    return result


def hsv(hue: float, saturation: float, value: float) -> np.ndarray:
    """(3,) linear light of a hue in turns, saturation and display value in [0, 1]."""
    wheel = np.abs((hue * 6 + np.array([0, 4, 2])) % 6 - 3) - 1
    return ((value * (1 - saturation * (1 - wheel.clip(0, 1)))) ** 2).astype(np.float32)


def step(distance: np.ndarray, softness: float = 1.0) -> np.ndarray:
    """Coverage in [0, 1] of signed distances in pixels, positive inside, over an edge `softness` pixels wide."""
    result: np.ndarray = np.clip(distance * np.float32(1 / softness) + np.float32(0.5), 0, 1)
    return result


def bump(distance: np.ndarray, width: float) -> np.ndarray:
    """A bell of half width about `width` and height one, without an exponential."""
    square = distance * distance * np.float32(0.45 / (width * width))
    result: np.ndarray = 1 / (1 + square + square * square)
    return result


@cache
def grid(box: Box = FULL, oversampling: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Pixel-centre coordinates of a box: x (1, w) and y (h, 1), float32, shared and read-only."""
    left, top, right, bottom = box
    x = left + (np.arange((right - left) * oversampling, dtype=np.float32) + 0.5) / oversampling
    y = top + (np.arange((bottom - top) * oversampling, dtype=np.float32) + 0.5) / oversampling
    x.flags.writeable = y.flags.writeable = False
    return x[None], y[:, None]


def _octaves(shape: tuple[int, int], cells: Sequence[tuple[int, int]], fall: float) -> np.ndarray:
    """Sum of smoothly enlarged random grids, mirrored so that it tiles, with mean 0 and deviation 1."""
    rng = np.random.default_rng(20)
    total = np.zeros(shape, np.float32)
    for octave, (rows, columns) in enumerate(cells):
        coarse = Image.fromarray(rng.standard_normal((rows, columns), dtype=np.float32))
        layer = np.asarray(coarse.resize(shape[::-1], Image.Resampling.BICUBIC))
        total += layer / layer.std() * np.float32(fall**octave)
    total = (total - total.mean()) / total.std()
    return np.block([[total, total[:, ::-1]], [total[::-1], total[::-1, ::-1]]])


@cache
def clouds() -> np.ndarray:
    """(512, 512) smooth noise of many sizes."""
    return _octaves((256, 256), [(6, 6), (12, 12), (24, 24), (48, 48), (96, 96)], 0.62)


@cache
def swells() -> np.ndarray:
    """(512, 512) noise of large sizes only, for bending things without tearing them."""
    return _octaves((256, 256), [(4, 4), (8, 8)], 0.5)


@cache
def strands() -> np.ndarray:
    """(512 along, 1024 across) noise drawn out along the first axis, as hair is."""
    return _octaves((256, 512), [(3, 24), (5, 64), (7, 150), (9, 360)], 0.85)


@cache
def grain() -> np.ndarray:
    """(3, 512, 512) sensor noise of deviation 1, a little soft as JPEG leaves it."""
    noise = np.random.default_rng(21).standard_normal((3, 512, 512), dtype=np.float32)
    soft = noise + 0.5 * (np.roll(noise, 1, 1) + np.roll(noise, 1, 2))
    result: np.ndarray = soft / soft.std()
    return result


def crop_noise(noise: np.ndarray, rng: np.random.Generator, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """A (height, width) piece of a noise at a place drawn from `rng`."""
    top = int(rng.integers(noise.shape[0] - height + 1))
    left = int(rng.integers(noise.shape[1] - width + 1))
    return noise[top : top + height, left : left + width]


def paint(picture: np.ndarray, colour: np.ndarray, alpha: np.ndarray, box: Box = FULL) -> None:
    """Lay a colour, (3,) or (3, h, w), over a box of the (3, H, W) picture with coverage `alpha` (h, w), in place."""
    left, top, right, bottom = box
    region = picture[:, top:bottom, left:right]
    region += alpha * ((colour[:, None, None] if colour.ndim == 1 else colour) - region)


def darken(picture: np.ndarray, amount: np.ndarray, box: Box = FULL) -> None:
    """Take the share `amount` (h, w) of the light out of a box, in place."""
    left, top, right, bottom = box
    picture[:, top:bottom, left:right] *= 1 - amount


class Mask:
    """A coverage mask of a box drawn with PIL at `OVERSAMPLING` times its size."""

    def __init__(self, box: Box = FULL) -> None:
        self.box = box
        size = ((box[2] - box[0]) * OVERSAMPLING, (box[3] - box[1]) * OVERSAMPLING)
        self._image = Image.new("L", size)
        self._draw = ImageDraw.Draw(self._image)

    def _fine(self, points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
        return [((x - self.box[0]) * OVERSAMPLING, (y - self.box[1]) * OVERSAMPLING) for x, y in points]

    def polygon(self, points: Sequence[tuple[float, float]], value: int = 255) -> Mask:
        """Fill a polygon; `value` 0 cuts it out."""
        self._draw.polygon(self._fine(points), fill=value)
        return self

    def line(self, points: Sequence[tuple[float, float]], width: float) -> Mask:
        """Draw a line `width` pixels wide."""
        self._draw.line(self._fine(points), fill=255, width=max(1, round(width * OVERSAMPLING)), joint="curve")
        return self

    def ellipse(self, x: float, y: float, half_width: float, half_height: float, value: int = 255) -> Mask:
        """Fill an ellipse about (x, y)."""
        corners = self._fine([(x - half_width, y - half_height), (x + half_width, y + half_height)])
        self._draw.ellipse([*corners[0], *corners[1]], fill=value)
        return self

    def alpha(self) -> np.ndarray:
        """(h, w) coverage in [0, 1]."""
        return np.asarray(self._image.reduce(OVERSAMPLING), np.float32) * np.float32(1 / 255)


def curve(points: Sequence[tuple[float, float]], samples: int = 24) -> list[tuple[float, float]]:
    """A smooth line through two or more points, by Catmull and Rom."""
    known = np.array([points[0], *points, points[-1]], float)
    parts = []
    for p0, p1, p2, p3 in zip(known, known[1:], known[2:], known[3:], strict=False):
        t = np.linspace(0, 1, max(2, samples // (len(points) - 1)))[:, None]
        parts.append(
            0.5 * (2 * p1 + (p2 - p0) * t + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2 + (3 * p1 - p0 - 3 * p2 + p3) * t**3)
        )
    return [(float(x), float(y)) for x, y in np.concatenate(parts)]
