"""vaekit interpolate."""

from pathlib import Path
from typing import Annotated

import typer

from vaekit.cli import options as flags
from vaekit.cli.console import drawn_progress, show_pictures
from vaekit.cli.options import takes_options
from vaekit.options import EvaluationOptions


@takes_options
def command(
    checkpoint: flags.Checkpoint = None,
    pairs: Annotated[
        str | None, typer.Option("--pairs", help="Ids of the images at the ends, such as 000001:000002,000003:000004.")
    ] = None,
    count: Annotated[
        int, typer.Option("--count", min=1, help="How many pairs of test images the seed draws where none is named.")
    ] = 3,
    steps: flags.Steps = 9,
    out: flags.Pictures = None,
    reports: flags.ReportsOf = Path("reports"),
    json: flags.Json = False,
    *,
    options: EvaluationOptions,
) -> None:
    """Walk from one image to another through the code, on a straight line and on a great circle."""
    from vaekit.api import exploration

    with drawn_progress() as progress:
        result = exploration.interpolate(
            checkpoint,
            pairs=parse_pairs(pairs),
            count=count,
            steps=steps,
            reports=reports,
            progress=progress,
            **options.given(),
        )
    show_pictures(result, out, reports, json)


def parse_pairs(text: str | None) -> list[tuple[str, str]] | None:
    """Return [("a", "b"), ...] from "a:b,c:d"; a usage error where a part is no pair."""
    if text is None:
        return None
    pairs = []
    for pair in text.split(","):
        first, _, second = (part.strip() for part in pair.partition(":"))
        if not first or not second or ":" in second:
            raise typer.BadParameter(f"--pairs {text!r} is no list of pairs: write it as 000001:000002,000003:000004.")
        pairs.append((first, second))
    return pairs
