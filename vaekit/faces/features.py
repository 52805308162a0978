"""Brows, eyes, nostrils and mouth, painted in face coordinates so that they turn with the head."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from vaekit.faces.canvas import bump, linear, mix, step
from vaekit.faces.head import Skin
from vaekit.faces.pose import Head, Patch

EYE_X = 21.4
IRISES = [linear(38, 24, 16), linear(74, 48, 28), linear(98, 92, 52), linear(86, 118, 110), linear(98, 138, 172)]
WHITE, TOOTH, THROAT = linear(214, 208, 204), linear(236, 228, 216), linear(52, 18, 18)
SHADOWS = [linear(62, 44, 40), linear(88, 52, 44), linear(70, 60, 78), linear(52, 66, 82), linear(40, 36, 38)]


def paint_features(picture: np.ndarray, head: Head, skin: Skin, f: Mapping[str, float], hair: np.ndarray) -> None:
    """Paint everything a face has on its front into the picture; `hair` is the (3,) colour of the hair."""
    glance = 0.9 * f["gaze"]
    for sign in (-1, 1):
        patch = Patch(picture, skin.light, head, head.box(sign * EYE_X, -5.5, 17, 15))
        if patch.x.size:
            _paint_eye(patch, sign, f, skin.colour, glance)
            _paint_brow(patch, sign, f, hair)
            patch.close()
    patch = Patch(picture, skin.light, head, head.box(0, head.nose_v + 2, 16, 9))
    _paint_nostrils(patch, head, f, skin.colour)
    patch.close()
    patch = Patch(picture, skin.light, head, head.box(0, 46.5, 26, 15))
    _paint_mouth(patch, f, skin.colour)
    patch.close()


def _paint_eye(patch: Patch, sign: int, f: Mapping[str, float], skin: np.ndarray, glance: float) -> None:
    size = 1 + 0.06 * f["eye_size"] + 0.04 * f["makeup"]
    u = (patch.x * sign - EYE_X) / np.float32(size)  # positive towards the temple
    v = patch.v / np.float32(size)
    narrow, smile = f["eye_narrowing"], max(0.0, f["smile"])
    upper = 4.9 - 3.1 * max(0.0, narrow) - 0.7 * smile - 0.5 * min(0.0, narrow)
    lower = 2.9 - 1.5 * max(0.0, narrow) - 0.8 * smile
    half = 9.8
    arc = np.clip(1 - (u / half) ** 2, 0, 1)
    root = np.sqrt(arc)
    tilt = -0.07 * u  # outer corners a little higher
    lid = tilt - upper * (0.7 * root + 0.3 * arc)
    floor = tilt + lower * (0.4 * root + 0.6 * arc)
    opening = step(np.minimum(v - lid, floor - v) * np.float32(0.9)) * (np.abs(u) < half)
    makeup = f["makeup"]
    if makeup > 0.3:
        shadow = mix(SHADOWS, f["clothes_hue"]) * (0.35 + 0.65 * skin)
        lidded = step(v - (lid - 6.2 + 0.12 * u), 4.0) * step(lid + 1 - v) * step(11.5 - np.abs(u - 1.5), 5)
        patch.paint(shadow, lidded * np.float32(0.58 * makeup))
        patch.paint(shadow * 0.6, bump(v - floor - 0.6, 1.3) * step(half + 1 - np.abs(u), 3) * np.float32(0.7 * makeup))
    patch.darken(bump(v - lid + 3.4, 1.0) * step(half - 1 - np.abs(u), 3) * np.float32(0.35))  # the fold of the lid
    white = WHITE * (0.75 + 0.25 * skin)
    patch.paint(white, opening)
    iris_x, iris_y, iris = glance * sign, -0.3, 4.4
    away = np.sqrt((u - iris_x) ** 2 + (v - iris_y) ** 2)
    colour = mix(IRISES, f["eye_hue"] ** 2.2)
    patch.paint(colour, opening * step(iris - away))
    patch.darken(opening * bump(away - iris, 0.8) * np.float32(0.55))
    patch.paint(np.zeros(3, np.float32), opening * step(1.7 - away))
    patch.darken(opening * step(lid + 2.2 - v, 2.4) * np.float32(0.62))  # the lid's own shadow
    glint = step(1.0 - np.hypot(u * sign - iris_x * sign + 1.2, v - iris_y + 1.5), 0.8)
    patch.paint(np.array([0.95, 0.95, 0.95], np.float32), opening * glint, lit=False)
    lash = 0.95 - 0.3 * f["masculinity"] + 0.8 * makeup
    line = step(lash + 0.25 * np.clip(u / half, -1, 1.2) * (1 + makeup) - np.abs(v - lid), 0.9)
    line *= step(half + 0.6 + 1.8 * makeup - np.abs(u - 0.7 * makeup), 1.2)
    ink = (0.25 - 0.2 * makeup) * skin * 0.5
    patch.paint(ink.astype(np.float32), line * np.float32(0.85 + 0.15 * makeup))
    under = step(0.35 + 0.35 * makeup - np.abs(v - floor), 0.9) * step(half - np.abs(u), 2)
    patch.paint((skin * 0.3).astype(np.float32), under * np.float32(0.35 + 0.45 * makeup))


def _paint_brow(patch: Patch, sign: int, f: Mapping[str, float], hair: np.ndarray) -> None:
    bushy, arch, makeup = f["brow_weight"], f["brow_arch"], f["makeup"]
    u, male = patch.x * sign, f["masculinity"]
    along = (u - 9.0) / 24.5  # 0 at the nose, 1 at the temple
    raised = 5.2 * max(0.0, arch) + 0.6
    middle: float | np.ndarray = -9.6 - 0.5 * f["brow_height"] + 0.8 * male - 2.2 * max(0.0, arch)
    middle = middle - raised * np.clip(1 - np.abs(along - 0.62) / 0.62, -0.6, 1) + raised * 0.4
    middle = middle + 0.8 - 2.2 * along + 2.6 * np.clip(along - 0.7, 0, 1)
    thick = (1.5 + 0.5 * male + 1.9 * max(0.0, bushy) + 0.4 * min(0.0, bushy)) * np.clip(1.15 - 0.75 * along, 0.25, 1.1)
    ragged = np.sin(u * 2.7 + patch.v * 1.9 + 6 * f["brow_height"]) * (0.15 + 0.25 * max(0.0, bushy))
    cover = step(thick + ragged - np.abs(patch.v - middle), 1.3) * step(along + 0.02, 0.08) * step(1.02 - along, 0.12)
    dark = hair * 0.55 * (0.8 if hair.mean() > 0.2 else 1.0) + np.float32(0.006)
    strength = 0.47 + 0.28 * max(0.0, bushy) + 0.12 * max(0.0, arch) + 0.2 * makeup + 0.08 * male
    patch.paint(dark.astype(np.float32), cover * np.float32(min(strength, 0.97)))


def _paint_nostrils(patch: Patch, head: Head, f: Mapping[str, float], skin: np.ndarray) -> None:
    wide = 1 + 0.48 * max(0.0, f["nose_width"]) - 0.22 * max(0.0, f["nose_point"])
    v = patch.v - np.float32(head.nose_v + 4.2 - 1.2 * f["nose_point"])
    u = np.abs(patch.x)
    hole = np.sqrt(((u - 4.4 * wide) / (2.5 * wide)) ** 2 + ((v + 0.10 * (u - 4)) / 1.25) ** 2)
    patch.paint((skin * 0.10).astype(np.float32), step((1 - hole) * 1.8, 1.4) * np.float32(0.8))
    rim = bump(np.hypot(u - 7.2 * wide, (v + 3.0) / 1.1) - 3.6 * wide, 1.3) * step(u - 9.2 * wide, 2.5)
    patch.darken(rim * np.float32(0.26))
    base = bump(v - 1.6 + 0.012 * u * u, 1.2) * step(8.5 * wide - u, 4)
    patch.darken(base * np.float32(0.28))


def _paint_mouth(patch: Patch, f: Mapping[str, float], skin: np.ndarray) -> None:
    smile, gape = f["smile"], f["mouth_open"]
    wide = 16.4 + 0.8 * f["mouth_width"] + 4.0 * max(0.0, smile) - 1.5 * gape * (1 - max(0.0, smile))
    u, v = patch.x, patch.v - 42.0
    along = np.clip(np.abs(u) / wide, 0, 1.15)
    arc = np.clip(1 - along**2, 0, 1)
    root = np.sqrt(arc)
    lift = 5.4 * smile + 0.5  # corners up, pixels
    bend = -lift * along**2 + 0.42 * lift
    full = f["lip_fullness"]
    upper = (3.5 + 2.3 * max(0.0, full) + 1.5 * min(0.0, full) - 0.9 * max(0.0, smile)) * (0.4 * root + 0.6 * arc)
    upper = upper * (1 - 0.28 * bump(u, 2.6)) * (1 + 0.16 * bump(np.abs(u) - 5, 3.0))
    lower = (4.9 + 3.0 * max(0.0, full) + 1.8 * min(0.0, full) - 0.9 * max(0.0, smile)) * (0.7 * root + 0.3 * arc)
    teeth_gap = gape * (4.6 + 4.4 * max(0.0, smile) + 2.5 * (1 - max(0.0, smile)) * gape)
    top = bend - 0.22 * teeth_gap * root
    bottom = bend + 0.78 * teeth_gap * root
    wet = f["lipstick"]
    natural = skin * np.array([0.80, 0.47, 0.46], np.float32)
    painted = mix(
        [linear(190, 16, 36), linear(146, 12, 36), linear(204, 40, 84), linear(182, 44, 48)], f["backdrop_hue"]
    )
    colour = natural + np.float32(0.92 * wet) * (painted * (0.65 + 0.35 * skin.mean()) - natural)
    inside = step(wide - np.abs(u), 1.4)
    lips = step(np.minimum(v - (top - upper), (bottom + lower) - v), 1.4) * inside
    lips *= np.float32(0.76 + 0.04 * max(0.0, full) + 0.18 * wet)
    patch.darken(bump(v - bottom - lower - 1.6, 1.8) * step(9 - np.abs(u), 5) * np.float32(0.18))
    patch.paint(colour.astype(np.float32), lips)
    patch.darken(lips * step(bottom - v - 0.2, 1.5) * np.float32(0.24))  # the upper lip looks down
    shine = bump(v - bottom - 0.45 * lower, 1.1) * step(wide * 0.5 - np.abs(u), 5)
    patch.paint(np.array([0.9, 0.8, 0.8], np.float32), shine * np.float32(0.10 + 0.16 * wet + 0.08 * max(0.0, full)))
    if gape > 0:
        hole = step(np.minimum(v - top, bottom - v), 1.0) * step(wide - 0.8 - np.abs(u), 1.2)
        patch.paint(THROAT, hole)
        reach = 0.28 + 0.66 * max(0.0, smile)
        row = step(top + teeth_gap * reach * root - v, 0.9) * step(wide - 2.2 - np.abs(u), 2.5)
        patch.paint(TOOTH, hole * row * np.float32(0.93))
        patch.darken(hole * row * bump((u + 2.0) % 4.0 - 2.0, 0.35) * np.float32(0.14))
        patch.darken(hole * step(np.abs(u) - wide * 0.72, 7) * np.float32(0.5))  # the corners lie in shade
    else:
        patch.paint((skin * 0.16).astype(np.float32), step(0.75 - np.abs(v - bend), 1.0) * inside * np.float32(0.85))
    corner = np.hypot(np.abs(u) - wide - 0.3, v + lift * 0.58)
    patch.darken(bump(corner, 1.7) * np.float32(0.42 + 0.12 * max(0.0, smile)))
