"""Observation models p(x|z) around a decoder's mean, and the heads that hold their one shared sigma.

Pixel values are in [0, 1] throughout, whatever range the network uses inside. What `log_prob` is differs from one
likelihood to the next: a density of the pixel values (Gaussian), the probability of the 8-bit image (discretised
logistic), or no likelihood of an 8-bit image at all (Bernoulli, on values that are neither 0 nor 1).
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import torch
from torch import Tensor, nn

from vaekit.config import LikelihoodConfig
from vaekit.errors import ConfigError

FIRST_SIGMA = 0.3  # until the first fit or step: the spread of CelebA's pixels around their mean colour, sqrt(.088)
LEAST_SIGMA = 1e-3  # that training takes for an optimum: a quarter of a grey level; 0 has no density
OBJECTIVE_UNKNOWN = "training objective unknown: give --objective"
BERNOULLI_EPS = 1e-6  # input and output stay so far from 0 and 1, where the cross-entropy is infinite


class NotComputed(Exception):
    """Raised where a number has no value for this model; the message is the reason that every table shows."""


def sum_dtype(tensor: Tensor) -> torch.dtype:
    """Return the dtype in which sums over pixels or dims accumulate: float64, or float32 on MPS, which has no other."""
    return torch.float32 if tensor.device.type == "mps" else torch.float64


@dataclass(frozen=True)
class Likelihood(ABC):
    """p(x|z): every pixel value independent of the others, given z.

    Attributes:
        mean: the decoder's output, (B, C, H, W), in [0, 1] for images x in [0, 1].
    """

    mean: Tensor

    @abstractmethod
    def log_prob(self, x: Tensor) -> Tensor:
        """Return log p(x|z) in nats per image, (B,), summed over all values."""


@dataclass(frozen=True)
class LocationScale(Likelihood):
    """A distribution symmetric around `mean` (B, C, H, W) with one standard deviation `sigma`, a scalar tensor."""

    mean: Tensor
    sigma: Tensor

    @staticmethod
    @abstractmethod
    def log_cdf(t: Tensor) -> Tensor:
        """Return the log CDF of the member with mean 0 and standard deviation 1, accurate in the lower tail."""

    def log_mass(self, x: Tensor) -> Tensor:
        """Return log P(8-bit image x) in nats per image, (B,), float64.

        The bin of v = 0..255 is [(v - 1/2) / 255, (v + 1/2) / 255], open outwards at 0 and 255, so that the 256
        probabilities sum to 1 whatever the mean (Salimans et al. 2017). No difference of two CDFs is taken outside
        the logarithm: it stays finite and accurate where the mass itself underflows.
        """
        v = (x.to(sum_dtype(x)) * 255).round().clamp(0, 255)
        low, high = self._standardised((v - 0.5) / 255), self._standardised((v + 0.5) / 255)
        above = low + high > 0  # mirrored into the lower tail, where a log CDF keeps its digits
        near, far = self.log_cdf(torch.where(above, -low, high)), self.log_cdf(torch.where(above, -high, low))
        inner = near + torch.log(-torch.expm1(far - near))
        # The two open bins are whole tails: no subtraction at all.
        mass = torch.where(v == 0, self.log_cdf(high), torch.where(v == 255, self.log_cdf(-low), inner))
        return mass.flatten(1).sum(1)

    def _standardised(self, value: Tensor) -> Tensor:
        return (value - self.mean.to(value.dtype)) / self.sigma.to(value.dtype)


@dataclass(frozen=True)
class Gaussian(LocationScale):
    """p(x|z) = N(mean, sigma^2) for every pixel value in [0, 1]; mean (B, C, H, W), sigma a scalar tensor."""

    @staticmethod
    def log_cdf(t: Tensor) -> Tensor:
        """Return log Phi(t)."""
        log_cdf: Tensor = torch.special.log_ndtr(t)
        return log_cdf

    def log_prob(self, x: Tensor) -> Tensor:
        """Return log p(x|z) in nats per image, (B,): a density over [0, 1] pixels, constants included."""
        dtype = sum_dtype(x)
        sse = (x - self.mean).square().flatten(1).sum(1, dtype=dtype)
        sigma = self.sigma.to(dtype)
        return -0.5 * sse / sigma.square() - x[0].numel() * (sigma.log() + 0.5 * math.log(2 * math.pi))

    def at_optimum(self, x: Tensor) -> Self:
        """Return the same mean with sigma at its maximum-likelihood value for x (Rybkin et al. 2021), a constant."""
        return replace(self, sigma=(x - self.mean).detach().square().mean().sqrt().clamp_min(LEAST_SIGMA))


@dataclass(frozen=True)
class DiscretisedLogistic(LocationScale):
    """A logistic cut into the 256 bins of an 8-bit value: one component and one scale (after Salimans et al. 2017)."""

    @staticmethod
    def log_cdf(t: Tensor) -> Tensor:
        """Return log sigmoid(t pi / sqrt(3)): a logistic of scale s has standard deviation s pi / sqrt(3)."""
        return nn.functional.logsigmoid(t * (math.pi / math.sqrt(3)))

    def log_prob(self, x: Tensor) -> Tensor:
        """Return the log probability of the 8-bit image x in nats, (B,)."""
        return self.log_mass(x)


@dataclass(frozen=True)
class Bernoulli(Likelihood):
    """Binary cross-entropy of grey values taken as probabilities; mean (B, C, H, W) in [0, 1]."""

    mean: Tensor

    def log_prob(self, x: Tensor) -> Tensor:
        """Return minus the cross-entropy in nats per image, (B,), input and output clamped to [1e-6, 1 - 1e-6].

        Its maximum over the mean is minus the entropy of x, not 0, and it is normalised over {0, 1} only.
        """
        x, mean = (t.clamp(BERNOULLI_EPS, 1 - BERNOULLI_EPS) for t in (x, self.mean))
        # Written out: torch's own binary_cross_entropy refuses to run under autocast.
        return (x * mean.log() + (1 - x) * torch.log1p(-mean)).flatten(1).sum(1, dtype=sum_dtype(x))


@dataclass(frozen=True)
class Unknown(Likelihood):
    """A decoder's mean of which nobody said how it was trained; mean (B, C, H, W) in [0, 1]."""

    mean: Tensor

    def log_prob(self, x: Tensor) -> Tensor:
        """Raise NotComputed: there is no telling."""
        raise NotComputed(OBJECTIVE_UNKNOWN)


