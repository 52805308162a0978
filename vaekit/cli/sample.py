"""vaekit sample."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from vaekit.cli import options as flags
from vaekit.cli.console import drawn_progress, show_pictures
from vaekit.cli.options import takes_options
from vaekit.options import EvaluationOptions


class From(StrEnum):
    """Where the codes of samples come from."""

    PRIOR = "prior"
    AGGREGATE = "aggregate"


@takes_options
def command(
    checkpoint: flags.Checkpoint = None,
    n: Annotated[int, typer.Option("--n", min=1, help="How many samples.")] = 64,
    temperature: Annotated[
        float,
        typer.Option("--temperature", min=0, help="Scales the spread of the codes: 1 leaves it, 0 takes it away."),
    ] = 1.0,
    source: Annotated[
        From, typer.Option("--from", help="N(0, I), or the mixture fitted to the codes of train images.")
    ] = From.PRIOR,
    out: flags.Pictures = None,
    reports: flags.ReportsOf = Path("reports"),
    json: flags.Json = False,
    *,
    options: EvaluationOptions,
) -> None:
    """Draw samples: a grid, and each as a picture of its own."""
    from vaekit.api import exploration

    with drawn_progress() as progress:
        result = exploration.sample(
            checkpoint,
            n=n,
            temperature=temperature,
            source=source.value,
            reports=reports,
            progress=progress,
            **options.given(),
        )
    show_pictures(result, out, reports, json)
