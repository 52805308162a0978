"""vaekit check."""

from pathlib import Path
from typing import Annotated

import typer

from vaekit.cli import options as flags
from vaekit.cli.console import drawn_progress, show
from vaekit.cli.options import takes_options
from vaekit.errors import ConfigError
from vaekit.options import EvaluationOptions

FAILED = 3  # 1 is a mistake in the user's files, 2 one in the command


@takes_options
def command(
    checkpoint: flags.Checkpoint = None,
    most: Annotated[
        list[str] | None, typer.Option("--max", help="Most that a metric may be, such as mse=0.011; may be repeated.")
    ] = None,
    least: Annotated[
        list[str] | None, typer.Option("--min", help="Least, such as active_units=20; may be repeated.")
    ] = None,
    baseline: Annotated[
        str | None, typer.Option("--baseline", help="Another checkpoint, which this one must not be worse than.")
    ] = None,
    metrics: Annotated[
        str | None,
        typer.Option("--metrics", help="What is held against the baseline. Default: mse,ssim,elbo_calibrated."),
    ] = None,
    tolerance: Annotated[
        float,
        typer.Option(
            "--tolerance", help="Loss against the baseline that is allowed, as a share of its value, such as 0.02."
        ),
    ] = 0.0,
    strict: Annotated[
        bool, typer.Option("--strict", help="The whole 95 % interval must keep a bound, not only the value.")
    ] = False,
    out: flags.Reports = Path("reports"),
    json: flags.Json = False,
    *,
    options: EvaluationOptions,
) -> None:
    """Hold a checkpoint against bounds and a baseline: exit code 0 where it keeps them, 3 where it does not.

    A bound is held against the value; one that lies within its 95 % interval is called within noise. Against a
    baseline a metric fails when its paired difference is worse and the whole interval is beyond the tolerance. A
    metric that could not be computed fails.
    """
    from vaekit.api import comparison

    with drawn_progress() as progress:
        result = comparison.check(
            checkpoint,
            most=_bounds("--max", most),
            least=_bounds("--min", least),
            baseline=baseline,
            metrics=[name.strip() for name in metrics.split(",")] if metrics else None,
            tolerance=tolerance,
            strict=strict,
            out=out,
            progress=progress,
            **options.given(),
        )
    show(result, json, result.record())
    if not result.passed:
        raise typer.Exit(FAILED)


def _bounds(flag: str, texts: list[str] | None) -> dict[str, float]:
    """Return {"mse": 0.011} from ["mse=0.011"]."""
    bounds: dict[str, float] = {}
    for text in texts or []:
        metric, _, value = text.partition("=")
        try:
            bound = float(value)
        except ValueError:
            raise ConfigError(f"{flag} {text!r} is no bound: write it as mse=0.011.") from None
        if metric.strip() in bounds:
            raise ConfigError(f"{flag} {metric.strip()} is given twice: give one bound.")
        bounds[metric.strip()] = bound
    return bounds
