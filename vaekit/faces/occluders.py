"""What gets in front of a face, and the failures planted on request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from vaekit.errors import DataError
from vaekit.faces.canvas import FULL, Mask, clouds, crop_noise, curve, grid, hsv, linear, paint
from vaekit.faces.head import Light, skin_colour
from vaekit.faces.pose import Head

PlantKind = Literal["occluder", "texture", "blur"]
PLANT_KINDS: tuple[str, ...] = get_args(PlantKind)


@dataclass(frozen=True)
class Plant:
    """A failure to plant: in a share `rate` of the images a box before the face, a moire over it, or a heavy blur."""

    kind: PlantKind
    rate: float

    def __post_init__(self) -> None:
        if self.kind not in PLANT_KINDS:
            raise DataError(f"Can not plant {self.kind!r}: expected one of {', '.join(PLANT_KINDS)}.")
        if not 0 <= self.rate <= 1:
            raise DataError(
                f"Can not plant at the rate {self.rate}: expected a share of the images from 0 to 1, as in 0.03."
            )

    @classmethod
    def parse(cls, text: str) -> Plant:
        """The plant written as KIND:RATE, as in `occluder:0.03`."""
        kind, colon, rate = text.partition(":")
        try:
            return cls(kind, float(rate))  # type: ignore[arg-type]  # __post_init__ refuses other kinds
        except ValueError:
            got = f"the rate {rate!r} is no number" if colon else "it has no rate"
            raise DataError(
                f"Can not read the plant {text!r}: {got}. Write KIND:RATE, as in occluder:0.03, "
                f"with a kind of {', '.join(PLANT_KINDS)}."
            ) from None


def paint_occluder(
    picture: np.ndarray, head: Head, f: Mapping[str, float], light: Light, rng: np.random.Generator
) -> np.ndarray:
    """Put a hand, a microphone, a cup or an arm before the face; returns its (H, W) coverage."""
    kind, sign = int(rng.integers(4)), 1 if rng.random() < 0.5 else -1
    glow = (light.ambient + 0.8 * light.key)[:, None, None]
    x, y = grid()
    dent = (1 + 0.12 * crop_noise(clouds(), rng))[None]
    if kind == 0:
        return _paint_hand(picture, head, f, glow * dent, sign)
    if kind == 1:  # a microphone from below
        tip = head.project(sign * 9, 50)
        stick = Mask().line([tip, (tip[0] + sign * 26, 230)], 11).alpha()
        ball = Mask().ellipse(*tip, 13, 14).alpha()
        paint(picture, linear(40, 40, 44)[:, None, None] * glow * dent, stick, FULL)
        mesh = 0.5 + 0.5 * (np.sin(x * 2.1) * np.sin(y * 2.1))
        paint(picture, linear(88, 88, 94)[:, None, None] * glow * mesh.astype(np.float32), ball, FULL)
        result: np.ndarray = np.maximum(stick, ball)
        return result
    if kind == 2:  # a cup or a bottle at the mouth
        cx, cy = head.project(sign * 6, 45)
        cup = Mask().polygon([(cx - 19, cy), (cx + 19, cy - 5), (cx + 15, 225), (cx - 13, 225)]).alpha()
        curved = np.clip(1.1 - np.abs((x - cx) / 22) ** 2, 0.3, 1.2)
        paint(picture, hsv(rng.random(), 0.7, 0.85)[:, None, None] * glow * curved.astype(np.float32), cup, FULL)
        return cup
    edge = 89 + sign * float(rng.uniform(12, 30))  # somebody else's shoulder or head, out of focus
    blob = np.clip(((x - edge) * sign + 10 * np.cos((y - 130) / 40)) / 14, 0, 1) * np.clip((y - 60) / 20, 0, 1)
    alpha = blob.astype(np.float32)
    paint(picture, hsv(rng.random(), 0.4, 0.12 + 0.4 * rng.random())[:, None, None] * glow * dent, alpha, FULL)
    result = alpha
    return result


def _paint_hand(picture: np.ndarray, head: Head, f: Mapping[str, float], light: np.ndarray, sign: int) -> np.ndarray:
    skin, whole = skin_colour(f)[:, None, None] * light, np.zeros(picture.shape[1:], np.float32)
    outline = [(34, 40), (14, 62), (22, 92), (60, 110), (58, 60), (34, 40)]
    palm = Mask().polygon(curve([head.project(sign * x, v) for x, v in outline], 50)).alpha()
    for finger, (x, v, length) in enumerate([(10, 56, 30), (16, 46, 34), (25, 38, 34), (33, 33, 28)]):
        root = head.project(sign * (28 + 5 * finger), 74 - 4 * finger)
        end = head.project(sign * x, v - 0.2 * length)
        joint = Mask().line([root, end], 10).ellipse(*end, 5, 5).alpha()
        picture *= 1 - np.float32(0.35) * np.roll(joint, (2, -sign), (0, 1))
        paint(picture, skin, joint, FULL)
        whole = np.maximum(whole, joint)
    paint(picture, skin * np.float32(0.92), palm, FULL)
    result: np.ndarray = np.maximum(whole, palm)
    return result


def plant_occluder(picture: np.ndarray, head: Head, rng: np.random.Generator) -> np.ndarray:
    """Put a flat board over half of the face, unlike all that `paint_occluder` draws; returns its coverage."""
    x, v = float(rng.uniform(-14, 14)), float(rng.uniform(-5, 40))
    lean, wide, high = rng.normal(0, 0.12), 24.0, 27.0
    corners = [
        (-wide, -high - lean * wide),
        (wide, -high + lean * wide),
        (wide, high + lean * wide),
        (-wide, high - lean * wide),
    ]
    board = Mask().polygon([head.project(x + dx, v + dy) for dx, dy in corners]).alpha()
    paint(picture, hsv(rng.random(), 0.85, 0.8), board, FULL)
    return board


def plant_texture(picture: np.ndarray, rng: np.random.Generator) -> None:
    """Lay crossed stripes over the whole picture, as of a screen photographed."""
    x, y = grid()
    angle, step = rng.uniform(0.3, 1.2), rng.uniform(0.42, 0.6)
    wave = np.sin(step * (np.cos(angle) * x + np.sin(angle) * y)) * np.sin(
        step * (np.sin(angle) * x - np.cos(angle) * y)
    )
    picture *= 1 + np.float32(0.55) * wave.astype(np.float32)
