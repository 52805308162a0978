"""What stands behind a sitter: plain walls, lights out of focus, posters with lettering, leaves, rooms and skylines."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from vaekit.faces.canvas import HEIGHT, WIDTH, clouds, crop_noise, grid, swells

Colour = tuple[int, int, int]
KINDS = ("plain", "poster", "bokeh", "room", "leaves", "skyline")
SHARES = (0.38, 0.56, 0.66, 0.82, 0.91, 1.0)  # cumulative over the factor `backdrop`
WORDS = (
    "AWARD",
    "FILM",
    "GALA",
    "NEWS",
    "RADIO",
    "STYLE",
    "MUSIC",
    "LIVE",
    "PRESS",
    "2009",
    "CLUB",
    "ART",
    "NIGHT",
    "TV",
)


def backdrop_kind(place: float) -> str:
    """The kind of backdrop at a value of the factor `backdrop` in [0, 1)."""
    return KINDS[int(np.searchsorted(SHARES, place, side="right"))]


@cache
def _font(size: int) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    return ImageFont.load_default(size)


def _display(hue: float, saturation: float, value: float) -> Colour:
    wheel = np.abs((hue * 6 + np.array([0, 4, 2])) % 6 - 3) - 1
    red, green, blue = (255 * value * (1 - saturation * (1 - wheel.clip(0, 1)))).astype(int).tolist()
    return red, green, blue


def paint_background(f: Mapping[str, float], rng: np.random.Generator) -> np.ndarray:
    """(3, 218, 178) linear light of the scene behind the sitter."""
    kind, level = backdrop_kind(f["backdrop"]), f["backdrop_value"]
    # Walls are more often nearly black or nearly white than in between.
    value = 0.03 + 0.95 * (0.5 * level + 0.5 * level * level * (3 - 2 * level)) ** 0.62
    saturation = 0.85 * rng.random() ** 1.7 if value < 0.8 else 0.12 * rng.random()
    hue = f["backdrop_hue"]
    if value > 0.2 and rng.random() < 0.4:
        hue *= 0.12  # warm walls and wood are common
    base = _display(hue, saturation, value)
    image = Image.new("RGB", (WIDTH, HEIGHT), base)
    draw = ImageDraw.Draw(image)
    detail = f["backdrop_detail"]
    blur = 0.0
    if kind == "poster":
        blur = _poster(draw, rng, hue, value, detail)
    elif kind == "bokeh":
        blur = _bokeh(image, rng, hue, detail)
    elif kind == "room":
        blur = _room(draw, rng, hue, value, detail)
    elif kind == "leaves":
        return _leaves(rng, hue, value, detail)
    elif kind == "skyline":
        blur = _skyline(draw, rng, hue, value, detail)
    if blur > 0.6:
        image = image.filter(ImageFilter.BoxBlur(blur))
    plane = np.asarray(image, np.float32).transpose(2, 0, 1) * np.float32(1 / 255)
    plane = plane * plane
    x, y = grid()
    slope = rng.normal(0, 0.22, 2)
    glow = 1 + np.float32(slope[0] / 89) * (x - 89) + np.float32(slope[1] / 109) * (y - 109)
    if kind == "plain":
        centre, reach = rng.uniform(20, 158, 2).tolist(), rng.uniform(70, 200)
        glow = glow - np.float32(0.5 * detail) * (
            ((x - centre[0]) ** 2 + (y - centre[1]) ** 2) / np.float32(reach**2 * 2.5)
        )
    uneven = crop_noise(clouds(), rng) * np.float32(0.02 + 0.10 * detail * rng.random())
    return plane * np.clip(glow + uneven, 0.1, 2)


def _poster(draw: ImageDraw.ImageDraw, rng: np.random.Generator, hue: float, value: float, detail: float) -> float:
    """A press wall: blocks of colour, stripes, rings and pieces of words."""
    ink = value - 0.55 if value > 0.5 else value + 0.5
    for _ in range(int(1 + 4 * detail)):
        colour = _display(
            hue + 0.5 * rng.random(), rng.random() ** 1.5 * 0.9, float(np.clip(ink + rng.normal(0, 0.2), 0.03, 1))
        )
        x, y = rng.uniform(-30, 160), rng.uniform(-20, 200)
        shape = rng.random()
        if shape < 0.3:
            draw.rectangle([x, y, x + rng.uniform(20, 90), y + rng.uniform(10, 90)], fill=colour)
        elif shape < 0.5:
            size = rng.uniform(15, 50)
            draw.ellipse([x, y, x + size, y + size], outline=colour, width=int(rng.integers(3, 9)))
        else:
            draw.line([x, y - 80, x + rng.normal(0, 60), y + 90], fill=colour, width=int(rng.integers(3, 16)))
    if rng.random() < 0.45:
        return float(2.4 * rng.random() ** 2)
    colour = _display(hue + 0.3 * rng.random(), 0.8 * rng.random(), float(np.clip(ink, 0.03, 1)))
    size, gap = int(rng.integers(12, 60)), rng.uniform(60, 110)
    for line in range(4):
        for place in range(2):
            word = WORDS[int(rng.integers(len(WORDS)))]
            corner = (place * (3.4 * size + 20) - 30 + rng.normal(0, 10), line * gap - 12 + rng.normal(0, 4))
            draw.text(corner, word, fill=colour, font=_font(size))
    return float(2.4 * rng.random() ** 2)


def _bokeh(image: Image.Image, rng: np.random.Generator, hue: float, detail: float) -> float:
    """Discs of light in the dark."""
    image.paste(_display(hue, 0.5 * rng.random(), 0.04 + 0.14 * rng.random()), (0, 0, WIDTH, HEIGHT))
    draw = ImageDraw.Draw(image, "RGBA")
    for _ in range(int(8 + 26 * detail)):
        x, y, radius = rng.uniform(0, WIDTH), rng.uniform(-10, HEIGHT), rng.uniform(4, 20)
        near = 0.1 if rng.random() < 0.6 else rng.random()
        colour = _display(near * 0.9 + 0.03, rng.uniform(0.1, 0.9), rng.uniform(0.5, 1))
        draw.ellipse([x - radius, y - radius, x + radius, y + radius], fill=(*colour, int(rng.integers(30, 170))))
    return float(rng.uniform(1, 5))


def _room(draw: ImageDraw.ImageDraw, rng: np.random.Generator, hue: float, value: float, detail: float) -> float:
    """Walls, doors and frames, upright and level."""
    tilt = rng.normal(0, 8)
    edge = rng.uniform(-20, 40)
    while edge < WIDTH + 20:
        wide = rng.uniform(6, 30 + 60 * (1 - detail))
        shade = float(np.clip(value * rng.uniform(0.35, 1.3), 0.02, 1))
        colour = _display(hue + rng.normal(0, 0.05), 0.6 * rng.random() ** 1.5, shade)
        draw.polygon([(edge, 0), (edge + wide, 0), (edge + wide + tilt, HEIGHT), (edge + tilt, HEIGHT)], fill=colour)
        edge += wide + rng.uniform(0, 50)
    for _ in range(int(5 * detail)):
        x, y = rng.uniform(-10, 170), rng.uniform(-10, 190)
        colour = _display(rng.random(), 0.7 * rng.random(), rng.uniform(0.05, 1))
        draw.rectangle([x, y, x + rng.uniform(8, 45), y + rng.uniform(5, 40)], fill=colour)
    return float(rng.uniform(0, 4))


def _leaves(rng: np.random.Generator, hue: float, value: float, detail: float) -> np.ndarray:
    """Foliage, near or far, from noise at two sizes."""
    coarse = crop_noise(swells(), rng)
    fine = crop_noise(clouds(), rng)
    leaf = np.clip(0.5 + 0.22 * coarse + (0.08 + 0.2 * detail) * fine, 0, 1.2)
    green = np.array(_display(0.19 + 0.15 * hue, 0.2 + 0.35 * rng.random(), 0.3 + 0.55 * value), np.float32) / 255
    sky = np.array(_display(0.5 + 0.15 * rng.random(), 0.2, 0.95), np.float32) / 255
    scene = (green**2)[:, None, None] * (leaf * np.sqrt(leaf))
    gap = np.clip((coarse - 1.2) * 2, 0, 1) * float(rng.random() < 0.5)
    return scene + gap * ((sky**2)[:, None, None] - scene)


def _skyline(draw: ImageDraw.ImageDraw, rng: np.random.Generator, hue: float, value: float, detail: float) -> float:
    """Sky, horizon, buildings or hills."""
    light = 0.45 + 0.5 * value
    for row in range(0, HEIGHT, 4):
        fade = row / HEIGHT
        draw.rectangle(
            [0, row, WIDTH, row + 4],
            fill=_display(0.56 + 0.05 * hue, 0.5 * (1 - fade) * hue, min(light + 0.2 * fade, 1)),
        )
    horizon = rng.uniform(70, 190)
    draw.rectangle(
        [0, horizon, WIDTH, HEIGHT], fill=_display(0.04 + 0.22 * rng.random(), 0.25 * rng.random(), 0.7 * light)
    )
    for _ in range(int(2 + 9 * detail)):
        x, wide, high = rng.uniform(-20, WIDTH), rng.uniform(10, 50), rng.uniform(10, 110)
        colour = _display(rng.random() * 0.15 + 0.02, 0.4 * rng.random(), light * rng.uniform(0.3, 0.95))
        draw.rectangle([x, horizon - high, x + wide, horizon + rng.uniform(0, 20)], fill=colour)
    return float(rng.uniform(0.3, 4))
