"""Every file name that vaekit writes, and the one way to write it: whole, or not at all.

A writer fills a temporary file beside the target, flushes it to disk and renames it. Nothing here needs torch.
"""

import contextlib
import hashlib
import io
import json
import os
import re
import struct
import sys
import tempfile
import tokenize
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from vaekit.errors import DataError, OutputError

if TYPE_CHECKING:
    import pandas as pd

# data/.prepared/<fingerprint>/
PREPARED = ".prepared"
IMAGES, INDEX, SKIPPED, MEAN_IMAGE, META = "images.npy", "index.csv", "skipped.csv", "mean_image.npy", "meta.json"
FACTORS = "factors.csv"
# checkpoints/<run>/
BEST, LAST, CONFIG, HISTORY = "best.pt", "last.pt", "config.toml", "history.csv"
CURVES, EPOCHS = "curves.png", "epochs"
LEARNED = "epochs.npz"  # the same faces and samples after every epoch
LOCK = ".lock"  # held while a process trains into the folder
JUDGE, JUDGE_SCORES = "judge.pt", "judge.json"
# reports/<run>/<protocol>/<stage>/
DIGESTS = "digests.json"  # the SHA-256 of every file of a finished stage
# reports/<run>/<protocol>/evaluation/
EVALUATION = "evaluation"
SUMMARY, PER_IMAGE, PER_DIM, LAYERS = "summary.json", "per_image.csv", "per_dim.csv", "layers.csv"
LATENTS, PICTURES, DRAWS, RECONSTRUCTIONS = "latents.npz", "images.npz", "draws.npz", "reconstructions.npy"
IWAE, LATENT, LATENT_ARRAYS, KL_PER_DIM = "iwae.csv", "latent.json", "latent.npz", "kl_per_dim.csv"
LEARNED_PRIOR = "learned_prior.csv"
PER_CHANNEL, PER_POSITION = "per_channel.csv", "per_position.csv"
SAMPLES, SAMPLING_GAP, ATTRIBUTE_RATES = "samples.json", "sampling_gap.csv", "attribute_rates.csv"
SAMPLE_PICTURES, MIXTURE, JUDGED, REFERENCE = "sample_pictures.npz", "mixture.npz", "judged.npz", "reference.npz"
PROBES, PROBES_SUMMARY, DIRECTIONS = "probes.csv", "probes.json", "directions.npz"
# reports/<run>/<protocol>/exploration/
EXPLORATION = "exploration"
EXPLORATION_SUMMARY, TRAVERSALS, INTERPOLATIONS, EDITS, LATENT_MAP, LIVE = (
    "exploration.json",
    "traversals.npz",
    "interpolations.npz",
    "edits.npz",
    "latent_map.csv",
    "live.npz",
)
# reports/<run>/<protocol>/failures/
FAILURES = "failures"
FAILURES_SUMMARY, WORST, BEST_IMAGES, RANDOM_IMAGES, GALLERY = (
    "failures.json",
    "worst.csv",
    "best.csv",
    "random.csv",
    "gallery.npz",
)
SLICES = "slices.csv"
FINDINGS, FINDING_PICTURES, DIAGNOSIS_ARRAYS = "findings.json", "findings.npz", "diagnosis.npz"
CANDIDATES = "candidates.csv"
# reports/<run>/
REPORT_HTML, REPORT_MARKDOWN, REPORT_JSON, FIGURES = "report.html", "report.md", "report.json", "figures"

_TEMPORARY = re.compile(r"\..+\.[a-z0-9_]{8}")  # as `atomic` names them
_FORMULA = re.compile(r"'*[=+\-@\t\r]")  # a cell that a spreadsheet would run, or one that is quoted already


