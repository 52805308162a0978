"""The training loop: Adam on the negative ELBO, validated and pictured after every epoch.

    checkpoints/<run>/best.pt  last.pt  config.toml  history.csv  curves.png  epochs/001.png ...

last.pt is written last: what it holds, the other files hold too. A run that was killed goes on from it and ends with
the same bytes (CPU, same machine) as one that was not.
"""

import logging
import math
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from vaekit import artifacts
from vaekit.checkpoint import Checkpoint, save_checkpoint
from vaekit.config import ObjectiveConfig, RunConfig
from vaekit.data import Prepared
from vaekit.data.loaders import batches
from vaekit.errors import ConfigError, VaekitError
from vaekit.models.base import VAE, GaussianPosterior, build_model
from vaekit.objective import NegativeElbo, negative_elbo
from vaekit.progress import Progress, silent
from vaekit.seeding import torch_generator
from vaekit.training.perceptual import Perceptual
from vaekit.training.pictures import write_pictures
from vaekit.training.validation import validate

log = logging.getLogger("vaekit")
EXPLODED = 1000  # a batch whose loss is so many times the first one's has left all hope behind


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
            f"of {row['valid_loss']:,.6g} (kl {row['valid_kl']:.1f} nats per image, mse {row['valid_mse']:.5f})"
        )

    def _repr_html_(self) -> str:
        return self.history.to_html(index=False)


def train(
    config: RunConfig,
    prepared: Prepared,
    folder: Path,
    *,
    device: torch.device | str = "cpu",
    resume: Checkpoint | None = None,
    progress: Progress = silent,
) -> Training:
    """Train one model and return where it lies; after every epoch all that was reached so far is on disk.

    Args:
        config: settings of the run.
        prepared: decoded images; its train split is learned from, its valid split chooses the best epoch.
        folder: the run's own folder.
        device: where the network lives.
        resume: the last.pt of an interrupted run with the same settings, to go on from.
        progress: told after every step, in images.

    Raises:
        ConfigError: settings that do not go together, found before training starts.
        DataError: no train or no valid image.
        VaekitError: the loss exploded or stopped being a number; the checkpoints of the epochs before stay.
    """
    device = torch.device(device)
    settings, seed = config.training, config.training.seed
    rows = prepared.rows("train")
    prepared.rows("valid")
    steps_per_epoch = math.ceil(len(rows) / settings.batch_size)
    # channels_last: convolutions ran 1.4 times as fast on two CPU cores at 64 pixels, batch 128.
    model = build_model(config.model, config.likelihood, config.data.image_size, seed)
    model.to(device=device, memory_format=torch.channels_last)
    _refuse_single_images(model, len(rows), settings.batch_size)
    perceptual = Perceptual(config.objective, device) if config.objective.perceptual else None
    optimiser = torch.optim.Adam(model.parameters(), settings.learning_rate)
    average = (
        AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(settings.ema), use_buffers=True)
        if settings.ema
        else None
    )
    kept: VAE = average.module if average else model  # the weights that are validated and saved
    order, noise = torch_generator(seed, "order"), torch_generator(seed, "noise")
    history: list[dict[str, Any]] = []
    if resume is not None:
        state = resume.training
        kept.load_state_dict(resume.model.state_dict())
        if average:
            model.load_state_dict(state["weights"])
            average.n_averaged.fill_(state["averaged"])
        optimiser.load_state_dict(state["optimiser"])
        order.set_state(state["order"])
        noise.set_state(state["noise"])
        history = list(resume.history)
    artifacts.write_text(folder / artifacts.CONFIG, config.to_toml())

    bfloat16 = settings.bfloat16 and _has_bfloat16(device)
    for epoch in range(len(history) + 1, settings.epochs + 1):
        started, step = time.perf_counter(), (epoch - 1) * steps_per_epoch
        sums = torch.zeros(4, dtype=torch.float64)
        model.train()
        for batch in batches(prepared, rows, settings.batch_size, device, order):
            optimiser.param_groups[0]["lr"] = _learning_rate(config, step, steps_per_epoch)
            warmth = _warmth(config.objective, step / steps_per_epoch)
            eps = torch.randn(len(batch.x), model.latent_dim, generator=noise)
            terms = training_loss(model, batch.x, eps, config.objective, warmth, perceptual, bfloat16)
            loss = terms.loss.mean()
            if _has_diverged(loss.item(), history):
                raise VaekitError(_diverged(epoch, step + 1, folder, history))
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            norm = torch.nn.utils.clip_grad_norm_(model.parameters(), settings.clip_grad_norm or math.inf)
            optimiser.step()
            if average:
                average.update_parameters(model)
            step += 1
            parts = [terms.loss.sum(), terms.recon_nll.sum(), terms.kl.sum(), norm.to(terms.kl) * len(batch.x)]
            sums += torch.stack(parts).detach().cpu().double()
            done = (epoch - 1) * len(rows) + min(
                len(rows), (step - (epoch - 1) * steps_per_epoch) * settings.batch_size
            )
            progress(
                "train", done, settings.epochs * len(rows), f"epoch {epoch}/{settings.epochs}, loss {loss.item():,.6g}"
            )
        names = ("train_loss", "train_recon_nll", "train_kl", "grad_norm")
        record = {"epoch": epoch, "step": step, **dict(zip(names, (sums / len(rows)).tolist(), strict=True))}
        record |= validate(kept, prepared, config.objective, seed=seed, device=device)
        if not math.isfinite(record["valid_loss"]):
            raise VaekitError(_diverged(epoch, step, folder, history))
        history.append(record)
        write_pictures(folder, kept, prepared, history, device)
        state = {"optimiser": optimiser.state_dict(), "order": order.get_state(), "noise": noise.get_state()}
        if average:
            state |= {"weights": model.state_dict(), "averaged": int(average.n_averaged)}
        data = {"name": prepared.name, "protocol": prepared.protocol.name, "fingerprint": prepared.fingerprint}
        last = Checkpoint(kept, config, folder.name, data, epoch, step, list(history), state)
        if record["valid_loss"] == min(r["valid_loss"] for r in history):
            save_checkpoint(folder / artifacts.BEST, replace(last, training={}))
        save_checkpoint(folder / artifacts.LAST, last)
        log.info("epoch %d: %.0f images/s", epoch, len(rows) / (time.perf_counter() - started))
        best = min(history, key=lambda r: r["valid_loss"])["epoch"]
        if settings.patience and epoch - best >= settings.patience:
            log.info("Stopped after epoch %d: no better validation loss since epoch %d.", epoch, best)
            break
    return Training(folder, folder / artifacts.BEST, folder / artifacts.LAST, pd.DataFrame(history))


