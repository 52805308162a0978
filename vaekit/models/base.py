"""The contract between a variational autoencoder and everything that looks at it.

    encode: x -> GaussianPosterior(mu, logvar)          q(z|x)
    decode: z -> Gaussian(mean, sigma)                  p(x|z), over pixels in [0, 1]

Images go in and come out as float32 (B, 3, H, W) in [0, 1], whatever range the network uses inside.
"""

import math
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import torch
from torch import Tensor, nn

from vaekit.config import Config, LikelihoodConfig, ModelConfig
from vaekit.registry import Registry
from vaekit.seeding import torch_generator

MODELS: Registry[type["VAE"]] = Registry("model", "vaekit.models")
model = MODELS.register


def sum_dtype(tensor: Tensor) -> torch.dtype:
    """Return the dtype in which sums over pixels or dims accumulate: float64, or float32 on MPS, which has no other."""
    return torch.float32 if tensor.device.type == "mps" else torch.float64


@dataclass(frozen=True)
class GaussianPosterior:
    """q(z|x) = N(mu, diag exp(logvar)); both (B, D)."""

    mu: Tensor
    logvar: Tensor

    def sample(self, noise: Tensor) -> Tensor:
        """Return z = mu + sigma * noise, (B, D); `noise` is standard normal, passed in by the caller."""
        return self.mu + (0.5 * self.logvar).exp() * noise

    def kl_per_dim(self) -> Tensor:
        """Return KL(q(z_d|x) || N(0, 1)) of each dim in nats, (B, D), never negative (Kingma & Welling 2014)."""
        # expm1(v) - v keeps its digits where the posterior is close to the prior; exp(v) - 1 - v does not.
        return 0.5 * (self.mu.square() + torch.expm1(self.logvar) - self.logvar)

    def kl(self) -> Tensor:
        """Return KL(q(z|x) || p(z)) in nats per image, (B,)."""
        return self.kl_per_dim().sum(1, dtype=sum_dtype(self.mu))


@dataclass(frozen=True)
class Gaussian:
    """p(x|z) = N(mean, sigma^2) for every pixel value in [0, 1]; mean (B, C, H, W), sigma a scalar tensor."""

    mean: Tensor
    sigma: Tensor

    def log_prob(self, x: Tensor) -> Tensor:
        """Return log p(x|z) in nats per image, (B,): a density over [0, 1] pixels, constants included."""
        dtype = sum_dtype(x)
        sse = (x - self.mean).square().flatten(1).sum(1, dtype=dtype)
        sigma = self.sigma.to(dtype)
        return -0.5 * sse / sigma.square() - x[0].numel() * (sigma.log() + 0.5 * math.log(2 * math.pi))

    def at_optimum(self, x: Tensor) -> Self:
        """Return the same mean with sigma at its maximum-likelihood value for x (Rybkin et al. 2021), a constant."""
        return replace(self, sigma=(x - self.mean).detach().square().mean().sqrt().clamp_min(1e-3))


class GaussianHead(nn.Module):
    """The sigma of a Gaussian likelihood: given, or kept at its optimum by the trainer (fitted on valid)."""

    sigma: Tensor

    def __init__(self, sigma: float | str) -> None:
        super().__init__()
        self.is_optimal = sigma == "optimal"
        # Until the first fit: the spread of CelebA's pixels around their mean colour, sqrt(.088).
        self.register_buffer("sigma", torch.tensor(0.3 if self.is_optimal else float(sigma)))

    def forward(self, mean: Tensor) -> Gaussian:
        """Return the likelihood around `mean`."""
        return Gaussian(mean, self.sigma)

    def sentence(self) -> str:
        """Return what the likelihood is, for tables and reports."""
        how = "its maximum-likelihood value on the validation split" if self.is_optimal else "given"
        return f"Gaussian for every pixel value in [0, 1], one sigma = {self.sigma.item():.5f} ({how})"


class VAE(nn.Module):
    """Base of every network: subclasses set `Options`, build themselves in __init__, and give encode and decode.

    Attributes:
        image_size: side of the images in pixels.
        latent_dim: D, the number of latent dimensions.
    """

    Options: ClassVar[type[Config]]
    latent_dim: int

    def __init__(self, image_size: int, likelihood: LikelihoodConfig) -> None:
        super().__init__()
        self.image_size = image_size
        self.likelihood = GaussianHead(likelihood.sigma)

    def encode(self, x: Tensor) -> GaussianPosterior:
        """Return q(z|x) for images x, (B, 3, H, W) in [0, 1]."""
        raise NotImplementedError

    def decode(self, z: Tensor) -> Gaussian:
        """Return p(x|z) for codes z, (B, D)."""
        raise NotImplementedError

    def reconstruct(self, x: Tensor) -> Tensor:
        """Return the decoder's mean at z = mu(x), (B, 3, H, W)."""
        return self.decode(self.encode(x).mu).mean

    def sample(self, n: int, *, seed: int = 0, temperature: float = 1.0) -> Tensor:
        """Return n decoder means at z ~ N(0, temperature^2 I), (n, 3, H, W); the same seed gives the same z."""
        z = temperature * torch.randn(n, self.latent_dim, generator=torch_generator(seed, "samples"))
        return self.decode(z.to(self.likelihood.sigma.device)).mean


def build_model(config: ModelConfig, likelihood: LikelihoodConfig, image_size: int, seed: int) -> VAE:
    """Return an untrained network, its weights drawn from `seed` alone.

    Raises:
        ConfigError: unknown network or option, or a combination the network can not have.
    """
    network = MODELS.get(config.name)
    options = network.Options.parse(config.options, f"[model] name = {config.name!r}")
    with torch.random.fork_rng(devices=[]):  # layers initialise themselves from the global generator: lend them ours
        torch.manual_seed(torch_generator(seed, "weights").initial_seed())
        return network(options, image_size, likelihood)
