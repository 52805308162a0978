"""vaekit traverse."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from vaekit.cli import options as flags
from vaekit.cli.options import shows_pictures

if TYPE_CHECKING:
    from vaekit.exploration.results import Shown


@shows_pictures
def command(
    checkpoints: Annotated[
        list[str] | None,
        typer.Argument(
            help="One or several checkpoints; several give one row per model. Default: the best of the newest run.",
            show_default=False,
        ),
    ] = None,
    dims: Annotated[
        str | None, typer.Option("--dims", help="Which dims, such as 3,17. Default: those with the most KL.")
    ] = None,
    top: Annotated[
        int | None, typer.Option("--top", min=1, help="How many dims by KL. Default: 8, or 3 of several models.")
    ] = None,
    image: Annotated[
        str, typer.Option("--image", help="Id of the image to start from, or mean: the mean code of the test images.")
    ] = "mean",
    steps: flags.Steps = 9,
    percentiles: Annotated[
        str, typer.Option("--percentiles", help="Percentiles of μ over the test images, between which a dim is moved.")
    ] = "1:99",
    *,
    how: dict[str, Any],
) -> "Shown":
    """Move one latent dim at a time: one row per dim, sorted by KL; several checkpoints below one another."""
    from vaekit.api import exploration

    return exploration.traverse(
        checkpoints,
        dims=parse_dims(dims),
        top=top,
        image=image,
        steps=steps,
        percentiles=flags.parse_range("--percentiles", percentiles, "1:99"),
        **how,
    )


def parse_dims(text: str | None) -> list[int] | None:
    """Return [3, 17] from "3,17"; a usage error where it is no list of dims."""
    if text is None:
        return None
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise typer.BadParameter(f"--dims {text!r} is no list of dims: write their numbers as 3,17.") from None
