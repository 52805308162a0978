"""Pictures of the same images by every model: some drawn by seed, and those on which the models differ most."""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from PIL import Image

from vaekit import artifacts
from vaekit.errors import DataError
from vaekit.figures.grids import image_grid, png_bytes
from vaekit.figures.words import number
from vaekit.reporting.document import Card

SHOWN = 8  # reconstructions in a row: what a phone can still show
MOST = 24  # images on which the models differ most
BY = "mse"
Originals = Callable[[Sequence[str]], np.ndarray]


@dataclass(frozen=True)
class Errors:
    """The error of K models, by name, on the same N images.

    `values` is (K, N), `places` (K, N) says where each image stands in a model's own table.
    """

    names: tuple[str, ...]
    image_ids: np.ndarray
    values: np.ndarray
    places: np.ndarray


def errors_of(tables: Mapping[str, pd.DataFrame]) -> Errors:
    """Return the mean squared errors of every model from its per-image table, joined on image_id.

    Raises:
        DataError: a model has none, or was evaluated on other images.
    """
    for name, table in tables.items():
        if BY not in table:
            raise DataError(f"{name}: {artifacts.PER_IMAGE} lacks {BY!r}: run `vaekit evaluate` again.")
    ids = next(iter(tables.values()))["image_id"].to_numpy(str)
    places = [_places(table["image_id"].to_numpy(str), ids, name) for name, table in tables.items()]
    values = np.stack([table[BY].to_numpy(float)[at] for table, at in zip(tables.values(), places, strict=True)])
    return Errors(tuple(tables), ids, np.where(np.isfinite(values), values, np.nan), np.stack(places))


def reconstruction_rows(pictures: Mapping[str, Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Return the same test images, drawn by the seed, as they are and as every model reconstructs them: name -> row.

    Raises:
        DataError: a model's pictures are of other images or sizes.
    """
    first = next(iter(pictures.values()))
    try:
        ids = first["image_id"][:SHOWN].astype(str)
        rows = {"Original": first["x"][:SHOWN]}
        for name, own in pictures.items():
            rows[name] = own["x_hat"][_places(own["image_id"].astype(str), ids, name)]
    except KeyError as error:
        raise DataError(f"{artifacts.PICTURES} lacks {error.args[0]!r}: run `vaekit evaluate` again.") from error
    _refuse_sizes(list(rows.values()))
    return rows


def contrasts(reconstructions: Mapping[str, np.ndarray], errors: Errors, originals: Originals) -> tuple[Card, ...]:
    """Return the test images whose error differs most between the best and the worst model, the largest gap first.

    Args:
        reconstructions: of all test images, by every model.
        errors: theirs.
        originals: image ids -> uint8 (n, H, W, 3).

    Raises:
        DataError: the pictures have unlike sizes, or the originals can not be read.
    """
    gap = np.ptp(errors.values, axis=0)
    order = np.argsort(-gap, kind="stable")[: min(MOST, int(np.isfinite(gap).sum()))]
    x = originals(errors.image_ids[order].tolist())
    made = list(reconstructions.values())
    _refuse_sizes([x, *made])
    return tuple(
        _card(
            rank,
            str(errors.image_ids[i]),
            dict(zip(errors.names, map(float, errors.values[:, i]), strict=True)),
            np.stack([x[rank], *(own[at] for own, at in zip(made, errors.places[:, i], strict=True))]),
        )
        for rank, i in enumerate(order)
    )


def _card(rank: int, image_id: str, errors: Mapping[str, float], pictures: np.ndarray) -> Card:
    picture = image_grid(pictures, len(pictures))
    return Card(
        rank + 1,
        image_id,
        number(max(errors.values()) - min(errors.values())),
        (f"best: {min(errors, key=lambda name: errors[name])}",),
        tuple(errors.values()),
        tuple((name, number(value)) for name, value in errors.items()),
        png_bytes(picture),
        picture.width,
        picture.height,
    )


def opened(card: Card) -> np.ndarray:
    """Return the picture of a card as one image, uint8 (1, H, W, 3)."""
    return np.asarray(Image.open(io.BytesIO(card.png)))[None]


def _refuse_sizes(stacks: Sequence[np.ndarray]) -> None:
    if len({stack.shape[1:] for stack in stacks}) > 1:
        raise DataError("The models' images have different sizes, so they do not stand side by side.")


def _places(own: np.ndarray, wanted: np.ndarray, name: str) -> np.ndarray:
    """Return where each of the wanted image ids stands among a model's own; DataError where one is not there."""
    where = {image_id: i for i, image_id in enumerate(own.tolist())}
    if not where.keys() >= set(wanted.tolist()):
        raise DataError(f"{name} was evaluated on other images: its pictures do not stand beside the others'.")
    return np.array([where[image_id] for image_id in wanted.tolist()])
