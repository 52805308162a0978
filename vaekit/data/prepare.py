"""Decode once: from a dataset's files to one mapped uint8 array, atomically, in parallel, resumed where it stopped.

While it works, the folder is called `<fingerprint>.partial`: finished images are appended to images.npy, and a journal
beside it holds one line for each file that is through. Images reach the disk before their lines do, so whatever stops
the work (Ctrl-C, kill -9, a full disk), the next run trusts the journal, cuts a half-written row off and goes on.
Appending, rather than writing into a mapped file, keeps a full disk an error instead of a killed process.
"""

import contextlib
import errno
import hashlib
import io
import json
import logging
import math
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO, get_args

import numpy as np
import pandas as pd
import PIL

from vaekit.artifacts import (
    FACTORS,
    IMAGES,
    INDEX,
    MEAN_IMAGE,
    META,
    PREPARED,
    SKIPPED,
    read_array,
    read_json,
    sweep,
    write_array,
    write_json,
    write_table,
)
from vaekit.config import OnBadFile
from vaekit.data.base import ALIGNED, SPLITS, Limits, Protocol, Source
from vaekit.data.contents import CONTENTS, contents_of
from vaekit.data.crop import Decoded, decode, strict_pillow
from vaekit.data.output import locked, writing
from vaekit.data.prepared import FORMAT, Prepared, open_prepared, sealed
from vaekit.data.selection import select
from vaekit.errors import ConfigError, DataError, did_you_mean
from vaekit.progress import Progress, silent
from vaekit.version import __version__

JOURNAL = "journal.txt"  # a line per file: ok and remarks, or bad and the reason
HEADER = 128  # bytes of images.npy before its first row, whatever its number of rows
CHUNK = 512  # files between two flushes: what an interruption can cost
CACHE = Path("data") / PREPARED

log = logging.getLogger("vaekit")


def prepare(
    source: Source,
    protocol: Protocol,
    *,
    limit: Limits | None = None,
    on_bad_file: OnBadFile = "skip",
    cache: Path = CACHE,
    verify: bool = False,
    progress: Progress = silent,
) -> Prepared:
    """Return the images of `source` under `protocol`, decoded now, or mapped where that was done before.

    Args:
        source: which files.
        protocol: crop and size.
        limit: at most so many images of each split: a subset drawn by the source's seed, of which a smaller one is a
            part.
        on_bad_file: leave a file out that can not be decoded ("skip"), put a black image in its place ("black"), or
            stop ("error"); the first two list it with its reason.
        cache: holds one folder for each fingerprint; several processes may ask for the same one at once.
        verify: read every file and every prepared image again, even where no file was touched since it was read.
        progress: told "preparing images", how many files are through, of how many.

    Raises:
        DataError: no image, none that can be decoded, or, with "error", the first that can not.
        OutputError: the cache can not be written, or has too little room; what is finished is kept.
    """
    if on_bad_file not in get_args(OnBadFile):
        raise ConfigError(f"--on-bad-file {on_bad_file!r} is unknown.{did_you_mean(on_bad_file, get_args(OnBadFile))}")
    index, cut, notes = select(source.index, limit or {}, source.seed)
    if index.empty:
        raise DataError(
            f"No image is left of the data {source.name!r}: it has {len(source.index):,} images, limits {dict(cut)}. "
            "Raise --limit or name other data with --data."
        )
    meta: dict[str, Any] = {
        "format": FORMAT,
        "source": source.name,
        "protocol": {"name": protocol.name, **asdict(protocol)},
        "on_bad_file": on_bad_file,
        "limits": cut,
        "attributes": list(source.attributes),
        "notes": [*source.notes, *notes],
    }
    contents = contents_of(source.root, index["file"].tolist(), cache, verify=verify, workers=cores())
    fingerprint = _fingerprint(index, source.factors, contents, meta)
    final = cache / fingerprint
    if (ready := _reuse(final, verify)) is not None:
        return ready
    task = _Task(source.root, index, source.factors, protocol, on_bad_file, progress)
    with writing(cache, "let it be a link to a folder elsewhere"):
        cache.mkdir(parents=True, exist_ok=True)
        with locked(cache / f"{fingerprint}.lock"):
            if (ready := _reuse(final, verify)) is not None:  # finished by whom this process waited for
                return ready
            _tell_of_older(cache)
            _prepare_into(final, task, {"fingerprint": fingerprint, **meta})
    return open_prepared(final)


def find_prepared(fingerprint: str, cache: Path = CACHE) -> Prepared | None:
    """Return the images prepared under this fingerprint, whole and kept in `cache`; None where there are none."""
    folder = cache / fingerprint
    with contextlib.suppress(DataError):
        return open_prepared(folder) if folder.is_dir() else None
    return None


