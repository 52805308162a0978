"""vaekit failures."""

from pathlib import Path
from typing import Annotated

import typer

from vaekit.cli import options
from vaekit.cli.console import drawn_progress, show


def command(
    checkpoint: options.Checkpoint = None,
    top: Annotated[int, typer.Option("--top", min=1, help="How many worst, best and random images.")] = 32,
    by: Annotated[
        str,
        typer.Option(
            "--by",
            help="Per-image metrics that rank the images, such as mse,ssim; the first is the error of the findings. "
            "<metric>_adjusted: at equal complexity.",
        ),
    ] = "mse,mse_adjusted",
    fairness: Annotated[
        str | None,
        typer.Option("--fairness", help="Attributes whose errors are compared. Default: Male,Young,Pale_Skin."),
    ] = None,
    data: options.Data = None,
    crop: options.Crop = None,
    image_size: options.ImageSize = None,
    limit: options.Limit = None,
    out: options.Reports = Path("reports"),
    seed: options.Seed = 0,
    device: options.Device = "auto",
    batch_size: options.BatchSize = 256,
    json: options.Json = False,
) -> None:
    """Find where and why the model fails: the worst images, and what they share, tested on images kept apart."""
    from vaekit.api import verbs

    groups = None if fairness is None else [name.strip() for name in fairness.split(",")]
    with drawn_progress() as progress:
        result = verbs.failures(
            checkpoint,
            top=top,
            by=by,
            fairness=groups,
            data=data,
            crop=options.crop_value(crop),
            image_size=image_size,
            limit=options.parse_limit(limit),
            out=out,
            seed=seed,
            device=device,
            batch_size=batch_size,
            progress=progress,
        )
    facts = {"folder": str(result.folder), **result.summary, "worst": result.worst["image_id"].tolist()}
    show(result, json, facts | {key: result.content[key] for key in ("findings", "not_found")})
