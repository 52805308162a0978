"""Hair on the face: stubble, beard, moustache, goatee and sideburns, as regions of the face's own coordinates."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from vaekit.faces.canvas import bump, clouds, crop_noise, grain, paint, step
from vaekit.faces.head import HEAD_BOX, Skin
from vaekit.faces.pose import Head


def beard_style(f: Mapping[str, float]) -> tuple[float, float]:
    """(cover of a full beard, cover of stubble); a beard with no name of its own is a full one."""
    named = f["moustache"] or f["goatee"] or f["sideburns"]
    stubble = 0.0
    if f["stubble"]:
        stubble = 0.42 + 0.16 * f["stubble"] + (0.2 if f["facial_hair"] and not named else 0.0)
    full = f["facial_hair"] if f["facial_hair"] and not named and not f["stubble"] else 0.0
    return full, stubble


def paint_beard(
    picture: np.ndarray, head: Head, skin: Skin, f: Mapping[str, float], hair: np.ndarray, rng: np.random.Generator
) -> None:
    """Paint what hair the face has under the eyes; `hair` is the (3,) colour of the hair of the head."""
    full, stubble = beard_style(f)
    parts = (full, stubble, f["moustache"], f["goatee"], f["sideburns"])
    if not any(parts):
        return
    spot = skin.spot
    away, v = np.abs(spot.face_x), spot.face_v
    fuzz = crop_noise(grain()[0], rng, *away.shape)
    lumps = crop_noise(clouds(), rng, *away.shape)
    edge = 1.0 * lumps + 0.35 * fuzz
    lip_v = 42 + 2.5 * f["mouth_open"]
    wide = 17 + 3 * max(0.0, f["smile"])
    mouth = np.sqrt((away / wide) ** 2 + ((v - lip_v) / (6.2 + 4.5 * f["mouth_open"])) ** 2)
    off_lips = (mouth - 1) * 6
    cheek = v - np.maximum(40 - 0.0 * away, 0) + np.clip(away - 13, 0, 30) * 0.62  # the line from moustache to ear
    jaw = np.minimum(cheek, np.where(away > 0.86 * head.width, np.float32(30), v - 18))
    middle = head.nose_v + 8.8 + 0.004 * away * away
    moustache = 4.6 * (1 - (away * (1 / 21)) ** 2) - np.abs(v - middle)
    goatee = (1 - np.sqrt((away / 14) ** 2 + ((v - head.chin + 9) / 17) ** 2)) * 12
    goatee = np.minimum(goatee, off_lips)
    burns = np.minimum(away - 0.84 * head.profile.take(spot.row), np.minimum(0.4 * (v + 20), 33 - v))
    burns = np.minimum(burns, np.minimum(30 * spot.front - 1, 22 - 30 * spot.front))
    whiskers = np.minimum(np.maximum(jaw, moustache), off_lips)
    dark = (hair * (0.72 if hair.mean() < 0.35 else 0.6) + 0.004).astype(np.float32)
    inside = step(spot.inside + (3.0 * full if full else 0), 1.5)
    if stubble:
        shadow = (dark * 0.5 + skin.colour * np.array([0.10, 0.13, 0.16], np.float32)).astype(np.float32)
        cover = step(whiskers + edge, 9) * np.clip(stubble * (1 + 0.12 * fuzz), 0, 1) * inside
        paint(picture, shadow[:, None, None] * skin.light_in_box(), cover, HEAD_BOX)
    cover = np.zeros_like(v)
    if full:
        cover = np.maximum(cover, step(whiskers + edge, 3.5) * np.float32(0.80 + 0.18 * full))
    if f["moustache"]:
        cover = np.maximum(
            cover, step(moustache + edge, 2.5) * step(off_lips + 3, 2) * np.float32(0.72 + 0.2 * f["moustache"])
        )
    if f["goatee"]:
        strip = np.minimum(np.minimum(np.maximum(moustache, bump(away - 17.5, 2.2) * 3 - 1), v - 30), 64 - v)
        ring = np.minimum(strip, off_lips) if f["hair_part"] > 0 else goatee
        cover = np.maximum(cover, step(np.maximum(goatee, ring) + edge, 2.5) * np.float32(0.74 + 0.18 * f["goatee"]))
    if f["sideburns"]:
        cover = np.maximum(cover, step(burns + edge, 3) * np.float32(0.8))
    lit = dark[:, None, None] * skin.light_in_box() * np.clip(1 + 0.22 * fuzz + 0.12 * lumps, 0.3, 2)
    paint(picture, lit, cover * inside, HEAD_BOX)
