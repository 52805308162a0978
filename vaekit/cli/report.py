"""vaekit report."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vaekit.cli import options as flags
from vaekit.cli.console import drawn_progress, show
from vaekit.cli.options import takes_options
from vaekit.errors import ConfigError
from vaekit.options import EvaluationOptions, PageOptions

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
    from_: Annotated[
        Path | None,
        typer.Option("--from", help="Folder of a report: write another one there, without computing anything."),
    ] = None,
    out: flags.Reports = Path("reports"),
    list_sections: Annotated[
        bool, typer.Option("--list-sections", help="Show the sections of the edition in their order, and stop.")
    ] = False,
    json: flags.Json = False,
    *,
    page: PageOptions,
    options: EvaluationOptions,
) -> None:
    """Write the report: HTML, Markdown and JSON; what it needs and is missing is computed first."""
    if list_sections:
        from vaekit.reporting.document import in_order
        from vaekit.reporting.edition import EDITIONS

        titles = {name: spec.title for name, spec in in_order(EDITIONS[page.edition])}
        show("\n".join(f"{name:16} {title}" for name, title in titles.items()), json, titles)
        return
    from vaekit.api import comparison, verbs

    result: Pages
    with drawn_progress() as progress:
        if checkpoints is None or len(checkpoints) == 1:
            one = checkpoints[0] if checkpoints else None
            result = verbs.report(one, computed=from_, out=out, progress=progress, **page.given(), **options.given())
        else:
            for name in ["from"] * (from_ is not None) + [*page.given()]:
                if name != "title":
                    raise ConfigError(
                        f"--{name} is for the report of one model: leave it away, or name one checkpoint."
                    )
            result = comparison.compare(checkpoints, title=page.title, out=out, progress=progress, **options.given())
    show(result, json, {name: str(path) for name, path in result.files.items()})
