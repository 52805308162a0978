"""Pictures of the same images by every model: some drawn by seed, and those on which the models differ most."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from PIL import Image

from vaekit import artifacts
from vaekit.errors import DataError
from vaekit.figures.grids import image_grid, png_bytes
from vaekit.reporting.compare_models import Compared

SHOWN = 8  # reconstructions in a row: what a phone can still show
MOST = 12  # images on which the models differ most
BY = "mse"
Originals = Callable[[Sequence[str]], np.ndarray]


@dataclass(frozen=True)
class Row:
    """Pictures in one row with the name of who made them."""

    name: str
    images: np.ndarray

    @property
    def png(self) -> bytes:
        """The row as one picture."""
        return png_bytes(image_grid(self.images, len(self.images)))

    @property
    def size(self) -> tuple[int, int]:
        """Its width and height in pixels."""
        with_gaps = Image.fromarray(self.images[0]), len(self.images)
        return with_gaps[0].width * with_gaps[1] + 2 * (with_gaps[1] - 1), with_gaps[0].height


@dataclass(frozen=True)
class Tile:
    """One picture of an image: by whom, with what error; the original has none."""

    name: str
    value: float | None
    image: np.ndarray

    @property
    def png(self) -> bytes:
        """The tile as a picture."""
        return png_bytes(Image.fromarray(self.image))


@dataclass(frozen=True)
class Contrast:
    """One test image on which the models differ: its rank by that, its tiles, and who is best on it."""

    rank: int
    image_id: str
    spread: float
    best: str
    tiles: tuple[Tile, ...]


def reconstruction_rows(models: Sequence[Compared]) -> tuple[Row, ...]:
    """Return the same test images, drawn by the seed, as they are and as every model reconstructs them.

    Raises:
        DataError: a model has no pictures, or they are of other images.
    """
    pictures = [model.get(artifacts.PICTURES) for model in models]
    try:
        ids = pictures[0]["image_id"][:SHOWN]
        places = [_places(own["image_id"], ids, models[i].name) for i, own in enumerate(pictures)]
        rows = [Row("Original", pictures[0]["x"][places[0]])]
        rows += [Row(m.name, own["x_hat"][at]) for m, own, at in zip(models, pictures, places, strict=True)]
    except KeyError as error:
        raise DataError(f"{artifacts.PICTURES} lacks {error.args[0]!r}: run `vaekit evaluate` again.") from error
    if len({row.images.shape for row in rows}) > 1:
        raise DataError("The models' images have different sizes, so they do not stand side by side.")
    return tuple(rows)


def contrasts(models: Sequence[Compared], originals: Originals | None) -> tuple[Contrast, ...]:
    """Return the test images whose error differs most between the best and the worst model, the largest gap first.

    Args:
        models: with per_image.csv and reconstructions.npy of the same images.
        originals: image ids -> uint8 (n, H, W, 3); None leaves the originals out.

    Raises:
        DataError: a model lacks one of them, or they are of other images.
    """
    tables = [model.get(artifacts.PER_IMAGE) for model in models]
    reconstructions = [model.get(artifacts.RECONSTRUCTIONS) for model in models]
    ids = tables[0]["image_id"].to_numpy(str)
    places = [_places(table["image_id"].to_numpy(str), ids, model.name)
              for table, model in zip(tables, models, strict=True)]  # fmt: skip
    errors = np.stack([_errors(table, at) for table, at in zip(tables, places, strict=True)])
    if len({images.shape[1:] for images in reconstructions}) > 1:
        raise DataError("The models' images have different sizes, so they do not stand side by side.")
    spread = np.ptp(errors, axis=0)
    order = np.argsort(-spread, kind="stable")[: min(MOST, int(np.isfinite(spread).sum()))]
    x = None if originals is None else originals(ids[order].tolist())
    found = []
    for rank, i in enumerate(order):
        tiles = [Tile("Original", None, x[rank])] if x is not None else []
        tiles += [
            Tile(model.name, float(errors[k, i]), np.asarray(reconstructions[k][places[k][i]]))
            for k, model in enumerate(models)
        ]
        best = models[int(errors[:, i].argmin())].name
        found.append(Contrast(rank + 1, str(ids[i]), float(spread[i]), best, tuple(tiles)))
    return tuple(found)


def order_of_images(models: Sequence[Compared]) -> dict[str, float]:
    """Return the share of the test images on which each model has the smallest error; a tie counts for the first."""
    tables = [model.get(artifacts.PER_IMAGE) for model in models]
    ids = tables[0]["image_id"].to_numpy(str)
    errors = np.stack([
        _errors(table, _places(table["image_id"].to_numpy(str), ids, model.name))
        for table, model in zip(tables, models, strict=True)
    ])  # fmt: skip
    best = errors.argmin(axis=0)
    return {model.name: float((best == k).mean()) for k, model in enumerate(models)}


def _errors(table: pd.DataFrame, places: np.ndarray) -> np.ndarray:
    if BY not in table:
        raise DataError(f"{artifacts.PER_IMAGE} lacks {BY!r}: run `vaekit evaluate` again.")
    return table[BY].to_numpy(float)[places]


def _places(own: np.ndarray, wanted: np.ndarray, name: str) -> np.ndarray:
    """Return where each of the wanted image ids stands among a model's own; DataError where one is not there."""
    where = {image_id: i for i, image_id in enumerate(own.tolist())}
    if not where.keys() >= set(wanted.tolist()):
        raise DataError(f"{name} was evaluated on other images: pictures do not stand side by side.")
    return np.array([where[image_id] for image_id in wanted.tolist()])
