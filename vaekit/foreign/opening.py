"""The one door: what the user names, a file, a folder or a live module, becomes a module with its weights."""

import copy
import inspect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from torch import Tensor, nn

from vaekit.checkpoint_files import what_is_this
from vaekit.errors import CheckpointError, ConfigError
from vaekit.foreign.building import accepts_any, build, parameters
from vaekit.foreign.families import build_diffusers, build_pythae, config_of, family_folder, weight_files
from vaekit.foreign.importing import Imported, import_named
from vaekit.foreign.mismatch import is_quantised
from vaekit.foreign.pickles import read_weights
from vaekit.foreign.quarantine import from_home
from vaekit.foreign.weights import fit_weights, modules_in, stated_arguments, training_ids
from vaekit.options import ModelOptions

Family = Literal["class", "two modules", "diffusers", "pythae", "live"]
PARTS = ("encoder", "decoder")


class TwoModules(nn.Module):
    """An encoder and a decoder that were written, and often saved, apart."""

    def __init__(self, encoder: nn.Module, decoder: nn.Module) -> None:
        super().__init__()
        self.encoder, self.decoder = encoder, decoder

    def encode(self, x: Tensor) -> object:
        """Return whatever the encoder returns."""
        return self.encoder(x)

    def decode(self, z: Tensor) -> object:
        """Return whatever the decoder returns."""
        return self.decoder(z)


@dataclass(frozen=True)
class Opened:
    """A third-party module with its weights, in evaluation mode on the CPU, and what opening it took.

    Attributes:
        module: the network; a `TwoModules` where encoder and decoder are apart.
        family: where it came from.
        notes: sentences that a report must say, such as that only a part of the model's file was run.
        imported: the user's files that were run.
        configs: files beside the weights that state arguments of the class.
        trained_on: ids of the training images, where a file states them.
        prior: the record of a learned prior that was put into a file.
    """

    module: nn.Module
    family: Family
    notes: tuple[str, ...] = ()
    imported: tuple[Imported, ...] = ()
    configs: tuple[Path, ...] = ()
    trained_on: tuple[str, ...] | None = None
    prior: Mapping[str, Any] | None = None

    @property
    def code(self) -> list[Path]:
        """Every file that decides what the network computes, its weights left out; what is imported late comes in."""
        run = [file for imported in self.imported for file in imported.files]
        classes = {type(part) for part in self.module.modules() if self.family == "live"}
        live = [file for cls in classes if (file := _source_of(cls)) is not None]
        return sorted({*run, *live, *self.configs})


def open_module(checkpoint: Path | nn.Module, options: ModelOptions) -> Opened:
    """Return the module that `checkpoint` and `options` name, with its weights.

    Code of the model's file runs only because `options` names it; pickled code runs only with `trust_pickle`.

    Raises:
        CheckpointError: a file that can not be read, or weights that do not fit the class.
        ConfigError: a class that can not be found, imported or built with the given arguments.
    """
    if isinstance(checkpoint, nn.Module):
        return Opened(_copied(checkpoint), "live")
    checkpoint = from_home(checkpoint)
    files = _files(checkpoint)
    if options.encoder or options.decoder:
        return _open_two(files, options)
    if options.model:
        return _open_class(files, options)
    require_class(checkpoint, options)
    family = family_folder(checkpoint)
    assert family is not None
    return _open_family(*family)


def require_class(checkpoint: Path | nn.Module, options: ModelOptions) -> None:
    """Raise CheckpointError where neither the options nor the checkpoint itself say what network it holds."""
    named = options.model or options.encoder or options.decoder or options.adapter
    if not (named or isinstance(checkpoint, nn.Module) or family_folder(from_home(checkpoint))):
        raise CheckpointError(
            f"{checkpoint} holds no description of its network: name the class that was trained with "
            "--model FILE.py:Class."
        )


def _source_of(cls: type) -> Path | None:
    """Return the file of a class that is not torch's, vaekit's or typed into a shell."""
    if cls.__module__.split(".")[0] in ("torch", "vaekit"):
        return None
    try:
        return Path(inspect.getfile(cls))
    except (TypeError, OSError):
        return None


def _copied(module: nn.Module) -> nn.Module:
    try:
        return copy.deepcopy(module).cpu().eval()
    except RuntimeError as error:
        raise CheckpointError(
            f"The live {type(module).__name__} can not be copied ({error}): detach the tensors it keeps."
        ) from None


def _files(checkpoint: Path) -> list[Path]:
    """Return the files of weights that a path names: itself, those in the folder, or two joined by a comma."""
    if not checkpoint.exists() and "," in str(checkpoint):
        return [file for part in str(checkpoint).split(",") for file in _files(from_home(Path(part.strip())))]
    if not checkpoint.is_dir():
        return [checkpoint]
    family = family_folder(checkpoint)
    files = weight_files(family[1] if family else checkpoint)
    if not files:
        raise CheckpointError(f"{checkpoint} is {what_is_this(checkpoint)}: there are no files of weights in it.")
    return files


