"""vaekit reconstruct."""

from pathlib import Path
from typing import Annotated

import typer

from vaekit.cli import options as flags
from vaekit.cli.console import drawn_progress, show_pictures
from vaekit.cli.options import takes_options
from vaekit.errors import DataError
from vaekit.options import EvaluationOptions


@takes_options
def command(
    checkpoint: flags.OneCheckpoint,
    pictures: Annotated[list[Path], typer.Argument(help="Picture files of any size and mode.", show_default=False)],
    out: flags.Pictures = None,
    reports: flags.ReportsOf = Path("reports"),
    json: flags.Json = False,
    *,
    options: EvaluationOptions,
) -> None:
    """Pass your own pictures through a model, cropped like its data: originals above reconstructions, mse and kl."""
    from vaekit.api import exploration

    with drawn_progress() as progress:
        result = exploration.reconstruct(checkpoint, pictures, progress=progress, **options.given())
    show_pictures(result, out, reports, json)
    if result.unreadable:
        raise DataError(f"{len(result.unreadable)} of {len(pictures)} pictures could not be read; the others are done.")