@dataclass(frozen=True)
class _Task:
    """What is to be decoded, and how."""

    root: Path
    index: pd.DataFrame
    factors: pd.DataFrame | None
    protocol: Protocol
    on_bad_file: OnBadFile
    progress: Progress

    @property
    def row_bytes(self) -> int:
        return math.prod(self.protocol.shape)

    def decode(self, file: str) -> Decoded:
        return decode(self.root / file, self.protocol)

    def has_row(self, line: str) -> bool:
        return not line.startswith("bad") or self.on_bad_file == "black"


def cores() -> int:
    """Return how many threads decode."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _fingerprint(index: pd.DataFrame, factors: pd.DataFrame | None, contents: str, meta: dict[str, Any]) -> str:
    """Hash what decides the result: contents and names of the files, splits, identities, attributes, factors, choices.

    Not the folder they lie in, nor the times of the files: the same data elsewhere has the same fingerprint.
    """
    digest = hashlib.sha256(json.dumps(meta, sort_keys=True).encode() + contents.encode())
    names = [file.rpartition("/")[2] for file in index["file"]]
    for column in (index["image_id"], names, index["split"], index.get("identity", [])):
        digest.update("\0".join(str(text) for text in column).encode() + b"\1")
    digest.update(index[meta["attributes"]].to_numpy(np.int8).tobytes())
    if factors is not None:
        digest.update(factors.to_csv(index=False).encode())
    return digest.hexdigest()[:16]


def _tell_of_older(cache: Path) -> None:
    """Say in one line which folders an older vaekit left, that knew images by their names and sizes alone."""
    older = []
    for meta in cache.glob(f"*/{META}"):
        with contextlib.suppress(DataError, AttributeError):
            if read_json(meta).get("format") != FORMAT:
                older.append(meta.parent.name)
    if older:
        log.info(
            "The images are prepared anew: an older vaekit knew them by names and sizes, now their contents count. "
            "In %s these are not used any more and can be deleted: %s.",
            cache,
            ", ".join(sorted(older)),
        )


def _reuse(folder: Path, verify: bool) -> Prepared | None:
    if not folder.is_dir():
        return None
    try:
        return open_prepared(folder, verify=verify)
    except DataError as error:
        log.warning("The prepared images in %s are damaged and are made again: %s", folder, error)
        return None


def _prepare_into(final: Path, task: _Task, meta: dict[str, Any]) -> None:
    partial = final.with_name(f"{final.name}.partial")
    if final.exists():
        shutil.rmtree(final)
    partial.mkdir(exist_ok=True)
    sweep(partial)
    sweep(final.with_name(CONTENTS))
    try:
        outcomes = _decode_all(partial, task)
    except DataError:
        shutil.rmtree(partial)  # other files or another choice make another fingerprint: nobody would resume this
        raise
    _finish(partial, task, outcomes, meta)
    (partial / JOURNAL).unlink()
    partial.rename(final)


def _decode_all(partial: Path, task: _Task) -> list[str]:
    """Append what is missing to images.npy and return the journal: one line for each file, in the index's order."""
    files = task.index["file"].tolist()
    (partial / IMAGES).touch()
    (partial / JOURNAL).touch()
    with (
        (partial / IMAGES).open("r+b") as images,
        (partial / JOURNAL).open("r+b") as journal,
        strict_pillow(),
        ThreadPoolExecutor(cores()) as pool,
    ):
        outcomes = _resume(images, journal, task)
        _check_room(partial, (len(files) - len(outcomes)) * task.row_bytes)
        log.info("Preparing %s images of %s at %s.", len(files), task.root, task.protocol.name)
        bad = sum(line.startswith("bad") for line in outcomes)
        task.progress("preparing images", len(outcomes), len(files), _note(bad))
        for start in range(len(outcomes), len(files), CHUNK):
            chunk = files[start : start + CHUNK]
            lines = []
            for file, decoded in zip(chunk, pool.map(task.decode, chunk), strict=True):
                lines.append(_outcome(file, decoded, task))
                bad += decoded.pixels is None
                if task.has_row(lines[-1]):
                    images.write(bytes(task.row_bytes) if decoded.pixels is None else decoded.pixels.tobytes())
                if (start + len(lines)) % 64 == 0 or start + len(lines) == len(files):
                    task.progress("preparing images", start + len(lines), len(files), _note(bad))
            _to_disk(images)
            journal.write("".join(f"{line}\n" for line in lines).encode())
            _to_disk(journal)
            outcomes += lines
    if bad == len(files):
        raise DataError(
            f"None of the {len(files):,} files in {task.root} can be decoded; {files[0]}: {outcomes[0][4:]}. "
            "Expected pictures: download them again, or name other data with --data."
        )
    return outcomes


