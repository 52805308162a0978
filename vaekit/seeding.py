"""One seed, many independent streams of random numbers, each known by name.

No function of vaekit reads the global random state: what is random takes one of these generators.
"""

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


def _key(seed: int, names: tuple[object, ...]) -> bytes:
    text = "/".join([str(seed), *map(str, names)])
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def numpy_generator(seed: int, *names: object) -> np.random.Generator:
    """Return the numpy stream called `names` of this seed; other names give independent streams."""
    return np.random.Generator(np.random.Philox(key=int.from_bytes(_key(seed, names), "little")))


def torch_generator(seed: int, *names: object) -> "torch.Generator":
    """Return the torch stream (CPU) called `names` of this seed; other names give independent streams."""
    import torch

    return torch.Generator().manual_seed(int.from_bytes(_key(seed, names)[:7], "little"))


def some_rows(rows: np.ndarray, most: int, seed: int, *names: object) -> np.ndarray:
    """Return all of `rows`, or `most` of them drawn by the stream called `names`, in ascending order."""
    if len(rows) <= most:
        return rows
    return np.sort(numpy_generator(seed, *names).choice(rows, most, replace=False))


def keyed_normal(seed: int, stream: str, image_ids: Sequence[str], dims: int) -> np.ndarray:
    """Return standard normal noise, float32 (B, dims), whose row depends on (seed, stream, image_id) alone.

    The noise of an image is therefore the same whatever the batch size, the order or the number of processes.
    """
    rows = [numpy_generator(seed, stream, image_id).standard_normal(dims, dtype=np.float32) for image_id in image_ids]
    return np.stack(rows) if rows else np.zeros((0, dims), np.float32)
