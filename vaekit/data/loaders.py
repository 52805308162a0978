"""From prepared images to batches of tensors. Torch is imported on use, so that reading data stays light."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from vaekit.data.prepared import Prepared
from vaekit.errors import ConfigError

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, eq=False)
class Batch:
    """B images: their row numbers (B,) and ids, and x, float32 (B, C, H, W) in [0, 1] on the asked device."""

    rows: np.ndarray
    image_ids: list[str]
    x: "torch.Tensor"


def batches(
    prepared: Prepared,
    rows: np.ndarray,
    batch_size: int,
    device: "torch.device | str" = "cpu",
    generator: "torch.Generator | None" = None,
    least: int = 1,
) -> Iterator[Batch]:
    """Yield every one of `rows` once, in their order; the last batch holds what is left, nothing drops or pads.

    With a `generator` (CPU) the rows are permuted by it anew at each call; inside a batch they then stand in ascending
    order, as they are read from disk. A last batch of fewer than `least` images joins the one before it.

    Raises:
        ConfigError: a batch size below 1.
    """
    if batch_size < 1:
        raise ConfigError(f"The batch size {batch_size} holds no image: give --batch-size 1 or more.")
    return _batches(prepared, np.asarray(rows), batch_size, device, generator, least)


def _batches(
    prepared: Prepared,
    rows: np.ndarray,
    batch_size: int,
    device: "torch.device | str",
    generator: "torch.Generator | None",
    least: int,
) -> Iterator[Batch]:
    import torch

    device = torch.device(device)
    images = np.asarray(prepared.images)  # a plain view of the mapped file: np.memmap pays for each indexing
    image_ids = prepared.index["image_id"].to_numpy(object)
    if generator is not None:
        rows = rows[torch.randperm(len(rows), generator=generator).numpy()]
    for chosen in np.split(rows, batch_ends(len(rows), batch_size, least)) if len(rows) else ():
        if generator is not None:
            chosen = np.sort(chosen)
        pixels = torch.from_numpy(images[chosen])
        if device.type == "cuda":
            pixels = pixels.pin_memory().to(device, non_blocking=True)
        # uint8 until it is on the device: a quarter of the bytes to move.
        x = pixels.to(device).permute(0, 3, 1, 2).to(torch.float32, memory_format=torch.contiguous_format).div_(255)
        yield Batch(chosen, image_ids[chosen].tolist(), x)


def batch_ends(n: int, batch_size: int, least: int = 1) -> list[int]:
    """Return where each of the batches of n rows ends but the last, which ends with them."""
    ends = list(range(batch_size, n, batch_size))
    return ends[:-1] if ends and n - ends[-1] < least else ends
