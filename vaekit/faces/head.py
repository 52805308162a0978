"""Skin: the relief of a face, its light and shade, ears, neck and bare shoulders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from vaekit.faces.canvas import Box, bump, clouds, crop_noise, grid, linear, mix, paint, step
from vaekit.faces.pose import Head, Spot

HEAD_BOX: Box = (24, 28, 154, 202)
_ACROSS = np.arange(0, 64, 0.5, dtype=np.float32)  # |X| of the relief's columns
_DOWN = np.arange(-84, 92, 0.5, dtype=np.float32)  # V of its rows
SKIN = [
    linear(232, 182, 152),
    linear(224, 170, 137),
    linear(212, 154, 120),
    linear(192, 131, 98),
    linear(160, 106, 76),
    linear(120, 78, 55),
    linear(84, 54, 39),
]

# A bell of the relief: X, V, width, height; how far it stands out, how much it reddens, how much light it keeps out.
Bell = tuple[float, float, float, float, float, float, float]


@dataclass(frozen=True)
class Light:
    """Direction of the key light (x right, y down, z to the viewer), and linear colours of key and ambient light."""

    direction: tuple[float, float, float]
    key: np.ndarray
    ambient: np.ndarray

    @classmethod
    def of(cls, f: Mapping[str, float]) -> Light:
        """The light that the factors ask for."""
        azimuth = np.deg2rad(np.clip(f["light_azimuth"], -75, 75))
        elevation = np.deg2rad(8 + 42 * f["light_elevation"])
        direction = (
            float(np.sin(azimuth) * np.cos(elevation)),
            float(-np.sin(elevation)),
            float(np.cos(azimuth) * np.cos(elevation)),
        )
        warmth = 0.07 * f["light_warmth"]
        tint = np.array([1 + warmth, 1.0, 1 - 1.3 * warmth], np.float32)
        soft = 0.18 + 0.3 * f["light_softness"]
        return cls(direction, tint * np.float32(1.36 - 0.85 * soft), (0.4 + 0.6 * tint[::-1]) * np.float32(soft))

    def shade(self, nx: np.ndarray, ny: np.ndarray, nz: np.ndarray) -> np.ndarray:
        """(3, h, w) light on surfaces with these unit normals; red light goes further round, as it does under skin."""
        x, y, z = self.direction
        lambert = nx * np.float32(x) + ny * np.float32(y) + nz * np.float32(z)
        light = np.empty((3, *lambert.shape), np.float32)
        sky = np.float32(0.85) - np.float32(0.3) * ny
        for channel, wrap in enumerate((0.42, 0.28, 0.24)):
            light[channel] = np.clip(lambert + np.float32(wrap), 0, None)
            light[channel] *= self.key[channel] / np.float32(1 + wrap)
            light[channel] += self.ambient[channel] * sky
        return light


def skin_colour(f: Mapping[str, float]) -> np.ndarray:
    """(3,) linear albedo of the sitter's skin."""
    colour = mix(SKIN, 0.04 + 0.96 * f["skin_tone"])
    warmth = 0.05 * f["skin_warmth"]
    colour = colour * np.array([1 + 0.4 * warmth, 1, 1 - warmth], np.float32)
    pale = np.array([0.94, 0.81, 0.74], np.float32)
    result: np.ndarray = colour + np.float32(0.7 * f["pallor"]) * (pale - colour)
    return result


