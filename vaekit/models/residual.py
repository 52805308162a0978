"""A residual VAE: bottleneck blocks with squeeze-excitation and LayerScale on every scale."""

from itertools import pairwise
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from vaekit.config import LikelihoodConfig
from vaekit.models._blocks import (
    ACTIVATIONS,
    MOST_LAYERS,
    MOST_WIDTH,
    NORMS,
    Activation,
    EncoderDecoder,
    EncoderDecoderOptions,
    Norm,
    bottleneck_side,
)
from vaekit.models.base import model

SQUEEZE = 4  # a bottleneck works on a quarter of the channels (He et al. 2016)
EXCITE = 16  # the gate's hidden layer has a sixteenth of them (Hu et al. 2018)
LAYER_SCALE = 0.1  # a branch's weight at the start, the value for nets of up to 18 blocks (Touvron et al. 2021)


class ResidualOptions(EncoderDecoderOptions):
    """Options of the residual VAE."""

    latent_dim: int = Field(256, ge=1, le=MOST_WIDTH, description="D, the dims of the code.")
    channels: tuple[Annotated[int, Field(ge=SQUEEZE, le=MOST_WIDTH)], ...] = Field(
        (64, 128, 256, 512),
        min_length=2,
        max_length=MOST_LAYERS,
        description="Channels at the image's own size, then after every halving.",
    )
    blocks: int = Field(2, ge=1, le=MOST_LAYERS, description="Residual bottlenecks in a stage.")
    norm: Norm = Field("group", description="Normalisation after every convolution.")
    bottleneck: int | None = Field(None, ge=1, description="Side in pixels that the encoder must end at.")


class ConvNormAct(nn.Sequential):
    """A convolution that keeps (stride 1) or halves (stride 2) the side, normalised and activated."""

    def __init__(self, c_in: int, c_out: int, kernel: int, stride: int, norm: Norm, activation: Activation) -> None:
        convolution = nn.Conv2d(c_in, c_out, kernel, stride, kernel // 2)
        super().__init__(convolution, *NORMS[norm](c_out), ACTIVATIONS[activation]())


class SqueezeExcitation(nn.Module):
    """Weighs every channel by a gate in (0, 1) computed from all channel means (Hu et al. 2018)."""

    def __init__(self, channels: int, activation: Activation) -> None:
        super().__init__()
        hidden = max(channels // EXCITE, 4)
        self.gate = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(channels, hidden, 1),
            ACTIVATIONS[activation](),
            nn.Conv2d(hidden, channels, 1),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the gated x, (B, C, H, W)."""
        gate: Tensor = self.gate(x)
        return x * gate


class LayerScale(nn.Module):
    """One learned weight per channel, small at the start (Touvron et al. 2021)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels, 1, 1), LAYER_SCALE))

    def forward(self, x: Tensor) -> Tensor:
        """Return the scaled x, (B, C, H, W)."""
        return self.weight * x


class ResidualBottleneck(nn.Module):
    """x + branch(x): convolutions 1x1, 3x3 and 1x1 on a quarter of the channels, gated and scaled."""

    def __init__(self, channels: int, norm: Norm, activation: Activation) -> None:
        super().__init__()
        inner = channels // SQUEEZE
        self.branch = nn.Sequential(
            ConvNormAct(channels, inner, 1, 1, norm, activation),
            ConvNormAct(inner, inner, 3, 1, norm, activation),
            nn.Conv2d(inner, channels, 1),
            *NORMS[norm](channels),
            SqueezeExcitation(channels, activation),
            LayerScale(channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the same shape, (B, C, H, W)."""
        branch: Tensor = self.branch(x)
        return x + branch


@model("residual")
class ResidualVAE(EncoderDecoder):
    """Stem, then stages of (halve, blocks); Linear, not pooling, to (mu, logvar); stages of (blocks, double) back."""

    Options = ResidualOptions

    def __init__(self, options: ResidualOptions, image_size: int, likelihood: LikelihoodConfig | None) -> None:
        super().__init__(options, image_size, likelihood)
        widths, norm, activation = options.channels, options.norm, options.activation
        side = bottleneck_side(image_size, widths, len(widths) - 1, options.bottleneck)
        features = widths[-1] * side * side

        def blocks(channels: int) -> list[nn.Module]:
            return [ResidualBottleneck(channels, norm, activation) for _ in range(options.blocks)]

        self.encoder = nn.Sequential(ConvNormAct(3, widths[0], 3, 1, norm, activation))
        for c_in, c_out in pairwise(widths):
            self.encoder.extend([ConvNormAct(c_in, c_out, 3, 2, norm, activation), *blocks(c_out)])
        self.encoder.append(nn.Flatten())
        self.to_posterior = nn.Linear(features, 2 * self.latent_dim)

        self.decoder = nn.Sequential(nn.Linear(self.latent_dim, features), nn.Unflatten(1, (widths[-1], side, side)))
        for c_in, c_out in zip(widths[:0:-1], widths[-2::-1], strict=True):
            up = [nn.Upsample(scale_factor=2, mode="nearest"), ConvNormAct(c_in, c_out, 3, 1, norm, activation)]
            self.decoder.extend([*blocks(c_in), *up])
        self.decoder.append(nn.Conv2d(widths[0], 3, 3, 1, 1))
