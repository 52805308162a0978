"""Data sets in the Hugging Face hub's format, streamed into a folder of pictures with a table beside them."""

import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from vaekit.artifacts import read_json, write_json, write_table
from vaekit.data.base import SPLITS, Limits, Source
from vaekit.data.folder import open_folder
from vaekit.data.output import writing
from vaekit.data.selection import check_limits
from vaekit.data.tables import SPLIT_WORDS
from vaekit.errors import DataError
from vaekit.progress import Progress, silent

PREFIX = "hub:"
RECORD, TABLE, IMAGES = "hub.json", "attributes.csv", "images"
_MAGIC = {b"\xff\xd8": ".jpg", b"\x89PNG": ".png", b"RIFF": ".webp", b"GIF8": ".gif", b"BM": ".bmp"}
_OURS = {"file", "split", "partition", "subset"}


def hub_folder(root: Path, name: str) -> Path:
    """Return where the data set `name` ("owner/name", or a folder in the same format) is kept below `root`."""
    return root / "hub" / (re.sub(r"[^\w.-]+", "--", name).strip("-.") or "data")


def open_hub(folder: Path, seed: int) -> Source:
    """Return what `fetch_hub` wrote to `folder`.

    Raises:
        DataError: it is not there, not whole, or has no picture.
    """
    record = _record(folder)
    try:
        counts = ", ".join(f"{record['rows'][split]:,} {split}" for split in record["rows"])
        note = f"From the Hugging Face hub's {record['name']}: its first rows, {counts}."
        source = open_folder(folder, seed)
    except (KeyError, TypeError, ValueError):
        raise DataError(f"{folder / RECORD} is damaged: delete {folder} and fetch it again.") from None
    return replace(source, name=folder.name, notes=(note, *source.notes))


def fetch_hub(name: str, folder: Path, *, limit: Limits | None = None, progress: Progress = silent) -> Path:
    """Stream a data set into `folder`, whole or not at all, and return it; what is there already is kept.

    A row without a picture, or with a broken one, is written as it is: `prepare` counts it and leaves it out or shows
    it black.

    Args:
        name: "owner/name", or a folder in the same format.
        folder: receives train/, valid/ and test/ (or images/, where the data set has but one split) and a table.
        limit: at most so many rows of each split, the first ones; a data set of one split calls it train.
        progress: told "fetching <split>", how many rows.

    Raises:
        DataError: the library is missing, the data set can not be read, or it has no column of pictures.
    """
    limit = dict(limit or {})
    check_limits(limit)
    asked = {"name": name, "limit": limit}
    if (folder / RECORD).is_file() and asked.items() <= _record(folder).items():
        return folder
    with writing(folder.parent, "name another folder"):
        draft = folder.with_name(f".{folder.name}.partial")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        rows = {}
        tables = []
        splits = _splits(name)
        for split, stream in splits.items():
            place = IMAGES if len(splits) == 1 else split
            most = limit.get(split if len(splits) > 1 else "train")
            written = [
                _write_row(draft, f"{place}/{number:06d}", row)
                for number, row in _counted(name, stream, most, f"fetching {split}", progress)
            ]
            rows[split] = len(written)
            tables.append(pd.DataFrame(written).assign(**({} if len(splits) == 1 else {"split": split})))
        if not any(rows.values()):
            raise DataError(f"{name} has no row. Raise --limit, or name another data set.")
        write_table(draft / TABLE, pd.concat(tables, ignore_index=True))
        write_json(draft / RECORD, {**asked, "rows": rows})
        shutil.rmtree(folder, ignore_errors=True)
        draft.rename(folder)
    return folder


def _record(folder: Path) -> dict[str, Any]:
    record = read_json(folder / RECORD)
    if not isinstance(record, dict):
        raise DataError(f"{folder / RECORD} is damaged: delete {folder} and fetch it again.")
    return record


def _splits(name: str) -> dict[str, Any]:
    """Return the streams of the splits by our names, each with its pictures undecoded in the column "image"."""
    try:
        import datasets
    except ImportError:
        raise DataError(f"{PREFIX}{name} needs another library: pip install 'vaekit[hub]'.") from None
    datasets.disable_progress_bars()
    try:
        streams = dict(datasets.load_dataset(name, streaming=True))
    except Exception as error:  # the library raises what its dozen protocols raise
        raise _unreadable(name, error) from None
    known = {SPLIT_WORDS[split.lower()]: stream for split, stream in streams.items() if split.lower() in SPLIT_WORDS}
    if len(streams) == 1:
        known = {"train": next(iter(streams.values()))}
    if not known:
        raise DataError(f"{name} has the splits {', '.join(streams)}, expected {', '.join(SPLITS)}, or one alone.")
    return {split: _undecoded(name, known[split], datasets) for split in SPLITS if split in known}


def _undecoded(name: str, stream: Any, datasets: Any) -> Any:
    features = stream.features or {}
    pictures = [column for column, feature in features.items() if isinstance(feature, datasets.Image)]
    if not pictures:
        raise DataError(
            f"{name} has no column of pictures (its columns: {', '.join(features) or 'not stated'}). Expected one of "
            "the hub's kind Image: name another data set."
        )
    kept = "image" if "image" in pictures else pictures[0]
    stream = stream.cast_column(kept, datasets.Image(decode=False))
    stream = stream.remove_columns([column for column in pictures if column != kept])
    return stream if kept == "image" else stream.rename_column(kept, "image")


def _counted(
    name: str, stream: Any, most: int | None, stage: str, progress: Progress
) -> Iterator[tuple[int, Mapping[str, Any]]]:
    total = most or 0
    try:
        for number, row in enumerate(stream if most is None else stream.take(most)):
            yield number, row
            progress(stage, number + 1, max(total, number + 1))
    except (OSError, ValueError, RuntimeError) as error:
        raise _unreadable(name, error) from None


def _unreadable(name: str, error: Exception) -> DataError:
    reason = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
    return DataError(
        f"{name} can not be read from the hub ({reason}). Check the name, the network, and whether it must be asked "
        "for (then: hf auth login)."
    )


def _write_row(draft: Path, stem: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """Write one picture as its bytes are, and return what is known of it."""
    data = (row["image"] or {}).get("bytes") or b""
    suffix = next((suffix for magic, suffix in _MAGIC.items() if data.startswith(magic)), ".jpg")
    file = draft / f"{stem}{suffix}"
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(data)  # the whole folder takes its name at the end
    known: dict[str, Any] = {}
    for column, value in row.items():
        if column == "image" or column in _OURS:
            continue
        for key, scalar in (value if isinstance(value, dict) else {column: value}).items():
            if isinstance(scalar, bool | int | float | str):
                known[key] = scalar
    return {"file": f"{stem}{suffix}", **known}
