"""What many tests need: a small drawn dataset, one trained run, and the command line as a user calls it."""

import contextlib
import io
import json
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

FACES = 64
os.environ["PYTHONPATH"] = str(Path(__file__).parent.parent)  # processes that a test starts run this checkout
torch.set_num_threads(1)  # test processes share the cores: threads that wait for one another cost ten times the time


@pytest.fixture(autouse=True)
def _strangers_random_state():
    """No test may depend on the global generators: shift them differently for every test."""
    torch.manual_seed(os.getpid())


@pytest.fixture(scope="session")
def faces(tmp_path_factory) -> Path:
    """64 drawn faces in CelebA's layout."""
    from vaekit.faces import write_faces

    return write_faces(tmp_path_factory.mktemp("drawn") / "faces", FACES, seed=3)


@pytest.fixture(scope="session")
def prepared(faces, tmp_path_factory):
    """The drawn faces, prepared at crop 178 and 64 pixels."""
    from vaekit.data import Protocol, open_source, prepare

    return prepare(open_source(str(faces)), Protocol(178, 64), cache=tmp_path_factory.mktemp("prepared"))


@dataclass(frozen=True)
class Done:
    """What a command left behind: its exit code and what it printed."""

    returncode: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class Workplace:
    """A folder to work in, and the command line in it."""

    folder: Path

    def vaekit(self, *arguments: object, check: int | None = 0) -> Done:
        """Run `vaekit ...` here, in this process, where torch is imported already; `check` is its exit code."""
        from vaekit.cli import main

        with (
            pytest.MonkeyPatch.context() as patch,
            contextlib.redirect_stdout(io.StringIO()) as stdout,
            contextlib.redirect_stderr(io.StringIO()) as stderr,
        ):
            patch.chdir(self.folder)
            patch.setattr(sys, "argv", ["vaekit", *map(str, arguments)])
            patch.setenv("COLUMNS", "200")
            with pytest.raises(SystemExit) as stopped:
                main()
                sys.exit(0)
        code = stopped.value.code or 0
        done = Done(code, stdout.getvalue(), stderr.getvalue())
        assert check is None or code == check, f"exit {code}\n{done.stdout}\n{done.stderr}"
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


@pytest.fixture(scope="session")
def compared(finished, faces, tmp_path_factory) -> Workplace:
    """A copy of `finished` with a second, shorter run, and the comparison of both; read it, do not write."""
    place = Workplace(tmp_path_factory.mktemp("compared") / "place")
    shutil.copytree(finished.folder, place.folder)
    settings = ("--set", "model.channels=[8,16,32,32]", "--set", "model.latent_dim=8", "--batch-size", 16)
    place.vaekit("train", "--data", faces, "--epochs", 1, "--run", "short", *settings, "--device", "cpu")
    place.vaekit("compare", "small", "short", "--device", "cpu")
    return place
