"""What a run shows of itself after every epoch: reconstructions, samples, and curves."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from vaekit import artifacts
from vaekit.data import Prepared
from vaekit.data.loaders import batches
from vaekit.data.pixels import to_uint8
from vaekit.figures.curves import figure_bytes, training_curves
from vaekit.figures.grids import pair_grid, png_bytes
from vaekit.models.base import VAE

COUNT = 16  # validation images in the picture, and samples from the same noise
MOST = 32  # epochs kept as arrays, evenly apart: a long run's file stays small


@torch.no_grad()
def write_pictures(
    folder: Path,
    model: VAE,
    prepared: Prepared,
    history: list[dict[str, Any]],
    kl_per_dim: list[list[float]],
    epochs: int,
    device: torch.device | str,
) -> None:
    """Write epochs/<epoch>.png, the first validation images above their reconstructions, curves.png and epochs.npz.

    epochs.npz holds `originals` (16, H, W, C), and of each of at most 33 epochs, so many of them being planned,
    `epoch` (E,), `reconstructions` and `samples` from fixed noise, uint8 (E, 16, H, W, C), and `kl_per_dim` (E, D).
    """
    epoch = len(history)
    batch = next(batches(prepared, prepared.rows("valid")[:COUNT], COUNT, device))
    originals, made = to_uint8(batch.x), to_uint8(model.reconstruct(batch.x))
    picture = pair_grid(originals, made, columns=8)
    artifacts.write_bytes(folder / artifacts.EPOCHS / f"{epoch:03}.png", png_bytes(picture))
    artifacts.write_bytes(folder / artifacts.CURVES, figure_bytes(training_curves(pd.DataFrame(history)), "png"))
    new = {
        "epoch": np.array(epoch),
        "reconstructions": made,
        "samples": to_uint8(model.sample(COUNT)),
        "kl_per_dim": np.array(kl_per_dim[-1], np.float32),
    }
    file = folder / artifacts.LEARNED
    kept = artifacts.read_arrays(file) if epoch > 1 and file.is_file() else {}
    every = -(-epochs // MOST)
    rows = [i for i, before in enumerate(kept.get("epoch", ())) if before < epoch and before % every == 0]
    stacked = {name: np.stack([*(kept[name][i] for i in rows), array]) for name, array in new.items()}
    artifacts.write_arrays(file, originals=originals, **stacked)
