"""Randomness held still: a network that draws noise is asked what it does when every draw is the same constant."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

FAR = 2.0**20  # z(FAR) - z(0) = FAR sigma, exact to float32 also where sigma is far below mu


class ConstantNoise(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch gives it no types
    """While open, every standard normal draw of torch is `value`, whoever makes it and however it was imported.

    It works on the operators below Python's functions: torch.randn, randn_like, normal, Tensor.normal_ and the samples
    of torch.distributions all end in one of them. All other randomness is held at its mean, which makes dropout the
    identity, and is noted. Randomness of numpy or of Python is not seen here.

    Attributes:
        draws: shape of every normal draw, in order.
        others: names of every other random operator, in order.
    """

    def __init__(self, value: float, only: int | None = None) -> None:
        """Hold draw number `only` at `value` and the rest at 0; None holds all of them at `value`."""
        super().__init__()  # type: ignore[no-untyped-call]  # torch gives it no types
        self.value, self.only = value, only
        self.draws: list[torch.Size] = []
        self.others: list[str] = []

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run one operator, its randomness replaced."""
        kwargs = kwargs or {}
        if torch.Tag.nondeterministic_seeded not in func.tags or _argument(func, args, kwargs, "dropout_p") == 0:
            return func(*args, **kwargs)  # attention without dropout draws nothing, though its operator could
        name = func._schema.name.removeprefix("aten::").removesuffix("_functional")
        with torch.random.fork_rng(
            devices=[]
        ):  # the operator runs for its shape: the caller's stream stays where it is
            if name in ("randn", "randn_like"):
                return self._normal(func(*args, **kwargs), 0.0, 1.0)
            if name in ("normal_", "normal"):
                return self._general_normal(func, name, args, kwargs)
            self.others.append(name)
            if name.endswith("dropout"):
                return (args[0], torch.ones_like(args[0], dtype=torch.bool)) if "native" in name else args[0]
            out = func(*args, **kwargs)
            if name in ("rand", "rand_like"):
                return out.fill_(0.5)
            if name == "uniform_":
                low, high = (*args[1:], *(0.0, 1.0)[len(args) - 1 :])[:2]
                return out.fill_((kwargs.get("from", low) + kwargs.get("to", high)) / 2)
            if name == "bernoulli_":
                p = args[1] if len(args) > 1 else kwargs.get("p", 0.5)
                return out.copy_(p) if isinstance(p, Tensor) else out.fill_(p)
            return out

    def _normal(self, out: Tensor, mean: Any, std: Any) -> Tensor:
        held = self.value if self.only is None or self.only == len(self.draws) else 0.0
        self.draws.append(out.shape)
        return out.copy_(mean + std * torch.full_like(out, held))

    def _general_normal(self, func: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor:
        out = func(*args, **kwargs)
        given = args[1:] if name == "normal_" else args
        mean, std = (*given, *(0.0, 1.0)[len(given) :])[:2]
        return self._normal(out, kwargs.get("mean", mean), kwargs.get("std", std))


def _argument(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], name: str) -> Any:
    """Return what an operator is given for one of its arguments; None where it has none of that name."""
    for place, argument in enumerate(func._schema.arguments):
        if argument.name == name:
            return args[place] if place < len(args) else kwargs.get(name, argument.default_value)
    return None
