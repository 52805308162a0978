"""The evaluation of one checkpoint, from the pass over the test split to the artifacts on disk."""

import math
import platform
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from vaekit import artifacts
from vaekit.calibration import calibrated_sigma
from vaekit.checkpoint import Checkpoint
from vaekit.config import DataConfig
from vaekit.data import SPLITS, Prepared
from vaekit.data.pixels import to_uint8
from vaekit.errors import ConfigError, DataError, VaekitError
from vaekit.evaluation.base import METRICS
from vaekit.evaluation.codes import Codes, encode_rows
from vaekit.evaluation.collect import DIVERGED, Collected, collect
from vaekit.evaluation.eightbit import trained_likelihood
from vaekit.evaluation.importance import importance, rows_of
from vaekit.evaluation.latent.analyse import analyse
from vaekit.evaluation.layers import layer_table
from vaekit.evaluation.probes import fit_probes
from vaekit.evaluation.references import constant_colour, r2
from vaekit.evaluation.results import Evaluation
from vaekit.evaluation.samples.score import score_samples
from vaekit.evaluation.samples.temperatures import TEMPERATURES
from vaekit.evaluation.suspicion import mark
from vaekit.judge import Judge, open_judge
from vaekit.judge.inception import inception_weights as inception_file
from vaekit.models.base import VAE
from vaekit.progress import Progress, silent
from vaekit.seeding import numpy_generator, some_rows
from vaekit.statistics.bootstrap import bootstrap_means
from vaekit.version import __version__

SPLIT = "test"
PICTURED = 32  # test images kept as pictures, drawn by the seed
CODED = {"train": 16_000, "valid": 4_000}  # most images, drawn by the seed, whose codes others are fitted to
CALIBRATED_ON = 2048  # valid images, drawn by the seed: sigma is then known to about half a percent
SAMPLES = 64  # draws from the prior kept as pictures


def protocol_of(prepared: Prepared, settings: DataConfig, seed: int) -> dict[str, Any]:
    """Return what a number must carry to be compared with another: data, split, N, crop, size, subset and seed."""
    name = f"{prepared.name}-{prepared.protocol.name}-{SPLIT}"
    name += "".join(f"-{split}{count}" for split, count in sorted(settings.limit.items()))
    return {
        "name": name,
        "data": prepared.name,
        "split": SPLIT,
        "n": prepared.count(SPLIT),
        "crop": prepared.protocol.crop,
        "image_size": prepared.protocol.image_size,
        "resize": "Pillow's antialiased bilinear filter, to 8 bits a channel",
        "limit": dict(settings.limit),
        "seed": seed,
        "data_fingerprint": prepared.fingerprint,
        "settings": settings.model_dump(mode="json"),
    }


