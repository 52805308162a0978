"""vaekit compare."""

from pathlib import Path
from typing import Annotated

import typer

from vaekit.cli import options
from vaekit.cli.console import drawn_progress, show


def command(
    checkpoints: Annotated[
        list[str],
        typer.Argument(
            help="Two or more .pt files, or folders or names of runs; 'sweep-*' stands for all runs of such a name."
        ),
    ],
    allow_unlike: Annotated[
        bool,
        typer.Option(
            "--allow-unlike",
            help="Show models that were tested at another crop, split, size or seed too, without paired differences.",
        ),
    ] = False,
    title: Annotated[str | None, typer.Option("--title", help="Headline of the comparison.")] = None,
    data: options.Data = None,
    crop: options.Crop = None,
    image_size: options.ImageSize = None,
    limit: options.Limit = None,
    out: Annotated[
        Path, typer.Option("--out", help="Folder that receives comparisons/<names>/compare.html and the rest.")
    ] = Path("reports"),
    seed: options.Seed = 0,
    device: options.Device = "auto",
    batch_size: options.BatchSize = 256,
    json: options.Json = False,
) -> None:
    """Set models side by side on the same images: paired differences, rate and distortion, pictures, findings."""
    from vaekit.api import comparison

    with drawn_progress() as progress:
        result = comparison.compare(
            checkpoints,
            allow_unlike=allow_unlike,
            title=title,
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
    show(result, json, {"html": str(result.html), "markdown": str(result.markdown), "data": str(result.data)})
