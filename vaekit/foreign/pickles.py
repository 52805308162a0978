"""Reading a file of weights as data. Nothing in it is run unless the user says that its pickle may be trusted."""

import argparse
import pickle
import pickletools
import types
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path, PosixPath, PurePosixPath
from typing import Any

import numpy as np
import torch

from vaekit.checkpoint_files import what_is_this
from vaekit.errors import CheckpointError, ConfigError

FIND = Callable[[str, str], Any]
DAMAGED = (RuntimeError, EOFError, zipfile.BadZipFile, ValueError, OSError, KeyError, TypeError, AttributeError)
# Plain values that training scripts save beside the weights; building one of these runs nothing of the file's choice.
PLAIN = (list, dict, set, frozenset, tuple, int, float, bool, complex, str, slice, bytearray)
HARMLESS: list[Any] = [
    *(argparse.Namespace, types.SimpleNamespace),
    *(PosixPath, PurePosixPath, np.dtype, np.ndarray),
    *((kind, f"{module}.{kind.__name__}") for kind in PLAIN for module in ("builtins", "__builtin__")),
    *(type(np.dtype(kind)) for kind in "?bBhHiIlLqQefd"),
    *((np.float64().__reduce__()[0], f"numpy.{core}.multiarray.scalar") for core in ("core", "_core")),
    *((np.empty(0).__reduce__()[0], f"numpy.{core}.multiarray._reconstruct") for core in ("core", "_core")),
]
MOST_DECLARED = 4  # times a file's own size; PyTorch does not compress at all


def read_weights(path: Path, *, trust: bool = False, find: FIND | None = None) -> Any:
    """Return what a file of weights holds: tensors and plain data.

    Args:
        path: a file of PyTorch, new or old format, or of safetensors.
        trust: unpickle although that runs whatever code the file holds.
        find: returns the object that a trusted pickle calls (module, name), where Python finds none.

    Raises:
        CheckpointError: no such file, no weights, damaged, or one that needs code to be run without `trust`.
    """
    kind = what_is_this(path)
    if not path.is_file():
        raise CheckpointError(f"{path} is {kind}: give a file of weights or the folder that holds it.")
    if kind == "a safetensors file":
        return _read_safetensors(path)
    if zipfile.is_zipfile(path):
        _refuse_bomb(path)
    try:
        with torch.serialization.safe_globals(HARMLESS), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pickles by newer protocols, which load or are refused all the same
            return torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, *DAMAGED) as error:
        names = unsafe_globals(path)
        if names and trust:
            return _trusted(path, find)
        raise CheckpointError(_refusal(path, names) if names else _unreadable(path, kind, error)) from None


def unsafe_globals(path: Path) -> list[str]:
    """Return the classes and functions a file asks for beyond tensors and plain data, without running any."""
    allowed = {f"{getattr(t, '__module__', '')}.{getattr(t, '__name__', '')}" for t in HARMLESS}
    allowed |= {t[1] for t in HARMLESS if isinstance(t, tuple)}
    names = [name for name in _globals(path) if name not in allowed and not _is_tensors_own(name)]
    return sorted(set(names), key=lambda name: (name.startswith("torch."), name))


def _is_tensors_own(name: str) -> bool:
    module, _, last = name.rpartition(".")
    return (
        name in {"collections.OrderedDict", "_codecs.encode", "torch.Size", "torch.device"}
        or (module == "torch._utils" and last.startswith("_rebuild_"))
        or (module == "torch" and (last.endswith("Storage") or isinstance(getattr(torch, last, None), torch.dtype)))
        or name
        in {"torch.nn.parameter.Parameter", "torch.serialization._get_layout", "torch._tensor._rebuild_from_type_v2"}
    )


def _globals(path: Path) -> list[str]:
    """Read the opcodes of every pickle in the file."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            pickles = [archive.read(n) for n in archive.namelist() if n.endswith("data.pkl")]
    else:
        pickles = [path.read_bytes()]
    names: list[str] = []
    for data in pickles:
        names += _names_in(data)
    return names


def _names_in(data: bytes) -> list[str]:
    names, start = [], 0
    while data[start : start + 1] == b"\x80":  # the old format is several pickles, then raw storages
        texts: list[str] = []
        memo: dict[int, str] = {}
        try:
            for opcode, argument, position in pickletools.genops(data[start:]):
                if opcode.name in ("GLOBAL", "INST"):
                    names.append(str(argument).replace(" ", "."))
                elif opcode.name == "STACK_GLOBAL":
                    names.append(".".join(texts[-2:]))
                elif isinstance(argument, str):
                    texts.append(argument)
                elif opcode.name in ("MEMOIZE", "BINPUT", "LONG_BINPUT"):
                    memo[len(memo) if argument is None else argument] = texts[-1] if texts else ""
                elif opcode.name in ("BINGET", "LONG_BINGET") and argument in memo:
                    texts.append(memo[argument])
                end = start + (position or 0) + 1
        except ValueError:
            break
        start = end
    return names


def _refuse_bomb(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except zipfile.BadZipFile:
        raise CheckpointError(f"{path} is {what_is_this(path)}.") from None
    declared, size = sum(entry.file_size for entry in entries), path.stat().st_size
    if declared > MOST_DECLARED * size:
        raise CheckpointError(
            f"{path} is refused: its {size:,} bytes declare {declared:,} bytes of content, which no file of PyTorch "
            "does. Download it again from a source you trust."
        )


def _refusal(path: Path, names: list[str]) -> str:
    shown = ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
    return (
        f"{path} can not be read as data: it asks for {shown}, and unpickling these may run code of the file's choice. "
        "Save the model's state_dict() instead; or, where you trust whoever made the file as you would trust their "
        "program, add --trust-pickle."
    )


def _unreadable(path: Path, kind: str, error: Exception) -> str:
    if kind.startswith(("a file of PyTorch", "a pickle")):
        told = str(error).rpartition("WeightsUnpickler error:")[2].strip()
        text = (told.splitlines() or [type(error).__name__])[0].rstrip(".")[:160]
        return f"{path} is damaged or cut short ({text}): copy it again."
    return f"{path} is {kind}."


def _read_safetensors(path: Path) -> dict[str, torch.Tensor]:
    try:
        from safetensors import SafetensorError
        from safetensors.torch import load_file
    except ImportError:
        raise ConfigError(f"{path} needs the package safetensors: pip install safetensors.") from None
    try:
        return load_file(path)
    except (SafetensorError, ValueError, OSError) as error:
        raise CheckpointError(f"{path} is a damaged safetensors file ({error}): copy it again.") from None


def _trusted(path: Path, find: FIND | None) -> Any:
    class Unpickler(pickle.Unpickler):
        def find_class(self, module: str, name: str) -> Any:
            try:
                return super().find_class(module, name)
            except (ImportError, AttributeError):
                if find is None:
                    raise
                return find(module, name)

    reader = types.ModuleType("reader")
    vars(reader).update(Unpickler=Unpickler, load=lambda file, **options: Unpickler(file, **options).load())
    try:
        try:
            return torch.load(path, map_location="cpu", weights_only=False, pickle_module=reader)
        except (RuntimeError, pickle.UnpicklingError):
            with path.open("rb") as file:  # a plain pickle, not by torch.save
                return Unpickler(file).load()
    except (ImportError, AttributeError) as error:
        raise CheckpointError(
            f"{path} holds objects whose classes are not to be found ({error}): name the file with their code as "
            "--model FILE.py:Class, or save the model's state_dict()."
        ) from None
    except Exception as error:
        raise CheckpointError(f"{path} can not be unpickled: {type(error).__name__}: {error}.") from None
