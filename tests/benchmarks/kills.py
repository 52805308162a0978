"""kill -9 at random moments of each command, then the same command again: `python -m tests.benchmarks.kills`.

After each kill every finished file is one that the uninterrupted command writes; after the second run all of them are.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from vaekit.faces import write_faces

COMMANDS = {
    "prepare": "data prepare --data ./faces",
    "train": "train --data ./faces --run r --overwrite --epochs 3 --set model.channels=[4,8] --batch-size 16",
    "evaluate": "evaluate r",
    "failures": "failures r --top 4",
    "report": "report r",
}


def files(place: Path) -> dict[str, str]:
    """Return the digest of every finished file by its place; what is known of others' files goes by their times."""
    found = (path for path in place.rglob("*") if path.is_file() and not {".contents", "faces"} & {*path.parts})
    return {path.relative_to(place).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


def run(place: Path, name: str, seconds: float | None = None) -> float:
    """Run a command, kill it after so many seconds if it is not done, and return how long it took."""
    started = time.perf_counter()
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2]), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "vaekit", *COMMANDS[name].split()]
    with subprocess.Popen(
        command, cwd=place, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            _, said = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
        else:
            assert process.returncode == 0, said
    return time.perf_counter() - started


def main() -> None:
    """Kill each command at moments drawn by a seed and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("commands", nargs="*", default=list(COMMANDS), help="those to kill; none named: all")
    parser.add_argument("--kills", type=int, default=20, help="of each command")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    generator = np.random.default_rng(asked.seed)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "place"
        write_faces(place / "faces", 64, seed=3)
        for name in COMMANDS:
            before = Path(folder) / f"before-{name}"
            shutil.copytree(place, before, copy_function=shutil.copy2)
            took, after = run(place, name), files(place)
            whole = {*files(before).values(), *after.values()}
            torn = other = 0
            for share in generator.random(asked.kills) if name in asked.commands else ():
                trial = Path(folder) / "trial"
                shutil.copytree(before, trial)
                run(trial, name, took * share)
                kept = {p: d for p, d in files(trial).items() if ".partial/" not in p and "/." not in p}
                if name != "train":  # whose checkpoints of earlier epochs are whole, too
                    torn += any(d not in whole for p, d in kept.items() if not p.endswith(".lock"))
                run(trial, name)
                other += files(trial) != after
                shutil.rmtree(trial)
            if name in asked.commands:
                print(f"{name}: {asked.kills} kills within {took:.1f} s, {torn} torn, {other} other ends", flush=True)


if __name__ == "__main__":
    main()
