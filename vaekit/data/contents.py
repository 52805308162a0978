"""What files hold, as one digest: read once, and again only where the system says that a file was touched."""

import contextlib
import hashlib
import os
import stat
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from vaekit.artifacts import write_text
from vaekit.errors import OutputError

CONTENTS = ".contents"  # folder in the cache: what was read, by place, size, times and inode of the files
SETTLED = 2_000_000_000  # ns: a file touched more recently may be written again without a new time
PART = 256  # files at a time for each thread


def contents_of(root: Path, files: Sequence[str], cache: Path, *, verify: bool = False, workers: int = 1) -> str:
    """Return the SHA-256 of what `files` below `root` hold, in their order; a file that can not be read has its own.

    The digest is kept in `cache`, named by path, size, mtime, ctime and inode of every file. Whatever writes to a file
    moves its ctime, which no program can set back: so the files are read again exactly where one may have changed.

    Args:
        root: where they lie.
        files: relative to it.
        cache: of prepared images; one that can not be written costs the reading each time.
        verify: read them whatever the cache says: finds what the disk itself has damaged.
        workers: threads that read.
    """
    now = time.time_ns()
    stamps = [_stamp(root / file) for file in files]
    place = os.path.realpath(root)
    key = hashlib.sha256(repr((place, list(files), stamps)).encode("utf-8", "surrogateescape")).hexdigest()
    kept = cache / CONTENTS / key[:32]
    with contextlib.suppress(OSError, ValueError):
        if not verify and len(bytes.fromhex(known := kept.read_text(encoding="ascii"))) == 32:
            return known
    with ThreadPoolExecutor(workers) as pool:
        starts = range(0, len(files), PART)
        parts = pool.map(lambda start: [_digest(root / file) for file in files[start : start + PART]], starts)
        digest = hashlib.sha256(b"".join(one for part in parts for one in part)).hexdigest()
    if all(stamp and max(stamp[1:3]) < now - SETTLED for stamp in stamps):
        with contextlib.suppress(OutputError):
            write_text(kept, digest)
    return digest


def why_no_file(path: Path | str) -> str:
    """Return why `path` can not be read as a file, "" where nothing speaks against it; opening a pipe would hang."""
    try:
        return "" if stat.S_ISREG(Path(path).stat().st_mode) else "not a file: a folder, pipe or device"
    except FileNotFoundError:
        return "the file is gone"
    except OSError as error:
        return error.strerror or type(error).__name__


def _stamp(path: Path) -> tuple[int, ...]:
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_mode


def _digest(path: Path) -> bytes:
    reason = why_no_file(path)
    try:
        if not reason:
            with path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").digest()
    except OSError as error:
        reason = error.strerror or type(error).__name__
    return hashlib.sha256(f"unreadable: {reason}".encode()).digest()
