"""Every option that more than one command takes, declared once: the same words everywhere."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vaekit.cli.console import drawn_progress, show_pictures
from vaekit.config import Config
from vaekit.options import EvaluationOptions, ModelOptions, PageOptions

if TYPE_CHECKING:
    from vaekit.exploration.results import Shown

_PANELS: dict[str, type[Config]] = {
    "A model that vaekit did not train": ModelOptions,
    "Images and work": EvaluationOptions,
    "The pages": PageOptions,
}


def _said(name: str) -> str:
    return str(EvaluationOptions.model_fields[name].description).replace("the model's own", "the recipe's")


Data = Annotated[
    str | None,
    typer.Option("--data", help="Dataset name (celeba, faces) or a folder. Default: data/celeba, else drawn faces."),
]
Crop = Annotated[str | None, typer.Option("--crop", help=_said("crop"))]
ImageSize = Annotated[str | None, typer.Option("--image-size", help=_said("image_size"))]
Limit = Annotated[str | None, typer.Option("--limit", help=_said("limit"))]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Seed of everything random.")]
Device = Annotated[str, typer.Option("--device", help="auto, cpu, cuda or mps.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object for machines instead of words.")]
Every = Annotated[bool, typer.Option("--all", help="Print everything: what comes first is shown unasked.")]
Checkpoint = Annotated[
    str | None,
    typer.Argument(
        help="A checkpoint file, or the folder or name of a run. Default: the best checkpoint of the newest run.",
        show_default=False,
    ),
]
OneCheckpoint = Annotated[
    str, typer.Argument(help="A checkpoint file, or the folder or name of a run.", show_default=False)
]
Reports = Annotated[
    Path, typer.Option("--out", help="Folder that receives <run>/<protocol>/evaluation/summary.json and the rest.")
]
Pictures = Annotated[
    Path | None,
    typer.Option(
        "--out", help="Folder that receives the pictures. Default: <reports>/<run>/pictures.", show_default=False
    ),
]
ReportsOf = Annotated[
    Path, typer.Option("--reports", help="Folder of the evaluations: what `vaekit evaluate` calls --out.")
]
Steps = Annotated[int, typer.Option("--steps", min=2, help="Pictures per row.")]


def takes_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command a flag for every field of the options that it takes; it receives them as they were parsed.

    Raises:
        ConfigError: when the command is run, for a value that does not fit.
    """
    parameters = inspect.signature(command).parameters.values()
    taken = {p.name: p.annotation for p in parameters if p.annotation in (EvaluationOptions, PageOptions)}
    flags = {name: _flag(kind, name) for kind in taken.values() for name in kind.model_fields}

    def with_flags(**arguments: Any) -> None:
        given = {name: arguments.pop(name) for name in flags}
        stated = {name: value for name, value in given.items() if value not in (None, False)}
        parsed = {
            argument: kind.parse({k: v for k, v in stated.items() if k in kind.model_fields}, "The options")
            for argument, kind in taken.items()
        }
        command(**arguments, **parsed)

    own = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in parameters if p.name not in taken]
    shown = [*own, *flags.values()]
    # `inspect.signature`, which typer asks, looks at this attribute first.
    with_flags.__signature__ = inspect.Signature(shown)  # type: ignore[attr-defined]  # not in the stubs of functions
    with_flags.__annotations__ = {parameter.name: parameter.annotation for parameter in shown}
    with_flags.__doc__ = command.__doc__
    return with_flags


def shows_pictures(command: Callable[..., "Shown"]) -> Callable[..., None]:
    """Give a command that returns pictures the flags of all such; it receives what they have in common as `how`."""

    def run(
        out: Pictures = None,
        reports: ReportsOf = Path("reports"),
        json: Json = False,
        *,
        options: EvaluationOptions,
        **own: Any,
    ) -> None:
        with drawn_progress() as progress:
            result = command(**own, how={"reports": reports, "progress": progress, **options.given()})
        show_pictures(result, out, reports, json)

    asked = [parameter for name, parameter in inspect.signature(command).parameters.items() if name != "how"]
    common = [p for name, p in inspect.signature(run).parameters.items() if name != "own"]
    keyword = inspect.Parameter.KEYWORD_ONLY
    shown = inspect.Signature([p.replace(kind=keyword) for p in (*asked, *common)])
    run.__signature__ = shown  # type: ignore[attr-defined]  # as above
    run.__doc__ = command.__doc__
    return takes_options(run)


def _flag(of: type[EvaluationOptions | PageOptions], name: str) -> inspect.Parameter:
    """Return the parameter behind a flag; whatever is no switch, number or file is text that the field reads."""
    field = of.model_fields[name]
    kind: Any = next((kind for kind in (bool, int, float, Path) if field.annotation in (kind, kind | None)), str)
    default = f" Default: {field.default}." if kind is not bool and field.default is not None else ""
    option = typer.Option(
        f"--{name.replace('_', '-')}",
        help=f"{field.description}{default}",
        rich_help_panel=next(panel for panel, options in _PANELS.items() if name in options.model_fields),
        show_default=False,
    )
    annotation = Annotated[bool, option] if kind is bool else Annotated[kind | None, option]
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=False if kind is bool else None, annotation=annotation
    )


def image_settings(**texts: str | None) -> dict[str, Any]:
    """Return the given ones of crop, image_size and limit as settings of `DataConfig`, read from their texts."""
    given = {name: text for name, text in texts.items() if text is not None}
    return EvaluationOptions.parse(given, "The options").images


def parse_range(option: str, text: str, example: str) -> tuple[float, float]:
    """Return (-3.0, 3.0) from "-3:3"; a usage error where `text` is no two numbers."""
    try:
        low, high = map(float, text.split(":"))
    except ValueError:
        raise typer.BadParameter(f"{option} {text!r} is no range: write two numbers as {example}.") from None
    return low, high
