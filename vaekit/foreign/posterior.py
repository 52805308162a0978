"""The posterior of a third-party network, measured: what z does when the noise is 0, 1 and 2.

z(0) = mu, z(1) - z(0) = sigma, and z(2) shows whether z is affine in the noise, so that q(z|x) is a Gaussian. No name
is trusted. x_hat is what has as many values as the image, changes with z, and is not the image itself.
"""

import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from vaekit.errors import CheckpointError
from vaekit.foreign.noise import ConstantNoise
from vaekit.foreign.routes import Network, Read, Reading, Route, Through, halves
from vaekit.foreign.watching import Call, Gate, is_distribution, tensors_of, watched

EXACT = 1e-5  # relative: what float32 makes of the same numbers in another order
ENCODES = re.compile(r"enc|infer|recogn", re.IGNORECASE)
DECODES = re.compile(r"dec|gener", re.IGNORECASE)
ADAPTER = "Write an adapter (--adapter FILE.py: a subclass of vaekit.Adapter with encode and decode)."
DISCRETE = re.compile(r"vector_?quant|vq_?vae|codebook|gumbel", re.IGNORECASE)
FLOW = re.compile(r"flow|planar|radial|iaf|\bmaf|nvp|sylvester|coupling", re.IGNORECASE)


class NoRoute(CheckpointError):
    """The network does not show how it gets from an image to z, or from z to pixels."""


@dataclass(frozen=True)
class Trace:
    """One run of a network under constant noise."""

    outputs: list[Tensor]
    calls: list[Call]
    draws: list[torch.Size]
    others: list[str]


def routes(module: nn.Module, x: Tensor, *, flat: bool = False) -> list[Route]:
    """Return every way from images x (B, C, H, W) to z and back that the network shows on them; usually one.

    `flat` gives it the images as vectors.

    Several come back only where nothing is drawn anywhere and it is open which half of the code is the mean: the
    pixels decide then.

    Raises:
        NoRoute: none.
    """
    refuse_other_kinds(module)
    why: list[str] = []
    still: list[Network] = []
    decoded: list[Tensor] = []
    is_drawn = False
    for network in _networks(module):
        network.flat = flat
        network.set_mode()
        try:
            network.drawn = _drawn(network, x)
            if network.joins and network.drawn is None:
                still.append(network)
                continue
            trace = _trace(network, x, 0.0)
            if trace.draws:
                is_drawn = True
                return [_measured(network, x, trace)]
            decoded += [t for call in trace.calls if _pictures(call.outputs, x, x) for t in call.inputs]
        except NoRoute as error:
            why.append(str(error))
        except Exception as error:  # whatever the author's code raises on a call that it was not written for
            why.append(f"{network.name}: {type(error).__name__}: {' '.join(str(error).split())[:200]}")
    for network in [] if is_drawn else still:  # a code that is drawn is measured or not known
        network.set_mode()
        if read := _read(network, x, decoded):
            return read
    raise NoRoute(_no_route(module, why))


def _networks(module: nn.Module) -> Iterator[Network]:
    """Yield the ways to run a network as a whole: its forward as it is, told to sample, or encode and then decode."""
    told = {name: True for name, p in _parameters(module.forward).items() if "sampl" in name and p.default is False}
    has_forward = type(module).forward is not nn.Module.forward
    for samples in (False, True):
        if has_forward:
            yield Network(module, samples=samples)
            if told:
                yield Network(module, samples=samples, told=told)
    for samples in (False, True):
        for encode in _named(module, ENCODES):
            for decode in _named(module, DECODES):
                yield Network(module, samples=samples, joins=(encode, decode))


def _named(module: nn.Module, pattern: re.Pattern[str]) -> list[str]:
    """Return the names of methods, then of submodules, that fit a pattern, shortest first."""
    methods = {
        name
        for cls in type(module).__mro__
        if not cls.__module__.startswith("torch.")
        for name, member in vars(cls).items()
        if inspect.isfunction(member) and pattern.search(name) and not name.startswith("__")
    }
    children = {name for name, _ in module.named_children() if pattern.search(name)}
    return [*sorted(methods, key=len), *sorted(children, key=len)]


