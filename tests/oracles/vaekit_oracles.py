"""A VAE whose every number is known: probabilistic PCA (Tipping & Bishop 1999) as a vaekit model, and a metric.

x = W z + m + s e, z ~ N(0, I), e ~ N(0, I). With orthogonal columns of W the posterior is diagonal:
q(z_d|x) = N(w_d . (x - m) / (|w_d|^2 + s^2), s^2 / (|w_d|^2 + s^2)).
"""

import math
from typing import Literal

import torch
from torch import Tensor

from vaekit.config import Config, LikelihoodConfig
from vaekit.evaluation.base import Batch, metric
from vaekit.models.base import VAE, Gaussian, GaussianPosterior, model


class LinearGaussianOptions(Config):
    """Options of the oracle."""

    latent_dim: int = 4
    dead_dims: int = 0
    lengths: tuple[float, ...] = ()
    smooth: bool = False
    fault: Literal["none", "stuck at the prior", "deaf decoder", "half deaf", "too sharp", "drowned", "overflow"] = (
        "none"
    )


@model("linear_gaussian")
class LinearGaussian(VAE):
    """Probabilistic PCA with orthogonal columns of given or falling length; the last `dead_dims` columns are zero.

    The columns are random, or `smooth`: slow waves of grey, along which real images do differ.

    A `fault` breaks it in one known way: an encoder that answers the prior to every image, a decoder that never looks
    at z, or at the second half of it, or a posterior whose variance is e^-20 or e^15 of what it should be, or infinite.
    """

    Options = LinearGaussianOptions

    def __init__(self, options: LinearGaussianOptions, image_size: int, likelihood: LikelihoodConfig) -> None:
        super().__init__(image_size, likelihood)
        self.latent_dim = options.latent_dim
        self.shape = (3, image_size, image_size)
        drawn = torch.randn(math.prod(self.shape), options.latent_dim)
        columns, _ = torch.linalg.qr(_waves(image_size, options.latent_dim) if options.smooth else drawn)
        self.fault = options.fault
        lengths = torch.tensor(options.lengths) if options.lengths else torch.linspace(6.0, 1.0, options.latent_dim)
        lengths[options.latent_dim - options.dead_dims :] = 0
        self.weight = torch.nn.Parameter(columns * lengths)
        self.register_buffer("mean", torch.full(self.shape, 0.5).flatten())

    def encode(self, x: Tensor) -> GaussianPosterior:
        """Return the exact posterior."""
        precision = self.weight.square().sum(0) + self.likelihood.sigma.square()
        mu = (x.flatten(1) - self.mean) @ self.weight / precision
        logvar = (self.likelihood.sigma.square() / precision).log().expand_as(mu)
        if self.fault == "stuck at the prior":
            return GaussianPosterior(0 * mu, 0 * mu)
        return GaussianPosterior(mu, logvar + {"overflow": 800, "drowned": 15, "too sharp": -20}.get(self.fault, 0))

    def decode(self, z: Tensor) -> Gaussian:
        """Return N(W z + m, s^2)."""
        heard = {"deaf decoder": 0, "half deaf": self.latent_dim // 2}.get(self.fault, self.latent_dim)
        if heard < self.latent_dim:
            z = torch.cat([z[:, :heard], torch.zeros_like(z[:, heard:])], dim=1)
        return self.likelihood((z @ self.weight.T + self.mean).view(-1, *self.shape))

    def log_evidence(self, x: Tensor) -> Tensor:
        """Return log p(x) = log N(x; m, W W^T + s^2 I), (B,), float64, by the determinant and inversion lemmas."""
        weight, centred = self.weight.double(), (x.flatten(1) - self.mean).double()
        s2, dims = self.likelihood.sigma.double().square(), centred.shape[1]
        lengths2 = weight.square().sum(0)
        log_det = (lengths2 / s2 + 1).log().sum() + dims * s2.log()
        projected = centred @ weight
        quadratic = (centred.square().sum(1) - (projected.square() / (lengths2 + s2)).sum(1)) / s2
        return -0.5 * (dims * math.log(2 * math.pi) + log_det + quadratic)


def _waves(size: int, count: int) -> Tensor:
    """Return the `count` slowest cosines over the image, the same in each channel, (3 size^2, count)."""
    at = (torch.arange(size) + 0.5) * math.pi / size
    slowest = sorted(((u, v) for u in range(count) for v in range(count)), key=lambda f: (f[0] + f[1], f))[:count]
    return torch.stack([torch.outer((u * at).cos(), (v * at).cos()).flatten().repeat(3) for u, v in slowest], 1)


@metric(
    "oracle_red",
    label="Mean red of the image",
    unit="pixel value",
    higher_is_better=None,
    definition="mean of the first channel of x: a metric of another package, for the tests",
)
def oracle_red(batch: Batch) -> Tensor:
    """Mean of the first channel, (B,)."""
    return batch.x[:, 0].flatten(1).mean(1)
