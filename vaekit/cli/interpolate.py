"""vaekit interpolate."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from vaekit.cli import options as flags
from vaekit.cli.options import shows_pictures

if TYPE_CHECKING:
    from vaekit.exploration.results import Shown


@shows_pictures
def command(
    checkpoint: flags.Checkpoint = None,
    pairs: Annotated[
        str | None, typer.Option("--pairs", help="Ids of the images at the ends, such as 000001:000002,000003:000004.")
    ] = None,
    count: Annotated[
        int, typer.Option("--count", min=1, help="How many pairs of test images the seed draws where none is named.")
    ] = 3,
    steps: flags.Steps = 9,
    *,
    how: dict[str, Any],
) -> "Shown":
    """Walk from one image to another through the code, on a straight line and on a great circle."""
    from vaekit.api import exploration

    return exploration.interpolate(checkpoint, pairs=parse_pairs(pairs), count=count, steps=steps, **how)


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
