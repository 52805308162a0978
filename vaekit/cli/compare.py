"""vaekit compare."""

from pathlib import Path
from typing import Annotated

import typer

from vaekit.cli import options as flags
from vaekit.cli.console import drawn_progress, show
from vaekit.cli.options import takes_options
from vaekit.options import EvaluationOptions


@takes_options
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
    out: Annotated[
        Path, typer.Option("--out", help="Folder that receives comparisons/<names>/compare.html and the rest.")
    ] = Path("reports"),
    json: flags.Json = False,
    *,
    options: EvaluationOptions,
) -> None:
    """Set models side by side on the same images: paired differences, rate and distortion, pictures, findings."""
    from vaekit.api import comparison

    with drawn_progress() as progress:
        result = comparison.compare(
            checkpoints, allow_unlike=allow_unlike, title=title, out=out, progress=progress, **options.given()
        )
    show(result, json, {"html": str(result.html), "markdown": str(result.markdown), "data": str(result.data)})
