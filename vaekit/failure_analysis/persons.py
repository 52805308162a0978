"""The test split cut into parts that share no person: what one part taught is tested on another."""

import hashlib
from collections.abc import Iterator

import numpy as np
import pandas as pd

SPLITS = 10  # in halves, so that what is found on one half may be looked for on another


def persons(image_ids: np.ndarray, identity: pd.Series | None) -> np.ndarray:
    """Return who is pictured as text, (N,); an image of nobody known stands for itself."""
    alone = np.array([f"image {image_id}" for image_id in image_ids], dtype=object)
    if identity is None:
        return alone
    known = identity.to_numpy(dtype=str)
    return np.where(known != "", np.array([f"person {name}" for name in known], dtype=object), alone)


def parts(people: np.ndarray, count: int, seed: int, name: str) -> np.ndarray:
    """Return the part of each image, 0 to count - 1, (N,); all images of a person are in one part.

    Persons stand in the order of a hash of (seed, name, person), and are cut where the parts have as many images as
    can be: the part of a person does not depend on the order of the images.
    """
    names, codes, sizes = np.unique(people.astype(str), return_inverse=True, return_counts=True)
    keys = [hashlib.blake2b(f"{seed}/{name}/{person}".encode(), digest_size=16).digest() for person in names]
    order = np.array(sorted(range(len(names)), key=keys.__getitem__), dtype=int)
    before = np.cumsum(sizes[order]) - sizes[order] / 2
    part = np.empty(len(names), dtype=int)
    part[order] = np.minimum((before * count / max(len(people), 1)).astype(int), count - 1)
    return part[codes]


def halves(people: np.ndarray, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the rows of either half of every split with those of its other half; a person is in one of the two."""
    for split in range(SPLITS):
        half = parts(people, 2, seed, f"findings {split}")
        first, second = np.flatnonzero(half == 0), np.flatnonzero(half == 1)
        yield first, second
        yield second, first
