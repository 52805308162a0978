"""Shoulders: suits with shirt and tie, crew and V necks, straps and bare shoulders; necklaces."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from vaekit.faces.canvas import Box, Mask, clouds, crop_noise, curve, grid, hsv, linear, paint
from vaekit.faces.head import Light
from vaekit.faces.pose import Head

BOX: Box = (0, 166, 178, 218)


def _cloth(
    f: Mapping[str, float], light: Light, rng: np.random.Generator, centre: float
) -> tuple[np.ndarray, np.ndarray]:
    """(albedo of the garment (3,), light with folds (3, h, w))."""
    x, y = grid(BOX)
    side = np.clip((x - centre) / 110, -0.9, 0.9) + 0 * y
    folds = crop_noise(clouds(), rng, BOX[3] - BOX[1], BOX[2] - BOX[0])
    shade = light.shade(side + 0.12 * folds, -0.25 + 0.12 * folds, np.sqrt(1 - side * side) * 0.9)
    bright = f["clothes_value"]
    value = 0.06 + 0.25 * bright if bright < 0.5 else 0.3 + 0.65 * (bright - 0.5) * 2
    saturation = 0.75 * abs(np.sin(9 * f["clothes_hue"])) * (0.9 if value < 0.85 else 0.2)
    return hsv(f["clothes_hue"], float(saturation), value), shade


def shoulders_bare(f: Mapping[str, float]) -> bool:
    """Whether the skin of the shoulders shows."""
    return f["masculinity"] <= 0.5 and f["clothes"] >= 0.72 and not f["necktie"]


def paint_clothes(
    picture: np.ndarray, head: Head, f: Mapping[str, float], light: Light, rng: np.random.Generator
) -> None:
    """Dress the shoulders in the picture, in place."""
    cx = head.origin[0] - 0.45 * head.ears * head.sin_yaw * head.scale
    chin = head.project(0, head.chin)[1]
    top = min(max(chin + 6, 186.0), 198.0)
    wide = 29 + 5 * f["masculinity"] + 5 * max(0.0, f["weight"])
    colour, shade = _cloth(f, light, rng, cx)
    style = f["clothes"] if not f["necktie"] else 0.0
    man = f["masculinity"] > 0.5
    slope = 5 + 8 * (1 - f["masculinity"])
    left = [(cx - wide, top - 9), (cx - 58, top + slope - 3), (-20, top + slope + 12), (-20, 240)]
    right = [(2 * cx - x, y) for x, y in left]
    body = [*left, *reversed(right)]
    if style < (0.36 if man else 0.14):  # jacket over a shirt
        shirt = linear(232, 232, 236) if f["clothes_hue"] < 0.7 else hsv(f["clothes_hue"] * 3, 0.35, 0.85)
        jacket = colour * 0.35 if f["clothes_value"] < 0.75 else colour
        cover = Mask(BOX).polygon(
            [(cx - wide, top - 7), (cx - 50, 230), (cx + 50, 230), (cx + wide, top - 7), (cx, top + 14)]
        )
        if f["necktie"]:
            cover.polygon(
                [(cx - wide, top - 8), (cx, top + 3), (cx + wide, top - 8), (cx + wide, 230), (cx - wide, 230)]
            )
        paint(picture, shirt[:, None, None] * shade, cover.alpha(), BOX)
        if f["necktie"]:
            _paint_tie(picture, f, shade, cx, top)
        lapel = Mask(BOX)
        lapel.polygon([(cx - wide - 2, top - 9), (cx - 13, 226), (-20, 240), *reversed(left[:3])])
        lapel.polygon([(cx + wide + 2, top - 9), (cx + 13, 226), (200, 240), *reversed(right[:3])])
        paint(picture, jacket[:, None, None] * shade, lapel.alpha(), BOX)
        return
    if style < 0.5:
        neckline = curve(
            [(cx - wide, top - 5), (cx - 14, top + 6), (cx, top + 8), (cx + 14, top + 6), (cx + wide, top - 5)]
        )
    elif style < 0.72:
        neckline = [(cx - wide + 2, top - 4), (cx, top + 32), (cx + wide - 2, top - 4)]
    elif man:
        neckline = [(cx - wide, top - 9), (cx - 8, top + 5), (cx, top + 14), (cx + 8, top + 5), (cx + wide, top - 9)]
    elif style < 0.86:  # straps
        for sign in (-1, 1):
            strap = Mask(BOX).line([(cx + sign * (wide + 8), top + 2), (cx + sign * (wide - 4), 230)], 7).alpha()
            paint(picture, colour[:, None, None] * shade, strap, BOX)
        return
    else:
        return
    garment = Mask(BOX).polygon(body).polygon([*neckline, (cx + wide, 150), (cx - wide, 150)], 0)
    paint(picture, colour[:, None, None] * shade, garment.alpha(), BOX)
    hem = Mask(BOX).line(neckline, 1.6).alpha() * np.float32(0.35)
    picture[:, BOX[1] :] *= 1 - hem


def _paint_tie(picture: np.ndarray, f: Mapping[str, float], shade: np.ndarray, cx: float, top: float) -> None:
    hue = 0.55 + 0.5 * f["clothes_hue"] * 1.1
    tie = hsv(hue, 0.8, 0.16 + 0.4 * f["necktie"] * f["clothes_value"])
    collar = Mask(BOX).polygon([(cx - 24, top - 6), (cx - 5, top + 2), (cx - 15, top + 13)])
    collar.polygon([(cx + 24, top - 6), (cx + 5, top + 2), (cx + 15, top + 13)])
    edge = (
        Mask(BOX)
        .line([(cx - 5, top + 2), (cx - 15, top + 13)], 1.2)
        .line([(cx + 5, top + 2), (cx + 15, top + 13)], 1.2)
    )
    picture[:, BOX[1] :] *= 1 - np.float32(0.4) * edge.alpha()
    knot = Mask(BOX).polygon([(cx - 8, top - 3), (cx + 8, top - 3), (cx + 5.5, top + 9), (cx - 5.5, top + 9)])
    knot.polygon([(cx - 5, top + 9), (cx + 5, top + 9), (cx + 12, 232), (cx - 12, 232)])
    stripes = 1 + 0.45 * np.sign(np.sin(0.55 * (grid(BOX)[0] + grid(BOX)[1]))) * (f["clothes_value"] > 0.4)
    paint(picture, tie[:, None, None] * shade * stripes.astype(np.float32), knot.alpha(), BOX)


def paint_necklace(
    picture: np.ndarray, head: Head, f: Mapping[str, float], light: Light, rng: np.random.Generator
) -> None:
    """Lay a chain or pearls about the neck, high enough for a square crop to keep it."""
    cx = head.origin[0] - 0.5 * head.ears * head.sin_yaw * head.scale
    low = min(max(head.project(0, head.chin)[1] + 10, 189.0), 196.0)
    path = curve(
        [(cx - 27, low - 10), (cx - 17, low - 2), (cx, low + 1.5), (cx + 17, low - 2), (cx + 27, low - 10)], 32
    )
    metal = (linear(240, 236, 228), linear(232, 190, 96), linear(228, 232, 240), linear(30, 26, 28))[
        int(rng.integers(4))
    ]
    beads = Mask(BOX)
    if rng.random() < 0.5:
        size = 2.0 + 1.2 * f["necklace"]
        for x, y in path:
            beads.ellipse(x, y, size, size)
    else:
        beads.line(path, 2.2 + 1.6 * f["necklace"])
        beads.ellipse(cx, low + 4, 3.5 + 2 * f["necklace"], 4.5 + 2 * f["necklace"])
    shadow = np.roll(beads.alpha(), 2, axis=0) * np.float32(0.45)
    picture[:, BOX[1] :] *= 1 - shadow
    sparkle = np.where(np.sin(grid(BOX)[0] * 1.9 + grid(BOX)[1]) > 0, np.float32(1.2), np.float32(0.7))
    tint = metal * (light.ambient + 0.75 * light.key)
    paint(picture, tint[:, None, None] * sparkle, beads.alpha(), BOX)
