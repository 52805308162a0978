"""Rows of pictures with words at their left, above and at their right."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from vaekit.figures.grids import INK, PAPER, label_font, rgb

MUTED = (91, 99, 110)
BLANK = PAPER[0]  # a picture filled with it is not seen
_SIDE = 64  # pixels of a picture beside which the words have their plain size; larger pictures get larger words
_TEXT, _LINE, _GAP, _APART, _MARGIN, _WIDEST = 12, 16, 2, 12, 10, 170


def strips(
    pictures: np.ndarray,
    labels: Sequence[str],
    *,
    heads: Sequence[str] = (),
    notes: Sequence[str] = (),
    rows_apart: Sequence[int] = (),
    columns_apart: Sequence[int] = (),
    scale: int = 1,
) -> Image.Image:
    """Return pictures row by row with their words beside them; no pixel is changed, each is drawn `scale` times.

    Args:
        pictures: uint8 (R, C, H, W, 3 or 1).
        labels: left of each row; lines break at "\\n", the first in ink, the others muted; the widest are cut.
        heads: above each column; a text may reach over columns whose own is "".
        notes: right of each row, as `labels`.
        rows_apart, columns_apart: the rows and columns before which there is some room.
        scale: pixels of the page to a pixel of a picture.

    Raises:
        ValueError: shapes or numbers of texts that do not fit.
    """
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
    page = Image.new("RGB", (end + (margin + right if notes else 0), y[-1] + cell), PAPER)
    pen = ImageDraw.Draw(page)
    for at, head in zip(x, heads, strict=False):
        pen.text((at, 0), head, fill=MUTED, font=font)
    for i in range(rows):
        for j in range(columns):
            page.paste(Image.fromarray(pictures[i, j]), (x[j], y[i]))
        for at, beside in ((0, left_texts), (end + margin, right_texts)):
            for k, text in enumerate(beside[i].split("\n") if beside else ()):
                start = y[i] + (height - line * (beside[i].count("\n") + 1)) / 2
                pen.text((at, start + k * line), text, fill=MUTED if k else INK, font=font)
    return page


def _width(text: str, font: ImageFont.FreeTypeFont) -> int:
    return max(round(font.getlength(line)) for line in text.split("\n"))


def _cut(text: str, font: ImageFont.FreeTypeFont, most: float) -> str:
    lines = ["".join(c if c.isprintable() else " " for c in line) for line in text.split("\n")]
    for i, line in enumerate(lines):
        while font.getlength(line) > most:
            line = line[:-2] + "…"
        lines[i] = line
    return "\n".join(lines)
