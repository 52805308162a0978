"""What many tests need: a small drawn dataset, one trained run, and the command line as a user calls it."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

FACES = 64
torch.set_num_threads(1)  # test processes share the cores: threads that wait for one another cost ten times the time


@pytest.fixture(autouse=True)
def _strangers_random_state():
    """No test may depend on the global generators: shift them differently for every test."""
    torch.manual_seed(os.getpid())


@pytest.fixture(scope="session")
def faces(tmp_path_factory) -> Path:
    """64 drawn faces in CelebA's layout."""
    from vaekit.data.faces import write_faces

    return write_faces(tmp_path_factory.mktemp("drawn") / "faces", FACES, seed=3)


@pytest.fixture(scope="session")
def prepared(faces, tmp_path_factory):
    """The drawn faces, prepared at crop 178 and 64 pixels."""
    from vaekit.data import Protocol, open_source, prepare

    return prepare(open_source(str(faces)), Protocol(178, 64), cache=tmp_path_factory.mktemp("prepared"))


@dataclass(frozen=True)
class Workplace:
    """A folder to work in, and the command line in it."""

    folder: Path

    def vaekit(self, *arguments: object, check: int | None = 0) -> subprocess.CompletedProcess:
        """Run `vaekit ...` here in a fresh process; `check` is the exit code that is expected."""
        done = subprocess.run(
            [sys.executable, "-m", "vaekit", *map(str, arguments)],
            cwd=self.folder, capture_output=True, text=True, timeout=300, check=False,
            env=os.environ | {"COLUMNS": "200", "NO_COLOR": "1", "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        assert check is None or done.returncode == check, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def json(self, *arguments: object) -> dict:
        """Run a command with --json and return what it printed."""
        return json.loads(self.vaekit(*arguments, "--json").stdout)


@pytest.fixture
def workplace(tmp_path) -> Workplace:
    """An empty folder to work in."""
    return Workplace(tmp_path)


@pytest.fixture(scope="session")
def finished(faces, tmp_path_factory) -> Workplace:
    """A folder in which one small run on drawn faces went all the way to the report; read it, do not write."""
    place = Workplace(tmp_path_factory.mktemp("finished"))
    settings = ("--set", "model.channels=[8,16,32,32]", "--set", "model.latent_dim=8", "--batch-size", 16)
    place.vaekit("train", "--data", faces, "--epochs", 2, "--run", "small", *settings, "--device", "cpu")
    place.vaekit("evaluate")
    place.vaekit("failures", "--top", 4)
    place.vaekit("report")
    return place