def make_folder(folder: Path) -> Path:
    """Create `folder` and its parents and return it; OutputError where that can not be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"Can not create the folder {folder}: {error.strerror}. Choose another with --out, or free it."
        ) from error
    return folder


def refuse_unwritable(folder: Path) -> None:
    """Raise OutputError where `folder` could not be made or written, before work is done whose result it must take."""
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not there.is_dir() or not os.access(there, os.W_OK):
        what = "can not be written to" if there.is_dir() else "is a file"
        raise OutputError(f"Can not create the folder {folder}: {there} {what}. Choose another with --out, or free it.")


@contextlib.contextmanager
def atomic(path: Path) -> Iterator[IO[bytes]]:
    """Open a temporary file beside `path` that takes its place when the block ends without an error.

    Raises:
        OutputError: the folder is read-only, the disk is full; what stood at `path` is untouched.
    """
    make_folder(path.parent)
    temporary = None
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            temporary = Path(file.name)
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        raise OutputError(
            f"Can not write {path}: {error.strerror or error}. What stood there before is untouched; "
            "free some room or choose another folder with --out."
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Hold `folder`, made where it is missing, for this process alone; what killed writes left there is removed.

    The system releases the lock by itself when its holder dies, even by kill -9.

    Raises:
        OutputError: another process holds it.
    """
    lock = make_folder(folder) / LOCK
    try:
        file = lock.open("a+b")
    except OSError as error:
        raise OutputError(f"Can not write in {folder}: {error.strerror}. Choose another folder with --out.") from error
    with file:
        if not try_lock(file):
            raise OutputError(
                f"Another vaekit is writing to {folder}: wait until it is done, or choose another name with --run or "
                "another folder with --out."
            )
        sweep(folder)
        try:
            yield
        finally:
            lock.unlink(missing_ok=True)


@contextlib.contextmanager
def whole_stage(summary: Path) -> Iterator[Callable[[Any], None]]:
    """Hold the folder of a stage alone and yield the function that writes its `summary`, the last of its files.

    Until the summary is there none of them counts. The digests of all stand beside it: readers notice what was changed.

    Raises:
        OutputError: another process holds the folder, or it can not be written.
    """
    folder, digests = summary.parent, summary.with_name(DIGESTS)

    def finish(content: Any) -> None:
        text = _json(content)
        write_digests(folder, {summary.name: hashlib.sha256(text.encode()).hexdigest()})
        write_text(summary, text)

    with alone_in(folder):
        for path in (summary, digests):
            path.unlink(missing_ok=True)
        yield finish


def write_digests(folder: Path, more: Mapping[str, str] | None = None) -> None:
    """Write the digests of the files in `folder`, and those of `more` that are still to come."""
    files = (path for path in sorted(folder.iterdir()) if path.is_file() and path.name not in (LOCK, DIGESTS))
    write_json(folder / DIGESTS, {path.name: file_hash(path) for path in files} | dict(more or {}))


def is_whole(summary: Path) -> bool:
    """Whether the stage that writes this summary was finished here, with digests of its files."""
    return summary.is_file() and summary.with_name(DIGESTS).is_file()


def sweep(folder: Path) -> None:
    """Remove what killed writes left in `folder` and directly below it; call it while no other process writes there."""
    for path in (*folder.glob(".*"), *folder.glob("*/.*")):
        if _TEMPORARY.fullmatch(path.name) and path.is_file():
            path.unlink(missing_ok=True)


