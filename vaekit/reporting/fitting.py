"""How much of the pictures a page of a given size can carry: large figures shrink, long galleries end earlier."""

import base64
import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from PIL import Image

from vaekit.figures.grids import png_bytes
from vaekit.reporting.document import Block, Cards, Live, Picture, Section, Strips
from vaekit.reporting.machine import plain

PAGE = 7_800_000  # bytes of the whole page; the rest to 8 MB is kept for what is estimated here
_STYLE, _TAGS, _IDS = 60_000, 1.3, 1.12  # bytes of style and script; what tags add to the words, and ids to a chart
_FIGURES = 0.5  # of the room for pictures, at most, goes to figures
_FINEST, _COARSEST = 0.95, 0.2  # steps and end of shrinking
_WEIGHTS = {"worst": 4.0, "best": 2.0, "random": 2.0, "strips": 3.0}  # against 1 of any other gallery
_PNG = re.compile(rb"(data:image/png;base64,)([A-Za-z0-9+/=\s]+)")
_ROW = 3  # cards that stand side by side: a gallery that is cut ends with a whole row


def fit(sections: Sequence[Section]) -> tuple[Section, ...]:
    """Return the sections with no more bytes of pictures than a page of PAGE bytes holds.

    Raster figures shrink together until they take at most half of the room. Galleries and strips share the rest by
    weight, those that need less leaving theirs to the others, and end where their share does, after one item at least.
    """
    blocks = [block for section in sections for block in section.walk()]
    figures = [block for block in blocks if isinstance(block, Picture)]
    lines = sum(len(b.drawn.data) for b in figures if not _holds_pixels(b))
    words = len(json.dumps([plain(block) for section in sections for block in section.blocks], ensure_ascii=False))
    room = max(0.0, PAGE - _STYLE - _TAGS * words - _IDS * lines) * 3 / 4  # base64 makes four characters of three bytes
    room -= sum(len(b.weights) + len(b.data) for b in blocks if isinstance(b, Live))
    pictures = _shrunk([b for b in figures if _holds_pixels(b)], _FIGURES * room)
    room -= sum(map(_weight_of, pictures.values()))
    elastic = {b.name: b for b in blocks if isinstance(b, Cards | Strips)}
    shares = _shares({name: (sum(map(len, _pngs(b))), _weight(b)) for name, b in elastic.items()}, room)

    def fitted(block: Block) -> Block:
        if isinstance(block, Picture) and block.name in pictures:
            return replace(block, shown=pictures[block.name])
        if isinstance(block, Cards):
            return replace(block, cards=block.cards[: _count(block, shares[block.name])])
        if isinstance(block, Strips):
            kept = _count(block, shares[block.name])
            return replace(block, strips=block.strips[:kept], omitted=len(block.strips) - kept)
        return block

    return tuple(replace(section, blocks=section.mapped(fitted)) for section in sections)


def _pngs(block: Cards | Strips) -> list[bytes]:
    return [item.png for item in (block.cards if isinstance(block, Cards) else block.strips)]


def _weight(block: Cards | Strips) -> float:
    return _WEIGHTS.get("strips" if isinstance(block, Strips) else block.name, 1.0)


def _shares(wants: Mapping[str, tuple[float, float]], room: float) -> dict[str, float]:
    """Return name -> bytes it gets of `wants` (name -> bytes, weight): a fair share, or all where it wants less."""
    shares: dict[str, float] = {}
    open_wants = dict(wants)
    while open_wants:
        level = max(0.0, room) / sum(weight for _, weight in open_wants.values())
        content = {name: want for name, (want, weight) in open_wants.items() if want <= level * weight}
        if not content:
            return shares | {name: level * weight for name, (_, weight) in open_wants.items()}
        shares |= content
        room -= sum(content.values())
        open_wants = {name: want for name, want in open_wants.items() if name not in content}
    return shares


def _count(block: Cards | Strips, room: float) -> int:
    """Return how many items fit in `room` bytes, one at least."""
    kept = 0
    for png in _pngs(block):
        room -= len(png)
        if room < 0:
            break
        kept += 1
    if isinstance(block, Cards) and kept < len(block.cards):
        kept -= kept % _ROW if kept > _ROW else 0
    return max(1, kept)


def _shrunk(pictures: Sequence[Picture], room: float) -> dict[str, bytes]:
    """Return name -> PNG, all shrunk by one factor so that together they take at most `room` bytes."""
    shown = {picture.name: picture.drawn.data for picture in pictures}
    factor = 1.0
    while (total := sum(map(_weight_of, shown.values()))) > room and factor > _COARSEST:
        factor *= min(_FINEST, (room / total) ** 0.5)
        shown = {picture.name: _smaller(picture.drawn.data, factor) for picture in pictures}
    return shown


def _holds_pixels(picture: Picture) -> bool:
    """Return whether a figure can be shrunk: it is one PNG, or an SVG around several."""
    return picture.drawn.suffix == "png" or _PNG.search(picture.drawn.data) is not None


def _weight_of(data: bytes) -> float:
    """Return how many bytes of PNG take as much room on the page as a figure does: SVG holds them as base64."""
    return 0.75 * len(data) if b"<svg" in data[:300] else len(data)


def _smaller(data: bytes, factor: float) -> bytes:
    if b"<svg" not in data[:300]:
        return _resized(data, factor)
    return _PNG.sub(lambda m: m[1] + base64.b64encode(_resized(base64.b64decode(m[2]), factor)), data)


def _resized(png: bytes, factor: float) -> bytes:
    with Image.open(io.BytesIO(png)) as image:
        width, height = (max(1, round(factor * side)) for side in image.size)
        mode = "RGBA" if "A" in image.getbands() else "RGB"  # what is see-through stays so
        return png_bytes(image.convert(mode).resize((width, height), Image.Resampling.LANCZOS))
