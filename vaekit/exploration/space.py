"""A model beside what its evaluation knows of its code: where every walk through the latent space starts."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vaekit import artifacts
from vaekit.data import Prepared
from vaekit.data.pixels import to_uint8
from vaekit.errors import DataError
from vaekit.models.base import VAE
from vaekit.seeding import numpy_generator

_AT_A_TIME = 256


@torch.inference_mode()
def decode(model: VAE, z: np.ndarray) -> np.ndarray:
    """Return the decoder's means at codes z, (..., D), as pictures: uint8 (..., S, S, 3)."""
    flat = torch.from_numpy(z.reshape(-1, z.shape[-1]).astype(np.float32))
    parts = [to_uint8(model.decode(part.to(model.device)).mean) for part in torch.split(flat, _AT_A_TIME)]
    return np.concatenate(parts).reshape(*z.shape[:-1], *parts[0].shape[1:])


@torch.inference_mode()
def encode(model: VAE, images: np.ndarray) -> np.ndarray:
    """Return mu of pictures, uint8 (..., S, S, 3), as float64 (..., D)."""
    flat = torch.tensor(images.reshape(-1, *images.shape[-3:])).permute(0, 3, 1, 2)
    parts = [
        model.encode(part.to(model.device).float().div(255)).mu.double().cpu() for part in torch.split(flat, _AT_A_TIME)
    ]
    return torch.cat(parts).numpy().reshape(*images.shape[:-3], -1)


@dataclass(frozen=True, eq=False)
class Space:
    """A model, its images, and the codes of the N test images.

    Attributes:
        run: the name its results are kept under.
        model: the network, in evaluation mode.
        prepared: the images it was evaluated on.
        evaluation: the folder that `vaekit evaluate` wrote.
        made_by: what made it: versions, hashes of checkpoint and data, seed.
        image_ids: of the test images, (N,).
        mu: their posterior means, (N, D) float64.
        kl: KL of each dim in nats, mean over the test images, (D,).
        regimes: "active", "mixed" or "passive" for each dim, (D,).
    """

    run: str
    model: VAE
    prepared: Prepared
    evaluation: Path
    made_by: dict[str, Any]
    image_ids: np.ndarray
    mu: np.ndarray
    kl: np.ndarray
    regimes: np.ndarray

    @property
    def dims(self) -> int:
        """D, the number of latent dims."""
        return int(self.mu.shape[1])

    @property
    def says_nothing(self) -> bool:
        """Whether no dim tells images apart, whatever the scale of the code."""
        return bool((self.regimes == "passive").all())

    @cached_property
    def _row_of(self) -> dict[str, int]:
        return {image_id: row for row, image_id in enumerate(self.prepared.index["image_id"])}

    def image_id(self, name: str) -> str:
        """Return the id of the image that `name` means, of any split; a file's suffix may be there or not.

        Raises:
            DataError: the data has no such image.
        """
        width = len(str(self.image_ids[0]))
        without = name.rpartition(".")[0]
        for candidate in (name, without):
            if candidate in self._row_of:
                return candidate
        near = next((padded for n in (name, without) if n and (padded := n.zfill(width)) in self._row_of), None)
        hint = f" Did you mean {near!r}?" if near else ""
        ids = sorted(self._row_of)
        raise DataError(
            f"There is no image {name!r} among the {len(ids):,} of {self.prepared.name} ({ids[0]} to {ids[-1]}).{hint} "
            "Name one of them, with or without its suffix."
        )

    def images(self, image_ids: Sequence[str]) -> np.ndarray:
        """Return images of the data by their ids, uint8 (n, S, S, 3)."""
        return self.prepared.images[[self._row_of[image_id] for image_id in image_ids]]

    def some(self, count: int, seed: int, name: str) -> list[str]:
        """Return the ids of `count` test images, or of all where there are fewer, drawn by the seed, sorted."""
        generator = numpy_generator(seed, "exploration", name)
        return sorted(generator.choice(self.image_ids, min(count, len(self.image_ids)), replace=False).tolist())


def open_space(run: str, model: VAE, prepared: Prepared, evaluation: Path) -> Space:
    """Return the latent space of an evaluated model.

    Raises:
        DataError: an artifact of the evaluation is missing or broken, or it saw other images than `prepared`.
    """
    made_by = artifacts.read_json(evaluation / artifacts.SUMMARY)["made_by"]
    if made_by["data_fingerprint"] != prepared.fingerprint:
        raise DataError(f"The images have changed since {evaluation} was written: run `vaekit evaluate` again.")
    latents = artifacts.read_arrays(evaluation / artifacts.LATENTS)
    per_dim = artifacts.read_table(evaluation / artifacts.PER_DIM)
    kl, regimes = per_dim["kl"].to_numpy(np.float64), per_dim["regime"].to_numpy(str)
    image_ids, mu = latents["image_id"].astype(str), latents["mu"].astype(np.float64)
    return Space(run, model.eval(), prepared, evaluation, made_by, image_ids, mu, kl, regimes)


def mean_change(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the mean |difference| of two stacks of pictures, uint8 (..., S, S, 3), in grey levels, (...)."""
    result: np.ndarray = np.abs(first.astype(np.int16) - second.astype(np.int16)).mean((-3, -2, -1))
    return result
