"""The decoder itself, alive in the page."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from vaekit import artifacts
from vaekit.errors import DataError
from vaekit.figures.grids import image_grid, png_bytes
from vaekit.figures.words import fixed, plural
from vaekit.reporting.document import Block, Live, Strip, section
from vaekit.reporting.material import Material

MOST = 2_700_000  # bytes of weights: with them a page still has room for its pictures


@section("live", "The decoder, live", part="Pictures", place=85)
def live(material: Material) -> Iterable[Block]:
    """Yield sliders over the code, decoded in the page."""
    yield from material.part(_live, artifacts.EXPLORATION_SUMMARY, artifacts.LIVE)


def _live(summary: dict[str, Any], arrays: dict[str, np.ndarray]) -> Iterable[Block]:
    facts = summary["live"]
    starts = tuple(
        Strip(image_id, "", (), 1, png_bytes(image_grid(picture[None], 1, gap=0)), *picture.shape[1::-1])
        for image_id, picture in zip(facts["image_ids"], arrays["originals"], strict=True)
    )
    yield live_block(facts, arrays["weights"], arrays["codes"], arrays["steps"], arrays["draws"], starts)


def live_block(
    facts: Mapping[str, Any],
    weights: np.ndarray,
    codes: np.ndarray,
    steps: np.ndarray,
    draws: np.ndarray,
    starts: tuple[Strip, ...],
) -> Live:
    """Return a traced decoder for the page.

    Args:
        facts: its program, shape and off, the names of its sliders, and what its prior is.
        weights: float16 (W,).
        codes: of the faces to start from, (N, D); `starts` are their pictures.
        steps: what one unit of each slider adds to a code, (S, D).
        draws: from the prior, (2, M, D): the same ones at temperature 0 and 1, between which the page's own lies.

    Raises:
        DataError: the weights take too much of a page.
    """
    packed = weights.astype("<f2").tobytes()
    if len(packed) > MOST:
        size, room = (fixed(n / 1e6, 1) for n in (len(packed), MOST))
        raise DataError(f"The decoder is not in the page: its weights take {size} MB, and there is room for {room} MB.")
    data = {
        **{name: facts[name] for name in ("program", "shape", "sliders")},
        "codes": _rounded(codes),
        "steps": _rounded(steps),
        "draws": [_rounded(ends, 3) for ends in draws],
    }
    off = f"at most {fixed(facts['off'], 2)}" if facts["off"] >= 0.01 else "under 0.01"
    caption = (
        "The decoder of this model runs in the page, its weights rounded to 16 bits: on the faces here that moves a "
        f"pixel by {off} of 255 grey levels. The sliders start at the code of the face that is chosen; their unit is "
        "one standard deviation of the codes of the test images along them. The dims are those with the most KL, the "
        "attributes those that a linear probe tells best; a step towards an attribute goes from the mean code without "
        "it to that with it, so that what goes along with it in the data changes too. The prior is "
        f"{facts['prior']}; {plural(len(draws[0]), 'draw')} of it {'is' if len(draws[0]) == 1 else 'are'} in the page."
    )
    return Live(caption, starts, json.dumps(data, separators=(",", ":")).encode(), packed)


def _rounded(values: np.ndarray, digits: int = 5) -> list[list[float]]:
    return [[float(f"{value:.{digits}g}") for value in row] for row in values]
