"""Posteriors of any rows of the prepared images: what probes, priors and the aggregate posterior are fitted to."""

from dataclasses import dataclass

import numpy as np
import torch

from vaekit.data import Prepared
from vaekit.data.loaders import batches
from vaekit.models.base import VAE
from vaekit.priors import Posteriors
from vaekit.progress import Progress, silent
from vaekit.seeding import keyed_normal, some_rows

CODED = {"train": 16_000, "valid": 4_000}  # most images, drawn by the seed, whose codes others are fitted to


@dataclass(frozen=True, eq=False)
class Codes:
    """Row numbers in the prepared images (N,), their ids, mu, logvar and one z ~ q(z|x), each (N, D) float32."""

    rows: np.ndarray
    image_ids: list[str]
    mu: np.ndarray
    logvar: np.ndarray
    z: np.ndarray

    @property
    def posteriors(self) -> Posteriors:
        """What a prior is fitted to."""
        return Posteriors(self.mu, np.exp(0.5 * self.logvar), self.z)


@torch.inference_mode()
def encode_rows(
    model: VAE,
    prepared: Prepared,
    rows: np.ndarray,
    *,
    seed: int,
    device: torch.device | str = "cpu",
    batch_size: int = 256,
    progress: Progress = silent,
) -> Codes:
    """Return the codes of `rows`, in their order; the noise of z is keyed by (seed, image_id), as in the one pass."""
    model = model.to(device).eval()
    ids: list[str] = []
    mu, logvar, z = ([np.empty((0, model.latent_dim), np.float32)] for _ in range(3))
    for loaded in batches(prepared, rows, batch_size, device):
        posterior = model.encode(loaded.x)
        noise = torch.from_numpy(keyed_normal(seed, "posterior", loaded.image_ids, model.latent_dim))
        sample = posterior.sample(noise.to(loaded.x.device))
        for kept, values in ((mu, posterior.mu), (logvar, posterior.logvar), (z, sample)):
            kept.append(values.float().cpu().numpy())
        ids += loaded.image_ids
        progress("encode", len(ids), len(rows))
    return Codes(np.asarray(rows), ids, *(np.concatenate(parts) for parts in (mu, logvar, z)))


def encode_train_and_valid(
    model: VAE,
    prepared: Prepared,
    *,
    seed: int,
    device: torch.device | str = "cpu",
    batch_size: int = 256,
    progress: Progress = silent,
) -> tuple[Codes, Codes]:
    """Return the codes of some train and some valid images: what others are fitted to and chosen by."""
    drawn = (some_rows(prepared.rows(split), most, seed, f"{split} codes") for split, most in CODED.items())
    train, valid = (
        encode_rows(model, prepared, rows, seed=seed, device=device, batch_size=batch_size, progress=progress)
        for rows in drawn
    )
    return train, valid
