"""The oracle as a checkpoint on disk, and images that it can explain."""

import torch

from tests.evaluation.tasks import task_of
from vaekit.artifacts import write_text
from vaekit.calibration import calibrated_sigma
from vaekit.checkpoint import Checkpoint, save_checkpoint
from vaekit.config import RunConfig
from vaekit.evaluation.collect import collect
from vaekit.evaluation.eightbit import trained_likelihood
from vaekit.evaluation.latent.analyse import Latent, analyse
from vaekit.evaluation.references import r2
from vaekit.models.base import build_model


def oracle_config(seed: int = 0, sigma: float = 0.3, objective: dict | None = None, **options) -> RunConfig:
    """Return the config of a linear-Gaussian model; options are the oracle's own."""
    return RunConfig(
        model={"name": "linear_gaussian", **options},
        likelihood={"sigma": sigma},
        objective=objective or {},
        training={"seed": seed},
    )


def oracle(config: RunConfig):
    """Return the model of a config, its columns drawn from the config's seed."""
    return build_model(config.model, config.likelihood, config.data.image_size, config.training.seed).eval()


def random_lengths(seed: int, dims: int, low: float = 0.5, high: float = 12.0) -> tuple[float, ...]:
    """Return `dims` column lengths of different size, no two alike."""
    generator = torch.Generator().manual_seed(1000 + seed)
    share = torch.rand(dims, generator=generator, dtype=torch.float64)
    return tuple((low * (high / low) ** share).tolist())


def write_checkpoint(folder, config: RunConfig, data: str):
    """Write the untrained oracle as the best.pt of a run, which any command takes."""
    config = config.model_copy(update={"data": config.data.model_copy(update={"source": data})})
    facts = {"name": "faces", "protocol": "crop178-64px", "fingerprint": "of the oracle"}
    write_text(folder / "config.toml", config.to_toml())
    save_checkpoint(folder / "best.pt", Checkpoint(oracle(config), config, folder.name, facts, 0, 0, [], [], {}))
    return folder / "best.pt"


def analysed(model, config: RunConfig, prepared, folder, **options) -> Latent:
    """Return the analysis of the code of a model over all prepared images, as `vaekit evaluate` makes it of test."""
    task = task_of(model, prepared, folder, config=config)
    sigma = calibrated_sigma(model, prepared, seed=0, device="cpu")
    trained = trained_likelihood(model, config)
    collected = collect(task, sigma, trained)
    explained = r2(collected.per_image["sse"].to_numpy(), prepared, task.rows, 0).value
    return analyse(task, collected, sigma=sigma, trained=trained, r2=explained, **options)
