"""The two ways through a third-party network: past the gate where z enters its decoder, or by what encode returns."""

import copy
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any, Literal, Self

import torch
from torch import Tensor, nn

from vaekit.errors import CheckpointError
from vaekit.foreign.noise import FAR, ConstantNoise
from vaekit.foreign.quarantine import on_device
from vaekit.foreign.watching import Gate, Reached, at_gate, tensors_of

Way = Literal["item", "first half", "second half", "even", "odd"]
NEAR, EPSILON = 12.0, 1e-5  # in sigmas: a code that q(z|x) of the images could have given
SMALLEST = 1e-30  # of a variance, so that its logarithm is a number


@dataclass
class Network:
    """A third-party module and how it is run as a whole.

    Attributes:
        module: the module.
        samples: whether its author's own classes believe to be training, which is when some of them draw z; layers of
            torch are always in evaluation mode.
        told: keyword arguments of forward.
        joins: names of the methods or submodules that encode and decode, where forward is not used.
        flat: whether images go in as vectors.
        drawn: which of the tensors that encode returns is the drawn z; None takes the first that can be decoded.
    """

    module: nn.Module
    samples: bool = False
    told: Mapping[str, Any] = field(default_factory=dict)
    joins: tuple[str, str] | None = None
    flat: bool = False
    drawn: int | None = None

    @property
    def name(self) -> str:
        """What is run, in words."""
        what = " and ".join(self.joins) if self.joins else "forward"
        return f"{what} in training mode" if self.samples else what

    def set_mode(self) -> None:
        """Put every layer of torch into evaluation mode, and the author's classes into the mode that draws z."""
        self.module.eval()
        if self.samples:
            for part in filter(_is_own, self.module.modules()):
                part.training = True

    def __call__(self, x: Tensor) -> object:
        """Return whatever the network returns for images in its own range."""
        if self.joins is None:
            with on_device(x.device):  # noise drawn by torch.randn(...).cuda(), whatever is at hand
                return self.module(x.flatten(1) if self.flat else x, **self.told)
        codes = tensors_of(self.encode_call(x))
        for z in codes if self.drawn is None else [codes[self.drawn]]:
            try:
                return self.decode_call(z)
            except (RuntimeError, ValueError, TypeError, IndexError):
                continue
        raise CheckpointError(f"{self.joins[1]} takes nothing of what {self.joins[0]} returns.")

    def encode_call(self, x: Tensor) -> object:
        """Return whatever the encoder returns."""
        assert self.joins is not None
        with on_device(x.device):
            return getattr(self.module, self.joins[0])(x.flatten(1) if self.flat else x)

    def first_code(self, x: Tensor, noise: float) -> Tensor | None:
        """Return the first tensor that the encoder returns with the noise held; None where it returns none."""
        with ConstantNoise(noise):
            return next(iter(tensors_of(self.encode_call(x))), None)

    def decode_call(self, z: Tensor) -> object:
        """Return whatever the decoder returns."""
        assert self.joins is not None
        with on_device(z.device):
            return getattr(self.module, self.joins[1])(z)


def _is_own(part: nn.Module) -> bool:
    containers = (nn.Module, nn.Sequential, nn.ModuleList, nn.ModuleDict)
    layers = {cls for cls in type(part).__mro__ if cls.__module__.startswith("torch.")}
    return not type(part).__module__.startswith("torch.") and layers <= set(containers)


@dataclass(frozen=True)
class Reading:
    """Which parts of the returned code are mean and spread, and what the spread is ("" where that is open)."""

    way: Way
    mean: int
    spread: int
    kind: Literal["", "logvar", "log sigma", "sigma", "variance"]


def halves(code: Tensor) -> dict[Way, tuple[Tensor, Tensor]]:
    """Return the ways to take (mean, spread) from one tensor of 2 D channels."""
    if code.dim() < 2 or code.shape[1] % 2:
        return {}
    first, second = code.chunk(2, dim=1)
    even, odd = code[:, ::2], code[:, 1::2]
    return {"first half": (first, second), "second half": (second, first), "even": (even, odd), "odd": (odd, even)}


@dataclass(eq=False)
class Route:
    """From images in the network's own range to q(z|x), and from z to pixels in that range.

    Attributes:
        network: what is run.
        image_shape: (C, H, W) of the images.
        latent_shape: of z, without the batch.
        keeps_state: whether the decoder uses what the last encode left behind; it then decodes z of the images that
            were encoded last, and nothing else.
        forgets: by how much its pixels then change, at most, where other images were encoded in between.
        others: names of the random operators that run beside normal draws.
        last: images, mu and sigma of the last encode, where the decoder keeps state.
    """

    network: Network
    image_shape: tuple[int, int, int]
    latent_shape: tuple[int, ...]
    others: tuple[str, ...] = ()
    keeps_state: bool = field(default=False, init=False)
    forgets: float = field(default=0.0, init=False)
    last: tuple[Tensor, Tensor, Tensor] | None = field(default=None, init=False)

    @property
    def is_usual(self) -> bool:
        """Whether this way is taken where the pixels tell no difference from another."""
        return True

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return mu and logvar, in the network's own shape."""
        raise NotImplementedError

    def decode(self, z: Tensor) -> Tensor:
        """Return pixels in the network's own range, in whatever shape they come."""
        raise NotImplementedError

    def own(self, x: Tensor) -> Tensor:
        """Return the network's own x_hat with all noise at 0, in one run."""
        raise NotImplementedError

    def sentence(self) -> str:
        """Return how mu and sigma were got."""
        raise NotImplementedError

    def at(self, image_shape: tuple[int, int, int]) -> Self | None:
        """Return the same way for images of another shape; None where the network does not take them."""
        other = copy.copy(self)
        other.image_shape = image_shape
        x = torch.full((1, *image_shape), 0.5)
        try:
            with torch.no_grad():
                if other.own(x).shape[0] != 1 or other.own(x).numel() != x.numel():
                    return None
                other.latent_shape = tuple(other.encode(x)[0].shape[1:])
        except Exception:  # whatever the author's layers raise on a shape that is not theirs
            return None
        return other


