"""vaekit sample."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from vaekit.cli import options
from vaekit.cli.console import drawn_progress, show_pictures


class From(StrEnum):
    """Where the codes of samples come from."""

    PRIOR = "prior"
    AGGREGATE = "aggregate"


def command(
    checkpoint: options.Checkpoint = None,
    n: Annotated[int, typer.Option("--n", min=1, help="How many samples.")] = 64,
    temperature: Annotated[
        float,
        typer.Option("--temperature", min=0, help="Scales the spread of the codes: 1 leaves it, 0 takes it away."),
    ] = 1.0,
    source: Annotated[
        From, typer.Option("--from", help="N(0, I), or the mixture fitted to the codes of train images.")
    ] = From.PRIOR,
    data: options.Data = None,
    crop: options.Crop = None,
    limit: options.Limit = None,
    out: options.Pictures = None,
    reports: options.ReportsOf = Path("reports"),
    seed: options.Seed = 0,
    device: options.Device = "auto",
    json: options.Json = False,
) -> None:
    """Draw samples: a grid, and each as a picture of its own."""
    from vaekit.api import exploration

    with drawn_progress() as progress:
        result = exploration.sample(
            checkpoint,
            n=n,
            temperature=temperature,
            source=source.value,
            data=data,
            crop=options.crop_value(crop),
            limit=options.parse_limit(limit),
            reports=reports,
            seed=seed,
            device=device,
            progress=progress,
        )
    show_pictures(result, out, reports, json)
