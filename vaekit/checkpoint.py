"""One self-describing file per checkpoint: a path is all that is needed to load the model again.

Tensors and plain data only, so that it loads with `weights_only=True` and can run no code.
"""

import io
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from pydantic import TypeAdapter, ValidationError

from vaekit.artifacts import write_bytes
from vaekit.checkpoint_files import what_is_this
from vaekit.config import RunConfig
from vaekit.errors import CheckpointError, ConfigError
from vaekit.models.base import VAE, build_model
from vaekit.priors import prior_of, record_of

FORMAT = 1  # raised when an older vaekit could not read the file
FACTS: dict[str, Any] = {
    "run": str,
    "data": dict[str, str],
    "epoch": int,
    "step": int,
    "history": list[dict[str, int | float]],
    "kl_per_dim": list[list[float]],
    "training": dict[str, Any],
}
MOST_WEIGHT = 1e18  # its square is near the largest number of float32


@dataclass(frozen=True)
class Checkpoint:
    """A trained model and all that is known of its making.

    Attributes:
        model: the network with its weights, and its prior where one was learned.
        config: every setting of the run.
        run: the run's name.
        data: name, protocol and fingerprint of the prepared images it was trained on.
        epoch, step: how far training was.
        history: one record per epoch, as in history.csv.
        kl_per_dim: KL of every latent dim on valid, in nats, one list per epoch.
        training: state of the optimiser and of the random streams, for going on; empty in best.pt.
        findings: question, answer, margin and is_mistake of what was found out about a network of another program.
        code: hash of every file that decides what such a network computes, by its path.
    """

    model: VAE
    config: RunConfig
    run: str
    data: dict[str, Any]
    epoch: int
    step: int
    history: list[dict[str, Any]]
    kl_per_dim: list[list[float]]
    training: dict[str, Any]
    findings: list[dict[str, Any]] = field(default_factory=list)
    code: dict[str, str] = field(default_factory=dict)


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint atomically; the same state gives the same bytes, whether it was restored or not."""
    content = {
        "vaekit_checkpoint": FORMAT,
        "weights": {name: tensor.cpu() for name, tensor in checkpoint.model.state_dict().items()},
        "config": checkpoint.config.model_dump(mode="json"),
        **{name: getattr(checkpoint, name) for name in FACTS},
    }
    if checkpoint.model.learned_prior is not None:
        content["prior"] = record_of(checkpoint.model.learned_prior)
    buffer = io.BytesIO()
    torch.save(_canonical(content), buffer)
    write_bytes(path, buffer.getvalue())


def load_checkpoint(path: Path, device: str | torch.device = "cpu") -> Checkpoint:
    """Return the checkpoint in `path` with its model on `device`, in evaluation mode.

    Raises:
        CheckpointError: no such file, a damaged one, not vaekit's, or weights that do not fit the network it names.
    """
    if not path.is_file():
        raise CheckpointError(f"There is no checkpoint {path}. `vaekit train` writes one to checkpoints/<run>/best.pt.")
    content = _content(path)
    version = content["vaekit_checkpoint"]
    if type(version) is not int or version < 1:
        raise CheckpointError(f"{path} says that it has the format {version!r}, which no vaekit wrote: train it again.")
    if version > FORMAT:
        raise CheckpointError(
            f"{path} was written by a newer vaekit (format {version}, this one reads up to {FORMAT}): upgrade vaekit."
        )
    for name, kind in {"weights": dict[str, Any], "config": dict[str, Any], **FACTS}.items():
        try:
            TypeAdapter(kind).validate_python(content.get(name), strict=True)
        except ValidationError as error:
            wrong = error.errors()[0]
            where = ".".join(map(str, (name, *wrong["loc"])))
            raise CheckpointError(
                f"{path}: {where} is {_shown(wrong['input'])}, expected {kind}. The file was changed after "
                "`vaekit train` wrote it: train again, or take another checkpoint."
            ) from None
    try:
        config = RunConfig.parse(content["config"], f"The config in {path}")
        network = config.model, config.likelihood, config.data.image_size
        _refuse_odd(content["weights"] | content.get("prior", {"arrays": {}})["arrays"], path)
        with torch.device("meta"):  # shapes without memory: a network is made once its weights are there
            build_model(*network, seed=0).load_state_dict(content["weights"], strict=True, assign=True)
        model = build_model(*network, seed=0)
        model.load_state_dict(content["weights"], strict=True)
    except (ConfigError, RuntimeError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{path} does not fit the network it names: {error}{_prefix(content)}") from error
    if "prior" in content:
        model.learned_prior = prior_of(content["prior"], model.latent_dim, str(path))
    rest = {name: content[name] for name in FACTS}
    return Checkpoint(model.to(device).eval(), config, **rest)


def _content(path: Path) -> dict[str, Any]:
    """Return what the file holds, its bytes checked; CheckpointError says what it is, where it is not vaekit's."""
    name_it = "name the class it was made with: `--model FILE.py:Class`"
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
            if unpacked > path.stat().st_size:  # PyTorch stores bytes as they are
                raise CheckpointError(
                    f"{path} would unpack to {unpacked:,} bytes, more than it has: PyTorch writes no such file. Take "
                    "another checkpoint."
                )
            if (damaged := archive.testzip()) is not None:  # torch itself does not look at the checksums
                raise CheckpointError(
                    f"{path} is damaged: the checksum of {damaged} in it does not fit. Copy it again, take last.pt or "
                    "best.pt beside it, or train again."
                )
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError, zlib.error, EOFError):
        raise CheckpointError(
            f"{path} is not a checkpoint that can be loaded safely: it is {what_is_this(path)}. Give a .pt file that "
            f"`vaekit train` wrote; where another program wrote it, {name_it}."
        ) from None
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever a hostile or broken pickle provokes, it is this file's fault
        raise CheckpointError(
            f"{path} is not a checkpoint that can be loaded safely ({_first_line(error)}). Give a .pt file that "
            f"`vaekit train` wrote; where another program wrote it, {name_it}."
        ) from error
    if not isinstance(content, dict) or "vaekit_checkpoint" not in content:
        raise CheckpointError(
            f"{path} loads, but vaekit did not write it: it holds {_what_it_holds(content)}. To evaluate it all the "
            f"same, {name_it}."
        )
    return content