def _bells(f: Mapping[str, float], head: Head) -> list[Bell]:
    """The relief of this face."""
    male, age, smile = f["masculinity"], max(0.0, f["age"] - 0.3) * 1.4, max(0.0, f["smile"])
    wide = 1 + 0.48 * max(0.0, f["nose_width"]) - 0.22 * max(0.0, f["nose_point"])
    ridge = 0.62 + 0.38 * male
    cheek = max(0.0, f["cheekbones"])
    tip, bags, heavy = head.nose_v, f["eye_bags"], max(0.0, f["weight"])
    fold = 0.25 + 0.9 * smile + 1.1 * age + 0.5 * heavy
    bells: list[Bell] = [
        (0, tip - 24, 7.0, 12, 2.4 * ridge, 0, 0),
        (0, tip - 12, 6.4 * wide, 9, 3.6 * ridge, 0, 0),
        (0, tip - 2, 6.2 * wide, 5.5, (5.0 + 3 * f["nose_point"] + 2 * max(0.0, f["nose_width"])) * ridge, 0.12, 0),
        (7.8 * wide, tip, 4.0, 4.2, 2.2, 0.10, 0.0),
        (0, tip + 8, 9 * wide, 4.0, -1.4, 0.0, 0.17 + 0.10 * abs(f["nose_point"]) + 0.10 * max(0.0, f["nose_width"])),
        (11.0 * wide, tip + 2, 3.2, 5.0, -0.5, 0.1, 0.10),
        (9, tip - 20, 5.5, 8, -0.9, 0, 0.09 + 0.05 * male),
        (20, -9, 13, 4.5, 1.6 + 1.6 * male, 0, 0),
        (21, -3.0, 11.5, 5.5, -2.6, 0.04, 0.22 + 0.06 * male),
        (21, 0.5, 8.0, 4.0, 1.8, 0, 0),
        (20, 8.0, 9.0, 2.8, 0.1 + 2.8 * bags, 0.05 * bags, 0.0),
        (20, 12.0, 9.0, 2.6, -0.2 - 2.4 * bags, 0.05, 0.02 + 0.36 * bags),
        (25, 20 - 3 * cheek, 11, 8.5, 2.4 + 2.6 * cheek + 1.6 * smile, 0.06, -0.04 - 0.06 * cheek),
        (29, 35, 8, 9, -2.2 * cheek, 0, 0.26 * cheek),
        (25, 23, 10, 9, 0.4 * smile, 0.06 + 0.95 * f["blush"], 0.0),
        (0, 40, 15, 11, 2.5, 0, 0),
        (0, 35, 2.4, 3.5, -0.6, 0, 0.07),
        (0, 53, 10, 2.8, -1.6, 0, 0.14),
        (0, head.chin - 9, 10 + 2 * male, 6.5, 3.2, 0.03, 0),
        (0, head.chin - 5, 1.6, 5, -0.5 * male, 0, 0.05 * male),
        (0, -44, 22, 16, 1.5, 0, 0),
    ]
    for step_ in range(5):
        share = step_ / 4
        out = (10.5 + 11.5 * share) * (1 + 0.05 * smile)
        bells.append((out, 28 + 17 * share, 2.8, 4.6, -0.75 * fold, 0.03 * fold, 0.075 * fold))
        bells.append((out + 5, 27 + 15 * share, 4.0, 5.0, 0.55 * fold, 0, 0))
    if age > 0.2:
        bells += [(0, v, 24, 1.3, -1.0 * age, 0.02, 0.15 * age) for v in (-24.0, -30.0, -36.0)]
        bells += [(33.5, v, 3.5, 1.0, -0.8 * age, 0, 0.16 * age) for v in (-3.0, 1.0, 5.0)]
        bells += [(22, 52, 2.2, 7, -0.8 * age, 0, 0.20 * age), (3, -9, 1.1, 4, -0.8 * age, 0, 0.22 * age)]
    if heavy:
        bells += [(28, 38, 10, 12, 3.5 * heavy, 0.05, 0)]
    return bells


def _relief(down: np.ndarray, across: np.ndarray) -> np.ndarray:
    """(rows, columns) sum of bells; by blocks of 32 rows, too small for BLAS to wake its threads in every worker."""
    result: np.ndarray = (down.reshape(-1, 32, down.shape[1]) @ across).reshape(len(down), -1)
    return result


