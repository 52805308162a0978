"""Which data: a dataset's name, a folder, or what is there when none is named."""

import logging
from dataclasses import replace
from pathlib import Path

from vaekit.data.base import DATASETS, Source
from vaekit.data.celeba import looks_like_celeba, open_celeba
from vaekit.data.drawn import PARAMETERS, draw_default_faces, open_faces
from vaekit.data.folder import open_folder
from vaekit.data.hub import PREFIX, fetch_hub, hub_folder, open_hub
from vaekit.errors import DataError, did_you_mean
from vaekit.progress import Progress, silent

log = logging.getLogger("vaekit")


def open_source(data: str | None, *, root: Path = Path("data"), seed: int = 0, progress: Progress = silent) -> Source:
    """Return the named data: a dataset below `root`, a folder in CelebA's layout, or any folder of pictures.

    Without a name it is `root`/celeba where that holds something, else the drawn faces; one line in the log says so.
    "hub:owner/name" is fetched from the Hugging Face hub, and the drawn faces are drawn, where they are asked for and
    are not there.

    Raises:
        DataError: no such dataset or folder, or nothing usable in it.
        OutputError: the faces can not be drawn because their folder can not be written.
    """
    return replace(_open(data, root, seed, progress), seed=seed)


def _open(data: str | None, root: Path, seed: int, progress: Progress) -> Source:
    if data is None:
        celeba = root / "celeba"
        is_there = celeba.is_dir() and any(celeba.iterdir())
        data = "celeba" if is_there else "faces"
        log.info(
            "No data is named: using %s.",
            celeba if is_there else f"drawn faces, because there is no CelebA in {celeba}",
        )
    if data.startswith(PREFIX):
        name = data.removeprefix(PREFIX)
        kept = hub_folder(root, name)
        if not kept.is_dir():
            log.info("Fetching %s into %s; `vaekit data fetch --from %s --limit ...` takes a part.", name, kept, data)
            fetch_hub(name, kept, progress=progress)
        return open_hub(kept, seed)
    if data in DATASETS.names():
        folder = root / data
        if data == "faces" and not folder.exists():
            draw_default_faces(folder, progress)
        return DATASETS.get(data)(folder, seed)
    return _open_folder(Path(data).expanduser(), data, seed)


def _open_folder(folder: Path, data: str, seed: int) -> Source:
    if folder.is_file():
        raise DataError(f"--data {data} is a file. Expected a folder of images: unpack it and name the folder.")
    if not folder.is_dir():
        raise DataError(f"--data {data}: there is no such dataset or folder.{did_you_mean(data, DATASETS.names())}")
    if (folder / PARAMETERS).is_file():
        return open_faces(folder, seed)
    return open_celeba(folder, seed) if looks_like_celeba(folder) else open_folder(folder, seed)