def _read(files: list[Path], options: ModelOptions, imported: Imported) -> dict[str, Any]:
    """Return what each file holds, by the file's path, a trusted pickle finding the classes of the imported file."""
    if not options.trust_pickle:
        return {str(file): read_weights(file) for file in files}
    with imported.entered():
        return {
            str(file): read_weights(file, trust=True, find=lambda module, name: getattr(imported.module, name))
            for file in files
        }


def _open_class(files: list[Path], options: ModelOptions) -> Opened:
    assert options.model is not None
    imported, name = import_named(options.model)
    content = _read(files, options, imported)
    whole = modules_in(content)
    thing = imported.find(name)
    for module in whole:  # a trusted pickle holds the network itself, with whatever arguments built it
        if type(module).__name__ == getattr(thing, "__name__", name):
            return _opened(module.cpu().eval(), "class", imported.notes, content, [imported])
    configs = {path: config for file in files if (config := config_of(path := file.parent / "config.json"))}
    stating = [*content.values(), *configs.values()]
    arguments, notes = _arguments(thing, name, stating, options.model_args or {})
    module = build(imported, name, arguments)
    notes = (*imported.notes, *notes, *fit_weights(module, content, _with_defaults(thing, arguments)))
    return _opened(module, "class", notes, content, [imported], configs)


def _arguments(
    thing: Any, name: str, content: Sequence[Any], given: Mapping[str, Any]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the arguments that the files state with the user's over them, and the sentence of the former."""
    stated = {} if isinstance(thing, nn.Module) else stated_arguments(content, [*parameters(thing)])
    taken = {key: value for key, value in stated.items() if key not in given}
    values = ", ".join(f"{key} = {value!r}"[:80] for key, value in taken.items())
    notes = (f"Arguments of {name} that the checkpoint itself states were used: {values}.",) if taken else ()
    return {**taken, **given}, notes


def _open_two(files: list[Path], options: ModelOptions) -> Opened:
    if not (options.encoder and options.decoder):
        raise ConfigError(
            "A model of two modules needs both: give --encoder FILE.py:Class and --decoder FILE.py:Class."
        )
    found = {part: import_named(words, f"--{part}") for part in PARTS if (words := getattr(options, part))}
    content = _read(files, options, found["encoder"][0])
    modules: dict[str, nn.Module] = {}
    notes: list[str] = []
    given = options.model_args or {}
    by_part = bool(given) and set(given) <= set(PARTS) and all(isinstance(v, Mapping) for v in given.values())
    used: set[str] = set()
    for part, (imported, name) in found.items():
        thing = imported.find(name)
        known = parameters(thing)
        own = given.get(part, {}) if by_part else {k: v for k, v in given.items() if k in known or accepts_any(thing)}
        used |= set(own)
        arguments, said = _arguments(thing, name, [*content.values()], own)
        modules[part] = build(imported, name, arguments)
        notes += [*imported.notes, *said]
    if not by_part and (unused := sorted(set(given) - used)):
        raise ConfigError(f"Neither the encoder nor the decoder has an argument {unused[0]!r}: see --model-args.")
    module = TwoModules(**modules).eval()
    notes += fit_weights(module, content, given)
    return _opened(module, "two modules", notes, content, [imported for imported, _ in found.values()])


def _open_family(family: Literal["diffusers", "pythae"], folder: Path) -> Opened:
    build_network, config = (
        (build_diffusers, "config.json") if family == "diffusers" else (build_pythae, "model_config.json")
    )
    module = build_network(folder)
    files = weight_files(folder)
    if not files:
        raise CheckpointError(f"{folder} is {what_is_this(folder)}: there are no files of weights in it.")
    content = {str(file): read_weights(file) for file in files}
    notes = fit_weights(module, content, config_of(folder / config))
    return _opened(module, family, notes, content, configs=[folder / config])


def _opened(
    module: nn.Module,
    family: Family,
    notes: Iterable[str],
    content: Mapping[str, Any],
    imported: Iterable[Imported] = (),
    configs: Iterable[Path] = (),
) -> Opened:
    if is_quantised([*module.state_dict()]):
        raise CheckpointError(
            f"{type(module).__name__} is a vector-quantised VAE: its latents are discrete codes, with no Gaussian "
            "posterior, no KL term and no prior N(0, I) to evaluate."
        )
    priors = [held["vaekit_prior"] for held in content.values() if isinstance(held, Mapping) and "vaekit_prior" in held]
    return Opened(
        module,
        family,
        tuple(dict.fromkeys(notes)),
        tuple(imported),
        tuple(configs),
        training_ids(content),
        priors[0] if priors else None,
    )


def _with_defaults(thing: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    defaults = {} if isinstance(thing, nn.Module) else {k: p.default for k, p in parameters(thing).items()}
    return {**defaults, **given}