@dataclass(eq=False, kw_only=True)
class Through(Route):
    """The network draws z: mu and sigma are measured where z enters the decoder.

    Attributes:
        gate: where that is, and its name in words.
        draw: which of the `draws` normal draws of one run is the posterior's.
        direct: which output of the gate's part is the pixels; None where that part can not be called alone.
        output: which output of the network is the pixels; None where they are taken from the decoder.
    """

    gate: Gate
    gate_name: str
    draw: int
    draws: int
    direct: int | None
    output: int | None

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return z(0), and the logarithm of the squared slope of z in the noise."""
        mu = self._z(x, 0.0)
        sigma = ((self._z(x, FAR) - mu) / FAR).abs()
        if self.keeps_state:
            self.last = x, mu, sigma
        return mu, 2 * sigma.log().clamp_min(-0.5 * 69.0)

    def _z(self, x: Tensor, noise: float) -> Tensor:
        def stop(z: Tensor) -> Tensor:
            raise Reached(z)

        try:
            with ConstantNoise(noise, self.draw), at_gate(self.network.module, self.gate, stop):
                self.network(x)
        except Reached as reached:
            return reached.z
        raise CheckpointError(f"The network did not reach {self.gate_name}, where z entered it before.")

    def decode(self, z: Tensor) -> Tensor:
        """Return the pixels of z, by the decoder alone where it can be called alone."""
        if self.direct is not None and not self.keeps_state:
            run = self.network.module.get_submodule(self.gate.part)
            call = run if self.gate.method == "forward" else getattr(run, self.gate.method)
            draws_more = self.others or self.draws != 1
            with on_device(z.device), ConstantNoise(0.0) if draws_more else nullcontext():
                return tensors_of(call(z))[self.direct]
        return self._spliced(self._carrier(z), z)

    def _carrier(self, z: Tensor) -> Tensor:
        """Return images to run the network with while z takes the place of their code."""
        if not self.keeps_state:
            return torch.zeros(len(z), *self.image_shape, dtype=z.dtype, device=z.device)
        if self.last is not None:
            x, mu, sigma = self.last
            if mu.shape == z.shape and bool(((z - mu).abs() <= NEAR * sigma + EPSILON * mu.abs().amax()).all()):
                return x
        raise CheckpointError(
            "This decoder uses what the last encode left behind (such as pooling indices), so that it decodes codes of "
            "the images that were just encoded and no others: no samples, no edits, no interpolation."
        )

    def _spliced(self, x: Tensor, z: Tensor) -> Tensor:
        with ConstantNoise(0.0), at_gate(self.network.module, self.gate, lambda _: z):
            outputs = tensors_of(self.network(x))
        return outputs[self.output or 0]

    def own(self, x: Tensor) -> Tensor:
        """Return the network's own x_hat with all noise at 0, in one run."""
        with ConstantNoise(0.0):
            outputs = tensors_of(self.network(x))
        if self.output is not None:
            return outputs[self.output]
        return self.decode(self.encode(x)[0])

    def sentence(self) -> str:
        """Return how mu and sigma were got."""
        return (
            f"mu and sigma are measured where z enters {self.gate_name} ({self.network.name}): z with the noise held "
            "at 0, and its slope in the noise"
        )


@dataclass(eq=False, kw_only=True)
class Read(Route):
    """Nothing is drawn anywhere: mean and spread are parts of what encode returns, pixels output `output` of decode."""

    reading: Reading
    output: int

    @property
    def is_usual(self) -> bool:
        """Whether the mean goes before the spread."""
        way, mean, spread = self.reading.way, self.reading.mean, self.reading.spread
        return way in ("first half", "even") or (way == "item" and mean < spread)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return mu and logvar as the reading has them."""
        mean, spread = self.parts(x)
        kind = self.reading.kind
        if kind == "":
            raise CheckpointError("What the second part of the code is, is not known.")
        if kind == "logvar":
            return mean, spread
        if kind == "log sigma":
            return mean, 2 * spread
        variance = spread if kind == "variance" else spread.square()
        return mean, variance.clamp_min(SMALLEST).log()

    def parts(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the mean and the spread as encode returns them."""
        with ConstantNoise(0.0):
            parts = tensors_of(self.network.encode_call(x))
        if self.reading.way == "item":
            return parts[self.reading.mean], parts[self.reading.spread]
        return halves(parts[self.reading.mean])[self.reading.way]

    def decode(self, z: Tensor) -> Tensor:
        """Return the pixels of z."""
        return tensors_of(self.network.decode_call(z))[self.output]

    def own(self, x: Tensor) -> Tensor:
        """Return the pixels of mu, encoded and decoded in one go."""
        return self.decode(self.parts(x)[0])

    def sentence(self) -> str:
        """Return how mu and sigma were got."""
        which = f"parts {self.reading.mean + 1} and {self.reading.spread + 1}"
        where = (
            which
            if self.reading.way == "item"
            else f"the {self.reading.way} and the rest of part {self.reading.mean + 1}"
        )
        return (
            f"nothing in the network draws z, so mu and {self.reading.kind} are {where} of what "
            f"{self.network.joins and self.network.joins[0]} returns"
        )
