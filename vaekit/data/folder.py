"""Any folder of pictures: no attributes, and a split decided by each image's name."""

from pathlib import Path

import pandas as pd

from vaekit.data.base import Source, dataset
from vaekit.data.crop import SUFFIXES
from vaekit.data.files import image_id_of, pictures_below
from vaekit.data.selection import split_by_id
from vaekit.errors import DataError


@dataset("folder")
def open_folder(root: Path, seed: int) -> Source:
    """Return every picture below `root`, split 80/10/10 by (seed, image_id): a new picture moves no other.

    Raises:
        DataError: no folder, or no picture in it.
    """
    if not root.is_dir():
        raise DataError(f"There is no folder {root}. Expected a folder of pictures: name it with --data.")
    listing = pictures_below(root)
    files = listing.files
    if not files:
        raise DataError(
            f"There is no image in {root}. Expected pictures ({', '.join(SUFFIXES)}) in it or in its folders: name "
            "another folder with --data, or draw faces with --data faces."
        )
    image_ids: dict[str, str] = {}
    for file in files:  # b.png beside b.jpg keeps its suffix, so that both are known by a name of their own
        bare = image_id_of(file)
        image_ids[file if bare in image_ids else bare] = file
    ordered = sorted(image_ids)
    index = pd.DataFrame(
        {"image_id": ordered, "file": [image_ids[i] for i in ordered], "split": split_by_id(seed, ordered)}
    )
    notes = (
        *listing.notes,
        f"A folder of {len(files):,} pictures: a seeded split 80/10/10 by image id (seed {seed}).",
        "No attributes are known of these pictures: the stages that need attributes are skipped.",
    )
    return Source("folder", root, index, (), notes)