def try_lock(file: IO[bytes]) -> bool:
    """Take the lock of an open file and tell whether that went; True also where the file system knows no locks."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        return True
    return True


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` to `path` atomically."""
    with atomic(path) as file:
        file.write(data)


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` atomically, as UTF-8."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Write `value` as JSON; numbers keep every digit, NaN is refused because JSON has none."""
    write_text(path, _json(value))


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False) + "\n"


def write_table(path: Path, table: "pd.DataFrame") -> None:
    """Write a table as CSV without its index; numbers keep every digit, and no text is a spreadsheet's formula."""
    write_text(path, _respelt(table, _inert).to_csv(index=False, lineterminator="\n"))


def _respelt(table: "pd.DataFrame", spell: Callable[[Any], Any]) -> "pd.DataFrame":
    """Return the table with every text in it, its headers too, as `spell` gives it."""
    import pandas as pd

    table = table.rename(columns=spell)
    for name in table.select_dtypes(exclude=["number", "bool"]):
        cells = [spell(cell) for cell in table[name]]
        kind = object if isinstance(table[name].dtype, pd.CategoricalDtype) else table[name].dtype
        table[name] = pd.Series(cells, table.index, kind)
    return table


def _inert(cell: Any) -> Any:
    """Return text that a spreadsheet would run with a quote before it: file names and labels are others' words."""
    return f"'{cell}" if isinstance(cell, str) and _FORMULA.match(cell) else cell


def _as_it_was(cell: Any) -> Any:
    return cell[1:] if isinstance(cell, str) and cell.startswith("'") and _FORMULA.match(cell) else cell


def write_arrays(path: Path, **arrays: np.ndarray) -> None:
    """Write named arrays as one .npz; the same arrays give the same bytes."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]  # NumPy's own keyword is a bool
    write_bytes(path, buffer.getvalue())


def write_array(path: Path, array: np.ndarray) -> None:
    """Write one array as .npy, which `read_array` maps instead of loading."""
    with atomic(path) as file:
        np.save(file, array)


@contextlib.contextmanager
def array_writer(path: Path, shape: tuple[int, ...], dtype: npt.DTypeLike) -> Iterator[Callable[[np.ndarray], None]]:
    """Yield a function that appends the next rows to a new .npy of `shape`, which takes the place of `path` at the end.

    Plain writes rather than a memory map: on a full disk a write raises, a map kills the process.
    """
    dtype = np.dtype(dtype)
    with atomic(path) as file:
        header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)

        def append(rows: np.ndarray) -> None:
            file.write(np.ascontiguousarray(rows, dtype).data)

        yield append


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        _refuse_changed(path)
        yield
    except FileNotFoundError as error:
        raise DataError(f"{path} is missing: run the stage that writes it again.") from error
    except (
        *(
            OSError,
            ValueError,
            EOFError,
            OverflowError,
            MemoryError,
            RecursionError,
            SyntaxError,
            TypeError,
            KeyError,
            AttributeError,
        ),
        *(NotImplementedError, zipfile.BadZipFile, zlib.error, tokenize.TokenError, struct.error),
    ) as error:  # all that a damaged file has provoked in json, numpy, pandas or zipfile
        raise DataError(f"{path} can not be read ({error}): delete it and run the stage that writes it.") from error


def _refuse_changed(path: Path) -> None:
    """Raise ValueError where the digest that the finished stage wrote of this file is another one."""
    digests = path.with_name(DIGESTS)
    if digests.is_file() and json.loads(digests.read_bytes()).get(path.name, known := file_hash(path)) != known:
        raise ValueError("it was changed or damaged after it was written")


def read_json(path: Path) -> Any:
    """Read JSON; DataError where the file is missing or broken."""
    with _reading(path):
        return json.loads(path.read_text(encoding="utf-8"))


def read_text(path: Path) -> str:
    """Read UTF-8 text; DataError where the file is missing or broken."""
    with _reading(path):
        return path.read_text(encoding="utf-8")


def read_table(path: Path, text_but: Collection[str] | None = None) -> "pd.DataFrame":
    """Read a CSV that vaekit wrote; DataError where the file is missing or broken.

    Args:
        path: the file.
        text_but: columns of whole numbers, where all others are text; None: kinds are told from the cells, but for
            image_id and file, which stay text.
    """
    import pandas as pd

    with _reading(path):
        if text_but is None:
            # Only an empty field is no value: an image may be called "NA".
            kinds = {"image_id": str, "file": str}
            table = pd.read_csv(path, dtype=kinds, keep_default_na=False, na_values=[""])
        else:
            of_text = defaultdict(lambda: str, dict.fromkeys(map(_inert, text_but), np.int64))
            table = pd.read_csv(path, dtype=of_text, na_filter=False)
        return _respelt(table, _as_it_was)


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """Read every array of an .npz; DataError where the file is missing or broken."""
    with _reading(path), path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


def read_array(path: Path) -> np.ndarray:
    """Map one .npy read-only; DataError where the file is missing or broken."""
    with _reading(path):
        return np.lib.format.open_memmap(path, mode="r")


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def content_hash(path: Path) -> str:
    """Return the SHA-256 of a file, or of the names and contents of all files below a folder."""
    if not path.is_dir():
        return file_hash(path)
    files = sorted(file for file in path.rglob("*") if file.is_file())
    listed = "".join(f"{file.relative_to(path).as_posix()} {file_hash(file)}\n" for file in files)
    return hashlib.sha256(listed.encode()).hexdigest()
