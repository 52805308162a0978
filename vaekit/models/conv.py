"""A convolutional VAE for 64 and 128 pixels."""

from typing import Annotated

from pydantic import Field
from torch import Tensor, nn

from vaekit.config import Config, LikelihoodConfig
from vaekit.errors import ConfigError
from vaekit.models.base import VAE, Gaussian, GaussianPosterior, model


class ConvOptions(Config):
    """Options of the convolutional VAE."""

    latent_dim: int = Field(128, ge=1)
    channels: tuple[Annotated[int, Field(ge=1)], ...] = Field(
        (32, 64, 128, 256), min_length=1, description="Output channels of the stride-2 stages."
    )


def _norm_act(channels: int) -> list[nn.Module]:
    return [nn.BatchNorm2d(channels), nn.SiLU()]


@model("conv")
class ConvVAE(VAE):
    """Stride-2 convolutions down to image_size / 2^stages, Linear to (mu, logvar), and the mirror image back."""

    Options = ConvOptions

    def __init__(self, options: ConvOptions, image_size: int, likelihood: LikelihoodConfig) -> None:
        super().__init__(image_size, likelihood)
        self.latent_dim = options.latent_dim
        widths = [3, *options.channels]
        side = image_size >> len(options.channels)
        if side << len(options.channels) != image_size:
            raise ConfigError(
                f"model.channels has {len(options.channels)} stride-2 stages, and {image_size} pixels can not be "
                f"halved so often: give at most {image_size.bit_length() - 1} widths."
            )
        self.encoder = nn.Sequential()
        for c_in, c_out in zip(widths, widths[1:], strict=False):
            self.encoder.extend([nn.Conv2d(c_in, c_out, 4, 2, 1), *_norm_act(c_out)])
        self.encoder.append(nn.Flatten())
        features = widths[-1] * side * side
        self.to_posterior = nn.Linear(features, 2 * self.latent_dim)
        self.decoder = nn.Sequential(nn.Linear(self.latent_dim, features), nn.Unflatten(1, (widths[-1], side, side)))
        for c_in, c_out in zip(widths[:1:-1], widths[-2:0:-1], strict=True):
            self.decoder.extend([nn.ConvTranspose2d(c_in, c_out, 4, 2, 1), *_norm_act(c_out)])
        self.decoder.extend([nn.ConvTranspose2d(widths[1], 3, 4, 2, 1), nn.Sigmoid()])

    def encode(self, x: Tensor) -> GaussianPosterior:
        """Return q(z|x), (B, D) each."""
        return GaussianPosterior(*self.to_posterior(self.encoder(x)).chunk(2, dim=1))

    def decode(self, z: Tensor) -> Gaussian:
        """Return p(x|z) around (B, 3, H, W)."""
        return self.likelihood(self.decoder(z))
