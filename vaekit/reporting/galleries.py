"""The worst, best and random images as cards: a picture, and what is known about it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from vaekit import artifacts
from vaekit.errors import DataError
from vaekit.figures.galleries import CHOSEN, KINDS, attributes_of, common_limit, pictures
from vaekit.figures.grids import png_bytes, triples
from vaekit.figures.words import in_sentence, readable
from vaekit.reporting.text import number

_SHARES = {"worst": 0.5, "best": 0.25, "random": 0.25}  # of the room on the page


@dataclass(frozen=True)
class Card:
    """One image: its rank and name, what it has, and original, reconstruction and error map as one PNG."""

    rank: int
    image_id: str
    value: str
    attributes: tuple[str, ...]
    values: tuple[float | None, ...]
    facts: tuple[tuple[str, str], ...]
    png: bytes
    width: int
    height: int


@dataclass(frozen=True)
class Gallery:
    """The images of one kind; `stored` of them lie on disk, the cards are those that fit on a page."""

    kind: str
    chosen: str
    cards: tuple[Card, ...]
    stored: int
    file: str


@dataclass(frozen=True)
class Galleries:
    """All galleries on one error scale, and by what their cards can be sorted and filtered."""

    galleries: tuple[Gallery, ...]
    label: str
    unit: str
    limit: float
    columns: tuple[tuple[str, str], ...]
    attributes: tuple[str, ...]
    absent: tuple[str, ...]


def make_galleries(files: dict[str, Any], missing: dict[str, str], room: float) -> Galleries:
    """Return the three galleries, with as many cards as `room` bytes of PNG hold; a missing table is said.

    Raises:
        DataError: the ranking or the pictures are missing, or the arrays lack a kind.
    """
    for name in (artifacts.FAILURES_SUMMARY, artifacts.GALLERY, artifacts.WORST):
        if name not in files:
            raise DataError(missing[name])
    ranked, metrics = files[artifacts.FAILURES_SUMMARY], files[artifacts.SUMMARY]["metrics"]
    columns = tuple((c, metrics[c]["label"]) for c in files[artifacts.WORST].columns if c in metrics)
    limit = common_limit(files)
    try:
        galleries = tuple(
            Gallery(
                kind,
                CHOSEN[kind].format(in_sentence(ranked["label"])),
                _cards(files, kind, ranked["ranked_by"], columns, limit, room * _SHARES[kind]),
                len(files[file]),
                file,
            )
            for kind, file in KINDS.items()
            if file in files
        )
    except KeyError as error:
        raise DataError(f"The failure analysis lacks {error.args[0]!r}: run `vaekit failures` again.") from error
    absent = tuple(missing[file] for file in KINDS.values() if file not in files)
    shown = {name for gallery in galleries for card in gallery.cards for name in card.attributes}
    return Galleries(
        galleries, in_sentence(ranked["label"]), ranked["unit"], limit, columns, tuple(sorted(shown)), absent
    )


def _cards(
    files: dict[str, Any], kind: str, by: str, columns: tuple[tuple[str, str], ...], limit: float, room: float
) -> tuple[Card, ...]:
    table: pd.DataFrame = files[KINDS[kind]]
    shown = triples(*pictures(files, kind), limit)
    cards: list[Card] = []
    for (_, row), has, picture in zip(table.iterrows(), attributes_of(table, files), shown, strict=False):
        png = png_bytes(Image.fromarray(picture))
        room -= len(png)
        if room < 0 and cards:
            break
        values = tuple(float(row[c]) if np.isfinite(row[c]) else None for c, _ in columns)
        facts = tuple((label, number(value)) for (_, label), value in zip(columns, values, strict=True))
        cards.append(
            Card(
                int(row["rank"]), str(row["image_id"]), number(float(row[by])), tuple(map(readable, has)),
                values, facts, png, picture.shape[1], picture.shape[0],
            )
        )  # fmt: skip
    return tuple(cards)
