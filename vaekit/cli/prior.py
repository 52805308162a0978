"""vaekit prior."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from vaekit.cli import options as flags
from vaekit.cli.console import drawn_progress, show
from vaekit.options import EvaluationOptions


class Kind(StrEnum):
    """What can be learned."""

    AUTO = "auto"
    MIXTURE = "mixture"
    FLOW = "flow"


@flags.takes_options
def command(
    checkpoint: flags.Checkpoint = None,
    kind: Annotated[
        Kind, typer.Option("--kind", help="auto keeps the one that describes the codes of valid images best.")
    ] = Kind.AUTO,
    out: Annotated[
        Path | None, typer.Option("--out", help="The new file. Default: <name>-prior.pt beside the checkpoint.")
    ] = None,
    json: flags.Json = False,
    *,
    options: EvaluationOptions,
) -> None:
    """Learn what to draw samples from: a density of the codes of train images, kept in a copy of the checkpoint."""
    from vaekit.api.prior import prior

    with drawn_progress() as progress:
        found = prior(checkpoint, kind=kind.value, out=out, progress=progress, **options.given())
    facts = {
        "file": None if found.file is None else str(found.file),
        "prior": found.fitted.prior.kind,
        "valid_log_likelihood": found.fitted.valid_log_likelihood,
        "absent": found.fitted.absent,
    }
    show(found, json, facts)