def training_loss(
    model: VAE,
    x: Tensor,
    noise: Tensor,
    objective: ObjectiveConfig,
    warmth: float = 1.0,
    perceptual: Perceptual | None = None,
    bfloat16: bool = False,
) -> NegativeElbo:
    """Return the loss of each image and its parts, with one sample z = mu + sigma * noise; noise is (B, D).

    With `bfloat16` the network computes in it; the loss, whose sums need the digits, does not.
    """
    with torch.autocast(x.device.type, torch.bfloat16, enabled=bfloat16):
        posterior = model.encode(x)
    posterior = GaussianPosterior(posterior.mu.float(), posterior.logvar.float())
    with torch.autocast(x.device.type, torch.bfloat16, enabled=bfloat16):
        likelihood = model.decode(posterior.sample(noise.to(x.device)))
    likelihood = replace(likelihood, mean=likelihood.mean.float())
    if model.likelihood.is_optimal:
        likelihood = likelihood.at_optimum(x)
    terms = negative_elbo(x, likelihood, posterior, objective, warmth)
    if perceptual is not None:
        terms = replace(terms, loss=terms.loss + objective.perceptual * perceptual(x, likelihood.mean))
    return terms


def _learning_rate(config: RunConfig, step: int, steps_per_epoch: int) -> float:
    if config.training.schedule == "constant":
        return config.training.learning_rate
    share = step / (config.training.epochs * steps_per_epoch)
    return config.training.learning_rate * 0.5 * (1 + math.cos(math.pi * share))


def _warmth(objective: ObjectiveConfig, epochs: float) -> float:
    return min(1.0, epochs / objective.kl_warmup_epochs) if objective.kl_warmup_epochs else 1.0


def _has_bfloat16(device: torch.device) -> bool:
    """Whether bfloat16 is fast here; elsewhere autocast would only cost digits."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    return device.type == "cpu" and torch.backends.cpu.get_cpu_capability().startswith("AVX512")


def _refuse_single_images(model: VAE, images: int, batch_size: int) -> None:
    if model.mixes_images and (batch_size == 1 or images % batch_size == 1):
        raise ConfigError(
            f"training.batch_size = {batch_size} leaves a batch of one of {images:,} images, and batch normalisation "
            "(model.norm = 'batch') needs several: choose another training.batch_size, or model.norm = 'group'."
        )


def _has_diverged(loss: float, history: list[dict[str, Any]]) -> bool:
    first = abs(history[0]["train_loss"]) if history else math.inf
    return not math.isfinite(loss) or loss > EXPLODED * max(first, 1.0)


def _diverged(epoch: int, step: int, folder: Path, history: list[dict[str, Any]]) -> str:
    kept = f"the checkpoints of epoch {history[-1]['epoch']} stay in {folder}" if history else "no epoch was finished"
    return (
        f"The loss exploded or stopped being a number at step {step} (epoch {epoch}); {kept}. Try a lower "
        "training.learning_rate, training.clip_grad_norm = 1.0 or a likelihood.sigma that is not so small."
    )
