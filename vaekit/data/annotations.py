"""Reading CelebA's annotation files: the official text and the CSV that circulates, with LF or CRLF line ends."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import numpy as np
import pandas as pd

from vaekit.data.base import RESERVED_COLUMNS
from vaekit.errors import DataError

AGAIN = "Mend the line, or download the file again (a download cut short looks like this)."


@dataclass(frozen=True)
class Annotation:
    """One annotation file.

    Attributes:
        path: where it lies.
        names: the names of its columns, K of them.
        image_ids: its N images, unique.
        values: (N, K), int8, or text for a file of identities.
        promised: the number of rows that its first line announces, or None.
    """

    path: Path
    names: tuple[str, ...]
    image_ids: pd.Index
    values: np.ndarray
    promised: int | None

    def rows_of(self, image_ids: list[str]) -> np.ndarray:
        """Return the row of each image, -1 where the file does not name it."""
        return self.image_ids.get_indexer(pd.Index(image_ids, dtype=object))


def read_attributes(path: Path) -> Annotation:
    """Return the attributes of a list_attr_celeba.txt or .csv as 0/1, whether it writes -1/1 or 0/1."""
    table = _read(path, None, (-1, 0, 1))
    return Annotation(table.path, table.names, table.image_ids, (table.values == 1).astype(np.int8), table.promised)


def read_partition(path: Path) -> Annotation:
    """Return the official partition of a list_eval_partition.txt or .csv: 0 train, 1 valid, 2 test."""
    return _read(path, ("partition",), (0, 1, 2))


def read_identities(path: Path) -> Annotation:
    """Return who is who, as text, of an identity_CelebA.txt or .csv."""
    return _read(path, ("identity",), None)


def _read(path: Path, columns: tuple[str, ...] | None, allowed: tuple[int, ...] | None) -> Annotation:
    """Read a file whose columns are `columns`, or are named by its header where that is None.

    Raises:
        DataError: it can not be read, or a row has too few or too many values or one that is not allowed.
    """
    try:
        data = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    except OSError as error:
        raise DataError(f"{path} can not be read: {error.strerror}.") from error
    names, promised, skipped, body = _header(path, data, columns)
    separator = "," if path.suffix == ".csv" else r"\s+"
    kind = str if allowed is None else np.int8
    try:
        table = pd.read_csv(
            io.BytesIO(body),
            sep=separator,
            header=None,
            names=["image_id", *names],
            engine="c",
            na_filter=False,
            skipinitialspace=True,
            dtype={"image_id": str} | dict.fromkeys(names, kind),
        )
    except (ValueError, pd.errors.ParserError, pd.errors.EmptyDataError):
        _point_at_line(path, body, skipped, names, allowed)
    # A first row with more values than names makes pandas take the surplus as row labels.
    too_wide = not isinstance(table.index, pd.RangeIndex)
    values = table[list(names)].to_numpy(str if kind is str else np.int8)
    if allowed is None:
        values = values.astype(object)
        fits = values.all()  # an empty text: the row ended early
    else:
        fits = len(values) and values.min() >= allowed[0] and values.max() <= allowed[-1]
    if too_wide or not len(table) or not fits:
        _point_at_line(path, body, skipped, names, allowed)
    image_ids = pd.Index([name.rpartition(".")[0] or name for name in table["image_id"].tolist()], dtype=object)
    if not image_ids.is_unique:
        twice = image_ids[image_ids.duplicated()][0]
        raise DataError(f"{path} names the image {twice!r} twice: keep one of its rows.")
    return Annotation(path, names, image_ids, values, promised)


def _header(path: Path, data: bytes, columns: tuple[str, ...] | None) -> tuple[tuple[str, ...], int | None, int, bytes]:
    """Return the columns' names, the promised number of rows, the number of lines before the rows, and the rows."""
    is_csv = path.suffix == ".csv"
    if columns is not None and not is_csv:
        return columns, None, 0, data
    promised, skipped = None, 1
    line, _, body = data.partition(b"\n")
    if not is_csv and line.strip().isdigit():
        promised, skipped = int(line), 2
        line, _, body = body.partition(b"\n")
    text = line.decode("utf-8", "replace")
    cells = [cell.strip().strip('"') for cell in text.split(",")][1:] if is_csv else text.split()
    if not cells:
        raise DataError(f"{path} has no header in line {skipped}: expected the columns' names. {AGAIN}")
    if columns is not None and len(cells) != len(columns):
        raise DataError(
            f"{path}, line {skipped}: the header names {1 + len(cells)} columns, expected {1 + len(columns)} "
            f"(image_id,{','.join(columns)}). {AGAIN}"
        )
    twice = next((c for c in cells if cells.count(c) > 1 or c in RESERVED_COLUMNS), None)
    if columns is None and twice is not None:
        raise DataError(f"{path}, line {skipped}: the column {twice!r} is named twice or is a name that vaekit uses.")
    return tuple(columns or cells), promised, skipped, body


def _point_at_line(
    path: Path, body: bytes, skipped: int, names: tuple[str, ...], allowed: tuple[int, ...] | None
) -> NoReturn:
    """Raise the DataError that names the first line which does not fit: slow, so only once something is wrong."""
    number = skipped
    for number, cells in _cells(path, body, skipped):
        came, expected = len(cells) - 1, len(names)
        if came != expected:
            per = "one for each name in the header" if expected > 1 else f"the {names[0]}"
            raise DataError(
                f"{path}, line {number}: {came} {'value' if came == 1 else 'values'} after the image's name, expected "
                f"{expected} ({per}): a column is missing or the row is cut short. {AGAIN}"
            )
        for name, cell in zip(names, cells[1:], strict=True):
            if allowed is not None and not _is_one_of(cell, allowed):
                legal = ", ".join(map(str, allowed))
                raise DataError(f"{path}, line {number}: {name} is {cell!r}, expected one of {legal}. {AGAIN}")
    if number == skipped:
        raise DataError(f"{path} names no image: it is empty below its header. {AGAIN}")
    raise DataError(f"{path} can not be read as a table. {AGAIN}")


def _cells(path: Path, body: bytes, skipped: int) -> Iterator[tuple[int, list[str]]]:
    for number, line in enumerate(body.decode("utf-8", "replace").split("\n"), skipped + 1):
        if line.strip():
            yield number, [c.strip().strip('"') for c in line.split(",")] if path.suffix == ".csv" else line.split()


def _is_one_of(cell: str, allowed: tuple[int, ...]) -> bool:
    try:
        return float(cell) in allowed
    except ValueError:
        return False
