"""A table as people have it, to columns of text: CSV of every dialect, CelebA's own text, parquet."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from vaekit.data.crop import SUFFIXES
from vaekit.errors import DataError

AGAIN = "Mend the line, or download the file again (a download cut short looks like this)."
ID_NAMES = (
    {"image_id", "id", "image", "img", "img_id", "path", "name", "key"}
    | {f"{what}{joint}{part}" for what in ("image", "img", "file") for joint in ("", "_") for part in ("name", "path")}
    | {"file"}
)
SPLIT_WORDS = {"train": "train", "training": "train", "valid": "valid", "validation": "valid", "val": "valid"} | {
    "test": "test",
    "testing": "test",
    "0": "train",
    "1": "valid",
    "2": "test",
}
_NUMBER, _BINARY = re.compile(r"[+-]?\d+(\.\d*)?"), re.compile(r"[+-]?[01](\.0*)?")
_LOOKED_AT = 100  # rows that tell how many columns there are


@dataclass(frozen=True)
class Table:
    """N rows of text.

    Attributes:
        path: the file.
        names: of the columns, or None where the file has no header; the name of the ids may be missing ("").
        columns: (N,) each; ask `texts` or `coded` for them.
        promised: the number of rows that its first line announces, or None.
        dialect: separator (None: white space), text and the number of its first row's line.
    """

    path: Path
    names: tuple[str, ...] | None
    columns: tuple["pd.Series[Any]", ...]
    promised: int | None
    dialect: "_Dialect | None"

    def texts(self, i: int) -> npt.NDArray[np.object_]:
        """Return the text of column i, (N,)."""
        return np.array([str(text).strip() for text in self.columns[i].tolist()], object)

    def coded(self, i: int) -> tuple[npt.NDArray[np.intp], list[str]]:
        """Return column i as numbers (N,) of the texts that occur in it."""
        column = self.columns[i]
        if isinstance(column.dtype, pd.CategoricalDtype):
            return np.asarray(column.cat.codes, np.intp), [str(text) for text in column.cat.categories]
        codes, texts = pd.factorize(self.texts(i))
        return codes.astype(np.intp), texts.tolist()

    def place(self, row: int) -> str:
        """Return "line 7" for a row, or "row 5" where the file has no lines, or one of separators alone."""
        record = None if self.dialect is None else next(islice(self.dialect.records(), row, None), None)
        return f"row {row + 1}" if record is None else f"line {record[0]}"


@dataclass(frozen=True)
class _Dialect:
    separator: str | None
    body: str
    skipped: int

    def records(self) -> Iterator[tuple[int, list[str]]]:
        """Yield the number of the line at which each row ends, and its cells."""
        if self.separator is None:
            for number, line in enumerate(self.body.split("\n"), self.skipped + 1):
                if line.strip():
                    yield number, line.split()
            return
        reader = csv.reader(io.StringIO(self.body, newline=""), delimiter=self.separator, skipinitialspace=True)
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield self.skipped + reader.line_num, [cell.strip() for cell in cells]


def read_rows(path: Path) -> Table:
    """Return the table in a file.

    Raises:
        DataError: it can not be read, or its rows differ in length (with the line).
    """
    if path.suffix.lower() == ".parquet":
        return _read_parquet(path)
    text = _text_of(path)
    lines = text.split("\n")
    filled = (number for number, line in enumerate(lines) if line.strip())
    first = next(filled, None)
    if first is None:
        raise DataError(f"{path} has no header in line 1: it is empty. {AGAIN}")
    announced = re.fullmatch(r"\s*(\d{1,12})\s*", lines[first])
    promised = int(announced[1]) if announced else None
    if promised is not None:
        first = next(filled, first)
    separator = _separator(lines[first])
    rows = _Dialect(separator, "\n".join(lines[first:]), first)
    try:
        sample = [cells for _, cells in islice(rows.records(), _LOOKED_AT)]
    except csv.Error as error:
        raise DataError(f"{path} can not be read as a table ({error}). {AGAIN}") from None
    if not sample:
        raise DataError(f"{path} has no header in line 1: it is empty but for separators. {AGAIN}")
    names, width = _header(sample, promised)
    if names is not None:
        rows = _Dialect(separator, "\n".join(lines[first + 1 :]), first + 1)
    return Table(path, names, _columns(path, rows, sample, width, names), promised, rows)


def _text_of(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} can not be read: {error.strerror}.") from error
    encoding = "utf-8-sig"
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encoding = "utf-16"
    elif b"\0" in data[:64]:
        encoding = "utf-16-le" if data[1:2] == b"\0" else "utf-16-be"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} is neither UTF-8 nor UTF-16 (at byte {error.start:,}). Expected text: save it as CSV in UTF-8."
        ) from None
    if "\0" in text:
        raise DataError(f"{path} holds bytes of value 0. Expected text: save it as CSV in UTF-8.")
    if text.lstrip().startswith("<"):
        raise DataError(
            f"{path} is a web page, not a table: its download was refused (Google Drive does so when too many people "
            "ask). Download it again later or from elsewhere."
        )
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _separator(line: str) -> str | None:
    counts = {separator: line.count(separator) for separator in (",", ";", "\t", "|")}
    best = max(counts, key=lambda separator: counts[separator])
    return best if counts[best] else None


def _header(sample: list[list[str]], promised: int | None) -> tuple[tuple[str, ...] | None, int]:
    """Return the columns' names, None where the first line is a row, and the number of columns."""
    first, rows = sample[0], sample[1:]
    width = Counter(map(len, rows)).most_common(1)[0][0] if rows else len(first)
    if promised is None and any(_NUMBER.fullmatch(c) or _is_picture(c) or c.lower() in SPLIT_WORDS for c in first):
        return None, width
    has_id = first[0].lower() in ID_NAMES or is_index(first[0])
    if promised is not None or (not has_id and len(first) != width):
        return ("", *first), len(first) + 1  # CelebA's own: the images' column has no name
    return tuple(first), len(first)


