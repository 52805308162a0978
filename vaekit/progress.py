"""How library code tells how far it is; the command line draws it, tests and notebooks may ignore it."""

from typing import Protocol


class Progress(Protocol):
    """Called as work advances: `stage` names the work, `done` of `total` units are finished."""

    def __call__(self, stage: str, done: int, total: int, note: str = "") -> None:
        """Take one report of progress; `note` is a short text such as the current loss."""


def silent(stage: str, done: int, total: int, note: str = "") -> None:
    """Ignore progress: the default everywhere below the command line."""