def _drawn(network: Network, x: Tensor) -> int | None:
    """Return which tensor that encode returns changes with the noise; None where none does, or encode is not called."""
    if network.joins is None:
        return None
    both = []
    for value in (0.0, 1.0):
        with torch.no_grad(), ConstantNoise(value):
            both.append(tensors_of(network.encode_call(x.clone())))
    return next((i for i, (a, b) in enumerate(zip(*both, strict=True)) if not torch.equal(a, b)), None)


def _trace(network: Network, x: Tensor, value: float, only: int | None = None) -> Trace:
    with torch.no_grad(), ConstantNoise(value, only) as noise, watched(network.module) as calls:
        outputs = tensors_of(network(x.clone()))
    return Trace([t.clone() for t in outputs], calls, noise.draws, noise.others)


def _measured(network: Network, x: Tensor, still: Trace) -> Route:
    """Return the route of a network that draws z."""
    found: list[tuple[int, Gate, Call, Trace]] = []
    why: list[str] = []
    for draw in range(len(still.draws)):
        one, two = (_trace(network, x, value, draw) for value in (1.0, 2.0))
        try:
            gate, call = _gate(x, still, one, two)
            found.append((draw, gate, call, one))
        except NoRoute as error:
            why.append(str(error))
    if not found:
        raise NoRoute(why[0])
    if len(found) > 1:
        raise NoRoute(
            f"The network draws {len(found)} latent codes for one image (noise enters at "
            f"{', '.join(call.name for _, _, call, _ in found[:4])}): a hierarchical posterior, or several draws at "
            "once. Its encoder and decoder can not be told apart. " + ADAPTER
        )
    draw, gate, call, one = found[0]
    return _through(network, x, (still, one), draw, gate, call)


def _gate(x: Tensor, still: Trace, one: Trace, two: Trace) -> tuple[Gate, Call]:
    """Return where noise first enters a part of the network; there it must be affine in the noise."""
    same = [(a.part, a.method, len(a.inputs)) for a in still.calls]
    if any([(a.part, a.method, len(a.inputs)) for a in other.calls] != same for other in (one, two)):
        raise NoRoute("The network takes another path through its parts when the noise changes. " + ADAPTER)
    for a, b, c in zip(still.calls, one.calls, two.calls, strict=True):
        for slot, (z0, z1, z2) in enumerate(zip(a.inputs, b.inputs, c.inputs, strict=True)):
            if torch.equal(z0, z1):
                continue
            if z0.shape[0] != len(x):
                continue  # folded into another shape: the code stands whole where it enters the next part
            if z0.numel() == x.numel():
                raise NoRoute(f"The noise enters {a.name} with as many values as the image: it is not a code.")
            scale = torch.stack([z0, z1, z2]).abs().amax()
            if (z2 - 2 * z1 + z0).abs().amax() > EXACT * scale:
                raise NoRoute(
                    f"What enters {a.name} is not affine in the noise: the posterior is no Gaussian, and its kl has "
                    "no closed form here. " + ADAPTER
                )
            return Gate(a.part, a.method, a.number, slot), a
    raise NoRoute(
        "The drawn z enters no method and no submodule that could be called with another z: the decoder is written "
        "in functions. " + ADAPTER
    )


def _through(network: Network, x: Tensor, traces: tuple[Trace, Trace], draw: int, gate: Gate, call: Call) -> Through:
    still, one = traces
    z = call.inputs[gate.slot]
    direct: int | None = None
    outputs = [i for i in _pictures(still.outputs, x, z) if not torch.equal(still.outputs[i], one.outputs[i])]
    own = [i for i in _pictures(call.outputs, x, z)]
    if call.is_plain:
        for i in own:
            if not outputs or torch.equal(call.outputs[i].flatten(1), still.outputs[outputs[0]].flatten(1)):
                direct = i
                break
    if not outputs and direct is None:
        raise NoRoute(
            f"z enters {call.name}, but nothing that comes out has the {x[0].numel():,} values of an image and changes "
            "with z. " + ADAPTER
        )
    return Through(
        network=network,
        image_shape=_shape(x),
        latent_shape=tuple(z.shape[1:]),
        others=tuple(sorted({*still.others})),
        gate=gate,
        gate_name=call.name,
        draw=draw,
        draws=len(still.draws),
        direct=direct,
        output=outputs[0] if outputs else None,
    )


