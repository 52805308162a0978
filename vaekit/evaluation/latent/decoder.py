"""What the decoder does with a code: which dims move pixels, and whether normal draws lie where it was trained."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from vaekit.models.base import VAE, sum_dtype
from vaekit.seeding import keyed_normal, numpy_generator

Floats = npt.NDArray[np.float64]

PROJECTED = 64  # images, one random projection each, for the sensitivity
PERMUTED = 128  # images whose codes are exchanged
CYCLED = 64  # codes drawn from a normal, and as many of test images, for the prior hole
INTERVENED = (4, 32)  # images per dim: as many as INTERVENTION_SHARE pays, within these bounds
INTERVENTION_SHARE = 0.01  # of the network calls of the pass over the test split


@dataclass(frozen=True)
class Moved:
    """How far the decoder's output moves with each dim: mean and standard error of squared pixel changes, (D,)."""

    value: Floats
    error: Floats
    images: int


def sensitivity(model: VAE, mu: Tensor, ids: list[str], variance: Floats, *, seed: int, batch_size: int) -> Moved:
    """Return E_x |d x_hat / d z_d|^2 Var(z_d) at z = mu(x), in summed squared pixel values.

    One reverse-mode product with random signs v per image: E_v[(J^T v)_d^2] = |J_d|^2, for all columns at once
    (Hutchinson 1990). `mu` is (B, D), `variance` (D,) that of the aggregate posterior.
    """
    squares = []
    for part in _chunks(len(mu), batch_size):
        z = mu[part].clone().requires_grad_()
        with torch.enable_grad():
            x_hat = model.decode(z).mean
        signs = np.stack(
            [numpy_generator(seed, "projection", i).integers(0, 2, x_hat[0].shape, np.int8) for i in ids[part]]
        )
        v = (2 * torch.from_numpy(signs) - 1).to(x_hat)
        (gradient,) = torch.autograd.grad(x_hat, z, v, allow_unused=True) if x_hat.requires_grad else (None,)
        squares.append(torch.zeros_like(z) if gradient is None else gradient)  # no path from z: it moves nothing
    gradients = torch.cat(squares).detach().cpu().numpy().astype(np.float64)
    return _moved(gradients**2 * variance)


@torch.inference_mode()
def interventions(
    model: VAE, mu: Tensor, ids: list[str], mean: Floats, variance: Floats, *, seed: int, batch_size: int
) -> Moved:
    """Return the mean over images of |x_hat' - x_hat|^2, summed over pixels, when one z_d is drawn anew.

    The draw is from a normal of the dim's own `mean` and `variance` over images, (D,). All other dims stay at mu(x);
    `mu` is (B, D), and B x D codes are decoded.
    """
    n, dims = mu.shape
    draws = torch.from_numpy(mean + np.sqrt(variance) * keyed_normal(seed, "intervention", ids, dims)).to(mu)
    base = torch.cat([model.decode(mu[part]).mean for part in _chunks(n, batch_size)])
    changes = torch.empty(n * dims, dtype=torch.float64)
    for part in _chunks(n * dims, batch_size):
        pair = torch.arange(part.start, part.stop, device=mu.device)
        image, dim = pair // dims, pair % dims
        z = mu[image].clone()
        z[torch.arange(len(z)), dim] = draws[image, dim]
        changes[part] = _squares(model.decode(z).mean - base[image]).cpu()
    return _moved(changes.view(n, dims).numpy())


@torch.inference_mode()
def permuted_sse(model: VAE, x: Tensor, mu: Tensor, *, batch_size: int) -> Floats:
    """Return the sum of squared errors of each image under its neighbour's code, (B,): every code moves on by one."""
    moved = mu.roll(1, 0)
    return np.concatenate(
        [_squares(x[part] - model.decode(moved[part]).mean).cpu().numpy() for part in _chunks(len(x), batch_size)]
    )


@torch.inference_mode()
def cycle_error(model: VAE, z: Tensor, scale: Floats, *, batch_size: int) -> Floats:
    """Return the mean over dims of (mu_d(x_hat(z)) - z_d)^2 / scale_d for each code, (B,): decoded and encoded again.

    `scale` is (D,); a dim with scale 0 is left out.
    """
    back = torch.cat([model.encode(model.decode(z[part]).mean).mu for part in _chunks(len(z), batch_size)])
    used = scale > 0
    difference = (back - z).cpu().numpy().astype(np.float64)[:, used]
    return (difference**2 / scale[used]).mean(1) if used.any() else np.full(len(z), math.nan)


def intervened(test_images: int, dims: int) -> int:
    """Return how many images each dim is replaced in: INTERVENTION_SHARE of the pass's three calls per image."""
    low, high = INTERVENED
    return min(test_images, max(low, min(high, int(INTERVENTION_SHARE * 3 * test_images / dims))))


def _moved(values: Floats) -> Moved:
    n = len(values)
    error = values.std(0, ddof=1) / math.sqrt(n) if n > 1 else np.full(values.shape[1], math.inf)
    return Moved(values.mean(0), error, n)


def _squares(difference: Tensor) -> Tensor:
    return difference.square_().flatten(1).sum(1, dtype=sum_dtype(difference))


def _chunks(n: int, size: int) -> Iterator[slice]:
    return (slice(start, min(start + size, n)) for start in range(0, n, size))
