"""Where runs lie: the model that a name stands for, the name of its results, the folder of a new run."""

import hashlib
import logging
import shlex
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, Union

from vaekit import artifacts
from vaekit.errors import CheckpointError, ConfigError, OutputError, did_you_mean
from vaekit.options import ModelOptions

if TYPE_CHECKING:
    from torch import nn

log = logging.getLogger("vaekit")

AnyModel: TypeAlias = Union[str, Path, "nn.Module", None]  # what a public function takes for a model
RUNS = Path("checkpoints")


@contextmanager
def told_how_to_go_on(folder: Path) -> Iterator[None]:
    """Say, where training in `folder` is interrupted after its first epoch, which command goes on with it."""
    try:
        yield
    except KeyboardInterrupt:
        if (folder / artifacts.LAST).is_file():
            log.warning("Go on with: vaekit train --resume %s", shlex.quote(str(folder)))
        raise


@dataclass(frozen=True)
class ModelSource:
    """A model before it is read: where it comes from, and how.

    Attributes:
        origin: a checkpoint's file or folder, or a live module.
        options: how to read it, where vaekit did not write it; all unset where it did.
    """

    origin: "Path | nn.Module"
    options: ModelOptions

    @cached_property
    def sha256(self) -> str:
        """Hash of the content of the checkpoint, or of the live module's class and weights."""
        if isinstance(self.origin, Path):
            hashes = [artifacts.content_hash(path) for path in _parts(self.origin)]
            return hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()
        import torch

        digest = hashlib.sha256(type(self.origin).__qualname__.encode())
        for name, tensor in self.origin.state_dict().items():
            digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
            digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
        return digest.hexdigest()

    @cached_property
    def run(self) -> str:
        """The name under which the results are kept: the run's, or that of file or class and a hash."""
        if not isinstance(self.origin, Path):
            return f"{type(self.origin).__name__}-{self.sha256[:8]}"
        if self.options.is_foreign or not (self.origin.parent / artifacts.CONFIG).is_file():
            return f"{self.origin.stem}-{self.sha256[:8]}"
        run = self.origin.resolve().parent.name
        return run if self.origin.name == artifacts.BEST else f"{run}-{self.origin.stem}"

    def __str__(self) -> str:
        return str(self.origin) if isinstance(self.origin, Path) else f"the live {type(self.origin).__name__}"

    def read_with(self) -> dict[str, Any]:
        """Return the options that decide how the checkpoint is read."""
        return self.options.model_dump(exclude_defaults=True, mode="json")


def find_model(
    checkpoint: AnyModel, options: ModelOptions, runs: Path = RUNS, *, among_others: bool = False
) -> ModelSource:
    """Return the model of that name.

    Args:
        checkpoint: what a public function was given.
        options: how to read it, where vaekit did not write it.
        runs: folder of the runs.
        among_others: the options are for those of several models that vaekit did not write.

    Raises:
        CheckpointError: there is none of that name.
        ConfigError: options for a foreign model, and vaekit wrote this one.
    """
    if checkpoint is not None and not isinstance(checkpoint, str | Path):
        return ModelSource(checkpoint, options)
    if checkpoint is not None and options.is_foreign and all(path.exists() for path in _parts(checkpoint)):
        path = Path(checkpoint)
    else:
        path = find_checkpoint(checkpoint, runs)
    if not is_own(path):
        return ModelSource(path, options)
    if options != ModelOptions() and not among_others:
        names = ", ".join(f"--{name.replace('_', '-')}" for name in options.model_dump(exclude_defaults=True))
        raise ConfigError(f"{path} was written by vaekit, which knows how it is read: leave {names} away.")
    return ModelSource(path, ModelOptions())


def _parts(checkpoint: str | Path) -> list[Path]:
    """Return the path, or two of them joined by a comma: encoder and decoder in files of their own."""
    path = Path(checkpoint)
    return [path] if path.exists() else [Path(part.strip()) for part in str(checkpoint).split(",")]


def is_own(path: Path) -> bool:
    """Whether vaekit wrote this checkpoint, told from its table of contents without unpickling anything."""
    try:
        with zipfile.ZipFile(path) as archive:
            pickled = next((name for name in archive.namelist() if name.endswith("/data.pkl")), None)
            return pickled is not None and b"vaekit_checkpoint" in archive.open(pickled).read(4096)
    except (OSError, ValueError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError):
        return False


def find_checkpoint(checkpoint: str | Path | None, runs: Path = RUNS) -> Path:
    """Return the checkpoint's file: the given one, the best of a run's folder or name, or the best of the newest run.

    A folder that is no run's is returned as it is: other programs keep their models so.

    Raises:
        CheckpointError: there is none.
    """
    if checkpoint is None:
        newest = sorted(runs.glob(f"*/{artifacts.BEST}"), key=lambda path: (path.stat().st_mtime, path), reverse=True)
        if not newest:
            raise CheckpointError(f"There is no run in {runs}/: train one with `vaekit train`, or name a checkpoint.")
        log.info("No checkpoint is named: using the best of the newest run, %s.", newest[0])
        return newest[0]
    path = Path(checkpoint)
    for candidate in (path, path / artifacts.BEST, runs / path / artifacts.BEST):
        if candidate.is_file():
            return candidate
    if path.is_dir() and any(path.iterdir()):
        return path
    names = sorted(file.parent.name for file in runs.glob(f"*/{artifacts.BEST}"))
    near = did_you_mean(path.name, names) if names and len(path.parts) == 1 and not path.suffix else ""
    raise CheckpointError(
        f"There is no checkpoint {checkpoint}: give a .pt file, or the folder or name of a run of `vaekit train`.{near}"
    )


def new_run_folder(out: Path, run: str | None, default: str, overwrite: bool) -> Path:
    """Return the new run's folder, made; a name that is taken is refused, or for an unnamed run counted up.

    A folder without a finished epoch is not taken: a run that failed before leaves its name free.
    """
    if run is not None and (not run or Path(run).name != run):
        raise ConfigError(f"--run {run!r} is no name: give one word for a folder below {out}, without slashes.")
    folder = out / (run or default)
    if not overwrite:
        if run and _is_taken(folder):
            if (folder / artifacts.LAST).is_file():
                raise OutputError(
                    f"{folder} is there already: go on with it by `vaekit train --resume {folder}`, choose another "
                    "--run, or replace it with --overwrite."
                )
            raise OutputError(f"{folder} is there already: choose another --run, or replace it with --overwrite.")
        count = 2
        while _is_taken(folder):
            folder, count = out / f"{default}-{count}", count + 1
    with artifacts.alone_in(folder):
        _remove_run(folder)
    return folder


def _is_taken(folder: Path) -> bool:
    """Whether a folder holds more than the settings of a run that failed before its first epoch ended."""
    if not folder.is_dir():
        return folder.exists()
    return any(child.name not in (artifacts.CONFIG, artifacts.LOCK) for child in folder.iterdir())


def _remove_run(folder: Path) -> None:
    """Remove what `train` writes from a run's folder, and nothing else."""
    for name in (artifacts.BEST, artifacts.LAST, artifacts.CONFIG, artifacts.HISTORY, artifacts.CURVES):
        (folder / name).unlink(missing_ok=True)
    for picture in (folder / artifacts.EPOCHS).glob("*.png"):
        picture.unlink()
