"""One's own pictures through the model, cropped like the data it was trained on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from vaekit.data import Protocol, load_image
from vaekit.data.pixels import to_uint8
from vaekit.errors import DataError
from vaekit.exploration.results import Shown
from vaekit.figures.grids import pair_grid
from vaekit.models.base import VAE, sum_dtype

_COLUMNS = 8
_AT_A_TIME = 256


@dataclass(frozen=True, eq=False)
class Reconstructions(Shown):
    """Pictures x and their reconstructions x_hat, uint8 (n, H, W, C); `unreadable`: file -> why it is not there."""

    x: np.ndarray
    x_hat: np.ndarray
    unreadable: dict[str, str]


@dataclass(frozen=True, eq=False)
class OwnPictures:
    """The files that could be read and their pixels x, uint8 (n, H, W, C); `unreadable`: file -> why not."""

    files: list[str]
    x: np.ndarray
    unreadable: dict[str, str]


def read_pictures(files: Sequence[Path], protocol: Protocol) -> OwnPictures:
    """Return one's own pictures as the network saw those it was trained on.

    Raises:
        DataError: none can be read.
    """
    pixels, unreadable = [], {}
    for file in files:
        try:
            pixels.append(load_image(file, protocol))
        except DataError as error:
            unreadable[str(file)] = str(error)
    if not pixels:
        raise DataError(" ".join(unreadable.values()))
    return OwnPictures([str(file) for file in files if str(file) not in unreadable], np.stack(pixels), unreadable)


@torch.inference_mode()
def reconstruct(
    run: str, model: VAE, files: Sequence[Path], protocol: Protocol, *, made_by: Mapping[str, Any]
) -> Reconstructions:
    """Return originals and reconstructions (decoder mean at z = mu) with mse and kl of each.

    Raises:
        DataError: no file can be decoded.
    """
    own = read_pictures(files, protocol)
    decoded, mse, kl = [], [], []
    for part in torch.split(torch.tensor(own.x), _AT_A_TIME):
        pixels = part.to(model.device).permute(0, 3, 1, 2).float().div(255)
        posterior = model.encode(pixels)
        mean = model.decode(posterior.mu).mean
        sse = (pixels - mean).square().flatten(1).sum(1, dtype=sum_dtype(mean))
        mse.append(sse.cpu().numpy().astype(np.float64) / pixels[0].numel())
        kl.append(posterior.kl().cpu().numpy())
        decoded.append(to_uint8(mean))
    x_hat = np.concatenate(decoded)
    table = pd.DataFrame({"file": own.files, "mse": np.concatenate(mse), "kl": np.concatenate(kl).astype(np.float64)})
    sentences = [
        f"{len(table):,} pictures at {protocol.name}, originals above, reconstructions below; "
        "mse: squared error of a pixel in [0, 1]; kl in nats.",
        *(f"Left out: {reason}" for reason in own.unreadable.values()),
    ]
    facts = {
        "run": run,
        "crop": protocol.crop,
        "image_size": protocol.image_size,
        "unreadable": own.unreadable,
        "made_by": dict(made_by),
    }
    picture = pair_grid(own.x, x_hat, _COLUMNS, scale=max(1, 128 // protocol.shape[0]))
    return Reconstructions(run, "reconstruct", picture, table, tuple(sentences), facts, own.x, x_hat, own.unreadable)
