"""Batches with known content."""

import pytest
import torch

from vaekit.evaluation.base import Batch
from vaekit.evaluation.eightbit import TrainedLikelihood
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
    return batch_of(x, posterior, mean, sampled, sigma)


def batch_of(x, posterior, mean, sampled, sigma: float = 1.0) -> Batch:
    """Return the batch of a Gaussian model with one sigma, which is also the calibrated and the implied one."""
    at_mean, at_sample = (Gaussian(m, torch.tensor(sigma)) for m in (mean, sampled))
    return Batch(x, posterior, at_mean, at_sample, at_sample, TrainedLikelihood(Gaussian, sigma, "for the tests"))


@pytest.fixture
def batch() -> Batch:
    return make_batch()
