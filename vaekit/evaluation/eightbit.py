"""How many bits an 8-bit image costs: which likelihood a training loss amounts to, and its probability mass, fast."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from vaekit.config import RunConfig
from vaekit.figures.words import plain
from vaekit.models.base import VAE, Gaussian, sum_dtype
from vaekit.models.likelihoods import OBJECTIVE_UNKNOWN, LocationScale, NotComputed, ScaleHead

BIN = 1 / 255  # width of one of the 256 values of an 8-bit pixel, pixels in [0, 1]
SERIES_SIGMA = 0.013  # from here upwards the series of `_log_mass_of_near` is exact to 1e-6 of an image's bits

SIGMA_ZERO = (
    "the calibrated sigma is exactly 0: the reconstructions of the valid split equal their images, and no density is "
    "finite"
)
CACHED = 2**15  # values worked on at a time: they stay in the cache, and torch does not share them out over threads


class DoesNotApply(NotComputed):
    """Raised by a metric that means nothing for this kind of model: it gets neither a column nor a row."""


@dataclass(frozen=True)
class TrainedLikelihood:
    """The likelihood of an 8-bit image that a training loss amounts to.

    Attributes:
        family: the distribution of a pixel value around the decoder's mean; None where the loss is no likelihood.
        sigma: its standard deviation, pixels in [0, 1].
        sentence: which likelihood that is and why, or the reason why there is none.
    """

    family: type[LocationScale] | None
    sigma: float
    sentence: str

    def around(self, mean: Tensor) -> LocationScale:
        """Return p(x|z) around the decoder's mean (B, C, H, W); NotComputed where the loss is no likelihood."""
        if self.family is None:
            raise NotComputed(self.sentence)
        return self.family(mean, torch.tensor(self.sigma, device=mean.device))


def trained_likelihood(model: VAE, config: RunConfig) -> TrainedLikelihood:
    """Return the likelihood of 8-bit images that `config` trained `model` with.

    A Gaussian of a given sigma s under the weight beta has, up to a factor, the loss sse + 2 s^2 beta kl: the negative
    ELBO of a Gaussian with sigma^2 = beta s^2, the implied sigma; beta times the number of values where the loss
    averages over pixels. A sigma that is itself learned or fitted is a statement of its own, and is taken at its word.
    """
    head, objective = model.likelihood, config.objective
    if objective is None:
        return _none(OBJECTIVE_UNKNOWN)
    if objective.perceptual > 0:
        return _none("undefined: the training loss has a perceptual term, which makes it no likelihood of an image.")
    if not isinstance(head, ScaleHead):
        return _none(
            "undefined: the training loss is the binary cross-entropy of grey values, which is normalised over 0 and 1 "
            "only and so is no likelihood of an 8-bit image."
        )
    if head.family is not Gaussian or head.is_optimal or head.is_learned:
        if head.sigma.item() == 0:
            return _none("undefined: the likelihood's sigma is exactly 0, so that no density is finite.")
        only = "" if objective.beta == 1 else f"; beta = {objective.beta:g} weighs the KL in training only"
        return TrainedLikelihood(head.family, head.sigma.item(), head.sentence() + only)
    values = math.prod(model.image_shape)
    weight = objective.beta * (values if objective.pixels == "mean" else 1)
    if weight == 0:
        return _none("undefined: with beta = 0 the loss has no KL, so no sigma of a Gaussian is implied.")
    given = head.sigma.item()
    mean = f", averaged over {values:,} pixel values," if objective.pixels == "mean" else ""
    return TrainedLikelihood(
        Gaussian,
        given * math.sqrt(weight),
        f"The training loss is, up to a factor, the squared error + {plain(2 * given**2 * weight)} kl{mean} in "
        "sums over pixels in [0, 1]: the negative ELBO of a Gaussian with the implied sigma "
        f"{plain(given * math.sqrt(weight))}",
    )


def _none(reason: str) -> TrainedLikelihood:
    return TrainedLikelihood(None, math.nan, reason)


