"""The contract between a variational autoencoder and everything that looks at it.

    encode: x -> GaussianPosterior(mu, logvar)          q(z|x)
    decode: z -> Likelihood(mean, ...)                  p(x|z), over pixels in [0, 1]

Images go in and come out as float32 (B, C, H, W) in [0, 1], whatever range the network uses inside; z is flat (B, D),
whatever shape the network gives it.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, cast

import torch
from torch import Tensor, nn

from vaekit.config import Config, LikelihoodConfig, ModelConfig
from vaekit.errors import ConfigError
from vaekit.models.likelihoods import Gaussian, Likelihood, build_head, sum_dtype
from vaekit.priors import Prior, Standard
from vaekit.registry import Registry
from vaekit.seeding import torch_generator

__all__ = ["MODELS", "VAE", "Gaussian", "GaussianPosterior", "Likelihood", "build_model", "model", "sum_dtype"]

MODELS: Registry[type["VAE"]] = Registry("model", "vaekit.models")
model = MODELS.register


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


class VAE(nn.Module):
    """Base of every network: subclasses set `Options`, build themselves in __init__, and give encode and decode.

    Attributes:
        image_size: side of the images in pixels, or (H, W) where they are not square.
        image_shape: (C, H, W) of one image; C is 1 or 3.
        latent_dim: D, the number of latent dimensions.
        prior: p(z), what samples are drawn from: N(0, I), or what was learned from the codes of train images.
        latent_shape: what D dims are inside the network: (D,), or (c, h, w) with c h w = D, flattened in that order.
    """

    Options: ClassVar[type[Config]]
    latent_dim: int

    def __init__(
        self, image_size: int | tuple[int, int], likelihood: LikelihoodConfig | None, channels: int = 3
    ) -> None:
        super().__init__()
        height, width = (image_size, image_size) if isinstance(image_size, int) else image_size
        self.image_size = height if height == width else (height, width)
        self.image_shape = (channels, height, width)
        self.likelihood = build_head(likelihood)
        self.learned_prior: Prior | None = None

    @property
    def prior(self) -> Prior:
        """p(z): the learned prior where there is one, else N(0, I)."""
        return self.learned_prior or Standard(self.latent_dim)

    @property
    def latent_shape(self) -> tuple[int, ...]:
        """Shape of z inside the network: one vector, unless a subclass says otherwise."""
        return (self.latent_dim,)

    @property
    def device(self) -> torch.device:
        """Where the model is, one without weights too."""
        return self.likelihood.sigma.device

    @property
    def mixes_images(self) -> bool:
        """Whether training on a batch of one image makes no sense: batch normalisation needs several."""
        return any(isinstance(layer, nn.modules.batchnorm._BatchNorm) for layer in self.modules())

    def encode(self, x: Tensor) -> GaussianPosterior:
        """Return q(z|x) for images x, (B, C, H, W) in [0, 1]."""
        raise NotImplementedError

    def decode(self, z: Tensor) -> Likelihood:
        """Return p(x|z) for codes z, (B, D)."""
        raise NotImplementedError

    def reconstruct(self, x: Tensor) -> Tensor:
        """Return the decoder's mean at z = mu(x), (B, C, H, W)."""
        return self.decode(self.encode(x).mu).mean

    def sample(self, n: int, *, seed: int = 0, temperature: float = 1.0, prior: Prior | None = None) -> Tensor:
        """Return n decoder means at z ~ p(z), (n, C, H, W); the same seed gives the same z.

        The temperature scales the spread of z. Another `prior` than the model's own may be given: `Standard(D)`.
        """
        z = torch.from_numpy((prior or self.prior).sample(n, seed=seed, temperature=temperature))
        return self.decode(z.to(self.device)).mean


def build_model(
    config: ModelConfig, likelihood: LikelihoodConfig | None, image_size: int | tuple[int, int], seed: int
) -> VAE:
    """Return an untrained network, its weights drawn from `seed` alone.

    Raises:
        ConfigError: unknown network or option, or a combination the network can not have.
    """
    network: Any = MODELS.get(config.name)
    options = network.Options.parse(config.options, f"[model] name = {config.name!r}")
    with torch.random.fork_rng(devices=[]):  # layers initialise themselves from the global generator: lend them ours
        torch.manual_seed(torch_generator(seed, "weights").initial_seed())
        try:
            return cast(VAE, network(options, image_size, likelihood))
        except (RuntimeError, OverflowError, MemoryError) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
            raise ConfigError(
                f"The network {config.name!r} can not be made with these settings ({reason}): choose smaller numbers."
            ) from None
