"""The training loop: Adam on the negative ELBO, validated and pictured after every epoch.

    checkpoints/<run>/best.pt  last.pt  config.toml  history.csv  curves.png  epochs/001.png ...
"""

import logging
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from vaekit import artifacts
from vaekit.checkpoint import Checkpoint, save_checkpoint
from vaekit.config import RunConfig
from vaekit.data import Prepared
from vaekit.data.loaders import Batch, batches
from vaekit.data.pixels import to_uint8
from vaekit.errors import VaekitError
from vaekit.figures.curves import figure_bytes, training_curves
from vaekit.figures.grids import pair_grid, png_bytes
from vaekit.models.base import VAE, Gaussian, GaussianPosterior, build_model, sum_dtype
from vaekit.objective import NegativeElbo, negative_elbo
from vaekit.progress import Progress, silent
from vaekit.seeding import keyed_normal, torch_generator

log = logging.getLogger("vaekit")
PICTURED = 16  # validation images in the picture of each epoch
VALID_BATCH = 256  # only memory depends on it: noise is keyed by image, sums are exact


@dataclass(frozen=True)
class Training:
    """A finished training run.

    Attributes:
        folder: checkpoints/<run>.
        best, last: its two checkpoints.
        history: one row per epoch, as in history.csv.
    """

    folder: Path
    best: Path
    last: Path
    history: pd.DataFrame

    def __str__(self) -> str:
        row = self.history.loc[self.history["valid_loss"].idxmin()]
        return (
            f"{self.folder}: {len(self.history)} epochs; the best is epoch {row['epoch']:.0f} with a validation loss "
            f"of {row['valid_loss']:,.1f} nats per image (kl {row['valid_kl']:.1f}, mse {row['valid_mse']:.5f})"
        )

    def _repr_html_(self) -> str:
        return self.history.to_html(index=False)


def train(
    config: RunConfig,
    prepared: Prepared,
    folder: Path,
    *,
    device: torch.device | str = "cpu",
    progress: Progress = silent,
) -> Training:
    """Train one model and return where it lies; after every epoch all that was reached so far is on disk.

    Args:
        config: settings of the run.
        prepared: decoded images; its train split is learned from, its valid split chooses the best epoch.
        folder: the run's own folder.
        device: where the network lives.
        progress: told after every step, in images.

    Raises:
        DataError: no train or no valid image.
        VaekitError: the loss stopped being a number; the checkpoints of the epochs before stay.
    """
    settings, seed, beta = config.training, config.training.seed, config.objective.beta
    train_rows, valid_rows = prepared.rows("train"), prepared.rows("valid")
    # channels_last: convolutions ran 1.4 times as fast on two CPU cores at 64 pixels, batch 128.
    model = build_model(config.model, config.likelihood, config.data.image_size, seed)
    model.to(device=device, memory_format=torch.channels_last)
    optimiser = torch.optim.Adam(model.parameters(), settings.learning_rate)
    order, noise = torch_generator(seed, "order"), torch_generator(seed, "noise")
    history: list[dict[str, Any]] = []
    artifacts.write_text(folder / artifacts.CONFIG, config.to_toml())

    step, seen, images = 0, 0, settings.epochs * len(train_rows)
    for epoch in range(1, settings.epochs + 1):
        started = time.perf_counter()
        model.train()
        sums = torch.zeros(4, dtype=torch.float64)
        for batch in batches(prepared, train_rows, settings.batch_size, device, order):
            terms = forward(model, batch.x, torch.randn(len(batch.x), model.latent_dim, generator=noise), beta)
            loss = terms.loss.mean()
            if not torch.isfinite(loss):
                raise VaekitError(_diverged(epoch, step + 1, folder, history))
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            norm = torch.nn.utils.clip_grad_norm_(model.parameters(), settings.clip_grad_norm)
            optimiser.step()
            step, seen = step + 1, seen + len(batch.x)
            parts = [terms.loss.sum(), terms.recon_nll.sum(), terms.kl.sum(), norm.to(terms.kl) * len(batch.x)]
            sums += torch.stack(parts).detach().cpu().double()
            progress("train", seen, images, f"epoch {epoch}/{settings.epochs}, loss {loss.item():,.0f}")
        means = (sums / len(train_rows)).tolist()
        record = {"epoch": epoch, "step": step}
        record |= dict(zip(("train_loss", "train_recon_nll", "train_kl", "grad_norm"), means, strict=True))
        record |= validate(model, prepared, beta=beta, seed=seed, device=device)
        if not math.isfinite(record["valid_loss"]):
            raise VaekitError(_diverged(epoch, step, folder, history))
        history.append(record)

        data = {"name": prepared.name, "protocol": prepared.protocol.name, "fingerprint": prepared.fingerprint}
        state = {"optimiser": optimiser.state_dict(), "order": order.get_state(), "noise": noise.get_state()}
        last = Checkpoint(model, config, folder.name, data, epoch, step, list(history), state)
        save_checkpoint(folder / artifacts.LAST, last)
        if record["valid_loss"] == min(r["valid_loss"] for r in history):
            save_checkpoint(folder / artifacts.BEST, Checkpoint(**{**vars(last), "training": {}}))
        _write_pictures(folder, model, prepared, history, device)
        log.info("epoch %d: %.0f images/s", epoch, len(train_rows) / (time.perf_counter() - started))
    return Training(folder, folder / artifacts.BEST, folder / artifacts.LAST, pd.DataFrame(history))


