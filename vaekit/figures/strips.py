"""Rows of pictures with words at their left, above and at their right."""

import base64
import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict, Unpack

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from vaekit.figures import _style
from vaekit.figures.grids import INK, PAPER, label_font, png_bytes, rgb

MUTED = (91, 99, 110)
BLANK = PAPER[0]  # a picture filled with it is not seen
_SIDE = 64  # pixels of a picture beside which the words have their plain size; larger pictures get larger words
_TEXT, _LINE, _GAP, _APART, _MARGIN, _WIDEST = 12, 16, 2, 12, 10, 170


class Options(TypedDict, total=False):
    """How rows of pictures are laid out."""

    heads: Sequence[str]
    notes: Sequence[str]
    rows_apart: Sequence[int]
    columns_apart: Sequence[int]
    scale: int


@dataclass(frozen=True)
class _Sheet:
    """Pictures, uint8 (R, C, H, W, 3), where they stand, and words with their places and colours."""

    pictures: np.ndarray
    x: list[int]
    y: list[int]
    width: int
    height: int
    size: int
    words: list[tuple[float, float, str, tuple[int, int, int]]]


def strips(pictures: np.ndarray, labels: Sequence[str], **options: Unpack[Options]) -> Image.Image:
    """Return pictures row by row with their words beside them; no pixel is changed, each is drawn `scale` times.

    Args:
        pictures: uint8 (R, C, H, W, 3 or 1).
        labels: left of each row; lines break at "\\n", the first in ink, the others muted; the widest are cut.
        options: heads above each column, a text may reach over columns whose own is ""; notes right of each row, as
            `labels`; rows_apart and columns_apart, the rows and columns before which there is some room; scale, pixels
            of the page to a pixel of a picture.

    Raises:
        ValueError: shapes or numbers of texts that do not fit.
    """
    laid = _laid_out(pictures, labels, **options)
    font = label_font(laid.size)
    page = Image.new("RGB", (laid.width, laid.height), PAPER)
    pen = ImageDraw.Draw(page)
    for i, j in np.ndindex(laid.pictures.shape[:2]):
        page.paste(Image.fromarray(laid.pictures[i, j]), (laid.x[j], laid.y[i]))
    for x, y, text, colour in laid.words:
        pen.text((x, y), text, fill=colour, font=font)
    return page


def sheet(pictures: np.ndarray, labels: Sequence[str], **options: Unpack[Options]) -> bytes:
    """Return `strips` as SVG, in which words are text and nothing stands behind the pictures; as PNG for LaTeX."""
    if _style.drawn_as() != "svg":
        return png_bytes(strips(pictures, labels, **options))
    laid = _laid_out(pictures, labels, **options)
    height, width = laid.pictures.shape[2:4]
    size, (across, down) = f'width="{width}" height="{height}"', (laid.width, laid.height)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {across} {down}">',
        f'<rect width="{across}" height="{down}" style="fill: {_style.PAPER}"/>',
    ]
    for i, j in np.ndindex(laid.pictures.shape[:2]):
        if (laid.pictures[i, j] == BLANK).all():
            continue
        data = base64.b64encode(png_bytes(Image.fromarray(laid.pictures[i, j]))).decode("ascii")
        parts.append(f'<image x="{laid.x[j]}" y="{laid.y[i]}" {size} href="data:image/png;base64,{data}"/>')
    for x, y, text, colour in laid.words:
        fill = _style.INK if colour == INK else _style.MUTED
        at = f'x="{x:g}" y="{y + 0.93 * laid.size:g}"'  # text of SVG stands on its line, and this is the ascent
        parts.append(f'<text {at} font-size="{laid.size}" style="fill: {fill}">{html.escape(text)}</text>')
    return "\n".join([*parts, "</svg>\n"]).encode()


def in_rows(images: np.ndarray, columns: int) -> np.ndarray:
    """Return images (N, ...) as rows (R, C, ...), C at most `columns`, the last row filled up with blank ones."""
    columns = min(columns, len(images))
    blank = np.full((-len(images) % columns, *images.shape[1:]), BLANK, np.uint8)
    return np.concatenate([images, blank]).reshape(-1, columns, *images.shape[1:])


def _laid_out(
    pictures: np.ndarray,
    labels: Sequence[str],
    *,
    heads: Sequence[str] = (),
    notes: Sequence[str] = (),
    rows_apart: Sequence[int] = (),
    columns_apart: Sequence[int] = (),
    scale: int = 1,
) -> _Sheet:
    if pictures.dtype != np.uint8 or pictures.ndim != 5 or pictures.shape[-1] not in (1, 3) or 0 in pictures.shape:
        raise ValueError(f"pictures are uint8 (R, C, H, W, 3 or 1), not {pictures.dtype} {pictures.shape}")
    pictures = rgb(pictures).repeat(scale, axis=2).repeat(scale, axis=3)
    rows, columns, height, width, _ = pictures.shape
    if len(labels) != rows or len(heads) not in (0, columns) or len(notes) not in (0, rows):
        texts = f"{len(labels)} labels, {len(heads)} heads and {len(notes)} notes"
        raise ValueError(f"{texts} do not fit {rows} x {columns} pictures")
    size = max(1.0, width / _SIDE / scale)
    font = label_font(round(_TEXT * size))
    line, apart, margin = (round(length * size) for length in (_LINE, _APART, _MARGIN))
    left_texts, right_texts = ([_cut(text, font, _WIDEST * size) for text in texts] for texts in (labels, notes))
    left, right = (max((_width(text, font) for text in texts), default=0) for texts in (left_texts, right_texts))
    top = line + margin // 2 if any(heads) else 0
    cell = max(height, line * max(text.count("\n") + 1 for text in [*left_texts, *right_texts]))
    x = [left + margin + i * (width + _GAP) + apart * sum(at <= i for at in columns_apart) for i in range(columns)]
    y = [top + i * (cell + _GAP) + apart * sum(at <= i for at in rows_apart) for i in range(rows)]
    end = x[-1] + width
    words = [(at, 0.0, head, MUTED) for at, head in zip(x, heads, strict=False) if head]
    for i in range(rows):
        for at, beside in ((0, left_texts), (end + margin, right_texts)):
            for k, text in enumerate(beside[i].split("\n") if beside and beside[i] else ()):
                start = y[i] + (height - line * (beside[i].count("\n") + 1)) / 2
                words.append((at, start + k * line, text, MUTED if k else INK))
    return _Sheet(pictures, x, y, end + (margin + right if notes else 0), y[-1] + cell, round(_TEXT * size), words)


def _width(text: str, font: ImageFont.FreeTypeFont) -> int:
    return max(round(font.getlength(line)) for line in text.split("\n"))


def _cut(text: str, font: ImageFont.FreeTypeFont, most: float) -> str:
    lines = ["".join(c if c.isprintable() else " " for c in line) for line in text.split("\n")]
    for i, line in enumerate(lines):
        while font.getlength(line) > most:
            line = line[:-2] + "…"
        lines[i] = line
    return "\n".join(lines)
