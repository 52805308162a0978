"""vaekit sample."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vaekit.cli import options as flags
from vaekit.cli.options import shows_pictures

if TYPE_CHECKING:
    from vaekit.exploration.results import Shown


class From(StrEnum):
    """Where the codes of samples come from."""

    PRIOR = "prior"
    STANDARD = "standard"
    AGGREGATE = "aggregate"


@shows_pictures
def command(
    checkpoint: flags.Checkpoint = None,
    n: Annotated[int, typer.Option("--n", min=1, max=100_000, help="How many samples.")] = 64,
    temperature: Annotated[
        float,
        typer.Option("--temperature", min=0, help="Scales the spread of the codes: 1 leaves it, 0 takes it away."),
    ] = 1.0,
    source: Annotated[
        From, typer.Option("--from", help="The model's prior, N(0, I), or the mixture that its evaluation fitted.")
    ] = From.PRIOR,
    *,
    how: dict[str, Any],
) -> "Shown":
    """Draw samples: a grid, and each as a picture of its own."""
    from vaekit.api import exploration

    return exploration.sample(checkpoint, n=n, temperature=temperature, source=source.value, **how)
