"""CelebA from its own layout, whole or in part: img_align_celeba/ and up to three annotation files.

Liu et al., Deep Learning Face Attributes in the Wild, ICCV 2015.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from vaekit.data.annotations import Annotation, read_attributes, read_identities, read_partition
from vaekit.data.base import SPLITS, Source, dataset
from vaekit.data.files import holds_pictures, image_id_of, pictures_in, subfolders
from vaekit.data.selection import split_by_id
from vaekit.errors import DataError

IMAGES = "img_align_celeba"
ATTRIBUTES, PARTITION, IDENTITIES = "list_attr_celeba", "list_eval_partition", "identity_CelebA"
LAYOUT = f"{IMAGES}/ with {ATTRIBUTES}.txt, {PARTITION}.txt and {IDENTITIES}.txt beside it"


@dataset("celeba")
def open_celeba(root: Path, seed: int) -> Source:
    """Return CelebA as it lies below `root`; without a partition file `seed` decides an 80/10/10 split."""
    return read_celeba(root, seed, "celeba")


def looks_like_celeba(root: Path) -> bool:
    """Tell whether `root`, or a folder directly in it, holds img_align_celeba or one of its annotation files."""
    return root.name == IMAGES or any(_is_marked(base) for base in (root, *subfolders(root)))


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
    places = list(dict.fromkeys([base, base / "Anno", base / "Eval", root, images.parent]))
    partition = _read_one(places, PARTITION, read_partition)
    attributes = _read_one(places, ATTRIBUTES, read_attributes)
    identities = _read_one(places, IDENTITIES, read_identities)

    kept = np.ones(len(present), bool)
    for annotation in filter(None, (partition, attributes)):
        known = annotation.rows_of(present) >= 0
        notes += _mismatches(annotation, present, known)
        kept &= known
    annotated = partition or attributes
    if annotated is not None:
        here = int((annotated.rows_of(present) >= 0).sum())
        notes.insert(0, f"{here:,} of the {len(annotated.image_ids):,} annotated images are present.")
    if partition is None:
        notes.append(f"No {PARTITION} file: a seeded split 80/10/10 by image id (seed {seed}), not the official one.")
    if attributes is None:
        notes.append(f"No {ATTRIBUTES} file: the stages that need attributes are skipped.")

    index = pd.DataFrame({"image_id": present, "file": files, "split": _splits(partition, present, seed)})
    if identities is not None:
        rows = identities.rows_of(present)
        index["identity"] = np.where(rows >= 0, identities.values[rows, 0], "")
    if attributes is not None:
        # int64, not int8: sums and products of small integers overflow without a word.
        values = attributes.values[attributes.rows_of(present)].astype(np.int64)
        index = pd.concat([index, pd.DataFrame(values, columns=list(attributes.names))], axis=1)
    index = index[kept].reset_index(drop=True)
    if partition is not None:
        absent = [split for split in SPLITS if not (index["split"] == split).any()]
        notes += [f"{partition.path.name} names no {split} image that is present." for split in absent]
    return Source(name, base, index, attributes.names if attributes else (), tuple(notes))


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


def _splits(partition: Annotation | None, present: list[str], seed: int) -> np.ndarray:
    if partition is None:
        return split_by_id(seed, present)
    # An image that the file does not name gets some split here; it is left out afterwards.
    return np.array(SPLITS, object)[partition.values[partition.rows_of(present), 0]]


def _is_marked(base: Path) -> bool:
    names = (IMAGES, f"Img/{IMAGES}", f"{ATTRIBUTES}.txt", f"{ATTRIBUTES}.csv", f"{PARTITION}.txt", f"{PARTITION}.csv")
    return any((base / name).exists() for name in names)


def _find_images(root: Path) -> tuple[Path, Path]:
    """Return (base, images): the folder that holds it all and the folder of images in or below it."""
    if root.name == IMAGES:
        root = root.parent
    deeper = subfolders(root)
    bases = [root, *deeper]
    folders = [(base, base / below / IMAGES) for base in bases for below in ("", "Img")]
    nested = [(base, folder / IMAGES) for base, folder in folders]
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


def _read_one(places: list[Path], stem: str, read: Callable[[Path], Annotation]) -> Annotation | None:
    paths = (place / f"{stem}{suffix}" for place in places for suffix in (".txt", ".csv"))
    return next((read(path) for path in paths if path.is_file()), None)


def _mismatches(annotation: Annotation, present: list[str], known: np.ndarray) -> list[str]:
    """Return sentences about images without a row and rows without an end; DataError where nothing fits."""
    name, rows = annotation.path.name, len(annotation.image_ids)
    if not known.any():
        raise DataError(
            f"{annotation.path} names none of the {len(present):,} images that are here: it begins with "
            f"{annotation.image_ids[0]!r}, they with {present[0]!r}. Put the file there that belongs to these images, "
            "or take it away for a seeded split without attributes."
        )
    notes = []
    if not known.all():
        notes.append(f"{int((~known).sum()):,} images are left out because {name} does not name them.")
    if annotation.promised not in (None, rows):
        notes.append(f"{name} announces {annotation.promised:,} rows and has {rows:,}: its download may be cut short.")
    return notes
