"""What a run shows of itself after every epoch: reconstructions, and curves."""

from pathlib import Path
from typing import Any

import pandas as pd
import torch

from vaekit import artifacts
from vaekit.data import Prepared
from vaekit.data.loaders import batches
from vaekit.data.pixels import to_uint8
from vaekit.figures.curves import figure_bytes, training_curves
from vaekit.figures.grids import pair_grid, png_bytes
from vaekit.models.base import VAE

COUNT = 16  # validation images in the picture


@torch.no_grad()
def write_pictures(
    folder: Path, model: VAE, prepared: Prepared, history: list[dict[str, Any]], device: torch.device | str
) -> None:
    """Write epochs/<epoch>.png, the first validation images above their reconstructions, and curves.png."""
    batch = next(batches(prepared, prepared.rows("valid")[:COUNT], COUNT, device))
    picture = pair_grid(to_uint8(batch.x), to_uint8(model.reconstruct(batch.x)), columns=8)
    artifacts.write_bytes(folder / artifacts.EPOCHS / f"{len(history):03}.png", png_bytes(picture))
    artifacts.write_bytes(folder / artifacts.CURVES, figure_bytes(training_curves(pd.DataFrame(history)), "png"))
