"""Glasses, hats and earrings."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from vaekit.faces.canvas import FULL, Box, Mask, clouds, crop_noise, curve, grid, hsv, linear, paint
from vaekit.faces.head import Light
from vaekit.faces.pose import Head

FRAMES = [linear(16, 14, 14), linear(52, 30, 20), linear(20, 20, 30), linear(96, 20, 24), linear(40, 36, 34)]


def paint_glasses(picture: np.ndarray, head: Head, f: Mapping[str, float], rng: np.random.Generator) -> None:
    """Put glasses or sunglasses on the nose."""
    box: Box = (20, 84, 158, 142)
    dark, big = bool(f["sunglasses"]), 0.4 * f["glasses"] + 0.6 * rng.random()
    wide, high = (15.5 + 2.5 * big, 10.5 + 3.5 * big) if dark else (14.5 + 2 * big, 8.2 + 3.2 * big)
    power = 2.0 + 2.2 * rng.random()
    turn = np.linspace(0, 2 * np.pi, 28, endpoint=False)
    round_x = np.sign(np.cos(turn)) * np.abs(np.cos(turn)) ** (2 / power) * wide
    round_y = np.sign(np.sin(turn)) * np.abs(np.sin(turn)) ** (2 / power) * high
    rims, lenses = Mask(box), Mask(box)
    line = 1.7 + 1.3 * f["glasses"]
    for sign in (-1, 1):
        rim = [head.project(sign * 20.6 + x, 2.0 + y, 5) for x, y in zip(round_x, round_y, strict=True)]
        lenses.polygon(rim)
        rims.line([*rim, rim[0], rim[1]], line)
        hinge = head.project(sign * (20 + wide), -2, 4)
        temple = head.project(sign * (head.width + 1), 1)
        if (temple[0] - hinge[0]) * sign > 0:  # the arm on the side that is turned away is behind the head
            rims.line([hinge, temple], line)
    rims.line([head.project(-20 + wide - 1, -1, 5), head.project(0, -3, 9), head.project(20 - wide + 1, -1, 5)], line)
    frame = FRAMES[int(rng.integers(len(FRAMES)))]
    left, top, right, bottom = box
    glass = lenses.alpha()
    if dark:
        tint = hsv(rng.random(), 0.4, 0.1 + 0.1 * rng.random())
        fade = np.clip(0.97 - 0.004 * (grid(box)[1] - 100) * (5 * rng.random()), 0.84, 0.97)
        paint(picture, tint, glass * fade.astype(np.float32), box)
        glare = np.clip(1 - np.abs(grid(box)[0] % 40 - grid(box)[1] % 40 - 8) / 5, 0, 1) * np.float32(
            0.16 * rng.random()
        )
        paint(picture, linear(230, 235, 240), glass * glare, box)
    else:
        picture[:, top:bottom, left:right] *= 1 - np.float32(0.10) * glass
        picture[:, top:bottom, left:right] += np.float32(0.03 * rng.random()) * glass
    shadow = np.roll(rims.alpha(), 2, axis=0) * np.float32(0.3)
    picture[:, top:bottom, left:right] *= 1 - shadow
    paint(picture, frame, rims.alpha() * np.float32(0.95), box)


def paint_hat(picture: np.ndarray, head: Head, f: Mapping[str, float], light: Light, rng: np.random.Generator) -> None:
    """Put a cap, a knitted hat, a brimmed hat or a wide band on the head, with the shadow it throws."""
    kind = int(rng.integers(4))
    wide = head.width * head.stretch + 5.5
    low = (-30.0, -27.0, -30.0, -36.0)[kind]
    crown = (-94.0, -92.0, -100.0, -94.0)[kind] - 4 * f["hat"]
    turn = np.linspace(0, np.pi, 18)
    shape = (0.75, 0.8, 0.55, 0.8)[kind]
    centre = head.ears * head.sin_yaw / max(head.cos_yaw, 0.5)
    dome = [_at(head, -wide * np.cos(t), low + (crown - low) * np.sin(t) ** shape, centre) for t in turn.tolist()]
    sag = 9.0 if kind != 1 else 6.0
    front = curve([_at(head, wide, low + 2, centre), _at(head, 0, low - sag, 0), _at(head, -wide, low + 2, centre)], 16)
    colour = hsv(rng.random(), 0.75 * rng.random(), 0.1 + 0.8 * rng.random() ** 1.7)
    x, y = grid()
    middle = _at(head, 0, (low + crown) / 2, centre)
    across = np.clip((x - middle[0]) / (wide * head.scale), -0.97, 0.97) + 0 * y
    down = np.clip((y - middle[1] - 8) / 48, -0.9, 0.9)
    weave = crop_noise(clouds(), rng)
    if kind == 1:
        weave = weave * 0.4 + np.sign(np.sin(x * 1.5)) * 0.9  # ribs of a knitted hat
    shade = light.shade(across, down * 0.8, np.sqrt(1 - across * across) * np.sqrt(1 - down * down)) * (
        1 + 0.10 * weave
    )
    hat = Mask().polygon([*dome, *front])
    brim = Mask()
    if kind == 0:  # a cap's peak
        peak = [(-38, -4), (-32, 5), (0, 10), (32, 5), (38, -4), (0, -13)]
        brim.polygon(curve([_at(head, across_, low + down_, 0) for across_, down_ in peak], 40))
    elif kind == 2:
        reach = wide + 26 + 12 * f["hat"]
        brim.ellipse(*_at(head, 0, low - 2, centre * 0.6), reach * head.scale, 8.5)
    shadow = np.roll(np.maximum(hat.alpha(), brim.alpha()), 9 if kind in (0, 2) else 4, axis=0)
    picture *= 1 - np.float32(0.5) * shadow
    paint(picture, colour[:, None, None] * shade, hat.alpha(), FULL)
    if kind == 1:
        fold = Mask().line(front, 11).alpha() * hat.alpha()
        picture *= 1 - np.float32(0.3) * fold
    if kind == 2:
        band = Mask().line([(px, py - 7) for px, py in front], 8).alpha() * hat.alpha()
        picture *= 1 - np.float32(0.65) * band
    if kind in (0, 2):
        paint(picture, colour[:, None, None] * shade * np.float32(0.72), brim.alpha(), FULL)
    if kind == 0 and rng.random() < 0.6:
        badge = Mask().ellipse(*_at(head, 0, low - 28, 0), 9, 7).alpha() * np.float32(0.85)
        paint(picture, hsv(rng.random(), 0.6, 0.9) * light.key, badge, FULL)


def _at(head: Head, across: float, v: float, shift: float) -> tuple[float, float]:
    """A pixel beside the head: `project` with the horizontal taken from the head's axis, as a hat's outline is."""
    x = (across - shift * head.cos_yaw) if shift else across * head.cos_yaw + 0.3 * head.ears * head.sin_yaw
    y = v - head.tan_pitch * 0.3 * head.ears
    return (
        head.origin[0] + head.scale * (head.cos_roll * x - head.sin_roll * y),
        head.origin[1] + head.scale * (head.cos_roll * y + head.sin_roll * x),
    )


def paint_earrings(picture: np.ndarray, head: Head, f: Mapping[str, float], rng: np.random.Generator) -> None:
    """Hang earrings from the ears that are in view."""
    kind, big = int(rng.integers(3)), f["earrings"]
    metal = (linear(238, 206, 122), linear(236, 238, 244), linear(250, 246, 240), linear(70, 150, 170))[
        int(rng.integers(4))
    ]
    drop = Mask()
    for sign in (-1, 1):
        if sign * head.sin_yaw > 0.34:
            continue
        x, y = head.project(sign * (head.width + 1.0), 24)
        if kind == 0:
            drop.ellipse(x, y + 2, 3.2 + 2 * big, 3.4 + 2 * big)
        elif kind == 1:
            drop.line([(x, y - 2), (x, y + 10 + 10 * big)], 2.6).ellipse(
                x, y + 12 + 10 * big, 3 + 1.6 * big, 4.5 + 2 * big
            )
        else:
            ring = 6 + 5 * big
            circle = [
                (x + ring * 0.75 * np.cos(t), y + ring + ring * np.sin(t)) for t in np.linspace(0, 6.6, 22).tolist()
            ]
            drop.line(circle, 2.4)
    alpha = drop.alpha()
    picture *= 1 - np.float32(0.4) * np.roll(alpha, 2, axis=1)
    gx, gy = grid()
    sparkle = (0.9 + 0.2 * np.sin(gx * 1.1 - gy * 0.9)).astype(np.float32)
    paint(picture, metal[:, None, None] * sparkle, alpha, FULL)
