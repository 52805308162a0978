"""Any folder of pictures, with what tables beside them say; else a split decided by each image's name."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from vaekit.data.annotations import Annotation, match, read_annotation
from vaekit.data.base import Source, dataset
from vaekit.data.crop import SUFFIXES
from vaekit.data.files import image_id_of, pictures_below
from vaekit.data.joined import join
from vaekit.data.selection import split_by_id
from vaekit.data.tables import SPLIT_WORDS
from vaekit.errors import DataError

TABLES = (".csv", ".tsv", ".parquet")


@dataset("folder")
def open_folder(root: Path, seed: int) -> Source:
    """Return every picture below `root`, with the attributes, splits and identities of the tables directly in it.

    Without a table of splits, folders called train, valid and test are the split; else it is 80/10/10 by (seed,
    image_id): a new picture moves no other.

    Raises:
        DataError: no folder, no picture in it, or a table that can not be read.
    """
    if not root.is_dir():
        raise DataError(f"There is no folder {root}. Expected a folder of pictures: name it with --data.")
    listing = pictures_below(root)
    if not listing.files:
        raise DataError(
            f"There is no image in {root}. Expected pictures ({', '.join(SUFFIXES)}) in it or in its folders: name "
            "another folder with --data, or draw faces with --data faces."
        )
    image_ids: dict[str, str] = {}
    for file in listing.files:  # b.png beside b.jpg keeps its suffix, so that both are known by a name of their own
        bare = image_id_of(file)
        image_ids[file if bare in image_ids else bare] = file
    present = sorted(image_ids)
    annotations, unused = _tables(root, present)
    folders = _split_of_folders(present)
    split = split_by_id(seed, present) if folders is None else folders
    index, attributes, said = join(present, [image_ids[i] for i in present], annotations, split)
    notes = [*listing.notes, *unused, *said]
    if any(annotation.split is not None for annotation in annotations):
        notes.append(f"A folder of {len(listing.files):,} pictures with a table of their split.")
    elif folders is not None:
        notes.append(f"A folder of {len(listing.files):,} pictures: its folders are the split.")
    else:
        notes.append(f"A folder of {len(listing.files):,} pictures: a seeded split 80/10/10 by image id (seed {seed}).")
    if not attributes:
        notes.append("No attributes are known of these pictures: the stages that need attributes are skipped.")
    return Source("folder", root, index, attributes, tuple(notes))


def _tables(root: Path, present: list[str]) -> tuple[list[Annotation], list[str]]:
    """Return what the tables directly in `root` say, and sentences about those that name none of the images."""
    annotations, unused = [], []
    for path in sorted(root.iterdir()):
        if path.suffix.lower() in TABLES and not path.name.startswith(".") and path.is_file():
            annotation = read_annotation(path)
            if match(annotation, present).known.any():
                annotations.append(annotation)
            else:
                unused.append(f"{path.name} is not used: it names none of the images.")
    return annotations, unused


def _split_of_folders(present: list[str]) -> npt.NDArray[np.object_] | None:
    """Return the split of each image where the uppermost folders of all of them are called after splits."""
    words = [image_id.partition("/")[0].lower() if "/" in image_id else "" for image_id in present]
    if not all(word in SPLIT_WORDS and not word.isdigit() for word in words):
        return None
    return np.array([SPLIT_WORDS[word] for word in words], object)
