"""Codes that the model's code must beat: as many principal components of the pixels, and an untrained encoder."""

from dataclasses import dataclass

import numpy as np
import torch
from sklearn.decomposition import PCA

from vaekit.config import RunConfig
from vaekit.data import Prepared
from vaekit.evaluation.codes import encode_rows
from vaekit.models.base import build_model
from vaekit.progress import Progress, silent
from vaekit.seeding import numpy_generator, some_rows, torch_generator

FITTED_ON = 4_000  # train images that the components are fitted to
SIDE = 64  # larger images are averaged down to this side first: leading components are smooth
POWER = 4  # iterations of the randomised decomposition (Halko et al. 2011)
AT_ONCE = 1_024  # images projected at a time


@dataclass(frozen=True)
class PixelCodes:
    """Principal components of the pixels.

    Attributes:
        codes: of each set of rows, (N, K) float32 each.
        components: K, the latent dims of the model, or fewer where there are fewer images or pixels.
        images: number of train images that they were fitted to.
        explained: share of those images' variance that they hold.
    """

    codes: list[np.ndarray]
    components: int
    images: int
    explained: float


def pixel_codes(prepared: Prepared, train: np.ndarray, rows: list[np.ndarray], dims: int, seed: int) -> PixelCodes:
    """Return the first `dims` principal components of the pixels of each set of rows, fitted to train rows alone."""
    chosen = some_rows(train, FITTED_ON, seed, "pixel components")
    pixels = _pixels(prepared, chosen)
    random = int(numpy_generator(seed, "pixel components").integers(2**31))
    components = min(dims, *pixels.shape)
    pca = PCA(components, svd_solver="randomized", iterated_power=POWER, random_state=random).fit(pixels)
    codes = [
        np.concatenate(
            [pca.transform(_pixels(prepared, part[i : i + AT_ONCE])) for i in range(0, len(part), AT_ONCE)]
        ).astype(np.float32)
        for part in rows
    ]
    return PixelCodes(codes, components, len(chosen), float(pca.explained_variance_ratio_.sum()))


def untrained_codes(
    config: RunConfig,
    prepared: Prepared,
    rows: list[np.ndarray],
    *,
    seed: int,
    device: torch.device | str = "cpu",
    batch_size: int = 256,
    progress: Progress = silent,
) -> list[np.ndarray]:
    """Return mu of each set of rows, (N, D) float32, from the same network with fresh weights drawn by the seed."""
    fresh = torch_generator(seed, "untrained encoder").initial_seed()
    model = build_model(config.model, config.likelihood, prepared.protocol.image_size, fresh)
    return [
        encode_rows(model, prepared, part, seed=seed, device=device, batch_size=batch_size, progress=progress).mu
        for part in rows
    ]


def _pixels(prepared: Prepared, rows: np.ndarray) -> np.ndarray:
    """Return images as rows of float32 in [0, 255], averaged down to at most 64 x 64."""
    images = np.asarray(prepared.images)[rows]
    n, side = images.shape[:2]
    step = max(1, side // SIDE)
    if step > 1:
        images = images.reshape(n, side // step, step, side // step, step, 3).mean((2, 4), dtype=np.float32)
    return images.reshape(n, -1).astype(np.float32)
