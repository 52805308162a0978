"""Pictures of the same images by every model: some drawn by seed, and those on which the models differ most."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from vaekit import artifacts
from vaekit.errors import DataError
from vaekit.figures.grids import image_grid, png_bytes
from vaekit.figures.words import number
from vaekit.reporting.comparison.models import Compared
from vaekit.reporting.document import Card

SHOWN = 8  # reconstructions in a row: what a phone can still show
MOST = 24  # images on which the models differ most
BY = "mse"
Originals = Callable[[Sequence[str]], np.ndarray]


@dataclass(frozen=True)
class Errors:
    """The error of K models on the same N images.

    `values` is (K, N), `places` (K, N) says where each image stands in a model's own table.
    """

    image_ids: np.ndarray
    values: np.ndarray
    places: np.ndarray


def errors_of(models: Sequence[Compared]) -> Errors:
    """Return the mean squared errors of every model, joined on image_id.

    Raises:
        DataError: a model has none, or was evaluated on other images.
    """
    tables = [model.get(artifacts.PER_IMAGE) for model in models]
    for model, table in zip(models, tables, strict=True):
        if BY not in table:
            raise DataError(f"{model.name}: {artifacts.PER_IMAGE} lacks {BY!r}: run `vaekit evaluate` again.")
    ids = tables[0]["image_id"].to_numpy(str)
    places = [
        _places(table["image_id"].to_numpy(str), ids, model.name) for model, table in zip(models, tables, strict=True)
    ]
    values = np.stack([table[BY].to_numpy(float)[at] for table, at in zip(tables, places, strict=True)])
    return Errors(ids, np.where(np.isfinite(values), values, np.nan), np.stack(places))


def reconstruction_rows(models: Sequence[Compared]) -> dict[str, np.ndarray]:
    """Return the same test images, drawn by the seed, as they are and as every model reconstructs them: name -> row.

    Raises:
        DataError: a model has no pictures, or they are of other images or sizes.
    """
    pictures = [model.get(artifacts.PICTURES) for model in models]
    try:
        ids = pictures[0]["image_id"][:SHOWN].astype(str)
        rows = {"Original": pictures[0]["x"][:SHOWN]}
        for model, own in zip(models, pictures, strict=True):
            rows[model.name] = own["x_hat"][_places(own["image_id"].astype(str), ids, model.name)]
    except KeyError as error:
        raise DataError(f"{artifacts.PICTURES} lacks {error.args[0]!r}: run `vaekit evaluate` again.") from error
    _refuse_sizes(list(rows.values()))
    return rows


def contrasts(models: Sequence[Compared], errors: Errors, originals: Originals) -> tuple[Card, ...]:
    """Return the test images whose error differs most between the best and the worst model, the largest gap first.

    Args:
        models: with the reconstructions of all test images.
        errors: theirs.
        originals: image ids -> uint8 (n, H, W, 3).

    Raises:
        DataError: a model lacks its reconstructions, or the originals can not be read.
    """
    reconstructions = [model.get(artifacts.RECONSTRUCTIONS) for model in models]
    gap = np.ptp(errors.values, axis=0)
    order = np.argsort(-gap, kind="stable")[: min(MOST, int(np.isfinite(gap).sum()))]
    x = originals(errors.image_ids[order].tolist())
    _refuse_sizes([x, *reconstructions])
    return tuple(
        _card(
            rank,
            str(errors.image_ids[i]),
            models,
            errors.values[:, i],
            np.stack([x[rank], *(r[at] for r, at in zip(reconstructions, errors.places[:, i], strict=True))]),
        )
        for rank, i in enumerate(order)
    )


def _card(rank: int, image_id: str, models: Sequence[Compared], values: np.ndarray, pictures: np.ndarray) -> Card:
    picture = image_grid(pictures, len(pictures))
    facts = tuple((model.name, number(float(value))) for model, value in zip(models, values, strict=True))
    return Card(
        rank + 1,
        image_id,
        number(float(np.ptp(values))),
        (f"best: {models[int(values.argmin())].name}",),
        tuple(map(float, values)),
        facts,
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
