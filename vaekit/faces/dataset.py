"""Drawn faces on disk, in CelebA's own layout."""

from __future__ import annotations

import io
import json
import multiprocessing
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
from PIL import Image

from vaekit.errors import DataError, OutputError
from vaekit.faces.attributes import ATTRIBUTES, NOT_DRAWN
from vaekit.faces.occluders import Plant
from vaekit.faces.population import FactorLaw, person_of, split_of
from vaekit.faces.render import Face, check_law, draw_face

IMAGES, ATTRIBUTE_LIST, PARTITION = "img_align_celeba", "list_attr_celeba.txt", "list_eval_partition.txt"
IDENTITIES, FACTOR_TABLE, RECORD = "identity_CelebA.txt", "factors.csv", "faces.json"
VERSION = 1  # of the drawing: another number means that the same seed draws other pixels
QUALITY, CHUNK, IN_PROCESS = 92, 50, 200

Progress = Callable[[str, int, int], None]
Row = tuple[dict[str, bool], dict[str, float]]


def encode(face: Face) -> bytes:
    """The JPEG of a face, as `write_faces` writes it."""
    buffer = io.BytesIO()
    Image.fromarray(face.image).save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()


def _write_chunk(
    first: int, *, folder: Path, count: int, seed: int, factors: FactorLaw, plant: Plant | None
) -> list[Row]:
    """Draw and write the images of one chunk; returns what they show."""
    rows = []
    for index in range(first, min(first + CHUNK, count)):
        face = draw_face(seed, index, factors=factors, plant=plant)
        (folder / f"{index + 1:06d}.jpg").write_bytes(encode(face))
        rows.append((face.attributes, face.factors))
    return rows


def _draw_all(work: Callable[[int], list[Row]], count: int, workers: int) -> Iterator[list[Row]]:
    """The rows of every chunk, in order."""
    starts = range(0, count, CHUNK)
    if workers == 1:
        yield from map(work, starts)
        return
    # Not fork: the caller may hold threads or a GPU.
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(work, starts)


def _already_there(folder: Path, record: dict[str, Any]) -> bool:
    """Whether `folder` holds this very dataset; DataError where it holds anything else."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return False
    try:
        found = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise DataError(
            f"{folder} is in the way: it holds no drawn faces (no readable {RECORD}). "
            "Choose another folder, or move it away."
        ) from None
    if found != record:
        differing = [
            f"{key}={found.get(key)!r} instead of {value!r}" for key, value in record.items() if found.get(key) != value
        ]
        raise DataError(
            f"{folder} holds other drawn faces: {', '.join(differing) or 'written by another version'}. "
            "Choose another folder, or delete it to draw these."
        )
    return True


def write_faces(
    folder: Path,
    count: int,
    *,
    seed: int = 0,
    factors: FactorLaw = "celeba",
    plant: Plant | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Path:
    """Write `count` drawn faces in CelebA's layout to `folder`, whole or not at all, and return it.

    Args:
        folder: made by this; where it holds the same faces already nothing is drawn.
        count: how many images, from 1.
        workers: processes; None for one per core, or one in all for fewer than 200 images.
        progress: called with ("faces", images done, count).

    Raises:
        DataError: a request nobody can draw, or a folder that holds something else.
        OutputError: the folder can not be written.
    """
    check_law(factors)
    if not 1 <= count <= 999_999:
        raise DataError(
            f"Can not draw {count} faces: expected a number from 1 to 999999, as CelebA's file names have six digits."
        )
    if workers is not None and workers < 1:
        raise DataError(f"Can not draw with {workers} workers: expected 1 or more.")
    if seed < 0:
        raise DataError(f"Can not draw from the seed {seed}: expected a whole number from 0.")
    folder = Path(folder)
    planted = asdict(plant) if plant else None
    record = {"version": VERSION, "count": count, "seed": seed, "factors": factors, "plant": planted}
    if _already_there(folder, record):
        return folder
    if workers is None:
        workers = 1 if count < IN_PROCESS else os.cpu_count() or 1
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as scratch:
            draft = Path(scratch) / folder.name
            images = draft / IMAGES
            images.mkdir(parents=True)
            work = partial(_write_chunk, folder=images, count=count, seed=seed, factors=factors, plant=plant)
            rows: list[Row] = []
            for chunk in _draw_all(work, count, workers):
                rows += chunk
                if progress is not None:
                    progress("faces", len(rows), count)
            _write_lists(draft, rows)
            (draft / RECORD).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
            if folder.exists():
                folder.rmdir()  # empty: `_already_there` saw to it
            shutil.move(draft, folder)
    except OSError as error:
        raise OutputError(
            f"Can not write the drawn faces to {folder}: {error.strerror or error}. "
            "Free some room or choose another folder."
        ) from error
    return folder


def _write_lists(folder: Path, rows: list[Row]) -> None:
    """Write the annotation files of a dataset."""
    names = [f"{index + 1:06d}.jpg" for index in range(len(rows))]
    lines = [str(len(rows)), " ".join(ATTRIBUTES) + " "]
    lines += [
        f"{name} " + " ".join(" 1" if shown[attribute] else "-1" for attribute in ATTRIBUTES)
        for name, (shown, _) in zip(names, rows, strict=True)
    ]
    _write_lines(folder / ATTRIBUTE_LIST, lines)
    _write_lines(folder / PARTITION, [f"{name} {split_of(index)}" for index, name in enumerate(names)])
    _write_lines(folder / IDENTITIES, [f"{name} {person_of(index) + 1}" for index, name in enumerate(names)])
    table = pd.DataFrame([factors for _, factors in rows])
    table.insert(0, "image_id", [name.removesuffix(".jpg") for name in names])
    table["planted"] = table["planted"].astype(int)
    table.to_csv(folder / FACTOR_TABLE, index=False, float_format="%.6g", lineterminator="\n")
    _write_lines(
        folder / "README.txt",
        [
            "These faces are drawn by vaekit from numbers: nobody is pictured, and no photograph was used.",
            f"The layout is CelebA's; {FACTOR_TABLE} holds the true factors of every image.",
            "Of CelebA's attributes there is no column for",
            "; ".join(f"{name} ({reason})" for name, reason in NOT_DRAWN.items()) + ".",
        ],
    )


def _write_lines(path: Path, lines: list[str]) -> None:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