def _canonical(value: Any, words: dict[str, str] | None = None) -> Any:
    """Return plain data rebuilt so that equal values pickle to equal bytes: pickle tells one string from its twin."""
    words = {} if words is None else words
    if isinstance(value, str):
        return words.setdefault(value, value)
    if isinstance(value, Mapping):
        return {_canonical(key, words): _canonical(item, words) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_canonical(item, words) for item in value)
    return value


def _refuse_odd(weights: dict[Any, Any], path: Path) -> None:
    for name, tensor in weights.items():
        if not isinstance(tensor, torch.Tensor) or tensor.is_complex():
            raise CheckpointError(f"{path}: the weight {name} is {_shown(tensor)}, not real numbers.")
        if tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
            raise CheckpointError(
                f"{path}: the weight {name} says that it has more numbers than there are in the file."
            )
        if not ((tensor >= -MOST_WEIGHT) & (tensor <= MOST_WEIGHT)).all():
            raise CheckpointError(
                f"{path}: the weight {name} holds NaN or a number beyond {MOST_WEIGHT:g}: training diverged, or the "
                "file was changed. Take another checkpoint, or train again."
            )


def _prefix(content: dict[str, Any]) -> str:
    """Return a remark on weights that all stand under one prefix, as wrappers for several devices leave them."""
    firsts = {str(name).partition(".")[0] for name in content["weights"]}
    if firsts in ({"module"}, {"_orig_mod"}):
        prefix = firsts.pop()
        return f" Every weight is called {prefix}...: save {prefix}.state_dict() instead."
    return ""


def _shown(value: object) -> str:
    return f"{value!r}"[:60] if isinstance(value, str | int | float | None) else f"a {type(value).__name__}"


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")[:160]


def _what_it_holds(content: object) -> str:
    if isinstance(content, dict):
        keys = ", ".join(sorted(map(str, content))[:5])
        return f"a dictionary with the keys {keys}" + (", ..." if len(content) > 5 else "")
    return f"a {type(content).__name__}"
