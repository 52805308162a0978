"""vaekit edit."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from vaekit.cli import options
from vaekit.cli.console import drawn_progress, show_pictures


class Direction(StrEnum):
    """Which direction stands for an attribute."""

    MEANS = "means"
    PROBE = "probe"


def command(
    checkpoint: options.OneCheckpoint,
    image: Annotated[str, typer.Argument(help="A picture file, or the id of an image of the data.")],
    attribute: Annotated[str, typer.Option("--attribute", help="What to add or take away, such as Smiling.")],
    strength: Annotated[
        str, typer.Option("--strength", help="First and last, in standard deviations of the codes along the direction.")
    ] = "-3:3",
    steps: options.Steps = 7,
    direction: Annotated[
        Direction, typer.Option("--direction", help="From class mean to class mean, or along the probe's normal.")
    ] = Direction.MEANS,
    data: options.Data = None,
    crop: options.Crop = None,
    limit: options.Limit = None,
    out: options.Pictures = None,
    reports: options.ReportsOf = Path("reports"),
    seed: options.Seed = 0,
    device: options.Device = "auto",
    json: options.Json = False,
) -> None:
    """Move an image along the direction of an attribute, and say what every other probe makes of it."""
    from vaekit.api import exploration

    strengths = options.parse_range("--strength", strength, "-3:3")
    with drawn_progress() as progress:
        result = exploration.edit(
            checkpoint,
            image,
            attribute=attribute,
            strengths=strengths,
            steps=steps,
            direction=direction.value,
            data=data,
            crop=options.crop_value(crop),
            limit=options.parse_limit(limit),
            reports=reports,
            seed=seed,
            device=device,
            progress=progress,
        )
    show_pictures(result, out, reports, json)
