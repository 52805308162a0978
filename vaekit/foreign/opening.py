"""The one door: what the user names, a file, a folder or a live module, becomes a module with its weights."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from torch import Tensor, nn

from vaekit.options import ModelOptions

Family = Literal["class", "two modules", "diffusers", "pythae", "live"]


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
        files: every file whose content decides the result.
        trained_on: ids of the training images, where a file states them.
    """

    module: nn.Module
    family: Family
    notes: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    trained_on: tuple[str, ...] | None = None


def open_module(checkpoint: Path | nn.Module, options: ModelOptions) -> Opened:
    """Return the module that `checkpoint` and `options` name, with its weights.

    Code of the model's file runs only because `options` names it; pickled code runs only with `trust_pickle`.

    Raises:
        CheckpointError: a file that can not be read, or weights that do not fit the class.
        ConfigError: a class that can not be found, imported or built with the given arguments.
    """
    raise NotImplementedError
