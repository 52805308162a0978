"""What lies on disk about one evaluation and its failure analysis, and why the rest does not."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vaekit import artifacts
from vaekit.errors import DataError
from vaekit.figures.base import FIGURES

_REPORTED = {
    artifacts.SUMMARY, artifacts.PER_IMAGE, artifacts.LATENT, artifacts.PER_DIM, artifacts.LAYERS, artifacts.CONFIG,
    artifacts.FAILURES_SUMMARY,
    artifacts.WORST, artifacts.BEST_IMAGES, artifacts.RANDOM_IMAGES, artifacts.GALLERY, artifacts.SLICES,
}  # fmt: skip
_FAILURES = {
    artifacts.FAILURES_SUMMARY, artifacts.WORST, artifacts.BEST_IMAGES, artifacts.RANDOM_IMAGES, artifacts.GALLERY,
}  # fmt: skip


def _read_text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


_READERS: dict[str, Callable[[Path], Any]] = {
    ".csv": artifacts.read_table,
    ".json": artifacts.read_json,
    ".npz": artifacts.read_arrays,
    ".npy": artifacts.read_array,
    ".toml": _read_text,
}


@dataclass(frozen=True)
class Collected:
    """`files`: file name -> content (DataFrame, dict, arrays, text); `missing`: file name -> why, as a sentence."""

    files: dict[str, Any]
    missing: dict[str, str]


def collect(evaluation: Path, failures: Path | None) -> Collected:
    """Return everything that the report or a figure asks for.

    Raises:
        DataError: there is no readable summary.json, so there is nothing to report on.
    """
    wanted = _REPORTED.union(*(spec.needs for _, spec in FIGURES.items()))
    found = Collected({artifacts.SUMMARY: artifacts.read_json(evaluation / artifacts.SUMMARY)}, {})
    for name in sorted(wanted - {artifacts.SUMMARY}):
        path = _find(name, evaluation, failures)
        if path is None:
            found.missing[name] = _why(name, failures)
            continue
        try:
            found.files[name] = _READERS[path.suffix](path)
        except (DataError, OSError, UnicodeDecodeError) as error:
            # The file's name only: a report reads the same wherever its artifacts were kept.
            found.missing[name] = str(error).replace(f"{path.parent}/", "")
    return found


def _find(name: str, evaluation: Path, failures: Path | None) -> Path | None:
    folders = [folder for folder in (evaluation, failures) if folder is not None]
    return next((folder / name for folder in folders if (folder / name).is_file()), None)


def _why(name: str, failures: Path | None) -> str:
    analysed = failures is not None and failures.is_dir()
    if name in _FAILURES | {artifacts.SLICES} and not analysed:
        return "The failures of this evaluation have not been analysed: run `vaekit failures`."
    if name == artifacts.KL_PER_DIM:
        return "The checkpoint does not say how the KL of each dim went during training."
    if name == artifacts.SLICES:
        return "There is no table of attributes: the data carries none, or the failure analysis left it out."
    return f"{name} is missing: run `vaekit {'failures' if name in _FAILURES else 'evaluate'}` again."
