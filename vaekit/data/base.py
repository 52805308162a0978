"""The contract of a dataset: where its images lie, how they are split, what is known of each."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol as TypingProtocol

import pandas as pd

from vaekit.config import Channels, Crop, ImageSize
from vaekit.registry import Registry

ALIGNED = (178, 218)  # width and height of CelebA's aligned pictures: crops are measured on them
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
        seed: draws the subset where fewer images than all are asked for.
    """

    name: str
    root: Path
    index: pd.DataFrame
    attributes: tuple[str, ...]
    notes: tuple[str, ...]
    factors: pd.DataFrame | None = None
    seed: int = 0


class OpenDataset(TypingProtocol):
    """Reads the layout below `root` into a Source; `seed` decides a split where the data has none."""

    def __call__(self, root: Path, seed: int) -> Source:
        """Return the Source; DataError where the folder does not hold such a dataset."""


DATASETS: Registry[OpenDataset] = Registry("dataset", "vaekit.data")
dataset = DATASETS.register


@dataclass(frozen=True)
class Protocol:
    """How a file becomes a network's input; part of every result, because numbers at other crops do not compare.

    `crop` is the width of a centred rectangle in pixels of CelebA's aligned pictures, 178 x 218; it has the aspect
    ratio of `image_size` (a square where that is one number) and is resized to it by Pillow's antialiased bilinear
    filter. On a picture of another size it covers the same share of the shorter side: crop 148 of 1024 x 1024 pixels
    is 851 x 851. A rectangle that is higher or wider than the picture is scaled down until it fits. "none" squeezes
    the whole picture to `image_size`, whatever its aspect ratio.

    Attributes:
        crop: 178, 148, 140 or "none".
        image_size: side of the result in pixels, or (height, width).
        channels: 3 for RGB, 1 for grey: the luminance of Pillow's "L" (ITU-R 601), taken before the resize.
    """

    crop: Crop
    image_size: ImageSize
    channels: Channels = 3

    def __post_init__(self) -> None:
        if not isinstance(self.image_size, int):
            height, width = self.image_size
            object.__setattr__(self, "image_size", height if height == width else (height, width))

    @property
    def shape(self) -> tuple[int, int, int]:
        """(H, W, C) of the pixels."""
        size = self.image_size
        return (*((size, size) if isinstance(size, int) else size), self.channels)

    @property
    def name(self) -> str:
        """A name for folders, such as "crop178-64px", "whole-218x178px" or "crop148-28px-grey"."""
        height, width, channels = self.shape
        side = f"{height}" if height == width else f"{height}x{width}"
        crop = "whole" if self.crop == "none" else f"crop{self.crop}"
        return f"{crop}-{side}px" + ("-grey" if channels == 1 else "")

    def box(self, width: int, height: int) -> tuple[int, int, int, int]:
        """Return what is kept of a picture of this size: left, upper, right and lower bound in its pixels."""
        if self.crop == "none":
            return 0, 0, width, height
        across = self.crop * min(width, height) / ALIGNED[0]
        down = across * self.shape[0] / self.shape[1]
        fit = min(1.0, width / across, height / down)
        across, down = max(1, round(fit * across)), max(1, round(fit * down))
        left, upper = round((width - across) / 2), round((height - down) / 2)
        return left, upper, left + across, upper + down


Limits = Mapping[str, int]
