"""Hair: its outline about the head, the opening it leaves for the face, strands, waves, fringe and shine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from vaekit.faces.canvas import FULL, Mask, bump, crop_noise, linear, mix, paint, step, strands, swells
from vaekit.faces.head import Light
from vaekit.faces.pose import SKULL, WIDEST, Head, Spot, V

HAIR = [
    linear(14, 12, 12),
    linear(30, 23, 20),
    linear(54, 38, 28),
    linear(82, 58, 41),
    linear(110, 80, 56),
    linear(136, 104, 73),
    linear(166, 131, 92),
    linear(194, 158, 112),
    linear(216, 184, 138),
    linear(232, 206, 164),
    linear(242, 224, 192),
]
GRAYS = [linear(70, 68, 68), linear(96, 94, 94), linear(150, 148, 148), linear(214, 212, 210)]
CROPPED = 0.06  # hair_length under which the scalp shows through
MEDIUM, LONG = 0.35, 0.6  # hair_length from which hair hides the ears, and reaches the shoulders


def hair_colour(f: Mapping[str, float]) -> np.ndarray:
    """(3,) linear albedo of the hair."""
    if f["hair_redness"] < 0:
        return mix(GRAYS, f["hair_lightness"])
    colour = mix(HAIR, f["hair_lightness"])
    red = f["hair_redness"] - 0.4
    result: np.ndarray = (colour * np.array([1 + 0.55 * red, 1 - 0.25 * red, 1 - 0.5 * red])).astype(np.float32)
    return result


@dataclass(frozen=True)
class Hairdo:
    """The hair of one sitter over the whole picture: its lit colour (3, H, W) and, at each pixel, the ragged signed
    distance (H, W) into its outline."""

    lit: np.ndarray
    outline: np.ndarray
    ragged: np.ndarray
    loose: bool  # falls beside the face, in front of the ears


def arrange_hair(head: Head, spot: Spot, f: Mapping[str, float], light: Light, rng: np.random.Generator) -> Hairdo:
    """Lay out strands and light of the hair; nothing is painted yet."""
    length, wave, bald = f["hair_length"], f["wave"], f["baldness"] > 0
    loose = length >= MEDIUM and not f["hair_tied"]
    volume = (
        0.0
        if bald
        else 5.5 + 2.0 * f["hair_volume"] + 6.0 * wave * (1 + loose) / 2 + 6.5 * loose - 2.5 * f["hair_tied"]
    )
    volume = max(volume * (0.35 if length < CROPPED else 1), 1.5)
    half = _outline(head, f, volume, loose)
    width = half.take(spot.row)
    across = spot.axis_x / (width + 1)
    fall = np.gradient(half).astype(np.float32) * -4
    ny = (fall / np.sqrt(1 + fall * fall)).take(spot.row)
    drift = crop_noise(swells(), rng)
    if loose:
        column = across * 118 + 24 * f["hair_part"] + drift * 3
    else:
        combed = 0.5 * f["hair_part"] * spot.face_v * (f["hair_cut"] > 0.4)
        column = 95 * (spot.axis_x + combed) / (np.abs(spot.face_v - SKULL) + 34) + drift * (4 + 9 * wave)
    curl = np.float32(2 * np.pi / (34 if loose else 20)) * (spot.face_v + 7 * drift + 10 * np.abs(across))
    swing = np.sin(curl)
    column += swing * np.float32(11 * max(0.0, wave - 0.1))
    row = (spot.face_v * 0.9 + 300 + 4 * drift).astype(np.intp) & 511
    texture = strands()[row, (column + 512 + rng.integers(300)).astype(np.intp) & 1023]
    if wave > 0.3:
        texture = texture + np.float32(0.8 * wave) * np.cos(curl + 0.05 * column)
    flat = np.sqrt(1 - ny * ny)
    side = across.clip(-1, 1)
    nx, nz = side * flat, np.sqrt(1 - side * side) * flat
    shade = light.shade(nx, ny * 0.8, nz)
    colour = hair_colour(f) * np.float32(0.8)
    rough = 0.16 + 0.14 * wave + 0.26 * max(0.0, f["sleekness"] - 0.3)
    strength = np.clip(1 + np.float32(rough) * texture, 0.25, 2.2)
    under = np.clip(1 - 0.0055 * np.clip(spot.face_v - 12, 0, None), 0.55, 1)  # hair below the ears lies in shade
    lit = colour[:, None, None] * (shade * (strength * under))
    x, y, z = light.direction
    ring = bump(spot.face_v + 50 - 14 * (1 - np.abs(side)) + 30 * y * 0.3 + 4 * texture, 9) * nz
    glow = 0.03 + 0.24 * max(0.0, f["sleekness"] - 0.3) + 0.06 * float(loose)
    shine = ring * np.clip(0.6 + 0.6 * texture, 0, 2) * np.clip(nx * x + nz * z + 0.2, 0, 1.2) * np.float32(glow)
    lit += shine * ((0.35 + 0.65 * colour ** np.float32(0.5)) * light.key)[:, None, None]
    ragged = texture * np.float32(0.7 + 0.3 * wave) + swing * np.float32(1.5 * wave)
    outline = (width - np.abs(spot.axis_x)) / np.sqrt(1 + np.minimum(fall.take(spot.row) ** 2, 30))
    outline += ragged * np.float32(0.4 if f["sleekness"] > 0.6 else 0.8)
    return Hairdo(lit, np.where(width > 3, outline, np.float32(-9)), ragged, loose)


def _outline(head: Head, f: Mapping[str, float], volume: float, loose: bool) -> np.ndarray:
    """(tables,) half width of the hair at each V, zero where it ends."""
    crown = SKULL - 0.8 * volume - 2.0
    wide = head.width * head.stretch + volume
    up = np.clip((V - WIDEST) / (crown - WIDEST), 0, 1)
    half = wide * (1 - up**2.35) ** 0.5
    if not loose:
        # Short hair lies closer to the head the further down it grows.
        close = (head.width * head.stretch + 0.5) * np.where(WIDEST > V, half / wide, 1)
        close = close + (half / wide) * volume * np.clip((2 - V) / 50, 0.12, 1)
        result: np.ndarray = (close * np.clip((34.0 - V) / 10, 0, 1) ** 0.5).astype(np.float32)
        return result
    length = f["hair_length"]
    end = 44 + 90 * (length - MEDIUM) if length < LONG else 85 + 100 * (length - LONG)
    spread = (0.14 + 0.14 * f["wave"] + 0.05 * f["hair_cut"]) * np.clip(V - WIDEST, 0, None)
    spread = spread + 2.8 * f["wave"] * np.sin(V * (2 * np.pi / 27) + 6 * f["hair_cut"]) * np.clip(
        (V - WIDEST) / 12, 0, 1
    )
    pinch = 1 - 0.10 * f["sleekness"] * np.clip((V - 20) / 60, 0, 1)
    below = (wide + spread) * pinch * np.clip((end - V) / 12, 0, 1) ** 0.5
    result = np.where(WIDEST > V, half, below).astype(np.float32)
    return result


def paint_back_hair(picture: np.ndarray, spot: Spot, hair: Hairdo) -> None:
    """Paint the hair that hangs behind neck and shoulders, dark where the neck shades it."""
    if hair.loose:
        shaded = 0.5 + np.clip(np.abs(spot.axis_x) * np.float32(0.02) - 0.6, 0, 0.45)
        paint(picture, hair.lit * shaded, step(hair.outline))


def paint_bun(picture: np.ndarray, head: Head, f: Mapping[str, float], hair: Hairdo) -> None:
    """Paint the knot of tied hair, for those who wear it on top."""
    if f["hair_cut"] > 0.45 and not f["hat"]:
        x, y = head.project(12 * f["hair_part"], -64)
        alpha = Mask().ellipse(x, y - 12, 18, 15).alpha()
        paint(picture, np.roll(hair.lit, -26, axis=1) * 0.9, alpha)


def paint_front_hair(picture: np.ndarray, head: Head, spot: Spot, f: Mapping[str, float], hair: Hairdo) -> None:
    """Paint the hair about the face, with the shadow it throws on the brow."""
    opening = _opening(head, spot, f, hair)
    cover = np.minimum(hair.outline, -opening)
    if not hair.loose:
        ear = 9 if f["hair_tied"] else 3 + 20 * max(0.0, f["hair_length"])
        nape = 26 * np.clip(-8 * spot.front, 0, 1)
        cover = np.minimum(cover, ear + nape - spot.face_v + hair.ragged)
    softness = 2.2 if f["hair_length"] > 0.12 or hair.loose else 4.0
    alpha = step(cover, softness)
    if f["baldness"]:
        alpha = alpha * np.float32(0.75 if f["hair_shade"] > 0.3 else 0.35)
    elif f["hair_length"] < CROPPED:
        alpha = alpha * (1 - np.float32(0.34) * step(spot.inside - 12, 24))
    shadow = np.zeros_like(alpha)
    shadow[4:, :] = step(cover[:-4], 7)
    depth = np.float32(0.42 * (1 - 0.8 * (f["baldness"] > 0)))
    picture *= 1 - depth * shadow * (1 - alpha) * step(spot.inside)
    paint(picture, hair.lit, alpha, FULL)


def _opening(head: Head, spot: Spot, f: Mapping[str, float], hair: Hairdo) -> np.ndarray:
    """(H, W) signed distance into the hole that the hair leaves for face and neck."""
    x, v = spot.face_x, spot.face_v
    away = np.abs(x)
    recede, male = f["hairline"], f["masculinity"]
    temple = np.clip(away * (1 / (head.width - 4.0)), 0, 1.3)
    square = temple * temple
    bend = square * temple if hair.loose else square * square * temple
    if f["baldness"]:
        line = np.float32(-95) + 90 * np.clip((away - head.width * 0.72) / (head.width * 0.2), 0, 1)
    else:
        top = -45.0 - 2.5 * male - 7 * max(0.0, recede) + 3 * f["face_length"] * 0.4
        corner = 13.0 * max(0.0, recede) * bump(away - 22, 8) * 1.6
        line = np.float32(top) + 30 * bend - corner
        if hair.loose or f["hair_length"] > 0.2:
            part = 16 * f["hair_part"]
            line = line - 7 * bump(x - part, 9)
    if f["bangs"]:
        reach = -25 + 9 * f["bangs"] + 0.22 * f["hair_part"] * x * (f["hair_cut"] < 0.6) - 0.004 * away * away
        line = np.maximum(line, reach + 2.6 * hair.ragged)
        line = np.where(away > head.width * 0.8, np.float32(6), line) if hair.loose else line
    front = np.minimum(v - line + 0.7 * hair.ragged, 60)
    if not hair.loose:
        side = head.profile.take(spot.row) * np.float32(0.955 - 0.03 * male) - away
        side = np.minimum(side, 40 * spot.front - 2)
        result: np.ndarray = np.minimum(
            front, np.where((v > 2) & (spot.front > 0), np.float32(40), side + np.float32(0.5) * np.clip(v + 14, 0, 16))
        )
        return result
    # Loose hair: a curtain on each side, from the part out to the cheekbones and down in front of the shoulders.
    curtain = 0.80 + 0.12 * f["hair_cut"] - 0.05 * f["wave"]
    tuck = np.sqrt(np.clip((v + 56) / 50, 0.06, 1))
    side = head.width * np.float32(curtain) * tuck - away + np.float32(0.8) * hair.ragged
    face = np.minimum(np.minimum(front, side), np.minimum(45 * spot.front - 4, spot.inside))
    neck = (
        29 + 9 * f["hair_cut"] + 0.10 * np.clip(v - 60, 0, None) - np.abs(spot.axis_x - 0.6 * head.ears * head.sin_yaw)
    )
    neck = np.minimum(neck + np.float32(0.9) * hair.ragged, v - 30)
    if f["hair_cut"] > 0.55:  # brushed behind the shoulders
        neck = np.maximum(neck, v - 66)
    result = np.maximum(face, neck)
    return result
