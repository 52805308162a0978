"""Listing the pictures of a folder: sorted, without the litter that systems leave there."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from vaekit.data.crop import SUFFIXES
from vaekit.errors import DataError


def pictures_in(folder: Path) -> list[str]:
    """Return the names of the picture files directly in `folder`, sorted; [] where there is no such folder."""
    if not folder.is_dir():
        return []
    # By suffix alone: asking 200,000 files what they are takes minutes on a network drive.
    with os.scandir(folder) as entries:
        return _checked(folder, (entry.name for entry in entries if _is_picture(entry.name)))


def holds_pictures(folder: Path) -> bool:
    """Tell whether a picture file lies directly in `folder`."""
    if not folder.is_dir():
        return False
    with os.scandir(folder) as entries:
        return any(_is_picture(entry.name) for entry in entries)


def pictures_below(folder: Path) -> list[str]:
    """Return the picture files anywhere below `folder` as sorted relative paths with "/"."""
    return _checked(folder, _walk(folder))


def subfolders(folder: Path) -> list[Path]:
    """Return the folders directly in `folder`, sorted, hidden ones left out."""
    with os.scandir(folder) as entries:
        return sorted(folder / e.name for e in entries if not _is_litter(e.name) and e.is_dir())


def image_id_of(file: str) -> str:
    """Return the path without its suffix."""
    return file.rpartition(".")[0] or file


def _walk(folder: Path) -> Iterator[str]:
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not _is_litter(name)]
        below = Path(parent).relative_to(folder)
        yield from ((below / name).as_posix() for name in files if _is_picture(name))


def _checked(folder: Path, files: Iterable[str]) -> list[str]:
    files = sorted(files)
    try:
        "".join(files).encode()
    except UnicodeEncodeError:
        bad = next(file for file in files if any("\ud800" <= letter <= "\udfff" for letter in file))
        raise DataError(
            f"{folder} holds a file whose name is not UTF-8, {bad!a}: rename it, so that tables can name it."
        ) from None
    return files


def _is_litter(name: str) -> bool:
    return name.startswith(".") or name == "__MACOSX"  # "._000001.jpg" is a Mac's note about 000001.jpg


def _is_picture(name: str) -> bool:
    return name.lower().endswith(SUFFIXES) and not _is_litter(name)