class Residual:
    """What likelihoods of any sigma need of x - mean, found once; images and decoder means are (B, C, H, W)."""

    def __init__(self, x: Tensor, mean: Tensor) -> None:
        self.x, self.mean = x, mean
        self._sorted: dict[float, _Sorted] = {}

    @property
    def sse(self) -> Tensor:
        """Sum of (x - mean)^2 over all values, (B,) float64."""
        return self._sort(1.0).sums[0]

    def log_density(self, sigma: float) -> Tensor:
        """Return log N(x; mean, sigma^2) in nats per image, (B,), a density over [0, 1] pixels."""
        return -0.5 * self.sse / sigma**2 - self.x[0].numel() * (math.log(sigma) + 0.5 * math.log(2 * math.pi))

    def log_mass(self, likelihood: LocationScale) -> Tensor:
        """Return log P(8-bit image x) in nats, (B,), as `LocationScale.log_mass` does, for `likelihood` around `mean`.

        A Gaussian that is not narrow takes sums of powers instead of two CDFs for each pixel: 1e-6 relative apart.
        """
        sigma = likelihood.sigma.item()
        if type(likelihood) is not Gaussian or sigma < SERIES_SIGMA:
            parts = [replace(likelihood, mean=mean).log_mass(x) for x, mean in self._parts()]
            return torch.cat(parts)
        found = self._sort(min(1.0, 2 * sigma**2 / BIN))
        singles = [
            _log_mass_of_single(x, mean.to(found.sums.dtype), likelihood.sigma)
            for x, mean in zip(torch.split(found.x, CACHED), torch.split(found.mean, CACHED), strict=True)
        ]
        return _log_mass_of_near(sigma, *found.sums[1:]).index_add(0, found.image, torch.cat(singles))

    def _parts(self) -> Iterator[tuple[Tensor, Tensor]]:
        # Small parts: ten times as fast as whole batches, whose every step would fetch fresh pages.
        images = max(1, CACHED // self.x[0].numel())
        return zip(torch.split(self.x, images), torch.split(self.mean, images), strict=True)

    def _sort(self, reach: float) -> "_Sorted":
        if reach not in self._sorted:
            sums, singles = zip(*(_sort(x, mean, reach) for x, mean in self._parts()), strict=True)
            where = torch.cat(singles).nonzero(as_tuple=True)
            self._sorted[reach] = _Sorted(torch.cat(sums, dim=1), where[0], self.x[where], self.mean[where])
        return self._sorted[reach]


@dataclass(frozen=True)
class _Sorted:
    """Pixel values near their mean as sums of powers, the others one by one.

    Attributes:
        sums: of (x - mean)^2 over all values; then over the near ones their number and the sums of ^2, ^4, ^6; (5, B).
        image, x, mean: of each value that is in an open bin or far from its mean.
    """

    sums: Tensor
    image: Tensor
    x: Tensor
    mean: Tensor


def _sort(x: Tensor, mean: Tensor, reach: float) -> tuple[Tensor, Tensor]:
    dtype = sum_dtype(x)
    square = (x - mean).square_()
    everywhere = square.flatten(1).sum(1, dtype=dtype)
    singles = ((x - 0.5).abs_() > 0.5 - BIN / 2).logical_or_(square > reach**2)
    square = square.masked_fill_(singles, 0).flatten(1)
    fourth = square.square()
    near = (square.shape[1] - singles.flatten(1).sum(1)).to(dtype)
    powers = [power.sum(1, dtype=dtype) for power in (square, fourth, fourth * square)]
    return torch.stack([everywhere, near, *powers]), singles


def _log_mass_of_single(x: Tensor, mean: Tensor, sigma: Tensor) -> Tensor:
    """Return the log mass of single pixel values, (V,): the two open bins are one tail each, the rest takes two."""
    low, high = x < BIN / 2, x > 1 - BIN / 2
    into = torch.where(low, BIN / 2 - mean, mean - (1 - BIN / 2))  # the signed way from the mean into an open bin
    mass = Gaussian.log_cdf(into / sigma)
    inner = ~(low | high)
    if inner.any():
        mass[inner] = Gaussian(mean[inner, None], sigma).log_mass(x[inner, None])
    return mass


def _log_mass_of_near(sigma: float, n: Tensor, s2: Tensor, s4: Tensor, s6: Tensor) -> Tensor:
    """Return the summed log mass of n bins at distances with the power sums s2, s4, s6 under N(0, sigma^2).

    With t = distance / sigma and h = BIN / (2 sigma), the mass is 2 h phi(t) E[exp(-t u - u^2 / 2)], u uniform on
    [-h, h]; the logarithm of the expectation is expanded in h and in h t, which is at most 1 here.
    """
    h = BIN / (2 * sigma)
    y = h / sigma
    return (
        n * (math.log(2 * h) - 0.5 * math.log(2 * math.pi) - h**2 / 6 + h**4 / 90)
        + s2 * (-0.5 / sigma**2 + y**2 * (1 / 6 - h**2 / 45))
        - s4 * y**4 / 180
        + s6 * y**6 / 2835
    )
