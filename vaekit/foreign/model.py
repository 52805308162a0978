"""A third-party network in the terms of vaekit: images in [0, 1], a flat Gaussian posterior, pixel means."""

from typing import Self

from torch import Tensor

from vaekit.config import LikelihoodConfig
from vaekit.foreign.pixels import Convention
from vaekit.foreign.routes import Route
from vaekit.models.base import VAE, GaussianPosterior, Likelihood


class ForeignVAE(VAE):
    """Runs a network that vaekit did not write along a route, under a convention of its pixels.

    Attributes:
        network: the third-party module; its layers stay in evaluation mode.
        adapter_text: the file of an adapter that reads the network as it is read here.
    """

    adapter_text = ""

    def __init__(self, route: Route, convention: Convention, likelihood: LikelihoodConfig | None) -> None:
        channels, height, width = route.image_shape
        super().__init__((height, width), likelihood, channels)
        self.route, self.convention = route, convention
        self.network = route.network.module
        self.latent_dim = 1
        for size in route.latent_shape:
            self.latent_dim *= size

    @property
    def latent_shape(self) -> tuple[int, ...]:
        """Shape of z inside the network."""
        return self.route.latent_shape

    def encode(self, x: Tensor) -> GaussianPosterior:
        """Return q(z|x), (B, D) each."""
        # Contiguous, as a loader of PyTorch gives them: other people's `view` takes nothing else.
        mu, logvar = self.route.encode(self.convention.to_network(x.contiguous()))
        return GaussianPosterior(mu.flatten(1), logvar.flatten(1))

    def decode(self, z: Tensor) -> Likelihood:
        """Return p(x|z) around (B, C, H, W) in [0, 1]."""
        y = self.route.decode(z.contiguous().reshape(len(z), *self.latent_shape))
        likelihood: Likelihood = self.likelihood(self.convention.to_pixels(y.reshape(len(z), *self.image_shape)))
        return likelihood

    def train(self, mode: bool = True) -> Self:
        """Leave the network in the mode that it was measured in, whatever is asked for."""
        super().train(mode)
        self.route.network.set_mode()
        return self
