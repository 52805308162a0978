"""Drawn faces: CelebA's layout, rendered by vaekit itself, for use before (or instead of) CelebA."""

import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype

from vaekit.data.base import Source, dataset
from vaekit.data.celeba import read_celeba
from vaekit.data.output import locked, writing
from vaekit.errors import DataError
from vaekit.progress import Progress, silent

DEFAULT_FACES = 4000
FACES_SEED = 0  # one default set for everybody, whatever the seed of a run
PARAMETERS, FACTOR_TABLE = "faces.json", "factors.csv"

log = logging.getLogger("vaekit")


@dataset("faces")
def open_faces(root: Path, seed: int) -> Source:
    """Return the drawn faces below `root`, with what they were drawn with among the notes, and independent factors."""
    source = read_celeba(root, seed, "faces")
    parameters = _parameters(source.root)
    drawn_with = ", ".join(f"{key} {json.dumps(value)}" for key, value in sorted(parameters.items()))
    notes = ("Drawn faces: no real person.", *([f"Drawn with {drawn_with}."] if parameters else []), *source.notes)
    independent = parameters.get("factors") == "independent"
    return replace(source, notes=notes, factors=_factors(source) if independent else None)


def draw_default_faces(folder: Path, progress: Progress = silent) -> None:
    """Draw the default set of faces into `folder`, whole or not at all; two processes draw it once.

    Raises:
        OutputError: the folder can not be written.
    """
    from vaekit.faces import write_faces

    with writing(folder.parent, "name a folder of images with --data"):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with locked(folder.with_name(f".{folder.name}.lock")):
            if folder.exists():  # drawn by whom this process waited for
                return
            log.info("Drawing %s faces into %s.", DEFAULT_FACES, folder)
            write_faces(folder, DEFAULT_FACES, seed=FACES_SEED, progress=progress)


def _parameters(root: Path) -> dict[str, Any]:
    path = root / PARAMETERS
    if not path.is_file():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path} is not valid JSON ({error}): draw the faces again.") from error
    if not isinstance(found, dict):
        raise DataError(f"{path} holds no facts about drawn faces: draw the faces again.")
    return found


def _factors(source: Source) -> pd.DataFrame | None:
    """Return image_id and the factors that disentanglement is measured on; None where their table is gone."""
    from vaekit.faces.population import MEASURED

    path = source.root / FACTOR_TABLE
    if not path.is_file():
        return None
    try:
        table = pd.read_csv(path, usecols=["image_id", *MEASURED], dtype={"image_id": str})
    except (OSError, ValueError, OverflowError) as error:
        raise DataError(f"{path} can not be read ({error}): draw the faces again.") from error
    if not all(is_numeric_dtype(table[name]) and np.isfinite(table[name]).all() for name in MEASURED):
        raise DataError(f"{path} holds a factor that is no number: draw the faces again.")
    nameless = source.index["image_id"][~source.index["image_id"].isin(table["image_id"])]
    if len(nameless):
        raise DataError(f"{path} does not name the image {nameless.iloc[0]!r}: draw the faces again.")
    return table[["image_id", *MEASURED]]
