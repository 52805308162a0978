"""Batches with known content."""

import pytest
import torch

from vaekit.evaluation.base import Batch
from vaekit.models.base import Gaussian, GaussianPosterior


def make_batch(
    n: int = 6, size: int = 64, dims: int = 5, sigma: float = 0.2, damage: float = 0.1, seed: int = 0
) -> Batch:
    """Return n smooth random images with noisy reconstructions of different quality, and random posteriors."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(n, 3, 6, 6, generator=generator)
    x = torch.nn.functional.interpolate(coarse, size=(size, size), mode="bicubic").clamp(0, 1)
    strength = damage * torch.linspace(0.3, 2, n).view(-1, 1, 1, 1)
    mean = (x + strength * torch.randn(x.shape, generator=generator)).clamp(0, 1)
    sampled = (mean + strength * torch.randn(x.shape, generator=generator)).clamp(0, 1)
    posterior = GaussianPosterior(torch.randn(n, dims, generator=generator), torch.randn(n, dims, generator=generator))
    return Batch(x, posterior, Gaussian(mean, torch.tensor(sigma)), Gaussian(sampled, torch.tensor(sigma)))


@pytest.fixture
def batch() -> Batch:
    return make_batch()
