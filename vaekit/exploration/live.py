"""A decoder as steps that the script of a page can take: torch traces it, and its weights are kept in 16 bits."""

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, fx
from torch.fx.experimental.proxy_tensor import make_fx

from vaekit.errors import DataError
from vaekit.models.base import VAE

Step = dict[str, Any]
GREY = 255
# What leaves every number where it is, for a batch of one; and functions of single numbers, by their parameters.
_SAME = {"alias", "clone", "contiguous", "detach", "expand", "lift_fresh_copy", "_to_copy", "reshape", "squeeze"}
_SAME |= {"slice", "unsqueeze", "_unsafe_view", "view"}
_MAPS = {"clamp", "elu", "exp", "gelu", "hardtanh", "leaky_relu", "relu", "sigmoid", "silu", "softplus", "tanh"}
_NORMS = {"native_batch_norm", "_native_batch_norm_legit_no_training", "cudnn_batch_norm"}


@dataclass(frozen=True, eq=False)
class Program:
    """A traced decoder.

    Attributes:
        steps: in order; step k makes value k + 1 out of earlier ones, and value 0 is the code. What a step is given by
            [offset, length] stands in `weights`.
        weights: float16 (W,).
        shape: (C, H, W) of the picture, which is the last value.
        off: largest difference of a pixel from the model's own picture, in grey levels of 255, over the codes tried.
    """

    steps: list[Step]
    weights: np.ndarray
    shape: tuple[int, ...]
    off: float


@torch.no_grad()
def traced(model: VAE, codes: np.ndarray) -> Program:
    """Return the decoder's mean as a program; codes, (N, D), are decoded both ways to tell how far it is off.

    Raises:
        DataError: a layer that the page's script does not know, by name, or weights that 16 bits do not hold.
    """
    z = torch.from_numpy(codes.astype(np.float32)).to(model.device)
    try:
        graph = make_fx(lambda code: model.decode(code).mean)(z[:1])
    except Exception as error:  # whatever another's decoder does that can not be traced
        raise DataError(f"The decoder can not be traced ({type(error).__name__}).") from error
    recorder = _Recorder(graph)
    picture = recorder.run(z[:1])
    if recorder.last != len(recorder.steps):
        raise DataError("The decoder's last layer does not make its picture.")
    weights = np.concatenate([part.ravel() for part in recorder.weights]) if recorder.weights else np.zeros(0, "f2")
    rounded = _Rounded(graph)
    off = max(float((rounded.run(code) - model.decode(code).mean).abs().max()) for code in z[:, None])
    if not np.isfinite(weights).all() or not np.isfinite(off):
        raise DataError("The decoder's weights are too large for 16 bits.")
    return Program(recorder.steps, weights, tuple(picture.shape[1:]), GREY * off)


class _Rounded(fx.Interpreter):
    """Runs the graph with its weights rounded to 16 bits."""

    def __init__(self, graph: fx.GraphModule) -> None:
        super().__init__(graph)
        self.extra_traceback = False  # an error of ours stays the sentence that it is

    def run_node(self, n: fx.Node) -> Any:
        value = super().run_node(n)
        if n.op == "get_attr" and isinstance(value, Tensor) and value.is_floating_point():
            return value.half().to(value.dtype)
        return value


@dataclass(frozen=True)
class _Made:
    """A value that depends on the code: its number, and its shape without the batch."""

    number: int
    shape: tuple[int, ...]


class _Recorder(_Rounded):
    """Runs the graph on one code, and notes every step that depends on it."""

    def __init__(self, graph: fx.GraphModule) -> None:
        super().__init__(graph)
        self.steps: list[Step] = []
        self.weights: list[np.ndarray] = []
        self.kept = 0
        self.last = 0
        self._made: dict[fx.Node, _Made] = {}

    def run_node(self, n: fx.Node) -> Any:
        value = super().run_node(n)
        if n.op == "placeholder":
            self._made[n] = _Made(0, tuple(value.shape[1:]))
        elif n.op == "call_function" and any(source in self._made for source in n.all_input_nodes):
            self._made[n] = self._note(n, value)
            self.last = self._made[n].number
        return value

    def keep(self, values: Tensor | None) -> list[int] | None:
        """Return where the weights stand that were put away."""
        if values is None:
            return None
        self.weights.append(values.detach().cpu().numpy().astype(np.float16))
        self.kept += values.numel()
        return [self.kept - values.numel(), values.numel()]

    def _note(self, n: fx.Node, value: Any) -> _Made:
        known: Callable[[fx.Node], Any] = lambda source: self._made.get(source, self.env.get(source))  # noqa: E731
        args: Any = fx.node.map_arg(n.args, known)
        if n.target is operator.getitem:  # of a normalisation and its statistics
            return _Made(args[0].number, tuple(value.shape[1:]))
        name = str(n.target).split(".")[1]
        shape = tuple((value[0] if isinstance(value, tuple) else value).shape[1:])
        if name in _SAME and np.prod(shape) == np.prod(args[0].shape):
            return _Made(args[0].number, shape)
        make = _STEPS.get(name, _step_of_map if name in _MAPS else None)
        step = None if make is None or n.kwargs else make(self, name, *args)
        if step is None:
            raise DataError(f"The page's script knows no layer {name} as this decoder uses it.")
        taken = next(list(arg.shape) for arg in args if isinstance(arg, _Made))
        self.steps.append({**step, "from": taken, "shape": list(shape)})
        return _Made(len(self.steps), shape)