@dataclass(frozen=True)
class Skin:
    """What later layers need of the painted head: its pixels over `HEAD_BOX`, and full-frame light and coverage."""

    spot: Spot
    light: np.ndarray
    alpha: np.ndarray
    colour: np.ndarray

    def light_in_box(self) -> np.ndarray:
        """(3, h, w) light over `HEAD_BOX`."""
        left, top, right, bottom = HEAD_BOX
        return self.light[:, top:bottom, left:right]


def paint_head(
    picture: np.ndarray, head: Head, whole: Spot, f: Mapping[str, float], light: Light, rng: np.random.Generator
) -> Skin:
    """Paint the bare head, without features, into the picture; `whole` is its full-frame spot."""
    spot = whole.cut(HEAD_BOX)
    bells = np.array(_bells(f, head), np.float32)
    x0, v0, width, height, lift, red, dark = bells.T
    across = np.exp(-(((_ACROSS[None] - x0[:, None]) / width[:, None]) ** 2))
    down = np.exp(-(((_DOWN[:, None] - v0) / height) ** 2))
    along_x = across * (-2 * (_ACROSS[None] - x0[:, None]) / width[:, None] ** 2)
    along_v = down * (-2 * (_DOWN[:, None] - v0) / height**2)
    place = ((spot.face_v - _DOWN[0]) * 2).clip(0, len(_DOWN) - 1).astype(np.intp) * len(_ACROSS)
    place += (np.abs(spot.face_x) * 2).clip(0, len(_ACROSS) - 1).astype(np.intp)
    tilt_x = _relief(down * lift, along_x).take(place) * np.sign(spot.face_x)
    tilt_v = _relief(along_v * lift, across).take(place)
    redness, dimming = _relief(down * red, across).take(place), _relief(down * dark, across).take(place)

    fall = (-head.slope / np.sqrt(1 + head.slope**2)).astype(np.float32)
    ny = fall.take(spot.row)
    flat = np.sqrt(1 - ny * ny)
    nx, nz = spot.side * flat - tilt_x * spot.facing, np.maximum(spot.facing * flat, 0.08)
    ny = ny - tilt_v
    norm = 1 / np.sqrt(nx * nx + ny * ny + nz * nz)
    shade = light.shade(nx * norm, ny * norm, nz * norm)
    shade *= np.clip(1 - dimming, 0.2, 1.2)

    age = max(0.0, f["age"] - 0.3)
    mottle = crop_noise(clouds(), rng, *spot.row.shape) * np.float32(0.02 + 0.05 * age * (1 - 0.8 * f["makeup"]))
    albedo = np.empty_like(shade)
    colour = skin_colour(f)
    fair = 0.4 + 0.6 * float(colour.mean())
    for channel, take in enumerate((0.05, 0.52, 0.40)):
        albedo[channel] = (
            colour[channel] * (1 + mottle) * (1 - np.clip(redness * np.float32(take * fair * 1.4), -0.2, 0.75))
        )
    x, y, z = light.direction
    # Half way between the light and the viewer: where skin shines.
    half = np.array([x, y, z + 1]) / np.sqrt(x * x + y * y + (z + 1) ** 2)
    gloss = np.clip((nx * half[0] + ny * half[1] + nz * half[2]) * norm, 0, 1).astype(np.float32)
    for _ in range(4):  # to the sixteenth power
        gloss *= gloss
    painted = albedo * shade
    painted += gloss * np.float32(0.085 * (1 - 0.35 * f["light_softness"])) * light.key[:, None, None]
    alpha = step(spot.inside)
    paint(picture, painted, alpha, HEAD_BOX)
    full_light = np.empty_like(picture)
    full_light[:] = (light.ambient + 0.6 * light.key)[:, None, None]
    left, top, right, bottom = HEAD_BOX
    full_light[:, top:bottom, left:right] = shade
    return Skin(spot, full_light, alpha, colour)


