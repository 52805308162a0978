"""One shared sigma at its optimum, the yardstick under which models of any loss compare."""

import math

import numpy as np
import torch

from vaekit.data import Prepared
from vaekit.data.loaders import batches
from vaekit.models.base import VAE, sum_dtype
from vaekit.seeding import keyed_normal, numpy_generator

BATCH = 256  # only memory depends on it: noise is keyed by image, sums are exact


@torch.no_grad()
def calibrated_sigma(
    model: VAE, prepared: Prepared, *, seed: int, device: torch.device | str, most: int | None = None
) -> float:
    """Return the maximum-likelihood sigma of one Gaussian over all pixels, fitted on the valid split and to be frozen.

    sigma^2 = mean of (x - x_hat)^2 over valid images, pixels and one z ~ q(z|x) each: the expectation that the ELBO
    takes (Rybkin et al. 2021). Pixels in [0, 1]. Of more than `most` images that many are drawn by the seed.

    Raises:
        DataError: no valid image.
    """
    model.eval()
    rows = prepared.rows("valid")
    if most is not None and len(rows) > most:
        rows = np.sort(numpy_generator(seed, "calibration").choice(rows, most, replace=False))
    sse = 0.0
    for batch in batches(prepared, rows, BATCH, device):
        noise = torch.from_numpy(keyed_normal(seed, "valid", batch.image_ids, model.latent_dim)).to(batch.x.device)
        x_hat = model.decode(model.encode(batch.x).sample(noise)).mean
        sse += (batch.x - x_hat).square().sum(dtype=sum_dtype(batch.x)).item()
    return math.sqrt(sse / (len(rows) * math.prod(model.image_shape)))
