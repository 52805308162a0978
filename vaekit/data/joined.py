"""One row per image: the pictures that are there, joined with what the files beside them say."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from vaekit.data.annotations import Annotation, Match, match
from vaekit.data.base import SPLITS
from vaekit.errors import DataError

Column = npt.NDArray[np.object_] | npt.NDArray[np.int64]


def join(
    present: list[str], files: list[str], annotations: Sequence[Annotation], split: npt.NDArray[np.object_]
) -> tuple[pd.DataFrame, tuple[str, ...], list[str]]:
    """Return the index of a Source, the names of its attributes and sentences about what did not fit.

    Args:
        present: ids of the images that are there, sorted.
        files: of each.
        annotations: what is said of them; an image is left out whose split or attributes no file says, where one
            says those of others.
        split: of each image, where no annotation says any.

    Raises:
        DataError: a file names none of the images, or two contradict one another.
    """
    said: dict[str, _Said] = {}
    notes: list[str] = []
    for annotation in annotations:
        found = match(annotation, present)
        notes += _mismatches(annotation, found, present)
        columns: list[tuple[str, Column | None]] = [("split", annotation.split), ("identity", annotation.identity)]
        # int64, not int8: sums and products of small integers overflow without a word.
        columns += [(name, annotation.values[:, i].astype(np.int64)) for i, name in enumerate(annotation.names)]
        for name, column in columns:
            if column is not None:
                said.setdefault(name, _Said(len(present), column.dtype)).add(annotation, column, found)
    index = pd.DataFrame(
        {"image_id": present, "file": files, "split": said["split"].values if "split" in said else split}
    )
    if "identity" in said:
        index["identity"] = np.where(said["identity"].known, said["identity"].values, "")
    attributes = {name: one.values for name, one in said.items() if name not in ("split", "identity")}
    index = pd.concat([index, pd.DataFrame(attributes, index=index.index)], axis=1)
    kept = np.all([np.ones(len(present), bool), *(one.known for name, one in said.items() if name != "identity")], 0)
    if not kept.all():
        notes.append(
            f"Left out, because the files beside them do not name them: {(~kept).sum():,} of the {len(kept):,} images."
        )
    index = index[kept].reset_index(drop=True)
    if "split" in said:
        absent = [split for split in SPLITS if not (index["split"] == split).any()]
        notes += [f"{said['split'].path.name} names no {split} image that is present." for split in absent]
    return index, tuple(attributes), notes


class _Said:
    """One column, put together from the files that have it."""

    def __init__(self, n: int, kind: np.dtype) -> None:
        self.path = Path()
        self.values = np.zeros(n, kind)
        self.known = np.zeros(n, bool)

    def add(self, annotation: Annotation, column: Column, found: Match) -> None:
        """Take what a file says; DataError where another file said otherwise of the same image."""
        theirs = column[found.rows]
        differs = np.flatnonzero(self.known & found.known & (self.values != theirs))
        if len(differs):
            raise DataError(
                f"{annotation.path} contradicts {self.path} about {annotation.image_ids[found.rows[differs[0]]]!r}. "
                "Take one of the two away."
            )
        self.path = annotation.path
        self.values = np.where(found.known, theirs, self.values)
        self.known |= found.known


def _mismatches(annotation: Annotation, found: Match, present: list[str]) -> list[str]:
    """Return sentences about images without a row and rows without an end; DataError where nothing fits."""
    name, rows, known = annotation.path.name, len(annotation.image_ids), int(found.known.sum())
    if not known:
        raise DataError(
            f"{annotation.path} names none of the {len(present):,} images that are here: it begins with "
            f"{annotation.image_ids[0]!r}, they with {present[0]!r}. Put the file there that belongs to these images, "
            "or take it away for a seeded split without attributes."
        )
    notes = [*annotation.notes, *([found.note] if found.note else [])]
    if annotation.promised not in (None, rows):
        notes.append(f"{name} announces {annotation.promised:,} rows and has {rows:,}: its download may be cut short.")
    if known < len(present):
        few = ", under half: is it the file of these images?" if 2 * known < len(present) else "."
        notes.append(f"{name} names {known:,} of the {len(present):,} images that are here{few}")
    return notes
