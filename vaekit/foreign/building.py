"""Building an imported class with the arguments that the user, or the checkpoint itself, states."""

import inspect
import json
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from torch import nn

from vaekit.errors import ConfigError, did_you_mean
from vaekit.foreign.importing import Imported, package_list
from vaekit.foreign.partial_run import one_line


class Settings(dict[str, Any]):
    """A JSON object as a constructor wants it: `args.z_dim` and `config["z_dim"]` both work."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        super().__init__({key: as_settings(value) for key, value in values.items()})
        self.__dict__ = self


def as_settings(value: Any) -> Any:
    """Return a value of JSON with every object in it as `Settings`."""
    if isinstance(value, Mapping):
        return Settings(value)
    return [as_settings(v) for v in value] if isinstance(value, list) else value


def parameters(thing: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """Return the named parameters of a class or function; empty where Python can not tell."""
    try:
        found = inspect.signature(thing).parameters
    except (TypeError, ValueError):
        return {}
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return {name: p for name, p in found.items() if p.kind in named}


def accepts_any(thing: Callable[..., Any]) -> bool:
    """Whether it takes arguments of every name."""
    return any(p.kind is p.VAR_KEYWORD for p in inspect.signature(thing).parameters.values())


def build(imported: Imported, name: str, arguments: Mapping[str, Any]) -> nn.Module:
    """Return the network that `name` of the imported module makes of the arguments, in evaluation mode.

    Raises:
        ConfigError: no class, wrong or missing arguments, an error of its own, or something that is no nn.Module.
    """
    thing = imported.find(name)
    if isinstance(thing, nn.Module):
        return thing.eval()
    if not callable(thing):
        raise ConfigError(f"{name} is a {type(thing).__name__}, not a class: name the network's class.")
    _check(thing, name, arguments)
    try:
        with imported.entered():
            module = thing(**{key: as_settings(value) for key, value in arguments.items()})
    except (Exception, SystemExit) as error:
        raise ConfigError(_failure(imported, name, arguments, error)) from None
    if not isinstance(module, nn.Module):
        raise ConfigError(f"{name} makes a {type(module).__name__}, not a torch.nn.Module: name the network's class.")
    return module.cpu().eval()


def _check(thing: Callable[..., Any], name: str, arguments: Mapping[str, Any]) -> None:
    known = parameters(thing)
    if not known and not arguments:
        return
    required = [k for k, p in known.items() if p.default is p.empty]
    unknown = [] if accepts_any(thing) else [k for k in arguments if k not in known]
    missing = [k for k in required if k not in arguments]
    form = name + _bare(inspect.signature(thing))
    if unknown and len(required) == 1 and missing:
        wrapped = json.dumps({required[0]: dict(arguments)}, default=str)
        raise ConfigError(f"{form} takes its settings as one object: give --model-args '{wrapped}'.")
    if unknown:
        raise ConfigError(f"{form} has no argument {unknown[0]!r}.{did_you_mean(unknown[0], known)}")
    if missing:
        example = json.dumps({k: "..." for k in missing})
        raise ConfigError(f"{form} needs {', '.join(missing)}: give --model-args '{example}'.")


def _bare(signature: inspect.Signature) -> str:
    plain = [p.replace(annotation=p.empty) for p in signature.parameters.values()]
    return str(signature.replace(parameters=plain, return_annotation=signature.empty))


def _failure(imported: Imported, name: str, arguments: Mapping[str, Any], error: BaseException) -> str:
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename in map(str, imported.files)]
    place = f" (line {frames[-1].lineno} of {frames[-1].filename})" if frames else ""
    text = f"Building {name} with {json.dumps(dict(arguments), default=str)} failed: {one_line(error)}{place}."
    if isinstance(error, NameError) and imported.missing:
        return f"{text} It needs {package_list(imported.missing)}."
    if isinstance(error, AttributeError) and str(error).startswith("module "):
        return f"{text} The file was written for another version of that package."
    if isinstance(error, AttributeError | KeyError):
        return f"{text} Settings that it looks for can be given with --model-args."
    return text
