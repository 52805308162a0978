"""vaekit report."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vaekit.cli import options as flags
from vaekit.cli.console import drawn_progress, show
from vaekit.cli.options import takes_options
from vaekit.errors import ConfigError
from vaekit.options import EvaluationOptions

if TYPE_CHECKING:
    from vaekit.reporting.build import Pages


@takes_options
def command(
    checkpoints: Annotated[
        list[str] | None,
        typer.Argument(
            help="A .pt file, or a run's folder or name; several are compared. Default: the best of the newest run.",
            show_default=False,
        ),
    ] = None,
    title: Annotated[str | None, typer.Option("--title", help="Headline of the report.")] = None,
    author: Annotated[str | None, typer.Option("--author", help="Who hands it in; stands below the headline.")] = None,
    course: Annotated[str | None, typer.Option("--course", help="For which course; stands below the headline.")] = None,
    sections: Annotated[
        Path | None,
        typer.Option("--sections", help='TOML file that chooses and orders sections: sections = ["verdict", ...].'),
    ] = None,
    notes: Annotated[
        Path | None,
        typer.Option("--notes", help="Your own Markdown, merged in below headings such as '## after: samples'."),
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Every picture at its own size, above 8 MB if need be.")] = False,
    out: flags.Reports = Path("reports"),
    json: flags.Json = False,
    *,
    options: EvaluationOptions,
) -> None:
    """Write the report: HTML, Markdown and JSON; what it needs and is missing is computed first."""
    from vaekit.api import comparison, verbs

    of_one: dict[str, Any] = {"author": author, "course": course, "sections": sections, "notes": notes, "full": full}
    result: Pages
    with drawn_progress() as progress:
        shared: dict[str, Any] = {"title": title, "out": out, "progress": progress, **options.given()}
        if checkpoints is None or len(checkpoints) == 1:
            result = verbs.report(checkpoints[0] if checkpoints else None, **of_one, **shared)
        else:
            for name, value in of_one.items():
                if value:
                    raise ConfigError(
                        f"--{name} is for the report of one model: leave it away, or name one checkpoint."
                    )
            result = comparison.compare(checkpoints, **shared)
    show(result, json, {"html": str(result.html), "markdown": str(result.markdown), "data": str(result.data)})