def _step_of_map(recorder: _Recorder, name: str, x: _Made, *parameters: float) -> Step:
    return {
        "do": "map",
        "of": name,
        "x": x.number,
        "by": [p if isinstance(p, int | float) else None for p in parameters],
    }


def _linear(recorder: _Recorder, name: str, *args: Any) -> Step | None:
    bias, x, weight = args if name == "addmm" else (None, *args)
    if not isinstance(x, _Made) or isinstance(weight, _Made):
        return None
    return {"do": "linear", "x": x.number, "w": recorder.keep(weight.T), "b": recorder.keep(bias)}


def _convolution(recorder: _Recorder, name: str, *args: Any) -> Step | None:
    x, weight, bias, stride, padding, dilation, is_transposed, _, groups = args
    if isinstance(weight, _Made) or len(stride) != 2:
        return None
    how = {"stride": list(stride), "padding": list(padding), "dilation": list(dilation), "groups": groups}
    where = {"x": x.number, "w": recorder.keep(weight), "b": recorder.keep(bias), "kernel": list(weight.shape[2:])}
    return {"do": "transposed" if is_transposed else "convolution", **where, **how}


def _batch_norm(recorder: _Recorder, name: str, *args: Any) -> Step | None:
    x, weight, bias, mean, variance, *rest = args
    if mean is None or (name != "_native_batch_norm_legit_no_training" and rest[0]):
        return None  # it would need a batch
    scale = (1 if weight is None else weight.double()) / (variance.double() + rest[-1]).sqrt()
    shift = (0 if bias is None else bias.double()) - mean.double() * scale
    return {"do": "affine", "x": x.number, "w": recorder.keep(scale), "b": recorder.keep(shift)}


def _group_norm(recorder: _Recorder, name: str, *args: Any) -> Step:
    x, weight, bias, *_, groups, epsilon = args
    where = {"x": x.number, "w": recorder.keep(weight), "b": recorder.keep(bias)}
    return {"do": "group_norm", **where, "groups": groups, "epsilon": epsilon}


def _upsample(recorder: _Recorder, name: str, x: _Made, size: Any, *rest: Any) -> Step | None:
    corners, *scales = rest if name == "upsample_bilinear2d" else (False, *rest)
    if any(scale and side * scale != out for side, out, scale in zip(x.shape[1:], size, scales, strict=False)):
        return None  # torch takes places by the scale then, the script by the sizes
    return {"do": name.removeprefix("upsample_").removesuffix("2d"), "x": x.number, "corners": corners}


def _pixel_shuffle(recorder: _Recorder, name: str, x: _Made, factor: int) -> Step:
    return {"do": name, "x": x.number, "factor": factor}


def _mean(recorder: _Recorder, name: str, x: _Made, dims: Any = (), *rest: Any) -> Step | None:
    return {"do": "mean", "x": x.number} if len(x.shape) == 3 and {d % 4 for d in dims} == {2, 3} else None


def _binary(recorder: _Recorder, name: str, *args: Any) -> Step | None:
    shapes = [_shape(operand) for operand in args]
    full = np.broadcast_shapes(*shapes)
    operands = [_operand(recorder, operand, shape, full) for operand, shape in zip(args, shapes, strict=True)]
    return None if len(args) != 2 or None in operands else {"do": name, "x": operands[0], "y": operands[1]}


def _shape(operand: Any) -> tuple[int, ...]:
    """Return the shape of a side of a sum or product, without a batch of one."""
    if isinstance(operand, _Made):
        return operand.shape
    shape = () if isinstance(operand, int | float) else tuple(operand.shape)
    return shape[1:] if len(shape) == 4 else shape


def _operand(recorder: _Recorder, operand: Any, shape: tuple[int, ...], full: tuple[int, ...]) -> Step | None:
    """Return a number, or numbers of which one holds for "one" and all, for "each" place or for each "channel"."""
    if isinstance(operand, int | float):
        return {"number": operand}
    kinds = {full: "each", (full[0], 1, 1): "channel"}
    kind = "one" if all(side == 1 for side in shape) else kinds.get(shape)
    where = {"value": operand.number} if isinstance(operand, _Made) else {"w": recorder.keep(operand)}
    return {**where, "per": kind} if kind else None


_STEPS: dict[str, Callable[..., Step | None]] = {
    "addmm": _linear,
    "mm": _linear,
    "convolution": _convolution,
    **dict.fromkeys(_NORMS, _batch_norm),
    "native_group_norm": _group_norm,
    "upsample_nearest2d": _upsample,
    "upsample_bilinear2d": _upsample,
    "pixel_shuffle": _pixel_shuffle,
    "mean": _mean,
    **dict.fromkeys(("add", "sub", "mul", "div"), _binary),
}
