"""What a table says of images: attributes, split and identity, whichever of its columns hold them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from vaekit.data.base import RESERVED_COLUMNS
from vaekit.data.files import image_id_of
from vaekit.data.tables import AGAIN, ID_NAMES, SPLIT_WORDS, Table, is_index, read_rows
from vaekit.errors import DataError

PARTITION_NAMES = {"partition", "split", "subset"}
IDENTITY_NAMES = {"identity", "identity_id", "person", "person_id", "subject", "subject_id", "celeb_id"}
VALUES = {text: value for value in (-1, 0, 1) for text in (f"{value}", f"{value}.0", f"{value}.")} | {
    "+1": 1,
    "true": 1,
    "false": 0,
}


@dataclass(frozen=True)
class Annotation:
    """What one file says of N images.

    Attributes:
        path: where it lies.
        image_ids: as it spells them, (N,).
        plain: the same without suffix, unique.
        split: train, valid or test of each, (N,) of text; None where it does not say.
        identity: who it is, (N,) of text; None where it does not say.
        names: of its K attributes.
        values: of its attributes, int8 (N, K), 0 or 1.
        promised: the number of rows that its first line announces, or None.
        notes: which of its columns are not used.
    """

    path: Path
    image_ids: npt.NDArray[np.object_]
    plain: "pd.Index[str]"
    split: npt.NDArray[np.object_] | None
    identity: npt.NDArray[np.object_] | None
    names: tuple[str, ...]
    values: npt.NDArray[np.int8]
    promised: int | None
    notes: tuple[str, ...]


def read_annotation(path: Path, only: str | None = None) -> Annotation:
    """Return what a file says of images.

    Args:
        path: a table; the names of its columns tell what they are.
        only: what its one column is, whatever its header: "partition" or "identity".

    Raises:
        DataError: it can not be read as a table, names an image twice, or a value fits no reading (with its line).
    """
    table = read_rows(path)
    names = _names(table, only)
    at = next((i for i, name in enumerate(names) if name.lower() in ID_NAMES), None)
    if at is None:
        at = next((i for i, name in enumerate(names) if not is_index(name)), 0) if names[0] else 0
    image_ids = table.texts(at)
    plain = pd.Index([_plain(image_id) for image_id in image_ids], dtype=object)
    _refuse_doubles(table, plain)
    rest = [i for i in range(len(names)) if i != at and not is_index(names[i])]
    twice = next((names[i] for i in rest if names.count(names[i]) > 1), None)
    if twice is not None:
        raise DataError(f"{path}: the column {twice!r} is named twice. Keep one of them.")
    is_split = [i for i in rest if names[i].lower() in PARTITION_NAMES]
    is_identity = [i for i in rest if names[i].lower() in IDENTITY_NAMES]
    if max(len(is_split), len(is_identity)) > 1:
        both = is_split if len(is_split) > 1 else is_identity
        raise DataError(f"{path} says it twice: {' and '.join(names[i] for i in both)}. Keep one of these columns.")
    split = _translated(table, names, is_split[0], SPLIT_WORDS) if is_split else None
    identity = _filled(table, names, is_identity[0]) if is_identity else None
    others = [i for i in rest if i not in (*is_split, *is_identity)]
    attributes, values, notes = _attributes(table, names, others)
    return Annotation(path, image_ids, plain, split, identity, attributes, values, table.promised, notes)


def _names(table: Table, only: str | None) -> tuple[str, ...]:
    if table.names is None:
        if only is None or len(table.columns) != 2:
            raise DataError(
                f"{table.path} has no header in line 1: expected the columns' names, the images' first. {AGAIN}"
            )
        return "image_id", only
    if only is not None and len(table.names) == 2:
        return table.names[0] or "image_id", only
    return table.names


def _refuse_doubles(table: Table, plain: "pd.Index[str]") -> None:
    if not plain.is_unique:
        row = int(np.flatnonzero(plain.duplicated())[0])
        raise DataError(f"{table.path}, {table.place(row)} names the image {plain[row]!r} twice: keep one of its rows.")
    if "" in plain:
        raise DataError(f"{table.path}, {table.place(plain.tolist().index(''))} names no image. {AGAIN}")


def _translated(table: Table, names: tuple[str, ...], i: int, words: dict[str, str]) -> npt.NDArray[np.object_]:
    codes, texts = table.coded(i)
    meant = [words.get(text.lower().removesuffix(".0")) for text in texts]
    if None in meant:
        row = int(np.flatnonzero(np.array([word is None for word in meant])[codes])[0])
        raise DataError(
            f"{table.path}, {table.place(row)}: {names[i]} is {texts[codes[row]]!r}, expected one of 0, 1, 2 (train, "
            f"valid, test). {AGAIN}"
        )
    return np.array(meant, object)[codes]


def _filled(table: Table, names: tuple[str, ...], i: int) -> npt.NDArray[np.object_]:
    texts = table.texts(i)
    if not all(texts):
        row = int(np.flatnonzero(texts == "")[0])
        raise DataError(f"{table.path}, {table.place(row)}: {names[i]} is empty, expected a name or number. {AGAIN}")
    return texts


def _attributes(
    table: Table, names: tuple[str, ...], columns: list[int]
) -> tuple[tuple[str, ...], npt.NDArray[np.int8], tuple[str, ...]]:
    """Return the names and 0/1 values of the columns of -1/1, 0/1 or true/false, and which others are left out."""
    kept, values, left_out = [], [], []
    seen: dict[int, tuple[int, int]] = {}  # value -> the first (row, column) that holds it
    for i in columns:
        codes, texts = table.coded(i)
        meant = np.array([VALUES.get(text.lower(), 2) for text in texts])
        if (meant == 2).all():
            left_out.append(names[i] or "one without a name")
            continue
        numbers = meant[codes].astype(np.int8)
        if 2 in meant:
            row = int(np.flatnonzero(numbers == 2)[0])
            raise DataError(
                f"{table.path}, {table.place(row)}: {names[i]} is {texts[codes[row]]!r}, expected one of -1, 0, 1. "
                f"{AGAIN}"
            )
        if names[i] in RESERVED_COLUMNS or not names[i]:
            raise DataError(f"{table.path}: an attribute is called {names[i]!r}, a name that vaekit uses. Rename it.")
        for value in {-1, 0} - seen.keys():
            if value in meant:
                seen[value] = int(np.flatnonzero(numbers == value)[0]), i
        kept.append(names[i])
        values.append(numbers == 1)
    if len(seen) == 2:
        said = " and ".join(f"{names[i]} is {value} in {table.place(row)}" for value, (row, i) in sorted(seen.items()))
        raise DataError(f"{table.path}: {said}. Expected -1/1 or 0/1 throughout: which of them means no?")
    notes = (f"{table.path.name}: not used, because not of 0/1: {', '.join(left_out)}.",) if left_out else ()
    stacked = np.stack(values, 1) if values else np.empty((len(table.columns[0]), 0))
    return tuple(kept), stacked.astype(np.int8), notes


@dataclass(frozen=True)
class Match:
    """Where each image stands in an annotation: row (M,), -1 where nowhere; a note where ids were translated."""

    rows: npt.NDArray[np.intp]
    note: str

    @property
    def known(self) -> npt.NDArray[np.bool_]:
        """Which images the file names, (M,)."""
        return self.rows >= 0


def match(annotation: Annotation, present: list[str]) -> Match:
    """Return the rows of the images `present`, whose ids the file may spell as paths, with suffixes or as numbers.

    Of the readings that name every image once, the one that finds most is taken, in doubt the more literal.
    """
    best = _matched(annotation.plain, pd.Index(present, dtype=object))
    for reading, said in ((_last_part, "the last part of their path"), (_number, "their number")):
        if best.known.all():
            break
        found = _matched(*(pd.Index([reading(i) for i in ids], dtype=object) for ids in (annotation.plain, present)))
        if found.known.sum() > best.known.sum():
            at = int(found.rows.argmax())
            example = f"{annotation.image_ids[found.rows[at]]!r} there is {present[at]!r} here"
            best = Match(found.rows, f"The ids of {annotation.path.name} were matched by {said}: {example}.")
    return best


def _matched(theirs: "pd.Index[str]", ours: "pd.Index[str]") -> Match:
    """Return the rows of `ours` in `theirs`; nothing is found where a key that is not None stands for two of a side."""
    if not (theirs.dropna().is_unique and ours.dropna().is_unique):
        return Match(np.full(len(ours), -1), "")
    where = {key: row for row, key in enumerate(theirs) if key is not None}
    return Match(np.array([where.get(key, -1) for key in ours], np.intp), "")


def _plain(image_id: str) -> str:
    return image_id_of(image_id.replace("\\", "/").removeprefix("./"))


def _last_part(image_id: str) -> str | None:
    return image_id.rpartition("/")[2]


def _number(image_id: str) -> str | None:
    part = image_id.rpartition("/")[2].removesuffix(".0")
    return part.lstrip("0") or "0" if part.isascii() and part.isdigit() else None
