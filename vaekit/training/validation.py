"""The pass over the validation split that chooses the best epoch."""

import torch

from vaekit.calibration import BATCH, calibrated_sigma
from vaekit.config import ObjectiveConfig
from vaekit.data import Prepared
from vaekit.data.loaders import batches
from vaekit.models.base import VAE, sum_dtype
from vaekit.models.likelihoods import LEAST_SIGMA
from vaekit.objective import negative_elbo
from vaekit.seeding import keyed_normal


@torch.no_grad()
def validate(
    model: VAE, prepared: Prepared, objective: ObjectiveConfig, *, seed: int, device: torch.device | str
) -> tuple[dict[str, float], list[float]]:
    """Return means over the valid split, valid_loss (full beta), valid_recon_nll, valid_kl, valid_mse, and sigma.

    Beside them the mean KL of every latent dim, in nats.

    A sigma kept at its optimum is fitted here and frozen until the next time. The noise of an image is the same in
    every epoch, so that epochs differ by the model alone.
    """
    model.eval()
    if model.likelihood.is_optimal:
        model.likelihood.sigma.fill_(max(LEAST_SIGMA, calibrated_sigma(model, prepared, seed=seed, device=device)))
    rows = prepared.rows("valid")
    sums, kl_per_dim = torch.zeros(4, dtype=torch.float64), torch.zeros(model.latent_dim, dtype=torch.float64)
    for batch in batches(prepared, rows, BATCH, device):
        posterior = model.encode(batch.x)
        noise = torch.from_numpy(keyed_normal(seed, "valid", batch.image_ids, model.latent_dim)).to(batch.x.device)
        terms = negative_elbo(batch.x, model.decode(posterior.sample(noise)), posterior, objective)
        mse = (batch.x - model.decode(posterior.mu).mean).square().flatten(1).mean(1, dtype=sum_dtype(batch.x))
        sums += torch.stack([terms.loss.sum(), terms.recon_nll.sum(), terms.kl.sum(), mse.sum()]).cpu().double()
        kl_per_dim += posterior.kl_per_dim().sum(0).cpu().double()
    names = ("valid_loss", "valid_recon_nll", "valid_kl", "valid_mse")
    means = dict(zip(names, (sums / len(rows)).tolist(), strict=True)) | {"sigma": model.likelihood.sigma.item()}
    return means, (kl_per_dim / len(rows)).tolist()
