"""vaekit failures."""

from pathlib import Path
from typing import Annotated

import typer

from vaekit.cli import options
from vaekit.cli.console import drawn_progress, show


def command(
    checkpoint: options.Checkpoint = None,
    top: Annotated[int, typer.Option("--top", min=1, help="How many worst, best and random images.")] = 32,
    by: Annotated[str, typer.Option("--by", help="The per-image metric that ranks them.")] = "mse",
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
    """Show the worst reconstructions beside the best and random ones: originals, reconstructions, error maps."""
    from vaekit import api

    with drawn_progress() as progress:
        result = api.failures(
            checkpoint, top=top, by=by, data=data, crop=options.crop_value(crop), image_size=image_size,
            limit=options.parse_limit(limit), out=out, seed=seed, device=device, batch_size=batch_size,
            progress=progress,
        )  # fmt: skip
    show(result, json, {"folder": str(result.folder), **result.summary, "worst": result.worst["image_id"].tolist()})