def evaluate(
    checkpoint: Checkpoint,
    source_file: Path,
    prepared: Prepared,
    folder: Path,
    *,
    settings: DataConfig,
    inception_weights: Path | None = None,
    seed: int = 0,
    device: torch.device | str = "cpu",
    batch_size: int = 256,
    progress: Progress = silent,
) -> Evaluation:
    """Evaluate a checkpoint on the test split and write every artifact to `folder`, summary.json last.

    Args:
        checkpoint: the loaded model.
        source_file: the file it came from; its hash ties the artifacts to it.
        prepared: decoded images at the protocol to evaluate under.
        folder: receives summary.json and the tables and arrays beside it.
        settings: what `prepared` was made with, for the protocol.
        inception_weights: file of the network behind FID; None looks where other tools keep it.
        seed: of the posterior noise, the samples, the pictures and the bootstrap.

    Raises:
        DataError: no test image.
        ConfigError: the images have another size than the network.
        VaekitError: the weights have diverged.
    """
    model = checkpoint.model
    if prepared.protocol.image_size != model.image_size:
        raise ConfigError(
            f"The network of {source_file} sees {model.image_size} pixels and --image-size asked for "
            f"{prepared.protocol.image_size}: leave --image-size away, or train a network of that size."
        )
    rows = prepared.rows(SPLIT)
    if inception_weights is not None:
        inception_file(inception_weights)  # a name that is no file says so now
    (artifacts.make_folder(folder) / artifacts.SUMMARY).unlink(
        missing_ok=True
    )  # until all is written, none of it counts
    sigma = calibrated_sigma(model, prepared, seed=seed, device=device, most=CALIBRATED_ON)
    if not math.isfinite(sigma):
        raise VaekitError(DIVERGED)
    trained = trained_likelihood(model, checkpoint.config)
    collected = collect(
        model,
        prepared,
        rows,
        folder / artifacts.RECONSTRUCTIONS,
        sigma=sigma,
        trained=trained,
        seed=seed,
        device=device,
        batch_size=batch_size,
        progress=progress,
    )
    artifacts.write_table(folder / artifacts.PER_IMAGE, collected.per_image)
    artifacts.write_arrays(
        folder / artifacts.LATENTS,
        image_id=collected.per_image["image_id"].to_numpy(dtype=str),
        mu=collected.mu,
        logvar=collected.logvar,
    )
    artifacts.write_table(folder / artifacts.LAYERS, layer_table(model))
    artifacts.write_text(folder / artifacts.CONFIG, checkpoint.config.to_toml())
    artifacts.write_table(folder / artifacts.HISTORY, _whole_history(checkpoint, source_file))
    _write_kl_per_dim(folder, checkpoint)
    _write_pictures(folder, model, prepared, rows, seed)

    metrics = _metric_rows(collected, seed)
    weights = importance(
        model,
        prepared,
        rows,
        sigma=sigma,
        trained=trained,
        seed=seed,
        device=device,
        batch_size=batch_size,
        progress=progress,
    )
    artifacts.write_table(folder / artifacts.IWAE, weights.table())
    estimates = {"r2": _r2_row(collected, prepared, rows, seed)} | rows_of(weights, seed)
    train, valid = (
        encode_rows(
            model,
            prepared,
            some_rows(prepared.rows(split), most, seed, f"{split} codes"),
            seed=seed,
            device=device,
            batch_size=batch_size,
            progress=progress,
        )
        for split, most in CODED.items()
    )
    test = Codes(rows, collected.per_image["image_id"].tolist(), collected.mu, collected.logvar, collected.z)
    probes = fit_probes(
        checkpoint.config,
        prepared,
        train,
        valid,
        test,
        seed=seed,
        device=device,
        batch_size=batch_size,
        progress=progress,
    )
    probes.write(folder)
    estimates |= probes.estimates
    mark(
        metrics | estimates,
        collected.per_image,
        weights.table(),
        latent_dim=model.latent_dim,
        values=3 * model.image_size**2,
    )
    latent = analyse(
        model,
        checkpoint.config,
        prepared,
        rows,
        collected,
        sigma=sigma,
        trained=trained,
        r2=estimates["r2"]["value"],
        seed=seed,
        device=device,
        batch_size=batch_size,
        progress=progress,
    )
    artifacts.write_table(folder / artifacts.PER_DIM, latent.per_dim)
    artifacts.write_arrays(folder / artifacts.LATENT_ARRAYS, **latent.arrays)
    artifacts.write_json(folder / artifacts.LATENT, latent.record())
    judge = _judge(prepared, device, progress)
    scored = score_samples(
        model,
        prepared,
        rows,
        collected,
        train,
        valid,
        artifacts.read_array(folder / artifacts.RECONSTRUCTIONS),
        judge=judge,
        inception_weights=inception_weights,
        seed=seed,
        device=device,
        batch_size=batch_size,
        progress=progress,
    )
    scored.write(folder)
    estimates |= scored.estimates
    references = {"uniform pixels": {"bpd": 8.0}, "the train split's mean colour": constant_colour(prepared, rows)}
    run = {"name": checkpoint.run, "checkpoint": source_file.name, "epoch": checkpoint.epoch, "step": checkpoint.step}
    model_facts = {
        "name": checkpoint.config.model.name,
        "parameters": sum(p.numel() for p in model.parameters()),
        "latent_dim": model.latent_dim,
        "likelihood": model.likelihood.sentence(),
        "likelihood_of_8_bits": trained.sentence,
        "sigma_trained": trained.sigma if trained.family else None,
        "sigma_calibrated": sigma,
        "sigma_calibrated_on": min(CALIBRATED_ON, prepared.count("valid")),
    }
    made_by = {
        "vaekit": __version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "checkpoint_sha256": artifacts.file_hash(source_file),
        "data_fingerprint": prepared.fingerprint,
        "seed": seed,
    }
    artifacts.write_json(
        folder / artifacts.SUMMARY,
        {
            "run": run,
            "protocol": protocol_of(prepared, settings, seed),
            "metrics": metrics,
            "estimates": estimates,
            "references": references,
            "verdict": latent.verdict.sentence,
            "judge": _judge_facts(judge),
            "config": checkpoint.config.model_dump(mode="json"),
            "model": model_facts,
            "data": _data_facts(checkpoint, prepared),
            "trimmed": [checkpoint.config.note] if checkpoint.config.note else [],
            "made_by": made_by,
        },
    )
    return Evaluation(folder)


def _judge(prepared: Prepared, device: torch.device | str, progress: Progress) -> Judge | DataError:
    """Return the judge of the data, or why they have none: everything but the comparison of sets does without."""
    try:
        return open_judge(prepared, device=device, progress=progress)
    except DataError as reason:
        return reason


