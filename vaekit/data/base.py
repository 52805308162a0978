"""The contract of a dataset: where its images lie, how they are split, what is known of each."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol as TypingProtocol

import pandas as pd

from vaekit.config import Crop, ImageSize
from vaekit.registry import Registry

SPLITS = ("train", "valid", "test")
RESERVED_COLUMNS = ("image_id", "file", "split", "identity")  # of Source.index: no attribute is called so


@dataclass(frozen=True)
class Source:
    """What a dataset on disk holds, before any image is decoded.

    Attributes:
        name: short name for folders and titles, such as "celeba" or "faces".
        root: the folder that `index.file` is relative to.
        index: one row per image that is present, sorted by image_id: image_id (unique text: the file's path without
            its suffix), file (relative path), split (train, valid or test), identity (text, "" where unknown; only
            where the data knows who is who), then one 0/1 column per attribute.
        attributes: names of the attribute columns; empty where the data has none.
        notes: sentences a report must repeat ("10,052 of the 202,599 annotated images are present.").
        factors: image_id and the true factors of each image, one column each, where they are known and independent of
            one another; may name more images than the index.
    """

    name: str
    root: Path
    index: pd.DataFrame
    attributes: tuple[str, ...]
    notes: tuple[str, ...]
    factors: pd.DataFrame | None = None


class OpenDataset(TypingProtocol):
    """Reads the layout below `root` into a Source; `seed` decides a split where the data has none."""

    def __call__(self, root: Path, seed: int) -> Source:
        """Return the Source; DataError where the folder does not hold such a dataset."""


DATASETS: Registry[OpenDataset] = Registry("dataset", "vaekit.data")
dataset = DATASETS.register


@dataclass(frozen=True)
class Protocol:
    """How a file becomes a network's input; part of every result, because numbers at other crops do not compare.

    The image is cropped to a centred square of side `crop` ("none": kept whole) and resized to `image_size` squared
    by Pillow's antialiased bilinear filter.
    """

    crop: Crop
    image_size: ImageSize

    @property
    def name(self) -> str:
        """A name for folders, such as "crop178-64px"."""
        return f"{'whole' if self.crop == 'none' else f'crop{self.crop}'}-{self.image_size}px"


Limits = Mapping[str, int]
