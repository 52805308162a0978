"""Which images: a split where the data has none, and seeded subsets, both decided by image_id alone."""

import hashlib
from collections.abc import Sequence

import numpy as np
import pandas as pd

from vaekit.data.base import SPLITS, Limits
from vaekit.errors import ConfigError, did_you_mean


def keyed_integers(seed: int, stream: str, image_ids: Sequence[str]) -> np.ndarray:
    """Return uniform random uint64, (N,), each decided by (seed, stream, image_id): other images move none of them."""
    prefix = hashlib.blake2b(f"{seed}/{stream}/".encode(), digest_size=8)
    digests = []
    for image_id in image_ids:
        one = prefix.copy()
        one.update(image_id.encode())
        digests.append(one.digest())
    return np.frombuffer(b"".join(digests), "<u8")


def split_by_id(seed: int, image_ids: Sequence[str]) -> np.ndarray:
    """Return train, valid or test for each image, (N,), in the expected shares 80/10/10."""
    share = keyed_integers(seed, "split", image_ids) / 2.0**64
    return np.select([share < 0.8, share < 0.9], ["train", "valid"], "test").astype(object)


def parse_limit(text: str) -> dict[str, int]:
    """Return {"train": 20000, "test": 2000} for "train=20000,test=2000"; an empty text limits nothing.

    Raises:
        ConfigError: no such split, a split named twice, or what follows the = is no whole number from 0 up.
    """
    limits: dict[str, int] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        split, equals, number = (piece.strip() for piece in part.partition("="))
        if not equals:
            raise ConfigError(f"--limit {part!r} has no number: write a split and a number, as in --limit train=20000.")
        if split in limits:
            raise ConfigError(f"--limit names {split!r} twice: give each split one number.")
        try:
            limits[split] = int(number)
        except ValueError:
            raise ConfigError(
                f"--limit {part!r}: {number!r} is not a whole number: write one, as in --limit {split}=20000."
            ) from None
        check_limits(limits)
    return limits


def check_limits(limits: Limits) -> None:
    """Raise ConfigError where a limit names no split or is negative."""
    for split, number in limits.items():
        if split not in SPLITS:
            raise ConfigError(f"--limit names the split {split!r}.{did_you_mean(split, SPLITS)}")
        if number < 0:
            raise ConfigError(f"--limit {split}={number} is negative: give 0 or more, or leave {split} out for all.")


def select(index: pd.DataFrame, limits: Limits, seed: int) -> tuple[pd.DataFrame, dict[str, int], tuple[str, ...]]:
    """Return the limited index, the limits that cut something, and the sentence that a report must repeat about it.

    The subset of a split is the images of lowest keyed number, so a smaller limit gives a part of a larger one.
    """
    check_limits(limits)
    kept = np.ones(len(index), bool)
    cut: dict[str, int] = {}
    said = []
    for split in SPLITS:
        rows = np.flatnonzero(index["split"] == split)
        limit = limits.get(split, len(rows))
        if limit >= len(rows):
            continue
        order = np.argsort(keyed_integers(seed, "subset", index["image_id"].iloc[rows].tolist()), kind="stable")
        kept[rows[order[limit:]]] = False
        cut[split] = limit
        said.append(f"{limit:,} of the {len(rows):,} {split} images")
    notes = (f"A seeded subset: {', '.join(said)} (seed {seed}).",) if said else ()
    return index[kept].reset_index(drop=True), cut, notes
