"""CelebA from its own layout, whole or in part: img_align_celeba/ and up to three annotation files.

Liu et al., Deep Learning Face Attributes in the Wild, ICCV 2015.
"""

import filecmp
import os
from pathlib import Path

import numpy as np

from vaekit.data.annotations import match, read_annotation
from vaekit.data.base import Source, dataset
from vaekit.data.files import holds_pictures, image_id_of, pictures_in, subfolders
from vaekit.data.joined import join
from vaekit.data.selection import split_by_id
from vaekit.errors import DataError

IMAGES = ("img_align_celeba", "img_align_celeba_png")
ATTRIBUTES, PARTITION, IDENTITIES = "list_attr_celeba", "list_eval_partition", "identity_CelebA"
TABLES = (".txt", ".csv", ".tsv", ".parquet")
LAYOUT = f"{IMAGES[0]}/ with {ATTRIBUTES}.txt, {PARTITION}.txt and {IDENTITIES}.txt beside it"


@dataset("celeba")
def open_celeba(root: Path, seed: int) -> Source:
    """Return CelebA as it lies below `root`; without a partition file `seed` decides an 80/10/10 split."""
    return read_celeba(root, seed, "celeba")


def looks_like_celeba(root: Path) -> bool:
    """Tell whether `root`, or a folder directly in it, holds img_align_celeba or one of its annotation files."""
    return root.name in IMAGES or any(_is_marked(base) for base in (root, *subfolders(root)))


def read_celeba(root: Path, seed: int, name: str) -> Source:
    """Return the images below `root` that are present and annotated, under the name `name`.

    Found as they circulate: in a nested folder of the same name, one folder deeper, with Anno/, Eval/ and Img/, the
    images alone (then without attributes and with a seeded split), or `root` being the folder of images itself.

    Raises:
        DataError: no folder, no image, or an annotation file that is broken (with its line).
    """
    if not root.is_dir():
        raise DataError(
            f"There is no folder {root}. Expected CelebA there ({LAYOUT}): unpack it, name another folder with --data, "
            "or draw faces with --data faces."
        )
    base, images = _find_images(root)
    present, files, notes = _list_images(base, images)
    places = list(dict.fromkeys([base, base / "Anno", base / "Eval", root, images.parent, images]))
    partitions, attributes, identities = (
        [read_annotation(path, only) for path in _find_files(places, stem)]
        for stem, only in ((PARTITION, "partition"), (ATTRIBUTES, None), (IDENTITIES, "identity"))
    )
    annotations = [*partitions, *attributes, *identities]
    index, names, said = join(present, files, annotations, split_by_id(seed, present))
    annotated = next(iter([*partitions, *attributes]), None)
    if annotated is not None:
        here = int(match(annotated, present).known.sum())
        notes.insert(0, f"{here:,} of the {len(annotated.image_ids):,} annotated images are present.")
    notes += said
    if all(annotation.split is None for annotation in annotations):
        notes.append(f"No {PARTITION} file: a seeded split 80/10/10 by image id (seed {seed}), not the official one.")
    if not names:
        notes.append(f"No {ATTRIBUTES} file: the stages that need attributes are skipped.")
    return Source(name, base, index, names, tuple(notes))


def _list_images(base: Path, images: Path) -> tuple[list[str], list[str], list[str]]:
    """Return the image_ids, sorted, the file of each relative to `base`, and notes."""
    listing = pictures_in(images)
    files = listing.files
    image_ids, first = np.unique([image_id_of(file) for file in files], return_index=True)
    below = "" if images == base else f"{images.relative_to(base).as_posix()}/"
    surplus = len(files) - len(image_ids)
    notes = [*listing.notes]
    if surplus:
        notes.append(
            f"Left out, because another file differs by its suffix alone: {surplus:,} of {len(files):,} files."
        )
    return image_ids.tolist(), [f"{below}{files[i]}" for i in first], notes


def _is_marked(base: Path) -> bool:
    return any((base / below / name).is_dir() for below in ("", "Img") for name in IMAGES) or bool(
        [*_find_files([base], ATTRIBUTES), *_find_files([base], PARTITION)]
    )


def _find_images(root: Path) -> tuple[Path, Path]:
    """Return (base, images): the folder that holds it all and the folder of images in or below it."""
    if root.name in IMAGES:  # the folder of images itself: what belongs to it lies above
        while root.name in ("Img", *IMAGES):
            root = root.parent
    deeper = subfolders(root)
    bases = [root, *deeper]
    folders = [(base, base / below / name) for base in bases for below in ("", "Img") for name in IMAGES]
    nested = [(base, folder / folder.name) for base, folder in folders]
    alone = [(base, base) for base in deeper if holds_pictures(base)]
    for base, folder in [*nested, *folders, (root, root), *(alone if len(alone) == 1 else [])]:
        if holds_pictures(folder):
            return base, folder
    packed = next((path.name for base in bases for path in sorted(base.glob("*.zip"))), None)
    hint = f"{packed} is still packed: unzip it there" if packed else "Unpack CelebA there"
    raise DataError(
        f"There is no image in {root}. Expected {LAYOUT}. {hint}, name another folder with --data, or draw faces with "
        "--data faces."
    )


def _find_files(places: list[Path], stem: str) -> list[Path]:
    """Return the files of this name, whatever the case, of which no two hold the same bytes."""
    found: list[Path] = []
    for place in filter(Path.is_dir, places):
        with os.scandir(place) as entries:
            named = [place / e.name for e in entries if e.name.lower().startswith(stem.lower())]
        for path in sorted(named):
            is_table = path.stem.lower() == stem.lower() and path.suffix.lower() in TABLES and path.is_file()
            if is_table and not any(filecmp.cmp(path, other, shallow=False) for other in found):
                found.append(path)
    return found
