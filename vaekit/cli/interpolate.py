"""vaekit interpolate."""

from pathlib import Path
from typing import Annotated

import typer

from vaekit.cli import options
from vaekit.cli.console import drawn_progress, show_pictures


def command(
    checkpoint: options.Checkpoint = None,
    pairs: Annotated[
        str | None, typer.Option("--pairs", help="Ids of the images at the ends, such as 000001:000002,000003:000004.")
    ] = None,
    count: Annotated[
        int, typer.Option("--count", min=1, help="How many pairs of test images the seed draws where none is named.")
    ] = 3,
    steps: options.Steps = 9,
    data: options.Data = None,
    crop: options.Crop = None,
    limit: options.Limit = None,
    out: options.Pictures = None,
    reports: options.ReportsOf = Path("reports"),
    seed: options.Seed = 0,
    device: options.Device = "auto",
    json: options.Json = False,
) -> None:
    """Walk from one image to another through the code, on a straight line and on a great circle."""
    from vaekit.api import exploration

    with drawn_progress() as progress:
        result = exploration.interpolate(
            checkpoint,
            pairs=parse_pairs(pairs),
            count=count,
            steps=steps,
            data=data,
            crop=options.crop_value(crop),
            limit=options.parse_limit(limit),
            reports=reports,
            seed=seed,
            device=device,
            progress=progress,
        )
    show_pictures(result, out, reports, json)


def parse_pairs(text: str | None) -> list[tuple[str, str]] | None:
    """Return [("a", "b"), ...] from "a:b,c:d"; a usage error where a part is no pair."""
    if text is None:
        return None
    pairs = [tuple(part.strip() for part in pair.split(":")) for pair in text.split(",")]
    if not all(len(pair) == 2 and all(pair) for pair in pairs):
        raise typer.BadParameter(f"--pairs {text!r} is no list of pairs: write it as 000001:000002,000003:000004.")
    return pairs
