"""A dataset decoded once: images mapped from disk, and everything that is known of them."""

import hashlib
import html
import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vaekit.artifacts import FACTORS, IMAGES, INDEX, MEAN_IMAGE, META, SKIPPED, read_array, read_json, read_table
from vaekit.data.base import SPLITS, Protocol
from vaekit.data.contents import contents_of
from vaekit.errors import DataError, did_you_mean

FORMAT = 2  # of the folder; another number makes another fingerprint, so that old folders are left alone


@dataclass(frozen=True, eq=False)
class Prepared:
    """The N images of one selection of a dataset, under one protocol.

    Attributes:
        folder: where it lies.
        images: uint8 (N, H, W, C), mapped read-only; row i belongs to row i of `index`. Sorted by image_id.
        index: image_id, split, identity (where known), then one 0/1 column per attribute.
        skipped: file and reason of what could not be decoded.
        protocol: crop, size and channels of the images.
        name: of the dataset, such as "celeba".
        fingerprint: what was asked for, hashed: the contents of the selected files, index, protocol, on_bad_file.
        attributes: names of the attribute columns; empty where there are none.
        notes: sentences a report must repeat.
        meta: everything of meta.json.
    """

    folder: Path
    images: np.ndarray
    index: pd.DataFrame
    skipped: pd.DataFrame
    protocol: Protocol
    name: str
    fingerprint: str
    attributes: tuple[str, ...]
    notes: tuple[str, ...]
    meta: dict[str, Any]

    def rows(self, split: str) -> np.ndarray:
        """Return the row numbers of a split, ascending int64; DataError where it has no image."""
        if split not in SPLITS:
            raise DataError(f"There is no split {split!r}.{did_you_mean(split, SPLITS)}")
        rows = np.flatnonzero(self.index["split"] == split)
        if not len(rows):
            raise DataError(
                f"The data {self.name!r} has no {split} image ({self._counts()}). Expected at least one: raise "
                f"--limit {split}=..., put images there that its partition calls {split}, or choose other data with "
                "--data."
            )
        return rows

    def count(self, split: str) -> int:
        """Return the number of images of a split."""
        return int((self.index["split"] == split).sum())

    def mean_image(self) -> np.ndarray:
        """Return the mean of the train images, float64 (H, W, C) in [0, 1]; DataError where there are none."""
        self.rows("train")
        return np.asarray(read_array(self.folder / MEAN_IMAGE))

    def attribute_table(self, rows: np.ndarray) -> pd.DataFrame:
        """Return the attributes of these rows as 0/1, (len(rows), K), numbered from 0."""
        return self.index[list(self.attributes)].iloc[rows].reset_index(drop=True)

    def factor_table(self, rows: np.ndarray) -> pd.DataFrame | None:
        """Return the true factors of these rows, (len(rows), F); None unless known and independent of one another."""
        path = self.folder / FACTORS
        return read_table(path).drop(columns="image_id").iloc[rows].reset_index(drop=True) if path.is_file() else None

    def _counts(self) -> str:
        return ", ".join(f"{split} {self.count(split):,}" for split in SPLITS)

    def __str__(self) -> str:
        return f"{self.name} at {self.protocol.name}: {self._counts()} ({len(self.skipped)} files not decoded)"

    __repr__ = __str__

    def _repr_html_(self) -> str:
        notes = "".join(f"<li>{html.escape(note)}</li>" for note in self.notes)
        return f"<b>{html.escape(str(self))}</b><ul>{notes}</ul>"


def sealed(meta: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return `meta` with digests of the other files of `folder` and of itself, by which damage is noticed."""
    files = sorted(name for name in (IMAGES, INDEX, SKIPPED, MEAN_IMAGE, FACTORS) if (folder / name).is_file())
    meta = {**meta, "files": files, "contents": contents_of(folder, files, folder.parent, verify=True)}
    return {**meta, "seal": _seal(meta)}


def open_prepared(folder: Path, *, verify: bool = False) -> Prepared:
    """Open what `prepare` wrote; with `verify` its files are read even where nothing touched them since.

    Raises:
        DataError: something is missing, broken, of another version, or does not fit the rest.
    """
    meta = read_json(folder / META)
    if not isinstance(meta, dict) or meta.get("format") != FORMAT:
        raise DataError(f"{folder} is not of this version of vaekit: delete it and prepare the data again.")
    is_whole = meta.get("seal") == _seal({key: value for key, value in meta.items() if key != "seal"})
    if not is_whole or meta["contents"] != contents_of(folder, meta["files"], folder.parent, verify=verify):
        raise DataError(f"{folder} was changed after it was written: delete it and prepare the data again.")
    protocol = Protocol(**{field.name: meta["protocol"][field.name] for field in fields(Protocol)})
    return Prepared(
        folder=folder,
        images=read_array(folder / IMAGES),
        index=read_table(folder / INDEX, meta["attributes"]),
        skipped=read_table(folder / SKIPPED, ()),
        protocol=protocol,
        name=meta["source"],
        fingerprint=meta["fingerprint"],
        attributes=tuple(meta["attributes"]),
        notes=tuple(meta["notes"]),
        meta=meta,
    )


def _seal(meta: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(meta, sort_keys=True).encode()).hexdigest()
