"""Where runs lie: the checkpoint that a name stands for, the name of its results, the folder of a new run."""

import logging
from pathlib import Path

from vaekit import artifacts
from vaekit.errors import CheckpointError, ConfigError, OutputError

log = logging.getLogger("vaekit")


def find_checkpoint(checkpoint: str | Path | None, runs: Path = Path("checkpoints")) -> Path:
    """Return the checkpoint's file: the given one, the best of a run's folder or name, or the best of the newest run.

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
    raise CheckpointError(
        f"There is no checkpoint {checkpoint}: give a .pt file, or the folder or name of a run of `vaekit train`."
    )


def run_name(path: Path) -> str:
    """Return the name under which a checkpoint's results are kept: its run, or file name and hash outside a run."""
    if not (path.parent / artifacts.CONFIG).is_file():
        return f"{path.stem}-{artifacts.file_hash(path)[:8]}"
    run = path.resolve().parent.name
    return run if path.name == artifacts.BEST else f"{run}-{path.stem}"


def new_run_folder(out: Path, run: str | None, default: str, overwrite: bool) -> Path:
    """Return the new run's folder, made; a name that is taken is refused, or for an unnamed run counted up."""
    if run is not None and (not run or Path(run).name != run):
        raise ConfigError(f"--run {run!r} is no name: give one word for a folder below {out}, without slashes.")
    folder = out / (run or default)
    if not overwrite:
        if run and folder.exists():
            raise OutputError(f"{folder} is there already: choose another --run, or replace it with --overwrite.")
        count = 2
        while folder.exists():
            folder, count = out / f"{default}-{count}", count + 1
    elif folder.exists():
        _remove_run(folder)
    return artifacts.make_folder(folder)


def _remove_run(folder: Path) -> None:
    """Remove what `train` writes from a run's folder, and nothing else."""
    for name in (artifacts.BEST, artifacts.LAST, artifacts.CONFIG, artifacts.HISTORY, artifacts.CURVES):
        (folder / name).unlink(missing_ok=True)
    for picture in (folder / artifacts.EPOCHS).glob("*.png"):
        picture.unlink()