def paint_neck(
    picture: np.ndarray, head: Head, whole: Spot, f: Mapping[str, float], light: Light, *, bare: bool
) -> None:
    """Paint the neck, the shoulders where they are bare, the head's shadow on them, and a double chin."""
    box: Box = (0, 140, 178, 218)
    x, y = grid(box)
    centre = head.origin[0] - 0.55 * head.ears * head.sin_yaw * head.scale
    half = (26 + 5 * f["masculinity"] + 5 * max(0.0, f["weight"])) * head.scale
    away = x - centre
    slope = np.float32(half) + np.clip(y - 186, 0, None) ** 1.5 * np.float32(0.40 if bare else 0.12)
    side = np.clip(away / slope, -1, 1)
    facing = np.sqrt(1 - side * side)
    shade = light.shade(
        side * 0.9, np.float32(0.1) - 0.5 * np.clip((y - 190) / 30, 0, 1) + 0 * side, 0.3 + 0.7 * facing
    )
    below = whole.inside[131:209]  # nine pixels up: the head's shadow falls down on the neck
    sharp = 7 + 9 * f["light_softness"]
    shade *= 1 - np.float32(0.62) * step(below + 2, sharp)
    colour = skin_colour(f)
    shade *= 1 - np.float32(0.10) * bump(np.abs(away) - 7 - (210 - y) * 0.12, 2.0) * step(y - 188, 12)  # tendons
    paint(picture, colour[:, None, None] * shade * np.float32(0.92), step(slope - np.abs(away)), box)
    if f["double_chin"]:
        _paint_double_chin(picture, head, f, light, colour)


def _paint_double_chin(
    picture: np.ndarray, head: Head, f: Mapping[str, float], light: Light, colour: np.ndarray
) -> None:
    box: Box = (30, 150, 148, 212)
    x, y = grid(box)
    chin_x, chin_y = head.project(0, head.chin)
    across, down = (x - chin_x) / np.float32(31), (y - chin_y + 13) / np.float32(15 + 7 * f["double_chin"])
    radius = np.sqrt(across * across + down * down)
    nz = np.sqrt(np.clip(1 - radius * radius, 0.02, 1))
    shade = light.shade(across * 0.8, down * 0.75, nz) * (1 - np.float32(0.5) * step(down - 0.93, 0.3))
    paint(picture, colour[:, None, None] * shade, step((1 - radius) * 14, 1.5), box)


def paint_chin_fold(picture: np.ndarray, head: Head, whole: Spot, f: Mapping[str, float]) -> None:
    """Darken the crease between the chin and the double chin under it."""
    box: Box = (30, 140, 148, 212)
    inside = whole.cut(box).inside
    left, top, right, bottom = box
    crease = (
        bump(inside + 0.5, 2.2) * np.float32(0.5 * f["double_chin"]) * step(grid(box)[1] - head.project(0, 50)[1], 10)
    )
    picture[:, top:bottom, left:right] *= 1 - crease


def paint_ears(picture: np.ndarray, head: Head, f: Mapping[str, float], light: Light) -> None:
    """Paint the ears that the turn of the head leaves in view."""
    colour = skin_colour(f)
    for sign in (-1, 1):
        shown = 1 - max(0.0, sign * head.sin_yaw * 2.2)
        if shown <= 0.15:
            continue
        x, y = head.project(sign * (head.width - 0.5), 9)
        half = 5.5 * shown * head.scale
        box = (max(int(x - 12), 0), int(y - 20), min(int(x + 12), 178), int(y + 20))
        if box[2] - box[0] < 6:
            continue
        gx, gy = grid(box)
        across, down = (gx - x - sign * 1.5) / half, (gy - y) / (13.5 * head.scale)
        across = across + sign * 0.25 * down
        radius = np.sqrt(across * across + down * down)
        nz = np.sqrt(np.clip(1 - radius * radius, 0.1, 1))
        shade = light.shade(across * 0.7 + 0.4 * sign, down * 0.5, nz)
        shade *= 1 - np.float32(0.45) * bump(radius - 0.45, 0.22)
        paint(
            picture,
            colour[:, None, None] * np.array([1, 0.88, 0.86], np.float32)[:, None, None] * shade,
            step((1 - radius) * half),
            box,
        )