class Head(nn.Module):
    """Puts a likelihood around a decoder's mean.

    Attributes:
        family: the likelihood.
        is_optimal: whether the trainer keeps sigma at its maximum-likelihood value.
        sigma: standard deviation shared by all pixel values, a scalar; NaN where the likelihood has none.
    """

    family: ClassVar[type[Likelihood]]
    is_optimal = False

    @property
    def sigma(self) -> Tensor:
        """The standard deviation, a scalar."""
        raise NotImplementedError

    def sentence(self) -> str:
        """Return what the likelihood is, for tables and reports."""
        raise NotImplementedError


class ScaleHead(Head):
    """The one sigma of a location-scale likelihood: given, learned, or kept at its optimum by the trainer."""

    family: ClassVar[type[LocationScale]]
    text: ClassVar[str]
    fixed_sigma: Tensor

    def __init__(self, sigma: float | str) -> None:
        super().__init__()
        self.is_optimal, self.is_learned = sigma == "optimal", sigma == "learned"
        if self.is_learned:
            self.log_sigma = nn.Parameter(torch.tensor(math.log(FIRST_SIGMA)))
            return
        value = FIRST_SIGMA if self.is_optimal else float(sigma)
        self.register_buffer("fixed_sigma", torch.tensor(value))

    @property
    def sigma(self) -> Tensor:
        """The standard deviation, a scalar: the buffer itself (the trainer fills it), or exp(log_sigma)."""
        return self.log_sigma.exp() if self.is_learned else self.fixed_sigma

    def forward(self, mean: Tensor) -> LocationScale:
        """Return the likelihood around `mean`."""
        return self.family(mean, self.sigma)

    def sentence(self) -> str:
        """Return what the likelihood is, for tables and reports."""
        optimum = "its maximum-likelihood value on the validation split"
        how = optimum if self.is_optimal else "learned" if self.is_learned else "set by the loss"
        return f"{self.text}, one sigma = {self.sigma.item():.5f} ({how})"


class GaussianHead(ScaleHead):
    """Gaussian with one shared sigma."""

    family: ClassVar = Gaussian
    text: ClassVar = "Gaussian for every pixel value in [0, 1]"


class DiscretisedLogisticHead(ScaleHead):
    """Discretised logistic with one shared sigma, given or learned."""

    family: ClassVar = DiscretisedLogistic
    text: ClassVar = "Logistic for every pixel value in [0, 1], cut into the 256 bins of an 8-bit value"

    def __init__(self, sigma: float | str) -> None:
        if sigma == "optimal":
            raise ConfigError(
                "likelihood.sigma = 'optimal' is fitted as the root mean squared error, which is the best sigma of a "
                "Gaussian, not of a logistic: with likelihood.name = 'discretised_logistic' use likelihood.sigma = "
                "'learned' or a number."
            )
        super().__init__(sigma)


class ScalelessHead(Head):
    """A head that holds no sigma."""

    nothing: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("nothing", torch.tensor(math.nan), persistent=False)

    @property
    def sigma(self) -> Tensor:
        """NaN, where the model is."""
        return self.nothing


class BernoulliHead(ScalelessHead):
    """Bernoulli: nothing to hold."""

    family: ClassVar = Bernoulli

    def __init__(self, sigma: float | str) -> None:
        super().__init__()
        if sigma != "optimal":  # the setting's default, which a recipe without the key has
            raise ConfigError(f"likelihood.sigma = {sigma!r}: a Bernoulli has no sigma. Leave the key out.")

    def forward(self, mean: Tensor) -> Bernoulli:
        """Return the likelihood around `mean`."""
        return Bernoulli(mean)

    def sentence(self) -> str:
        """Return what the likelihood is, for tables and reports."""
        return (
            "Bernoulli for every pixel value in [0, 1] (binary cross-entropy): no likelihood of an 8-bit image, "
            "because grey values are neither 0 nor 1"
        )


class UnknownHead(ScalelessHead):
    """Of a model whose training objective is unknown: nothing to hold."""

    family: ClassVar = Unknown

    def forward(self, mean: Tensor) -> Unknown:
        """Return `mean` without a likelihood."""
        return Unknown(mean)

    def sentence(self) -> str:
        """Return what the likelihood is, for tables and reports."""
        return OBJECTIVE_UNKNOWN


HEADS: dict[str, Callable[[float | str], Head]] = {
    "gaussian": GaussianHead,
    "bernoulli": BernoulliHead,
    "discretised_logistic": DiscretisedLogisticHead,
}


def build_head(config: LikelihoodConfig | None) -> Head:
    """Return the head that `config` names, None being unknown; ConfigError where its sigma is impossible."""
    return UnknownHead() if config is None else HEADS[config.name](config.sigma)
