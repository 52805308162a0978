"""vaekit failures."""

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
    top: Annotated[int, typer.Option("--top", min=1, help="How many worst, best and random images.")] = 32,
    by: Annotated[
        str,
        typer.Option(
            "--by",
            help="Per-image metrics that rank the images, such as mse,ssim; the first is the error of the findings. "
            "<metric>_adjusted: at equal contrast, fine detail and brightness.",
        ),
    ] = "mse,mse_adjusted",
    fairness: Annotated[
        str | None,
        typer.Option("--fairness", help="Attributes whose errors are compared. Default: Male,Young,Pale_Skin."),
    ] = None,
    out: flags.Reports = Path("reports"),
    every: flags.Every = False,
    json: flags.Json = False,
    *,
    options: EvaluationOptions,
) -> None:
    """Find where and why the model fails: the worst images, and what they share, tested on images kept apart."""
    from vaekit.api import verbs

    groups = None if fairness is None else [name.strip() for name in fairness.split(",")]
    with drawn_progress() as progress:
        result = verbs.failures(
            checkpoint, top=top, by=by, fairness=groups, out=out, progress=progress, **options.given()
        )
    facts = {"folder": str(result.folder), **result.summary, "worst": result.worst["image_id"].tolist()}
    show(result.text(every=every), json, facts | {key: result.content[key] for key in ("findings", "not_found")})
