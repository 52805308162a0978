"""Writing into a folder: one process at a time, and a clear sentence where it can not be written."""

import contextlib
import logging
import time
from collections.abc import Iterator
from pathlib import Path

from vaekit.artifacts import try_lock
from vaekit.errors import OutputError

log = logging.getLogger("vaekit")


@contextlib.contextmanager
def writing(folder: Path, instead: str) -> Iterator[None]:
    """Turn what fails on the way to disk into an OutputError that names `folder` and what to do `instead`."""
    try:
        yield
    except (OSError, OutputError) as error:
        cause = error.__cause__ if isinstance(error, OutputError) else error
        reason = getattr(cause, "strerror", None) or str(cause or error)
        raise OutputError(
            f"Can not write in {folder}: {reason}. What was there is untouched and what is finished is kept: free some "
            f"room, make it writable or {instead}, then run the same command again."
        ) from error


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file `path`, waiting for whoever holds it; the empty file is removed when the work succeeded.

    The system releases the lock by itself when its holder dies, even by kill -9. A holder must look again whether the
    work is still to be done: who waited may find it finished. Where the file system knows no locks (some network
    drives) the work goes on without one.
    """
    with path.open("a+b") as file:
        if not try_lock(file):
            log.info("Waiting for another vaekit that holds %s.", path)
            while not try_lock(file):
                time.sleep(0.2)
        yield
        with contextlib.suppress(OSError):
            path.unlink()
