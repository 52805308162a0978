"""vaekit train."""

import math
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from vaekit.cli import options
from vaekit.cli.console import drawn_progress, show
from vaekit.errors import ConfigError
from vaekit.figures.words import listed

if TYPE_CHECKING:
    from vaekit.config import RunConfig
    from vaekit.training import Training


def command(
    recipe: Annotated[str, typer.Option("--recipe", help="Name of a recipe, or the path of a TOML file.")] = "default",
    data: options.Data = None,
    crop: options.Crop = None,
    image_size: options.ImageSize = None,
    limit: options.Limit = None,
    epochs: Annotated[int | None, typer.Option("--epochs", min=1, help="Passes over the train split.")] = None,
    batch_size: Annotated[int | None, typer.Option("--batch-size", min=1, help="Images per step.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", min=0, help="Seed of everything random.")] = None,
    prior: Annotated[
        str | None,
        typer.Option("--prior", help="What samples are drawn from: standard (N(0, I)), mixture, flow or auto."),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="Any setting of the recipe, such as objective.beta=4; may be repeated."),
    ] = None,
    device: options.Device = "auto",
    out: Annotated[Path, typer.Option("--out", help="Folder that receives <run>/best.pt and the rest.")] = Path(
        "checkpoints"
    ),
    run: Annotated[str | None, typer.Option("--run", help="Name of the run. Default: recipe and data.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a run of that name.")] = False,
    resume: Annotated[
        str | None, typer.Option("--resume", help="Go on with this interrupted run; only --epochs may be changed.")
    ] = None,
    sweep: Annotated[
        str | None, typer.Option("--sweep", help="One run per value, such as objective.beta=1,4,10.")
    ] = None,
    list_recipes: Annotated[bool, typer.Option("--list-recipes", help="Show the recipes and stop.")] = False,
    list_settings: Annotated[
        bool, typer.Option("--list-settings", help="Show what --set and a recipe can set, with its values, and stop.")
    ] = False,
    json: options.Json = False,
) -> None:
    """Train a model; writes best.pt, last.pt, history.csv, config.toml and a picture after every epoch."""
    from vaekit.api import verbs
    from vaekit.config import load_config, recipe_lines

    if list_recipes:
        recipes = recipe_lines()
        show("\n".join(f"{name:12} {line}" for name, line in recipes.items()), json, recipes)
        return
    chosen = {"epochs": epochs, "batch_size": batch_size, "seed": seed, "prior": prior}
    images = options.image_settings(crop=crop, image_size=image_size, limit=limit)
    given = {f"training.{name}": value for name, value in chosen.items()}
    given |= {f"data.{name}": value for name, value in images.items()}
    overrides = {key: value for key, value in given.items() if value is not None} | parse_settings(set_ or [])
    if list_settings:
        settings = settings_of(load_config(recipe, overrides))
        show("\n".join(f"{key} = {row['value']}  # {row['meaning']}" for key, row in settings.items()), json, settings)
        return
    if resume is not None:
        if sweep or run or overrides.keys() - {"training.epochs"}:
            raise ConfigError(
                "--resume goes on with the run's own settings: only --epochs, --data (where its images were moved to) "
                "and --device go with it."
            )
        with drawn_progress() as progress:
            result = verbs.resume(resume, data=data, epochs=epochs, device=device, progress=progress)
        show(result, json, _facts(result))
        return
    results = []
    how: dict[str, Any] = {"data": data, "out": out, "overwrite": overwrite, "device": device}
    for suffix, value in parse_sweep(sweep).items():
        name = f"{run}{suffix}" if run else None
        how |= {"overrides": overrides | value, "run": name, "suffix": suffix}
        with drawn_progress() as progress:
            results.append(verbs.train(recipe, progress=progress, **how))
    facts = [_facts(result) for result in results]
    lines = [*map(str, results)]
    if len(results) > 1:
        lines.append(f"Set them side by side: vaekit compare {shlex.join(str(result.folder) for result in results)}")
    show("\n".join(lines), json, facts if sweep else facts[0])


def settings_of(config: "RunConfig") -> dict[str, dict[str, Any]]:
    """Return every setting by its dotted key: its value, and what it means with what it may be."""
    from vaekit.models.base import MODELS

    network = MODELS.get(config.model.name).Options.parse(config.model.options, f"[model] {config.model.name}")
    meaning = f"The network: {listed(sorted(MODELS.names()), 'or')}."
    found: dict[str, dict[str, Any]] = {"model.name": {"value": config.model.name, "meaning": meaning}}
    groups = {"model": network} | {
        name: getattr(config, name) for name in ("data", "likelihood", "objective", "training")
    }
    for group, settings in groups.items():
        values = settings.model_dump(mode="json")
        for name, field in type(settings).model_fields.items():
            options = [str(option) for option in get_args(field.annotation) if isinstance(option, str | int)]
            choices = f" One of {listed(options, 'or')}." if options else ""
            found[f"{group}.{name}"] = {"value": values[name], "meaning": f"{field.description}{choices}"}
    return found


def _facts(result: "Training") -> dict[str, Any]:
    return {
        "folder": str(result.folder),
        "best": str(result.best),
        "last": str(result.last),
        "history": [
            {name: value if math.isfinite(value) else None for name, value in row.items()}
            for row in result.history.to_dict("records")
        ],
    }


def parse_sweep(text: str | None) -> dict[str, dict[str, object]]:
    """Return {"-beta1": {"objective.beta": 1}, ...} from "objective.beta=1,4": suffix of the run, and setting."""
    if text is None:
        return {"": {}}
    key, equals, values = text.partition("=")
    if not equals or not key.strip() or not all(value.strip() for value in values.split(",")):
        raise ConfigError(f"--sweep {text!r} is no sweep: write it as objective.beta=1,4,10.")
    name = key.strip().split(".")[-1]
    return {f"-{name}{value.strip()}": parse_settings([f"{key}={value}"]) for value in values.split(",")}


def parse_settings(texts: list[str]) -> dict[str, object]:
    """Return {"objective.beta": 4} from ["objective.beta=4"]; values are TOML, and bare words are text."""
    import tomllib

    settings: dict[str, object] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise ConfigError(f"--set {text!r} is no setting: write it as objective.beta=4.")
        try:
            settings[key.strip()] = tomllib.loads(f"value = {value}")["value"]
        except (ValueError, RecursionError):  # no TOML, or a number of thousands of digits
            settings[key.strip()] = value.strip()
    return settings
