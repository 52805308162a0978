"""The training loop: Adam on the negative ELBO, validated and pictured after every epoch.

    checkpoints/<run>/best.pt  last.pt  config.toml  history.csv  curves.png  epochs.npz  epochs/001.png ...

last.pt is written after the history: what it holds, the history holds too. Pictures come last and cost no epoch. A run
that was killed goes on from it and ends with the same bytes (CPU, same machine, same number of threads) as one that was
not.
"""

import logging
import math
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import pandas as pd
import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from vaekit import artifacts
from vaekit.checkpoint import Checkpoint, save_checkpoint
from vaekit.config import ObjectiveConfig, RunConfig, TrainingConfig
from vaekit.data import Prepared
from vaekit.data.loaders import batch_ends, batches
from vaekit.errors import ConfigError, OutputError, VaekitError
from vaekit.models.base import VAE, GaussianPosterior, build_model
from vaekit.models.likelihoods import Gaussian
from vaekit.objective import NegativeElbo, negative_elbo
from vaekit.progress import Progress, silent
from vaekit.seeding import torch_generator
from vaekit.training.perceptual import Perceptual
from vaekit.training.pictures import write_pictures
from vaekit.training.prior import learn_prior_of_best
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
        row = self.history.iloc[int(self.history["valid_loss"].argmin())]
        return (
            f"{self.folder}: {len(self.history)} epochs; the best is epoch {row['epoch']:.0f} with a validation loss "
            f"of {row['valid_loss']:,.6g} (kl {row['valid_kl']:.1f} nats per image, mse {row['valid_mse']:.5f})"
        )

    def _repr_html_(self) -> str:
        return self.history.to_html(index=False)


