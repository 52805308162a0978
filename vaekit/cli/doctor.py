"""vaekit doctor."""

from pathlib import Path
from typing import Annotated

import typer

from vaekit.cli import options as flags
from vaekit.cli.console import drawn_progress, show
from vaekit.cli.options import takes_options
from vaekit.options import EvaluationOptions


@takes_options
def command(
    checkpoint: flags.Checkpoint = None,
    write: Annotated[
        Path | None, typer.Option("--write", help="File that receives an adapter which says what was found out.")
    ] = None,
    json: flags.Json = False,
    *,
    options: EvaluationOptions,
) -> None:
    """Say how a checkpoint of another program is read, by which margin, and the mistakes in it that show."""
    from vaekit.api.doctor import doctor

    with drawn_progress() as progress:
        diagnosis = doctor(checkpoint, write=write, progress=progress, **options.given())
    show(diagnosis, json, diagnosis.record())
