"""vaekit report."""

from pathlib import Path
from typing import Annotated

import typer

from vaekit.cli import options
from vaekit.cli.console import drawn_progress, show


def command(
    checkpoint: options.Checkpoint = None,
    title: Annotated[str | None, typer.Option("--title", help="Headline of the report.")] = None,
    author: Annotated[str | None, typer.Option("--author", help="Who hands it in; stands below the headline.")] = None,
    course: Annotated[str | None, typer.Option("--course", help="For which course; stands below the headline.")] = None,
    sections: Annotated[
        Path | None,
        typer.Option("--sections", help='TOML file that chooses and orders sections: sections = ["verdict", ...].'),
    ] = None,
    notes: Annotated[
        Path | None,
        typer.Option("--notes", help="Your own Markdown, merged in below headings such as '## after: samples'."),
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Every picture at its own size, above 8 MB if need be.")] = False,
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
    """Write the report: HTML, Markdown and JSON; what it needs and is missing is computed first."""
    from vaekit import api

    with drawn_progress() as progress:
        result = api.report(
            checkpoint, title=title, author=author, course=course, sections=sections, notes=notes, full=full,
            data=data, crop=options.crop_value(crop), image_size=image_size, limit=options.parse_limit(limit), out=out,
            seed=seed, device=device, batch_size=batch_size, progress=progress,
        )  # fmt: skip
    show(result, json, {"html": str(result.html), "markdown": str(result.markdown), "data": str(result.data)})