class _Run:
    """All that changes while a run goes on: weights, optimiser, random streams, history."""

    def __init__(self, config: RunConfig, settings: TrainingConfig, device: torch.device) -> None:
        seed = settings.seed
        self.model = build_model(config.model, config.likelihood, config.data.image_size, seed)
        # channels_last: convolutions ran 1.4 times as fast on two CPU cores at 64 pixels, batch 128.
        self.model.to(device).to(memory_format=torch.channels_last)
        self.optimiser = torch.optim.Adam(self.model.parameters(), settings.learning_rate)
        self.average: AveragedModel | None = None
        if settings.ema:
            average = get_ema_multi_avg_fn(settings.ema)  # type: ignore[no-untyped-call]  # torch gives it no types
            self.average = AveragedModel(self.model, multi_avg_fn=average, use_buffers=True)
        self.order, self.noise = torch_generator(seed, "order"), torch_generator(seed, "noise")
        self.history: list[dict[str, Any]] = []
        self.kl_per_dim: list[list[float]] = []

    @property
    def kept(self) -> VAE:
        """The weights that are validated and saved: their average where one is kept."""
        return cast(VAE, self.average.module) if self.average else self.model

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint needs beside the kept weights for the run to go on from it."""
        generators = {"order": self.order.get_state(), "noise": self.noise.get_state()}
        state = {"optimiser": self.optimiser.state_dict(), **generators}
        if self.average:
            state |= {"weights": self.model.state_dict(), "averaged": int(self.average.n_averaged)}
        return state

    def restore(self, checkpoint: Checkpoint) -> None:
        """Take the run up where `checkpoint` left it."""
        state = checkpoint.training
        self.kept.load_state_dict(checkpoint.model.state_dict())
        if self.average:
            self.model.load_state_dict(state["weights"])
            self.average.n_averaged.fill_(state["averaged"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.order.set_state(state["order"])
        self.noise.set_state(state["noise"])
        self.history, self.kl_per_dim = list(checkpoint.history), list(checkpoint.kl_per_dim)


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
    device, settings, objective = torch.device(device), config.training, config.objective
    if objective is None or settings is None:
        raise ConfigError(
            "These settings have no objective or no training, as of a model that another program trained: state both."
        )
    images = len(prepared.rows("train"))
    prepared.rows("valid")
    run = _Run(config, settings, device)
    if run.model.mixes_images and min(settings.batch_size, images) == 1:
        what = "training.batch_size = 1" if settings.batch_size == 1 else "A single train image"
        instead = "a larger training.batch_size" if settings.batch_size == 1 else "more images"
        raise ConfigError(
            f"{what} with batch normalisation (model.norm = 'batch'): one image has no batch to be normalised by. "
            f"Choose {instead}, or model.norm = 'group'."
        )
    perceptual = Perceptual(objective, device) if objective.perceptual else None
    if resume is not None:
        run.restore(resume)
        _draw(folder, run, prepared, settings.epochs, device)  # a kill may have come before the last epoch's pictures
    artifacts.write_text(folder / artifacts.CONFIG, config.to_toml())
    for epoch in range(len(run.history) + 1, settings.epochs + 1):
        started = time.perf_counter()
        record = _one_epoch(run, config, prepared, folder, epoch, perceptual, progress)
        log.info("epoch %d: %.0f images/s", epoch, images / (time.perf_counter() - started))
        means, kl_per_dim = validate(run.kept, prepared, objective, seed=settings.seed, device=device)
        record |= means
        if not math.isfinite(record["valid_loss"]):
            raise VaekitError(_diverged(epoch, record["step"], folder, run.history))
        run.history.append(record)
        run.kl_per_dim.append(kl_per_dim)
        artifacts.write_table(folder / artifacts.HISTORY, pd.DataFrame(run.history))
        data = {"name": prepared.name, "protocol": prepared.protocol.name, "fingerprint": prepared.fingerprint}
        now = (epoch, record["step"], list(run.history), list(run.kl_per_dim))
        best = min(run.history, key=lambda r: r["valid_loss"])["epoch"]
        if epoch == best:
            save_checkpoint(folder / artifacts.BEST, Checkpoint(run.kept, config, folder.name, data, *now, {}))
        save_checkpoint(folder / artifacts.LAST, Checkpoint(run.kept, config, folder.name, data, *now, run.state()))
        _draw(folder, run, prepared, settings.epochs, device)
        if settings.patience and epoch - best >= settings.patience:
            log.info("Stopped after epoch %d: no better validation loss since epoch %d.", epoch, best)
            break
    learn_prior_of_best(
        folder / artifacts.BEST, settings.prior, prepared, seed=settings.seed, device=device, progress=progress
    )
    return Training(folder, folder / artifacts.BEST, folder / artifacts.LAST, pd.DataFrame(run.history))


def _draw(folder: Path, run: _Run, prepared: Prepared, epochs: int, device: torch.device) -> None:
    """Write the pictures of the last epoch; what keeps one from being drawn is said, and costs no training."""
    try:
        run.kept.eval()
        write_pictures(folder, run.kept, prepared, run.history, run.kl_per_dim, epochs, device)
    except OutputError:
        raise
    except Exception as error:  # whatever drawing libraries and their settings provoke
        log.warning("The pictures of epoch %d could not be drawn: %s", len(run.history), error)


def _one_epoch(
    run: _Run,
    config: RunConfig,
    prepared: Prepared,
    folder: Path,
    epoch: int,
    perceptual: Perceptual | None,
    progress: Progress,
) -> dict[str, Any]:
    """Take one pass over the train split; return its record: epoch, step, means over images, mean gradient norm."""
    settings, objective, model, device = config.training, config.objective, run.model, run.model.device
    assert objective is not None and settings is not None  # `train` has looked
    rows = prepared.rows("train")
    least = 2 if model.mixes_images else 1
    steps = len(batch_ends(len(rows), settings.batch_size, least)) + 1
    step, seen = (epoch - 1) * steps, (epoch - 1) * len(rows)
    bfloat16 = settings.bfloat16 and _has_bfloat16(device)
    sums = torch.zeros(4, dtype=torch.float64)
    model.train()
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        # Dropout draws from torch's global generator: seeded by the epoch, so that a resumed run draws the same.
        torch.manual_seed(torch_generator(settings.seed, "layers", epoch).initial_seed())
        for batch in batches(prepared, rows, settings.batch_size, device, run.order, least):
            run.optimiser.param_groups[0]["lr"] = _learning_rate(settings, step, steps)
            noise = torch.randn(len(batch.x), model.latent_dim, generator=run.noise)
            warmth = _warmth(objective, step / steps)
            terms = training_loss(model, batch.x, noise, objective, warmth, perceptual, bfloat16)
            loss = terms.loss.mean()
            step, seen = step + 1, seen + len(batch.x)
            if _has_diverged(loss.item(), run.history):
                raise VaekitError(_diverged(epoch, step, folder, run.history))
            run.optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]  # torch gives it no types
            norm = torch.nn.utils.clip_grad_norm_(model.parameters(), settings.clip_grad_norm or math.inf)
            run.optimiser.step()
            if run.average:
                run.average.update_parameters(model)
            parts = [terms.loss.sum(), terms.recon_nll.sum(), terms.kl.sum(), norm.to(terms.kl) * len(batch.x)]
            sums += torch.stack(parts).detach().cpu().double()
            note = f"epoch {epoch}/{settings.epochs}, loss {loss.item():,.6g}"
            progress("train", seen, settings.epochs * len(rows), note)
    names = ("train_loss", "train_recon_nll", "train_kl", "grad_norm")
    return {"epoch": epoch, "step": step, **dict(zip(names, (sums / len(rows)).tolist(), strict=True))}


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
        likelihood = cast(Gaussian, likelihood).at_optimum(x)  # no other likelihood has an optimum
    terms = negative_elbo(x, likelihood, posterior, objective, warmth)
    if perceptual is not None:
        terms = replace(terms, loss=terms.loss + objective.perceptual * perceptual(x, likelihood.mean))
    return terms


def _learning_rate(settings: TrainingConfig, step: int, steps_per_epoch: int) -> float:
    if settings.schedule == "constant":
        return settings.learning_rate
    share = step / (settings.epochs * steps_per_epoch)
    return settings.learning_rate * 0.5 * (1 + math.cos(math.pi * share))


def _warmth(objective: ObjectiveConfig, epochs: float) -> float:
    return min(1.0, epochs / objective.kl_warmup_epochs) if objective.kl_warmup_epochs else 1.0


def _has_bfloat16(device: torch.device) -> bool:
    """Whether bfloat16 is fast here; elsewhere autocast would only cost digits."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    return device.type == "cpu" and torch.backends.cpu.get_cpu_capability().startswith("AVX512")


def _has_diverged(loss: float, history: list[dict[str, Any]]) -> bool:
    first = abs(history[0]["train_loss"]) if history else math.inf
    return not math.isfinite(loss) or loss > EXPLODED * max(first, 1.0)


def _diverged(epoch: int, step: int, folder: Path, history: list[dict[str, Any]]) -> str:
    kept = f"the checkpoints of epoch {history[-1]['epoch']} stay in {folder}" if history else "no epoch was finished"
    return (
        f"The loss exploded or stopped being a number at step {step} (epoch {epoch}); {kept}. Try a lower "
        "training.learning_rate, training.clip_grad_norm = 1.0 or a likelihood.sigma that is not so small."
    )
