"""Codes that the model's code must beat: as many principal components of the pixels, and an untrained encoder."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from scipy import linalg

from vaekit.codes import encode_rows
from vaekit.data import Prepared
from vaekit.evaluation.stages import Task
from vaekit.seeding import numpy_generator, torch_generator

SIDE = 64  # larger images are averaged down to this side first: leading components are smooth
PASSES, SPARE = 3, 16  # over the train images; directions beyond those asked for, which make few passes do
AT_ONCE = 1_024  # images projected at a time


@dataclass(frozen=True)
class PixelCodes:
    """Principal components of the pixels.

    Attributes:
        codes: of each set of rows, (N, K) float32 each.
        components: K, the latent dims of the model, or fewer where there are fewer images or pixels.
        images: number of train images that they were fitted to.
        explained: share of those images' variance that they hold.
    """

    codes: list[np.ndarray]
    components: int
    images: int
    explained: float


def pixel_codes(prepared: Prepared, train: np.ndarray, rows: list[np.ndarray], dims: int, seed: int) -> PixelCodes:
    """Return the first `dims` principal components of the pixels of each set of rows, fitted to all train rows.

    By subspace iteration (Halko et al. 2011) over parts of the images, so that no choice of images moves a component.
    """
    mean = sum(part.sum(0, dtype=np.float64) for part in _parts(prepared, train)) / len(train)
    mean = mean.astype(np.float32)
    components = min(dims, len(train), len(mean))
    width = min(components + SPARE, len(train), len(mean))
    basis = numpy_generator(seed, "pixel components").standard_normal((len(mean), width), dtype=np.float32)
    for _ in range(PASSES):
        basis = linalg.qr(_times_covariance(prepared, train, mean, basis), mode="economic")[0]
    total = sum(float(np.square(part - mean).sum(dtype=np.float64)) for part in _parts(prepared, train))
    values, axes = linalg.eigh(basis.T @ _times_covariance(prepared, train, mean, basis))
    kept = basis @ axes[:, ::-1][:, :components]
    codes = [np.concatenate([(part - mean) @ kept for part in _parts(prepared, chosen)]) for chosen in rows]
    explained = float(values[::-1][:components].sum() / total) if total else 0.0
    return PixelCodes(codes, components, len(train), explained)


def _times_covariance(prepared: Prepared, rows: np.ndarray, mean: np.ndarray, basis: np.ndarray) -> np.ndarray:
    """Return the scatter matrix of the pixels times a basis (P, K), (P, K) float32."""
    product = np.zeros_like(basis)
    for part in _parts(prepared, rows):
        part = part - mean
        product += part.T @ (part @ basis)
    return product


def untrained_codes(task: Task, rows: list[np.ndarray]) -> list[np.ndarray]:
    """Return mu of each set of rows, (N, D) float32, from the same network with fresh weights drawn by the seed."""
    twin = copy.deepcopy(task.model)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(torch_generator(task.seed, "untrained encoder").initial_seed())
        for module in twin.modules():
            if callable(forget := getattr(module, "reset_parameters", None)):
                forget()
    return [encode_rows(twin, task.prepared, part, **task.how).mu for part in rows]


def _parts(prepared: Prepared, rows: np.ndarray) -> Iterator[np.ndarray]:
    """Yield images as rows of float32 in [0, 255], averaged down to about 64 pixels a side; none as one part."""
    for start in range(0, max(len(rows), 1), AT_ONCE):
        images = np.asarray(prepared.images[rows[start : start + AT_ONCE]])
        n, height, width, channels = images.shape
        step = max(1, min(height, width) // SIDE)
        images = images[:, : height // step * step, : width // step * step]
        blocks = images.reshape(n, height // step, step, width // step, step, channels)
        yield blocks.mean((2, 4), dtype=np.float32).reshape(n, (height // step) * (width // step) * channels)
