"""One self-describing file per checkpoint: a path is all that is needed to load the model again.

Tensors and plain data only, so that it loads with `weights_only=True` and can run no code.
"""

import io
import pickle
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from vaekit.artifacts import write_bytes
from vaekit.config import RunConfig
from vaekit.errors import CheckpointError, ConfigError
from vaekit.models.base import VAE, build_model

FORMAT = 1  # raised when an older vaekit could not read the file
FACTS = ("run", "data", "epoch", "step", "history", "kl_per_dim", "training")


@dataclass(frozen=True)
class Checkpoint:
    """A trained model and all that is known of its making.

    Attributes:
        model: the network with its weights.
        config: every setting of the run.
        run: the run's name.
        data: name, protocol and fingerprint of the prepared images it was trained on.
        epoch, step: how far training was.
        history: one record per epoch, as in history.csv.
        kl_per_dim: KL of every latent dim on valid, in nats, one list per epoch.
        training: state of the optimiser and of the random streams, for going on; empty in best.pt.
        findings: question, answer, margin and is_mistake of what was found out about a network of another program.
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


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint atomically; the same state gives the same bytes."""
    content = {
        "vaekit_checkpoint": FORMAT,
        "weights": {name: tensor.cpu() for name, tensor in checkpoint.model.state_dict().items()},
        "config": checkpoint.config.model_dump(mode="json"),
        **{name: getattr(checkpoint, name) for name in FACTS},
    }
    buffer = io.BytesIO()
    torch.save(content, buffer)
    write_bytes(path, buffer.getvalue())


def load_checkpoint(path: Path, device: str | torch.device = "cpu") -> Checkpoint:
    """Return the checkpoint in `path` with its model on `device`, in evaluation mode.

    Raises:
        CheckpointError: no such file, not a vaekit checkpoint, or weights that do not fit the network it names.
    """
    if not path.is_file():
        raise CheckpointError(f"There is no checkpoint {path}. `vaekit train` writes one to checkpoints/<run>/best.pt.")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, zipfile.BadZipFile, ValueError, OSError, KeyError) as error:
        raise CheckpointError(
            f"{path} is not a checkpoint that can be loaded safely ({_first_line(error)}). "
            "Give a .pt file that `vaekit train` wrote."
        ) from error
    if not isinstance(content, dict) or "vaekit_checkpoint" not in content:
        raise CheckpointError(
            f"{path} loads, but vaekit did not write it: it holds {_what_it_holds(content)}. "
            "Give a .pt file that `vaekit train` wrote."
        )
    if content["vaekit_checkpoint"] > FORMAT:
        raise CheckpointError(
            f"{path} was written by a newer vaekit (format {content['vaekit_checkpoint']}, this one reads up to "
            f"{FORMAT}): upgrade vaekit."
        )
    try:
        config = RunConfig.parse(content["config"], f"The config in {path}")
        model = build_model(config.model, config.likelihood, config.data.image_size, seed=0)
        model.load_state_dict(content["weights"], strict=True)
    except (ConfigError, RuntimeError, KeyError) as error:
        raise CheckpointError(f"{path} does not fit the network it names: {error}") from error
    rest = {name: content[name] for name in FACTS}
    return Checkpoint(model.to(device).eval(), config, **rest)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")[:160]


def _what_it_holds(content: object) -> str:
    if isinstance(content, dict):
        keys = ", ".join(sorted(map(str, content))[:5])
        return f"a dictionary with the keys {keys}" + (", ..." if len(content) > 5 else "")
    return f"a {type(content).__name__}"
