"""The only place that prints: results to stdout, progress and remarks to stderr."""

import io
import json
import logging
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from vaekit.errors import ConfigError, VaekitError
from vaekit.progress import Progress

if TYPE_CHECKING:
    from vaekit.exploration.results import Shown


def run_app(app: typer.Typer) -> None:
    """Run `app`; the user's mistakes end in one line and exit code 1 or 2, bugs in their traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that knows no Greek shows a question mark
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger = logging.getLogger("vaekit")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        app()
    except ConfigError as error:
        _fail(f"Error: {error}", 2)
    except VaekitError as error:
        _fail(f"Error: {error}", 1)
    except OSError as error:  # a name too long, a folder without permission: never a bug of a program that names it
        if error.filename is None:
            raise
        _fail(f"Error: {error.filename} can not be used: {error.strerror}. Mend that, or name another.", 1)
    finally:
        logger.removeHandler(handler)


def _fail(message: str, code: int) -> None:
    print(message, file=sys.stderr)
    sys.exit(code)


def show(result: Any, as_json: bool, facts: dict[str, Any] | list[dict[str, Any]]) -> None:
    """Print a result in words, or `facts` as JSON for machines."""
    print(json.dumps(facts, ensure_ascii=False, allow_nan=False) if as_json else result)


def show_pictures(result: "Shown", out: Path | None, reports: Path, as_json: bool) -> None:
    """Write what a command of exploration made to `out`, or to <reports>/<run>/pictures, and print what it says."""
    folder = out or reports / result.run / "pictures"
    paths = result.write(folder)
    facts = {"folder": str(folder), "files": [path.name for path in paths], **result.record()}
    show(f"{result}\nPicture: {paths[0]}", as_json, facts)


@contextmanager
def _interruptible() -> Iterator[None]:
    """End the program with one sentence on Ctrl-C and SIGTERM; typer, left to itself, ends it without a word."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt(signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    except KeyboardInterrupt as stopped:
        code = 128 + (signal.SIGTERM if stopped.args else signal.SIGINT)
        _fail("Interrupted. What was finished before is on disk; nothing half-written was left.", code)
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def drawn_progress() -> Iterator[Progress]:
    """Yield a progress callback drawn as one bar per stage, with the speed in units per second and the time left."""
    columns = (
        TextColumn("{task.description:10}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[speed]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    console = Console(stderr=True)
    tasks: dict[str, TaskID] = {}
    with _interruptible(), Bars(*columns, console=console, disable=not console.is_terminal) as bars:

        def progress(stage: str, done: int, total: int, note: str = "") -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total, note=note, speed="")
            speed = bars.tasks[bars.task_ids.index(tasks[stage])].speed
            shown = f"{speed:,.0f}/s" if speed else ""
            bars.update(tasks[stage], completed=done, total=total, note=note, speed=shown)

        yield progress
