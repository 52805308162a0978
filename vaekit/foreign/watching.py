"""What goes in and out of every part of a network while it runs, and the one place where z enters the decoder."""

import contextlib
import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from types import FunctionType
from typing import Any

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Call:
    """One call of a part of the network.

    Attributes:
        part: name of the submodule, "" for the whole.
        method: of the submodule; "forward" where the module itself was called.
        number: which call of this method it was, from 0.
        inputs, outputs: its tensors, copied, so that what is done in place later does not show.
        is_plain: whether it was given one tensor and nothing else.
    """

    part: str
    method: str
    number: int
    inputs: list[Tensor]
    outputs: list[Tensor]
    is_plain: bool

    @property
    def name(self) -> str:
        """The part as a reader would write it: "decoder", "decode(...)", "fc.project(...)"."""
        if self.method == "forward":
            return self.part or "forward(...)"
        return f"{self.part}.{self.method}(...)".lstrip(".")


@dataclass(frozen=True)
class Gate:
    """Where z enters the decoder: tensor number `slot` among the arguments of call `number` of a part's method."""

    part: str
    method: str
    number: int
    slot: int


class Reached(Exception):
    """The gate was reached and its tensor is known: nothing after it needs to run."""

    def __init__(self, z: Tensor) -> None:
        super().__init__()
        self.z = z


def tensors_of(value: object) -> list[Tensor]:
    """Return the floating-point tensors in whatever a network returns, in order.

    Looks into tuples, lists, dictionaries, dataclasses and distributions, whose mean and standard deviation stand for
    them.
    """
    if isinstance(value, Tensor):
        return [value] if value.is_floating_point() else []
    if isinstance(value, (str, bytes, int, float, nn.Module)) or value is None:
        return []
    if isinstance(value, Mapping):
        return [t for item in value.values() for t in tensors_of(item)]
    if isinstance(value, (tuple, list)):
        return [t for item in value for t in tensors_of(item)]
    if is_distribution(value):
        spread = getattr(value, "stddev", None)
        return tensors_of([value.mean, value.std if spread is None else spread])  # type: ignore[attr-defined]
    if is_dataclass(value):
        return [t for field in fields(value) for t in tensors_of(getattr(value, field.name))]
    return [t for item in getattr(value, "__dict__", {}).values() if isinstance(item, Tensor) for t in tensors_of(item)]


def is_distribution(value: object) -> bool:
    """Whether a value has a mean and a standard deviation of its own, as torch's and diffusers' distributions do."""
    return isinstance(getattr(value, "mean", None), Tensor) and any(
        isinstance(getattr(value, name, None), Tensor) for name in ("stddev", "std")
    )


@contextlib.contextmanager
def watched(module: nn.Module) -> Iterator[list[Call]]:
    """While open, every call of a submodule, and of every method that its author wrote, is written down at its start.

    The list holds the calls in the order in which they began; a call's outputs are empty until it ends.
    """
    calls: list[Call] = []
    with contextlib.ExitStack() as stack:
        for part, owner in module.named_modules():
            for method in _methods(owner, is_whole=part == ""):
                stack.enter_context(_replaced(owner, method, functools.partial(_watch, calls, part, method)))
        yield calls


def _watch(calls: list[Call], part: str, method: str, run: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    number = sum(call.part == part and call.method == method for call in calls)
    given = tensors_of([*args, *kwargs.values()])
    is_plain = len(args) == 1 and isinstance(args[0], Tensor) and len(given) == 1
    call = Call(part, method, number, [t.detach().clone() for t in given], [], is_plain)
    calls.append(call)
    out = run(*args, **kwargs)
    call.outputs.extend(t.detach().clone() for t in tensors_of(out))
    return out


@contextlib.contextmanager
def at_gate(module: nn.Module, gate: Gate, action: Callable[[Tensor], Tensor]) -> Iterator[None]:
    """While open, the tensor at the gate is what `action` makes of it; an action may raise `Reached` to stop there."""
    seen = 0

    def visit(run: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        nonlocal seen
        seen += 1
        if seen - 1 != gate.number:
            return run(*args, **kwargs)
        old = tensors_of([*args, *kwargs.values()])[gate.slot]
        new = action(old)
        args = tuple(_swapped(value, old, new) for value in args)
        return run(*args, **{key: _swapped(value, old, new) for key, value in kwargs.items()})

    with _replaced(module.get_submodule(gate.part), gate.method, visit):
        yield


def _swapped(value: Any, old: Tensor, new: Tensor) -> Any:
    if value is old:
        return new
    return type(value)(_swapped(item, old, new) for item in value) if type(value) in (tuple, list) else value


def _methods(owner: nn.Module, *, is_whole: bool) -> list[str]:
    """Return the names of the methods to watch: forward, and what a class outside of torch defines."""
    if isinstance(owner, torch.jit.ScriptModule):
        return []
    own = {
        name
        for cls in type(owner).__mro__
        if not cls.__module__.startswith("torch.") and cls is not object
        for name, member in vars(cls).items()
        if isinstance(member, FunctionType) and not name.startswith("__")
    } - {"forward", "train", "eval"}
    return [*([] if is_whole else ["forward"]), *sorted(own)]


@contextlib.contextmanager
def _replaced(owner: nn.Module, method: str, around: Callable[..., Any]) -> Iterator[None]:
    """While open, `owner.method(...)` is around(the method, ...)."""
    own = vars(owner).get(method)  # an attribute of this one object, which wins over its class
    object.__setattr__(owner, method, functools.partial(around, getattr(owner, method)))
    try:
        yield
    finally:
        if own is None:
            object.__delattr__(owner, method)
        else:
            object.__setattr__(owner, method, own)
