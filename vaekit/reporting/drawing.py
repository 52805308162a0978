"""The figures of a report, drawn once: as long as artifacts and drawing code are the same, they are read back."""

import hashlib
import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl

from vaekit import artifacts, figures
from vaekit.errors import DataError
from vaekit.figures.base import FIGURES, Drawn, draw
from vaekit.progress import Progress
from vaekit.reporting.collect import Collected
from vaekit.version import __version__

# Which figures are vaekit's, their words and hashes, and what they were made from: a later report reads them back, or
# clears them away.
WRITTEN = "written.json"
_FACTS = {"title", "caption", "alt", "suffix", "sha256"}  # it says of each figure


@dataclass(frozen=True)
class Drawings:
    """`figures`: name -> drawn figure; `gaps`: name -> why it could not be drawn; `made_from`: digest of the inputs."""

    figures: dict[str, Drawn]
    gaps: dict[str, str]
    made_from: str


def draw_all(found: Collected, folder: Path, progress: Progress) -> Drawings:
    """Return every registered figure, those in `folder` where they were drawn from the very same artifacts and code."""
    names = FIGURES.names()
    progress("report", 0, len(names) + 1, "figures")
    made_from = _made_from(found)
    if (kept := _read_back(folder, made_from)) is not None:
        return kept
    drawn: dict[str, Drawn] = {}
    gaps: dict[str, str] = {}
    for done, name in enumerate(names):
        progress("report", done, len(names) + 1, name)
        try:
            drawn[name] = draw(name, found.files, found.missing)
        except DataError as error:
            gaps[name] = str(error)
    return Drawings(drawn, gaps, made_from)


def write_figures(folder: Path, drawings: Drawings) -> None:
    """Write the figures and remove those of an earlier report; a file that someone changed since stays."""
    files = {f"{name}.{drawn.suffix}": drawn.data for name, drawn in drawings.figures.items()}
    for name, entry in _written(folder).get("figures", {}).items():
        path = folder / f"{name}.{entry['suffix']}"
        is_ours = path.parent == folder and path.is_file() and artifacts.file_hash(path) == entry["sha256"]
        if path.name not in files and is_ours:
            path.unlink()
    for name, data in files.items():
        artifacts.write_bytes(folder / name, data)
    artifacts.write_json(
        folder / WRITTEN,
        {
            "made_from": drawings.made_from,
            "figures": {
                name: {
                    "title": drawn.title,
                    "caption": drawn.caption,
                    "alt": drawn.alt,
                    "suffix": drawn.suffix,
                    "sha256": hashlib.sha256(drawn.data).hexdigest(),
                }
                for name, drawn in sorted(drawings.figures.items())
            },
            "gaps": drawings.gaps,
        },
    )


def _made_from(found: Collected) -> str:
    """Return the digest of everything that a figure can depend on: artifacts, the code that draws, its versions."""
    digest = hashlib.sha256(f"{found.digest} {__version__} {mpl.__version__}".encode())
    own = Path(figures.__file__).parent.glob("*.py")
    for path in sorted({*own, *(Path(inspect.getfile(spec.draw)) for _, spec in FIGURES.items())}):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _read_back(folder: Path, made_from: str) -> Drawings | None:
    written = _written(folder)
    if written.get("made_from") != made_from:
        return None
    drawn = {}
    for name, entry in written["figures"].items():
        path = folder / f"{name}.{entry['suffix']}"
        data = path.read_bytes() if path.is_file() else b""
        if hashlib.sha256(data).hexdigest() != entry["sha256"]:
            return None
        drawn[name] = Drawn(entry["title"], entry["caption"], entry["alt"], data, entry["suffix"])
    return Drawings({name: drawn[name] for name in FIGURES.names() if name in drawn}, written["gaps"], made_from)


def _written(folder: Path) -> Mapping[str, Any]:
    """Return what an earlier report wrote about its figures; nothing where there is none, or not ours."""
    try:
        content = artifacts.read_json(folder / WRITTEN)
    except DataError:
        return {}
    figures = content.get("figures") if isinstance(content, dict) else None
    if not isinstance(figures, dict) or not isinstance(content.get("gaps"), dict):
        return {}
    return content if all(isinstance(entry, dict) and entry.keys() == _FACTS for entry in figures.values()) else {}