def _columns(
    path: Path, rows: _Dialect, sample: list[list[str]], width: int, names: tuple[str, ...] | None
) -> tuple["pd.Series[Any]", ...]:
    try:
        table = pd.read_csv(
            io.StringIO(rows.body),
            sep=r"\s+" if rows.separator is None else rows.separator,
            header=None,
            names=range(width),
            engine="c",
            na_filter=False,
            skipinitialspace=True,
            quoting=csv.QUOTE_NONE if rows.separator is None else csv.QUOTE_MINIMAL,
            # Categories of numbers lose their spelling: right for 0 and 1, wrong for whatever 000001 names.
            dtype={i: "category" if width > 2 and _is_binary(sample, i) else str for i in range(width)},
        )
    except (ValueError, pd.errors.ParserError):
        _point_at_line(path, rows, width, names)
    if not len(table):
        raise DataError(f"{path} names no image: it is empty below its header. {AGAIN}")
    # A first row with more values than names makes pandas take the surplus as row labels.
    is_fitting = isinstance(table.index, pd.RangeIndex)
    if not is_fitting or any((table[i] == "").any() for i in range(width)):
        _point_at_line(path, rows, width, names, only_if_wrong=is_fitting)
    return tuple(table[i] for i in range(width))


def _is_binary(sample: list[list[str]], i: int) -> bool:
    return all(len(cells) > i and _BINARY.fullmatch(cells[i]) for cells in sample[1:])


def _point_at_line(
    path: Path, rows: _Dialect, width: int, names: tuple[str, ...] | None, *, only_if_wrong: bool = False
) -> None:
    """Raise the DataError that names the first row of another length: slow, so only once something is wrong."""
    for number, cells in rows.records():
        if len(cells) != width:
            came, expected = len(cells) - 1, width - 1
            per = "one for each name in the header" if names is not None else "as in the other lines"
            raise DataError(
                f"{path}, line {number}: {came} {'value' if came == 1 else 'values'} after the image's name, expected "
                f"{expected} ({per}): a column is missing or the row is cut short. {AGAIN}"
            )
    if not only_if_wrong:
        raise DataError(f"{path} can not be read as a table. {AGAIN}")


def _read_parquet(path: Path) -> Table:
    try:
        import pyarrow
        import pyarrow.parquet as pq
    except ImportError:
        raise DataError(f"{path} is parquet, which needs another library: pip install 'vaekit[hub]'.") from None
    try:
        file = pq.ParquetFile(path)
        plain = [field.name for field in file.schema_arrow if not pyarrow.types.is_nested(field.type)]
        frame = file.read(columns=plain).to_pandas()
    except (OSError, ValueError, pyarrow.ArrowException) as error:
        raise DataError(f"{path} can not be read as parquet ({' '.join(str(error).split())}). {AGAIN}") from None
    if frame.empty:
        raise DataError(f"{path} names no image: it is empty. {AGAIN}")
    columns = tuple(frame[name].astype(str) for name in plain)
    return Table(path, tuple(plain), columns, None, None)


def _is_picture(cell: str) -> bool:
    return cell.lower().endswith(SUFFIXES)


def is_index(name: str) -> bool:
    """Tell whether a column of this name counts rows, as a saved DataFrame does."""
    return name.lower() in ("", "index") or name.startswith("Unnamed:")
