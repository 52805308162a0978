"""The content of summary.json: every number, and what it was made of and with."""

import math
import platform
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch

from vaekit.checkpoint import Checkpoint
from vaekit.config import DataConfig
from vaekit.data import SPLITS, Prepared
from vaekit.evaluation.eightbit import TrainedLikelihood
from vaekit.evaluation.references import constant_colour, scale_of
from vaekit.evaluation.stages import SPLIT, Result, Task
from vaekit.evaluation.suspicion import warnings_of
from vaekit.judge import Judge
from vaekit.quantity import Quantity

CALIBRATED_ON = 2048  # valid images, drawn by the seed: sigma is then known to about half a percent


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


def summary_of(task: Task, results: Mapping[str, Result]) -> dict[str, Any]:
    """Return the content of summary.json: every number of the stages, and what it was made of and with."""
    metrics = dict(results["one pass"].rows)
    estimates = {
        name: row if isinstance(row, Quantity) else Quantity.from_record(row, name)
        for key, found in results.items()
        if key != "one pass"
        for name, row in found.rows.items()
    }
    warnings = warnings_of(
        metrics | estimates,
        results["one pass"].value.per_image,
        results["importance"].value,
        latent_dim=task.model.latent_dim,
        values=math.prod(task.model.image_shape),
    )
    return _facts(task) | {
        "metrics": _records(metrics, warnings),
        "estimates": _records(estimates, warnings),
        "verdict": results["latent code"].value or "The latent code was not analysed.",
        "judge": _judge_facts(results["judge"]),
        "absent": {name: reason for found in results.values() for name, reason in found.absent.items()},
        "model": _model_facts(task, *results["likelihoods"].value),
    }


def _records(rows: Mapping[str, Quantity], warnings: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    return {name: replace(row, warning=warnings.get(name)).record() for name, row in rows.items()}


def _facts(task: Task) -> dict[str, Any]:
    """Return what the summary says beside its numbers: of the run, the images, and what made it."""
    checkpoint, prepared = task.checkpoint, task.prepared
    file = f"the live {checkpoint.config.model.network}"
    if task.file is not None:  # ours lies in a folder of runs
        file = task.file.name if checkpoint.config.training else str(task.file)
    return {
        "run": {"name": checkpoint.run, "checkpoint": file, "epoch": checkpoint.epoch, "step": checkpoint.step},
        "protocol": protocol_of(prepared, task.settings, task.seed),
        "references": {
            "uniform pixels": {"bpd": 8.0},
            "the train split's mean colour": constant_colour(prepared, task.rows),
            **scale_of(prepared, task.rows, task.model.latent_dim, task.seed),
        },
        "reading": checkpoint.findings,
        "config": checkpoint.config.model_dump(mode="json"),
        "data": _data_facts(checkpoint, prepared, task.settings),
        "trimmed": [checkpoint.config.note] if checkpoint.config.note else [],
        "made_by": dict(task.made_by)
        | {"torch": torch.__version__, "python": platform.python_version(), "data_fingerprint": prepared.fingerprint},
    }


def _model_facts(task: Task, sigma: float, trained: TrainedLikelihood) -> dict[str, Any]:
    model = task.model
    return {
        "name": task.checkpoint.config.model.network,
        "parameters": sum(p.numel() for p in model.parameters()),
        "latent_dim": model.latent_dim,
        "prior": model.prior.kind,
        "draws_from": model.prior.said,
        "likelihood": model.likelihood.sentence(),
        "likelihood_of_8_bits": trained.sentence,
        "sigma_trained": trained.sigma if trained.family else None,
        "sigma_calibrated": sigma,
        "sigma_calibrated_on": min(CALIBRATED_ON, task.prepared.count("valid")),
    }


def _judge_facts(found: Result) -> dict[str, Any]:
    judge = found.value
    if not isinstance(judge, Judge):
        said = f"There is no judge: {found.rows['judge'].reason}." if found.rows else str(judge)
        return {"name": None, "identity": None, "sentence": said, "notes": [], "scores": []}
    scores = judge.scores.astype(object).where(judge.scores.notna(), None)
    return {
        "name": judge.name,
        "identity": judge.identity,
        "sentence": judge.sentence,
        "notes": list(judge.notes),
        "scores": scores.to_dict("records"),
    }


def _data_facts(checkpoint: Checkpoint, prepared: Prepared, settings: DataConfig) -> dict[str, Any]:
    notes = list(prepared.notes)
    trained_on, trained_with = checkpoint.data.get("fingerprint"), checkpoint.config.data
    # A limit takes some images of each split, and leaves every image in its own.
    is_limited = trained_with != settings == trained_with.model_copy(update={"limit": settings.limit})
    if trained_on is not None and trained_on != prepared.fingerprint and not is_limited:
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