def _judge_facts(judge: Judge | DataError) -> dict[str, Any]:
    if isinstance(judge, DataError):
        return {"name": None, "sentence": str(judge), "notes": [], "scores": []}
    scores = judge.scores.astype(object).where(judge.scores.notna(), None)
    return {
        "name": judge.name,
        "sentence": judge.sentence,
        "notes": list(judge.notes),
        "scores": scores.to_dict("records"),
    }


def _whole_history(checkpoint: Checkpoint, source_file: Path) -> pd.DataFrame:
    """Return the history of the run: best.pt ends at its own epoch, and history.csv beside it knows the later ones."""
    own, beside = pd.DataFrame(checkpoint.history), source_file.with_name(artifacts.HISTORY)
    if not beside.is_file():
        return own
    run = artifacts.read_table(beside)
    is_same_run = len(run) >= len(own) and np.allclose(run["valid_loss"].head(len(own)), own["valid_loss"])
    return run if is_same_run else own


def _write_kl_per_dim(folder: Path, checkpoint: Checkpoint) -> None:
    """Write the kl of each dim on valid after each epoch, where the trainer kept it: epoch, dim, kl."""
    if not checkpoint.kl_per_dim:
        (folder / artifacts.KL_PER_DIM).unlink(missing_ok=True)
        return
    table = pd.DataFrame(checkpoint.kl_per_dim, index=[record["epoch"] for record in checkpoint.history])
    table = table.melt(ignore_index=False, var_name="dim", value_name="kl").rename_axis("epoch").reset_index()
    artifacts.write_table(folder / artifacts.KL_PER_DIM, table.sort_values(["epoch", "dim"]))


def _metric_rows(collected: Collected, seed: int) -> dict[str, dict[str, Any]]:
    """Return the summary's row of every metric: mean, interval, n and the facts of its definition."""
    ids = list(collected.per_image.columns.drop("image_id"))
    estimates = bootstrap_means(collected.per_image[ids].to_numpy(), seed)
    rows = {}
    for name, estimate in zip(ids, estimates, strict=True):
        metric = METRICS.get(name)
        rows[name] = (
            vars(estimate)
            | ({"reason": collected.reasons[name]} if name in collected.reasons else {})
            | {
                "unit": metric.unit,
                "label": metric.label,
                "higher_is_better": metric.higher_is_better,
                "definition": metric.definition,
            }
        )
    return rows


def _r2_row(collected: Collected, prepared: Prepared, rows: np.ndarray, seed: int) -> dict[str, Any]:
    return vars(r2(collected.per_image["sse"].to_numpy(), prepared, rows, seed)) | {
        "unit": "1",
        "label": "Explained variance",
        "higher_is_better": True,
        "definition": "1 - sum of sse / sum of |x - mean image of the train split|^2 over all test images: 0 is no "
        "better than the mean face, 1 perfect",
    }


@torch.inference_mode()
def _write_pictures(folder: Path, model: VAE, prepared: Prepared, rows: np.ndarray, seed: int) -> None:
    count = min(PICTURED, len(rows))
    chosen = np.sort(numpy_generator(seed, "pictures").choice(len(rows), count, replace=False))
    reconstructions = artifacts.read_array(folder / artifacts.RECONSTRUCTIONS)
    drawn = {"samples": model.sample(SAMPLES, seed=seed)}
    drawn["by_temperature"] = torch.stack([model.sample(8, seed=seed, temperature=t) for t in TEMPERATURES])
    artifacts.write_arrays(
        folder / artifacts.PICTURES,
        image_id=prepared.index["image_id"].to_numpy(dtype=str)[rows[chosen]],
        x=prepared.images[rows[chosen]],
        x_hat=reconstructions[chosen],
        temperature=np.array(TEMPERATURES),
        # A decoder that diverges away from its codes has no such pictures: samples.json says so.
        **{name: _uint8(images) for name, images in drawn.items() if not images.isnan().any()},
    )


def _uint8(images: torch.Tensor) -> np.ndarray:
    """Return pictures (..., C, H, W) as uint8 (..., H, W, C)."""
    flat = to_uint8(images.reshape(-1, *images.shape[-3:]))
    return flat.reshape(*images.shape[:-3], *flat.shape[1:])


def _data_facts(checkpoint: Checkpoint, prepared: Prepared) -> dict[str, Any]:
    notes = list(prepared.notes)
    if checkpoint.data["fingerprint"] != prepared.fingerprint:
        notes.append(
            f"The model was trained on other prepared images ({checkpoint.data['name']}, "
            f"{checkpoint.data['protocol']}) than it is evaluated on."
        )
    return {
        "name": prepared.name,
        "counts": {split: prepared.count(split) for split in SPLITS},
        "skipped": len(prepared.skipped),
        "skipped_reasons": [f"{row.file}: {row.reason}" for row in prepared.skipped.itertuples()],
        "attributes": list(prepared.attributes),
        "notes": notes,
    }
