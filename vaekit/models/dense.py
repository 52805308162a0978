"""A fully connected VAE: it treats the pixels as unrelated values, and is kept to show what that costs."""

from itertools import pairwise
from typing import Annotated

from pydantic import Field
from torch import nn

from vaekit.config import LikelihoodConfig
from vaekit.models._blocks import ACTIVATIONS, MOST_LAYERS, MOST_WIDTH, EncoderDecoder, EncoderDecoderOptions
from vaekit.models.base import model


class DenseOptions(EncoderDecoderOptions):
    """Options of the fully connected VAE."""

    hidden: tuple[Annotated[int, Field(ge=1, le=MOST_WIDTH)], ...] = Field(
        (1024, 512),
        min_length=1,
        max_length=MOST_LAYERS,
        description="Widths of the hidden layers, from pixels to codes.",
    )


@model("dense")
class DenseVAE(EncoderDecoder):
    """Linear layers from all pixel values to (mu, logvar), and the mirror image back."""

    Options = DenseOptions

    def __init__(self, options: DenseOptions, image_size: int, likelihood: LikelihoodConfig | None) -> None:
        super().__init__(options, image_size, likelihood)
        shape = (3, image_size, image_size)
        down = [3 * image_size * image_size, *options.hidden]
        up = [self.latent_dim, *reversed(options.hidden)]

        def layers(widths: list[int]) -> list[nn.Module]:
            activation = ACTIVATIONS[options.activation]
            return [layer for pair in pairwise(widths) for layer in (nn.Linear(*pair), activation())]

        self.encoder = nn.Sequential(nn.Flatten(), *layers(down))
        self.to_posterior = nn.Linear(down[-1], 2 * self.latent_dim)
        self.decoder = nn.Sequential(*layers(up), nn.Linear(up[-1], down[0]), nn.Unflatten(1, shape))