def _resume(images: BinaryIO, journal: BinaryIO, task: _Task) -> list[str]:
    """Return the journal of an interrupted run, with both files cut where it and the rows on disk agree."""
    lines = journal.read().decode("utf-8", "replace").split("\n")[:-1]  # the last line may be half written
    stored = max(0, images.seek(0, os.SEEK_END) - HEADER) // task.row_bytes
    rows = np.cumsum([task.has_row(line) for line in lines], dtype=np.int64)
    lines = lines[: int(np.searchsorted(rows, stored, side="right"))]
    journal.truncate(len("".join(f"{line}\n" for line in lines).encode()))
    journal.seek(0, os.SEEK_END)
    images.truncate(HEADER + sum(map(task.has_row, lines)) * task.row_bytes)
    images.seek(0, os.SEEK_END)
    if lines:
        log.info("Going on after %s images that an earlier run has prepared.", len(lines))
    return lines


def _check_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        says = f"{needed / 1e6:,.0f} MB are needed and {free / 1e6:,.0f} MB are free"
        raise OSError(errno.ENOSPC, says)


def _outcome(file: str, decoded: Decoded, task: _Task) -> str:
    if decoded.pixels is not None:
        return "ok" + " scaled" * decoded.is_scaled + " enlarged" * decoded.is_enlarged
    if task.on_bad_file == "error":
        raise DataError(
            f"{task.root / file} can not be decoded: {decoded.reason}. Put a whole picture there, or leave it out with "
            "--on-bad-file skip, or show it black with --on-bad-file black."
        )
    return f"bad {decoded.reason}"


def _note(bad: int) -> str:
    return f"{bad:,} not decoded" if bad else ""


def _to_disk(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _finish(partial: Path, task: _Task, outcomes: list[str], meta: dict[str, Any]) -> None:
    """Write the header of images.npy and the small files; each is written whole, so this can be done again."""
    index = task.index[[task.has_row(line) for line in outcomes]].drop(columns="file").reset_index(drop=True)
    _write_header(partial / IMAGES, (len(index), *task.protocol.shape))
    write_table(partial / INDEX, index)
    if task.factors is not None:
        write_table(partial / FACTORS, task.factors.set_index("image_id").loc[index["image_id"]].reset_index())
    prefix = "replaced by black: " if task.on_bad_file == "black" else ""
    bad = [
        (file, prefix + line[4:]) for file, line in zip(task.index["file"], outcomes, strict=True) if line[:3] == "bad"
    ]
    write_table(partial / SKIPPED, pd.DataFrame(bad, columns=["file", "reason"]))
    train = np.flatnonzero(index["split"] == "train")
    if len(train):
        write_array(partial / MEAN_IMAGE, _mean(read_array(partial / IMAGES), train))
    scaled, enlarged = (
        sum(line.startswith("ok") and remark in line for line in outcomes) for remark in ("scaled", "enlarged")
    )
    notes = list(meta["notes"])
    if bad:
        what = "shown black" if task.on_bad_file == "black" else "left out"
        notes.append(f"Not decoded and {what} ({SKIPPED}): {len(bad):,} of the {len(outcomes):,} files.")
    if scaled:
        width, height = ALIGNED
        notes.append(
            f"Not of CelebA's aligned size, {width} x {height}: {scaled:,} of the {len(outcomes):,} pictures. Crop "
            f"{task.protocol.crop} takes {task.protocol.crop} / {width} of their shorter side, whatever a face "
            "fills of it."
        )
    if enlarged:
        notes.append(f"Enlarged, for want of pixels in the crop: {enlarged:,} of the {len(outcomes):,} pictures.")
    counts = {split: int((index["split"] == split).sum()) for split in SPLITS}
    versions = {"vaekit": __version__, "pillow": PIL.__version__}
    bad_files = {"not_decoded": len(bad), "scaled": scaled, "enlarged": enlarged}
    facts = {**meta, "notes": notes, "counts": counts, **bad_files, "versions": versions}
    write_json(partial / META, sealed(facts, partial))


def _write_header(path: Path, shape: tuple[int, ...]) -> None:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": shape})
    if len(header.getvalue()) != HEADER:
        raise RuntimeError(f"numpy wrote a header of {len(header.getvalue())} bytes, not {HEADER}")
    with path.open("r+b") as file:
        file.write(header.getvalue())
        _to_disk(file)


def _mean(images: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return the mean of these images in [0, 1], float64; summed in integers, so exact in any order."""
    total = np.zeros(images.shape[1:], np.uint64)
    for start in range(0, len(rows), CHUNK):
        total += images[rows[start : start + CHUNK]].sum(axis=0, dtype=np.uint64)
    return total / (255.0 * len(rows))
