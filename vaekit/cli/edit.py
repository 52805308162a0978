"""vaekit edit."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vaekit.cli import options as flags
from vaekit.cli.options import shows_pictures

if TYPE_CHECKING:
    from vaekit.exploration.results import Shown


class Direction(StrEnum):
    """Which direction stands for an attribute."""

    MEANS = "means"
    PROBE = "probe"


@shows_pictures
def command(
    checkpoint: flags.OneCheckpoint,
    image: Annotated[str, typer.Argument(help="A picture file, or the id of an image of the data.")],
    attribute: Annotated[str, typer.Option("--attribute", help="What to add or take away, such as Smiling.")],
    strength: Annotated[
        str, typer.Option("--strength", help="First and last, in standard deviations of the codes along the direction.")
    ] = "-3:3",
    steps: flags.Steps = 7,
    direction: Annotated[
        Direction, typer.Option("--direction", help="From class mean to class mean, or along the probe's normal.")
    ] = Direction.MEANS,
    *,
    how: dict[str, Any],
) -> "Shown":
    """Move an image along the direction of an attribute, and say what every other probe makes of it."""
    from vaekit.api import exploration

    strengths = flags.parse_range("--strength", strength, "-3:3")
    return exploration.edit(
        checkpoint, image, attribute=attribute, strengths=strengths, steps=steps, direction=direction.value, **how
    )
