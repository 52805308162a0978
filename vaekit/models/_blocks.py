"""What every encoder-decoder network here shares: options, activations, and the way between pixels and codes."""

import math
from collections.abc import Callable
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from vaekit.config import Config, LikelihoodConfig
from vaekit.errors import ConfigError
from vaekit.models.base import VAE, GaussianPosterior, Likelihood

Activation = Literal["relu", "leaky_relu", "silu"]
Norm = Literal["none", "batch", "group"]

MOST_LAYERS, MOST_WIDTH = 64, 2**31  # what a file or a slip of the keyboard asks for beyond is not built

ACTIVATIONS: dict[Activation, Callable[[], nn.Module]] = {"relu": nn.ReLU, "leaky_relu": nn.LeakyReLU, "silu": nn.SiLU}
NORMS: dict[Norm, Callable[[int], list[nn.Module]]] = {
    "none": lambda channels: [],
    "batch": lambda channels: [nn.BatchNorm2d(channels)],
    "group": lambda channels: [nn.GroupNorm(math.gcd(8, channels), channels)],  # 8 groups where 8 divides the channels
}


class EncoderDecoderOptions(Config):
    """Options that every encoder-decoder network has."""

    latent_dim: int = Field(128, ge=1, le=MOST_WIDTH, description="D, the dims of the code.")
    activation: Activation = Field("silu", description="After every layer but the last.")
    output: Literal["sigmoid", "tanh"] = Field("sigmoid", description="tanh: the network works on pixels in [-1, 1].")
    logvar_clamp: tuple[float, float] | None = Field(None, description="The encoder's logvar is clamped to this range.")


class EncoderDecoder(VAE):
    """A VAE whose subclass builds `encoder`, `to_posterior` and `decoder`; the mapping of pixel ranges is here.

    Attributes:
        encoder: (B, 3, H, W) in the network's own range -> features (B, F).
        to_posterior: features -> mu and logvar side by side, (B, 2 D).
        decoder: z (B, D) -> (B, 3, H, W) before the output activation.
    """

    encoder: nn.Module
    to_posterior: nn.Linear
    decoder: nn.Module

    def __init__(self, options: EncoderDecoderOptions, image_size: int, likelihood: LikelihoodConfig | None) -> None:
        super().__init__(image_size, likelihood)
        if options.output == "tanh" and likelihood is not None and likelihood.name == "bernoulli":
            raise ConfigError(
                "model.output = 'tanh' with likelihood.name = 'bernoulli': cross-entropy needs pixels in [0, 1], and "
                "a tanh network works on [-1, 1]. Use model.output = 'sigmoid', or likelihood.name = 'gaussian'."
            )
        low, high = options.logvar_clamp or (-math.inf, math.inf)
        if low >= high:
            raise ConfigError(f"model.logvar_clamp = [{low}, {high}] is empty: give [low, high] with low < high.")
        self.latent_dim = options.latent_dim
        self.logvar_clamp = options.logvar_clamp
        self.tanh = options.output == "tanh"
        self.squash = nn.Tanh() if self.tanh else nn.Sigmoid()

    def encode(self, x: Tensor) -> GaussianPosterior:
        """Return q(z|x), (B, D) each."""
        features = self.encoder(2 * x - 1 if self.tanh else x)
        mu, logvar = _at_least_float32(self.to_posterior(features)).chunk(2, dim=1)
        return GaussianPosterior(mu, logvar.clamp(*self.logvar_clamp) if self.logvar_clamp else logvar)

    def decode(self, z: Tensor) -> Likelihood:
        """Return p(x|z) around (B, 3, H, W) in [0, 1]."""
        pixels = self.squash(_at_least_float32(self.decoder(z)))
        likelihood: Likelihood = self.likelihood((pixels + 1) / 2 if self.tanh else pixels)
        return likelihood


def _at_least_float32(tensor: Tensor) -> Tensor:
    # Under bfloat16 autocast: a sigmoid in bfloat16 could not even tell all 8-bit values apart.
    return tensor.to(torch.promote_types(tensor.dtype, torch.float32))


def bottleneck_side(image_size: int, channels: tuple[int, ...], halvings: int, bottleneck: int | None) -> int:
    """Return the side in pixels after so many halvings; ConfigError where it is no whole number or not `bottleneck`."""
    side = image_size >> halvings
    if side << halvings != image_size:
        most = (image_size & -image_size).bit_length() - 1
        raise ConfigError(
            f"model.channels = {list(channels)} has {halvings} stride-2 stages, and {image_size} pixels can not be "
            f"halved so often: give at most {most + len(channels) - halvings} widths."
        )
    if bottleneck is not None and side != bottleneck:
        raise ConfigError(
            f"data.image_size = {image_size} ends at {side} x {side} after the {halvings} stride-2 stages of "
            f"model.channels, but model.bottleneck = {bottleneck}: this network is made for data.image_size = "
            f"{bottleneck << halvings}. Use that size, or change model.channels or model.bottleneck."
        )
    return side
