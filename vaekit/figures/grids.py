"""Pictures made of pictures. Arrays are uint8 (N, H, W, C), C 1 or 3; nothing is normalised.

A pixel shown is the pixel given.
"""

import io
from functools import lru_cache
from pathlib import Path

import matplotlib as mpl
import numpy as np
from PIL import Image, ImageDraw, ImageFont

PAPER, INK = (254, 254, 254), (34, 38, 43)
_MAP = "magma"  # perceptually uniform: equal steps of error look equal
_TILE = 384  # width in pixels at which a gallery's text is readable


def _check(*stacks: np.ndarray) -> None:
    for images in stacks:
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] not in (1, 3) or 0 in images.shape:
            raise ValueError(f"images are uint8 (N, H, W, 3 or 1) with N > 0, not {images.dtype} {images.shape}")
        if images.shape != stacks[0].shape:
            raise ValueError(f"originals {stacks[0].shape} and reconstructions {images.shape} do not pair up")


def rgb(images: np.ndarray) -> np.ndarray:
    """Return images (..., H, W, C) in three channels: grey ones are repeated, here and nowhere else."""
    return images if images.shape[-1] == 3 else images.repeat(3, axis=-1)


def image_grid(images: np.ndarray, columns: int, *, gap: int = 2, scale: int = 1) -> Image.Image:
    """Return `images` row by row in a grid, `gap` white pixels apart, each pixel drawn `scale` times.

    Raises:
        ValueError: anything but uint8 (N, H, W, 3 or 1) with N > 0.
    """
    _check(images)
    images = rgb(images).repeat(scale, axis=1).repeat(scale, axis=2)
    n, height, width, _ = images.shape
    columns = min(columns, n)
    rows = -(-n // columns)
    grid = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap, 3), PAPER, np.uint8)
    for i, image in enumerate(images):
        top, left = i // columns * (height + gap), i % columns * (width + gap)
        grid[top : top + height, left : left + width] = image
    return Image.fromarray(grid)


def pair_grid(x: np.ndarray, x_hat: np.ndarray, columns: int, *, gap: int = 4, scale: int = 1) -> Image.Image:
    """Return originals with their reconstructions right below, pairs `gap` pixels apart."""
    _check(x, x_hat)
    return image_grid(np.concatenate([x, x_hat], axis=1), columns, gap=gap, scale=scale)


def absolute_error(x: np.ndarray, x_hat: np.ndarray) -> np.ndarray:
    """Return |x - x_hat| averaged over the channels, float64 (N, H, W), in units of the pixel range [0, 1]."""
    _check(x, x_hat)
    result: np.ndarray = np.abs(x.astype(np.int16) - x_hat.astype(np.int16)).mean(axis=3) / 255
    return result


def shared_limit(*pairs: tuple[np.ndarray, np.ndarray]) -> float:
    """Return one end of the colour scale for all pairs: their 99.5th percentile of error, up to the next .05."""
    errors = np.concatenate([absolute_error(x, x_hat).ravel() for x, x_hat in pairs])
    return max(0.05, float(np.ceil(np.percentile(errors, 99.5) * 20 - 1e-9) / 20))


def error_map(x: np.ndarray, x_hat: np.ndarray, limit: float) -> np.ndarray:
    """Return the absolute error in colour, uint8 (N, H, W, 3): black is 0, the brightest is `limit` or more."""
    if not limit > 0:
        raise ValueError(f"the limit of an error map is a positive error in [0, 1] pixels, not {limit}")
    steps = np.rint(np.clip(absolute_error(x, x_hat) / limit, 0, 1) * 255).astype(np.uint8)
    return colours()[steps]


def colours() -> np.ndarray:
    """Return the 256 colours of the error scale, uint8 (256, 3), from no error to the limit."""
    return mpl.colormaps[_MAP](np.arange(256), bytes=True)[:, :3]


def triples(x: np.ndarray, x_hat: np.ndarray, limit: float) -> np.ndarray:
    """Return original, reconstruction and error map side by side, uint8 (N, H, 3W, 3)."""
    return np.concatenate([rgb(x), rgb(x_hat), error_map(x, x_hat, limit)], axis=2)


def gallery(
    x: np.ndarray, x_hat: np.ndarray, labels: list[str], columns: int = 4, limit: float | None = None
) -> Image.Image:
    """Return original, reconstruction and error map of every image, with its text below and the error scale on top.

    Args:
        x: originals, uint8 (N, H, W, C).
        x_hat: reconstructions, the same shape.
        labels: one text per image; lines are broken at "\\n" and where they are too long.
        columns: triples per row.
        limit: the end of the error scale in [0, 1] pixels; None takes `shared_limit` of these images.
    """
    _check(x, x_hat)
    if len(labels) != len(x):
        raise ValueError(f"{len(labels)} labels for {len(x)} images")
    limit = shared_limit((x, x_hat)) if limit is None else limit
    font = label_font(14)
    scale = max(1, _TILE // (3 * x.shape[2]))
    tiles = triples(x, x_hat, limit).repeat(scale, axis=1).repeat(scale, axis=2)
    _, height, width, _ = tiles.shape
    texts = [[line for raw in label.split("\n") for line in _wrap(raw, font, width)] for label in labels]
    line, gap, head = 19, 18, 34
    cell = height + 6 + line * max(map(len, texts)) + gap
    columns = min(columns, len(x))
    page = Image.new("RGB", (columns * (width + gap) - gap, head + -(-len(x) // columns) * cell - gap), PAPER)
    pen = ImageDraw.Draw(page)
    _legend(page, pen, limit)
    for i, (tile, lines) in enumerate(zip(tiles, texts, strict=True)):
        left, top = i % columns * (width + gap), head + i // columns * cell
        page.paste(Image.fromarray(tile), (left, top))
        for j, text in enumerate(lines):
            pen.text((left, top + height + 6 + j * line), text, fill=INK, font=font)
    return page


def _legend(page: Image.Image, pen: ImageDraw.ImageDraw, limit: float) -> None:
    font = label_font(14)
    before, after = "error: 0 ", f" {limit:.2f} or more"
    if page.width >= 700:  # a single narrow column has room for the scale only
        before = "original · reconstruction · error, mean |x − x̂| over channels: 0 "
    start = round(font.getlength(before))
    bar = Image.fromarray(np.broadcast_to(colours()[None, ::2], (14, 128, 3)).copy())
    pen.text((0, 6), before, fill=INK, font=font)
    page.paste(bar, (start, 8))
    pen.text((start + bar.width, 6), after, fill=INK, font=font)


def _wrap(text: str, font: ImageFont.FreeTypeFont, width: int) -> list[str]:
    lines, line = [], ""
    for word in "".join(c if c.isprintable() else " " for c in text).split():
        longer = f"{line} {word}".strip()
        if line and font.getlength(longer) > width:
            lines.append(line)
            longer = word
        while font.getlength(longer) > width:  # one word wider than the tile
            longer = longer[:-2].rstrip("…") + "…"
        line = longer
    return [*lines, line]


@lru_cache
def label_font(size: int) -> ImageFont.FreeTypeFont:
    """Return the font of every label, DejaVu Sans, which matplotlib carries: the same letters on every machine."""
    path = Path(mpl.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    return ImageFont.truetype(path, size, layout_engine=ImageFont.Layout.BASIC)


def png_bytes(image: Image.Image) -> bytes:
    """Return `image` as PNG without metadata: the same image gives the same bytes."""
    buffer = io.BytesIO()
    image.save(buffer, format="PNG")
    return buffer.getvalue()
