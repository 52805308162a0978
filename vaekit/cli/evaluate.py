"""vaekit evaluate."""

from pathlib import Path

from vaekit.cli import options as flags
from vaekit.cli.console import drawn_progress, show
from vaekit.cli.options import takes_options
from vaekit.options import EvaluationOptions


@takes_options
def command(
    checkpoint: flags.Checkpoint = None,
    out: flags.Reports = Path("reports"),
    every: flags.Every = False,
    json: flags.Json = False,
    *,
    options: EvaluationOptions,
) -> None:
    """Measure a checkpoint on the test split: error, similarity, KL and the ELBO, with intervals."""
    from vaekit.api import verbs

    with drawn_progress() as progress:
        result = verbs.evaluate(checkpoint, out=out, progress=progress, **options.given())
    show(result.text(every=every), json, {"folder": str(result.folder), **result.summary})
