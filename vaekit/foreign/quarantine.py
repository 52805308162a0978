"""The conditions under which other people's code runs: no GPU needed, nothing printed, nothing left behind."""

import argparse
import contextlib
import io
import os
import random
import socket
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NoReturn

import matplotlib
import numpy as np
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

CPU = torch.device("cpu")
OLD_NUMPY: dict[str, Any] = {
    "product": np.prod,
    "float": float,
    "int": int,
    "object": object,
    "bool": bool,
}  # until 1.24
_homes: list[Path] = []  # the working folders outside, outermost first, while inside


def from_home(path: Path) -> Path:
    """Return a path as the user meant it: the working folder inside a quarantine is another one."""
    return (_homes[0] if _homes else Path.cwd()) / path.expanduser()


class _OneDevice(TorchFunctionMode):
    def __init__(self, device: torch.device) -> None:
        super().__init__()
        self.to = device

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if func is Tensor.cuda:
            return args[0].to(self.to)
        moves = func is Tensor.to
        return func(
            *(self._mapped(a, moves and place == 1) for place, a in enumerate(args)),
            **{k: self._mapped(v, k == "device") for k, v in (kwargs or {}).items()},
        )

    def _mapped(self, value: Any, is_device: bool) -> Any:
        if isinstance(value, torch.device):
            return self.to if value.type == "cuda" else value
        if is_device and (isinstance(value, int) or (isinstance(value, str) and value.startswith("cuda"))):
            return self.to  # a bare number is a GPU's
        return value


@contextmanager
def on_device(device: torch.device) -> Iterator[None]:
    """Inside, every `.cuda()`, `.to("cuda")` or `device="cuda"` of a network means `device` instead.

    Meant around every call of a foreign network too: many draw their noise with `torch.randn(...).cuda()`.
    """
    with _OneDevice(device):
        yield


@contextmanager
def quarantine() -> Iterator[None]:
    """Run other people's code without side effects: every global thing that it may change is put back afterwards.

    Inside there are no command line, no standard input, no network and no GPU; the working folder is empty and
    temporary; argparse takes every default, required arguments being None; nothing is printed or warned about; the
    random generators are seeded copies; names that numpy has dropped are there again.
    """
    with ExitStack() as stack:
        for context in (_interpreter(), _torch_state(), _random_state(), on_device(CPU)):
            stack.enter_context(context)
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        for name in set(OLD_NUMPY) - set(vars(np)):
            vars(np)[name] = OLD_NUMPY[name]
            stack.callback(vars(np).pop, name, None)
        stack.enter_context(matplotlib.rc_context())  # a style set at import would change vaekit's own figures
        yield


@contextmanager
def _interpreter() -> Iterator[None]:
    environment, bytecode, home = dict(os.environ), sys.dont_write_bytecode, Path.cwd()
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="vaekit-", ignore_cleanup_errors=True))
        stack.enter_context(contextlib.chdir(folder))
        stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
        stack.enter_context(contextlib.redirect_stderr(io.StringIO()))
        stack.enter_context(_replaced(sys, "argv", ["model"]))
        stack.enter_context(_replaced(sys, "stdin", io.StringIO("")))
        stack.enter_context(_replaced(socket.socket, "connect", _no_network))
        stack.enter_context(_replaced(socket, "getaddrinfo", _no_network))
        stack.enter_context(_replaced(argparse.ArgumentParser, "parse_known_args", _defaults_only))
        os.environ["MPLBACKEND"] = "Agg"
        sys.dont_write_bytecode = True
        _homes.append(home)
        try:
            yield
        finally:
            _homes.pop()
            sys.dont_write_bytecode = bytecode
            os.environ.clear()
            os.environ.update(environment)


@contextmanager
def _torch_state() -> Iterator[None]:
    dtype, device, threads = torch.get_default_dtype(), torch.get_default_device(), torch.get_num_threads()
    grad, deterministic = torch.is_grad_enabled(), torch.are_deterministic_algorithms_enabled()
    has_device = device != CPU
    try:
        yield
    finally:
        torch.set_default_dtype(dtype)
        torch.set_default_device(device if has_device else None)
        torch.set_grad_enabled(grad)
        torch.use_deterministic_algorithms(deterministic)
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)


@contextmanager
def _random_state() -> Iterator[None]:
    python, numpy = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)  # what a checkpoint does not hold, a network draws: the same at every load
        random.seed(0)
        np.random.seed(0)
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)


@contextmanager
def _replaced(owner: Any, name: str, value: object) -> Iterator[None]:
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)


def _no_network(*args: object, **options: object) -> NoReturn:
    raise OSError("there is no network while a model's file is imported or its class built")


_parse_known_args = argparse.ArgumentParser.parse_known_args


def _defaults_only(
    parser: argparse.ArgumentParser, args: object = None, namespace: Any = None
) -> tuple[argparse.Namespace, list[str]]:
    for action in parser._actions:
        action.required = False
    return _parse_known_args(parser, [], namespace)
