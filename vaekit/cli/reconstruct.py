"""vaekit reconstruct."""

from pathlib import Path
from typing import Annotated

import typer

from vaekit.cli import options
from vaekit.cli.console import drawn_progress, show_pictures
from vaekit.errors import DataError


def command(
    checkpoint: options.OneCheckpoint,
    pictures: Annotated[list[Path], typer.Argument(help="Picture files of any size and mode.", show_default=False)],
    crop: Annotated[
        options.CropChoice | None,
        typer.Option("--crop", help="Centre crop, measured on a picture 178 pixels wide. Default: the model's own."),
    ] = None,
    out: options.Pictures = None,
    reports: options.ReportsOf = Path("reports"),
    device: options.Device = "auto",
    json: options.Json = False,
) -> None:
    """Pass your own pictures through a model, cropped like its data: originals above reconstructions, mse and kl."""
    from vaekit.api import exploration

    with drawn_progress():
        result = exploration.reconstruct(checkpoint, pictures, crop=options.crop_value(crop), device=device)
    show_pictures(result, out, reports, json)
    if result.unreadable:
        raise DataError(f"{len(result.unreadable)} of {len(pictures)} pictures could not be read; the others are done.")
