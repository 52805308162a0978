"""Listing the pictures of a folder: sorted, without the litter that systems leave there, and what is left out."""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vaekit.data.crop import SUFFIXES
from vaekit.errors import DataError

# Pictures that vaekit does not read: told, so that nobody takes them for counted.
UNREAD = (
    *(".heic", ".heif", ".avif", ".jxl", ".jp2", ".j2k", ".tga", ".psd", ".svg", ".ico", ".exr", ".hdr", ".eps"),
    *(".dng", ".cr2", ".nef", ".arw", ".orf", ".raw"),
)


@dataclass(frozen=True)
class Listing:
    """Picture files as sorted relative paths with "/", and sentences about what was left out."""

    files: list[str]
    notes: tuple[str, ...]


def pictures_in(folder: Path) -> Listing:
    """Return the picture files directly in `folder`; DataError where it can not be opened."""
    return _listing(folder, deep=False)


def pictures_below(folder: Path) -> Listing:
    """Return the picture files anywhere below `folder`, each real folder once, whatever links lead to it."""
    return _listing(folder, deep=True)


def holds_pictures(folder: Path) -> bool:
    """Tell whether a picture file lies directly in `folder`."""
    return folder.is_dir() and any(_is_picture(name) for _, _, names in _walk(folder, False, []) for name in names)


def subfolders(folder: Path) -> list[Path]:
    """Return the folders directly in `folder`, sorted, hidden ones left out."""
    return sorted(folder / name for _, folders, _ in _walk(folder, False, []) for name in folders)


def image_id_of(file: str) -> str:
    """Return the path without the suffix of a picture; other dots are part of the name."""
    bare, _, suffix = file.rpartition(".")
    return bare if bare and f".{suffix.lower()}" in SUFFIXES else file


def _listing(folder: Path, deep: bool) -> Listing:
    closed: list[OSError] = []
    files: list[str] = []
    badly_named: list[str] = []
    unread = Counter[str]()
    # By suffix alone: asking 200,000 files what they are takes minutes on a network drive.
    for parent, _, names in _walk(folder, deep, closed):
        below = Path(parent).relative_to(folder)
        for name in names:
            if _is_picture(name):
                (files if _fits_a_table(name) else badly_named).append((below / name).as_posix())
            elif (suffix := Path(name).suffix.lower()) in UNREAD and not _is_litter(name):
                unread[suffix] += 1
    notes = []
    if badly_named:
        notes.append(
            "Left out, because no table can hold their names (a carriage return in it, or no UTF-8): "
            f"{_counted(len(badly_named))}, first {min(badly_named)!a}. Rename them."
        )
    if unread:
        kinds = ", ".join(f"{number:,} {suffix}" for suffix, number in sorted(unread.items()))
        notes.append(f"Left out, because vaekit does not read pictures of their kind: {kinds}.")
    if closed:
        names = sorted(f"{os.path.relpath(error.filename, folder)} ({error.strerror})" for error in closed)
        notes.append(f"Left out, because it can not be opened: {', '.join(names)}.")
    return Listing(sorted(files), tuple(notes))


def _walk(folder: Path, deep: bool, closed: list[OSError]) -> Iterator[tuple[str, list[str], list[str]]]:
    def refuse(error: OSError) -> None:
        if error.filename == str(folder):
            raise DataError(f"{folder} can not be opened: {error.strerror}. Make it readable, or name other data.")
        closed.append(error)

    seen = set()
    for parent, folders, files in os.walk(folder, onerror=refuse, followlinks=True):
        real = os.path.realpath(parent)
        real_ones: list[str] = []
        links: list[str] = []
        for name in sorted(folders):
            if not _is_litter(name) and real not in seen:
                (links if (Path(parent) / name).is_symlink() else real_ones).append(name)
        folders[:] = [*real_ones, *links]  # a folder is met by its own name before any link to it
        if real not in seen:
            seen.add(real)
            yield parent, folders, files
        if not deep:
            return


def _counted(number: int) -> str:
    return f"{number:,} {'file' if number == 1 else 'files'}"


def _fits_a_table(name: str) -> bool:
    return "\r" not in name and not any("\ud800" <= letter <= "\udfff" for letter in name)


def _is_litter(name: str) -> bool:
    return name.startswith(".") or name == "__MACOSX"  # "._000001.jpg" is a Mac's note about 000001.jpg


def _is_picture(name: str) -> bool:
    return name.lower().endswith(SUFFIXES) and not _is_litter(name)
