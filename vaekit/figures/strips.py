"""Rows of pictures with words at their left, above and at their right."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from vaekit.figures.grids import INK, PAPER, label_font

MUTED = (91, 99, 110)
_SIDE = 64  # pixels of a picture beside which the words have their plain size; larger pictures get larger words
_TEXT, _LINE = 12, 16
_GAP, _APART, _MARGIN = 2, 10, 10


def strips(
    pictures: np.ndarray,
    labels: Sequence[str],
    *,
    heads: Sequence[str] = (),
    notes: Sequence[str] = (),
    rows_apart: Sequence[int] = (),
    columns_apart: Sequence[int] = (),
) -> Image.Image:
    """Return pictures row by row, their words beside them; no pixel of a picture is changed.

    Args:
        pictures: uint8 (R, C, H, W, 3).
        labels: left of each row; lines break at "\\n", the first in ink, the others muted.
        heads: above each column; "" leaves one free, and a text may reach over the free ones that follow it.
        notes: right of each row, as `labels`.
        rows_apart, columns_apart: the rows and columns before which there is some room.

    Raises:
        ValueError: shapes or numbers of texts that do not fit.
    """
    if pictures.dtype != np.uint8 or pictures.ndim != 5 or pictures.shape[-1] != 3 or 0 in pictures.shape:
        raise ValueError(f"pictures are uint8 (R, C, H, W, 3), not {pictures.dtype} {pictures.shape}")
    rows, columns, height, width, _ = pictures.shape
    if len(labels) != rows or len(heads) not in (0, columns) or len(notes) not in (0, rows):
        raise ValueError(
            f"{len(labels)} labels, {len(heads)} heads, {len(notes)} notes for {rows} x {columns} pictures"
        )
    size = max(1.0, width / _SIDE)
    font, line, gap, apart = label_font(round(_TEXT * size)), round(_LINE * size), _GAP, round(_APART * size)
    margin = round(_MARGIN * size)
    text_width = {
        texts: max((round(font.getlength(one)) for text in texts for one in text.split("\n")), default=0)
        for texts in (tuple(labels), tuple(notes))
    }
    left = text_width[tuple(labels)] + margin
    top = line + round(4 * size) if any(heads) else 0
    cell = max(height, line * max(text.count("\n") + 1 for text in (*labels, *notes)))
    x = [left + i * (width + gap) + apart * sum(at <= i for at in columns_apart) for i in range(columns)]
    y = [top + i * (cell + gap) + apart * sum(at <= i for at in rows_apart) for i in range(rows)]
    right = x[-1] + width + (margin + text_width[tuple(notes)] if notes else 0)
    page = Image.new("RGB", (right, y[-1] + cell), PAPER)
    pen = ImageDraw.Draw(page)
    for i, head in enumerate(heads):
        pen.text((x[i], 0), head, fill=MUTED, font=font)
    for i in range(rows):
        for j in range(columns):
            page.paste(Image.fromarray(pictures[i, j]), (x[j], y[i]))
        for at, texts in ((0, labels), (x[-1] + width + margin, notes)):
            if texts:
                lines = texts[i].split("\n")
                start = y[i] + (height - line * len(lines)) / 2
                for k, text in enumerate(lines):
                    pen.text((at, start + k * line), text, fill=MUTED if k else INK, font=font)
    return page