def forward(model: VAE, x: Tensor, noise: Tensor, beta: float) -> NegativeElbo:
    """Return the loss of each image and its parts, with one sample z = mu + sigma * noise; noise is (B, D)."""
    posterior = model.encode(x)
    likelihood = model.decode(posterior.sample(noise.to(x.device)))
    if model.training and model.likelihood.is_optimal:
        likelihood = likelihood.at_optimum(x)
    return negative_elbo(x, likelihood, posterior, beta)


@torch.no_grad()
def validate(model: VAE, prepared: Prepared, *, beta: float, seed: int, device: torch.device | str) -> dict[str, float]:
    """Return the means over the valid split; a sigma kept at its optimum is fitted here and frozen until the next time.

    The noise of an image is the same in every epoch, so that epochs differ by the model alone.
    """
    model.eval()

    def passes(batch: Batch) -> tuple[GaussianPosterior, Gaussian, Gaussian]:
        posterior = model.encode(batch.x)
        noise = torch.from_numpy(keyed_normal(seed, "valid", batch.image_ids, model.latent_dim)).to(batch.x.device)
        return posterior, model.decode(posterior.sample(noise)), model.decode(posterior.mu)

    rows = prepared.rows("valid")
    sums = torch.zeros(4, dtype=torch.float64)  # loss, recon_nll, kl, and mse at z = mu
    if model.likelihood.is_optimal:
        sse = sum(
            (batch.x - passes(batch)[1].mean).square().sum(dtype=sum_dtype(batch.x)).item()
            for batch in batches(prepared, rows, VALID_BATCH, device)
        )
        model.likelihood.sigma.fill_(math.sqrt(sse / (len(rows) * 3 * model.image_size**2)))
    for batch in batches(prepared, rows, VALID_BATCH, device):
        posterior, sampled, at_mean = passes(batch)
        terms = negative_elbo(batch.x, sampled, posterior, beta)
        mse = (batch.x - at_mean.mean).square().flatten(1).mean(1, dtype=sum_dtype(batch.x))
        sums += torch.stack([terms.loss.sum(), terms.recon_nll.sum(), terms.kl.sum(), mse.sum()]).cpu().double()
    names = ("valid_loss", "valid_recon_nll", "valid_kl", "valid_mse")
    return dict(zip(names, (sums / len(rows)).tolist(), strict=True)) | {"sigma": model.likelihood.sigma.item()}


@torch.no_grad()
def _write_pictures(folder: Path, model: VAE, prepared: Prepared, history: list[dict[str, Any]], device: Any) -> None:
    batch = next(batches(prepared, prepared.rows("valid")[:PICTURED], PICTURED, device))
    picture = pair_grid(to_uint8(batch.x), to_uint8(model.reconstruct(batch.x)), columns=8)
    artifacts.write_bytes(folder / artifacts.EPOCHS / f"{len(history):03}.png", png_bytes(picture))
    table = pd.DataFrame(history)
    artifacts.write_table(folder / artifacts.HISTORY, table)
    artifacts.write_bytes(folder / artifacts.CURVES, figure_bytes(training_curves(table), "png"))


def _diverged(epoch: int, step: int, folder: Path, history: list[dict[str, Any]]) -> str:
    kept = f"the checkpoints of epoch {history[-1]['epoch']} stay in {folder}" if history else "no epoch was finished"
    return (
        f"The loss stopped being a number at step {step} (epoch {epoch}); {kept}. "
        "Try a lower training.learning_rate, a smaller training.clip_grad_norm or a likelihood.sigma that is not so small."
    )