def _pictures(outputs: list[Tensor], x: Tensor, z: Tensor) -> list[int]:
    """Return which outputs could be pixels: as many values as the image, and neither the image nor z."""
    size = x[0].numel()
    return [
        i
        for i, out in enumerate(outputs)
        if out.shape[:1] == x.shape[:1]
        and out[0].numel() == size
        and not torch.equal(out.flatten(1), x.flatten(1))
        and not (out.shape == z.shape and torch.equal(out, z))
    ]


def _read(network: Network, x: Tensor, decoded: list[Tensor]) -> list[Route]:
    """Return the ways to read the returned code of a network that draws nothing anywhere.

    Where its own forward was seen to turn one of them, among `decoded`, into pixels, that one is the mean.
    """
    assert network.joins is not None
    with torch.no_grad(), ConstantNoise(0.0):
        returned = network.encode_call(x)
        parts = tensors_of(returned)
    readings: list[tuple[Reading, Tensor, Tensor]] = []
    is_known = is_distribution(returned) or any(is_distribution(v) for v in getattr(returned, "__dict__", {}).values())
    for i, mean in enumerate(parts):
        for j, spread in enumerate(parts):
            if i != j and mean.shape == spread.shape and mean.shape[0] == len(x):
                readings.append((Reading("item", i, j, "sigma" if is_known else ""), mean, spread))
        for way, (mean_half, spread_half) in halves(mean).items():
            readings.append((Reading(way, i, i, ""), mean_half, spread_half))
    found: list[Route] = []
    seen = [r for r in readings if any(r[1].shape == z.shape and torch.equal(r[1], z) for z in decoded)]
    readings = seen or readings
    for reading, mean, spread in readings:
        if is_known and reading.mean > reading.spread:
            continue
        try:
            with torch.no_grad(), ConstantNoise(0.0):
                pictures = _pictures(tensors_of(network.decode_call(mean)), x, mean)
        except Exception:
            continue
        if pictures:
            if not reading.kind and bool((spread < 0).any()):
                reading = replace(reading, kind="logvar")
            found.append(Read(network, _shape(x), tuple(mean.shape[1:]), reading=reading, output=pictures[0]))
    return found


def _shape(x: Tensor) -> tuple[int, int, int]:
    channels, height, width = x.shape[1:]
    return channels, height, width


def refuse_other_kinds(module: nn.Module) -> None:
    """Raise NoRoute for a network whose posterior is of a kind that no measurement here would be right for."""
    names = {type(part).__name__ for part in module.modules()}
    if any(DISCRETE.search(name) for name in names):
        raise NoRoute(
            "The code of this network is discrete (vector-quantised): it has no Gaussian posterior, so kl, elbo, "
            "active units and samples from N(0, I) do not exist for it. " + ADAPTER
        )
    if any(FLOW.search(name) for name in names):
        raise NoRoute(
            "The posterior of this network is a normalising flow: its kl has no closed form here, and what a Gaussian "
            "would say of it were wrong. " + ADAPTER
        )
    needed = [
        name
        for name, p in list(_parameters(module.forward).items())[1:]
        if p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
    ]
    if needed and type(module).forward is not nn.Module.forward:
        raise NoRoute(
            f"forward takes {', '.join(needed)} beside the image: a conditional model. Its numbers hold for one "
            "condition only. " + ADAPTER
        )


def _parameters(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    try:
        return dict(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return {}


def _no_route(module: nn.Module, why: list[str]) -> str:
    tried = "; ".join(dict.fromkeys(why)) or "it draws no noise, and encode and decode were not found"
    return f"How {type(module).__name__} gets from an image to z and back can not be found out ({tried}). {ADAPTER}"
