"""Plain convolutional VAEs: one family that holds most of the networks that courses use."""

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field
from torch import nn

from vaekit.config import LikelihoodConfig
from vaekit.models._blocks import (
    ACTIVATIONS,
    MOST_LAYERS,
    MOST_WIDTH,
    NORMS,
    EncoderDecoder,
    EncoderDecoderOptions,
    Norm,
    bottleneck_side,
)
from vaekit.models.base import model


class ConvOptions(EncoderDecoderOptions):
    """Options of the convolutional VAE."""

    channels: tuple[Annotated[int, Field(ge=1, le=MOST_WIDTH)], ...] = Field(
        (32, 64, 128, 256), min_length=1, max_length=MOST_LAYERS, description="Output channels of the stride-2 stages."
    )
    kernel: Literal[3, 4] = Field(4, description="Side of every kernel.")
    norm: Norm = Field("batch", description="Normalisation after every convolution.")
    dropout: float = Field(0.0, ge=0, lt=1, description="After every activation; 0 leaves it out.")
    bottleneck: int | None = Field(None, ge=1, description="Side in pixels that the encoder must end at.")


@model("conv")
class ConvVAE(EncoderDecoder):
    """Stride-2 convolutions down to image_size / 2^stages, Linear to (mu, logvar), and the mirror image back."""

    Options = ConvOptions

    def __init__(self, options: ConvOptions, image_size: int, likelihood: LikelihoodConfig | None) -> None:
        super().__init__(options, image_size, likelihood)
        stages = len(options.channels)
        side = bottleneck_side(image_size, options.channels, stages, options.bottleneck)
        widths = [3, *options.channels]
        features = widths[-1] * side * side

        def after(channels: int) -> list[nn.Module]:
            dropout = [nn.Dropout(options.dropout)] if options.dropout else []
            return [*NORMS[options.norm](channels), ACTIVATIONS[options.activation](), *dropout]

        self.encoder = nn.Sequential()
        for c_in, c_out in pairwise(widths):
            self.encoder.extend([nn.Conv2d(c_in, c_out, options.kernel, 2, 1), *after(c_out)])
        self.encoder.append(nn.Flatten())
        self.to_posterior = nn.Linear(features, 2 * self.latent_dim)

        self.decoder = nn.Sequential(nn.Linear(self.latent_dim, features), nn.Unflatten(1, (widths[-1], side, side)))
        padding = 4 - options.kernel  # a kernel of 3 falls one pixel short of doubling
        for i in range(stages, 0, -1):
            up = nn.ConvTranspose2d(widths[i], widths[i - 1], options.kernel, 2, 1, output_padding=padding)
            self.decoder.extend([up, *after(widths[i - 1])] if i > 1 else [up])
