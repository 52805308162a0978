"""Killed at any write: every file is whole or absent, the same command finishes, and the bytes are the same."""

import contextlib
import hashlib
import itertools
import shutil
from pathlib import Path

import numpy as np
import pytest

import vaekit
from vaekit import artifacts
from vaekit.data import Protocol, open_source, prepare
from vaekit.data.contents import CONTENTS
from vaekit.faces import write_faces
from vaekit.statistics.bootstrap import LEAST

SETTINGS = {
    "model.channels": [4, 8],
    "model.latent_dim": 4,
    "training.epochs": 2,
    "training.batch_size": 16,
    "training.ema": 0.5,
}


class Killed(BaseException):
    """Nothing catches it, as nothing catches kill -9."""


def train():
    vaekit.train(data="./faces", overrides=SETTINGS, run="r", device="cpu", overwrite=True)


def go_on():
    vaekit.resume("r", device="cpu") if (Path("checkpoints/r") / artifacts.LAST).exists() else train()


COMMANDS = {
    "prepare": lambda: prepare(open_source("./faces"), Protocol(178, 64)),
    "train": train,
    "evaluate": lambda: vaekit.evaluate("r", device="cpu"),
    "failures": lambda: vaekit.failures("r", top=4, device="cpu"),
    "report": lambda: vaekit.report("r", device="cpu"),
}
FOLDERS = ("checkpoints", "reports", "data")


@pytest.fixture(scope="module")
def reached(tmp_path_factory):
    """A folder for each command with what lay there before it and after it, and the digests of all that it wrote."""
    place, stages, written = tmp_path_factory.mktemp("uninterrupted"), {}, {}
    write_faces(place / "faces", 40, seed=3)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        for name, command in COMMANDS.items():
            stages[name] = tmp_path_factory.mktemp(f"before-{name}") / "place"
            shutil.copytree(place, stages[name])
            with writes(patch) as digests:
                command()
            written[name] = digests
    return place, stages, written


def is_counted(path):
    """Whether a file is written each time: what is known of others' files depends on when they were touched."""
    return CONTENTS not in path.parts


@contextlib.contextmanager
def writes(patch):
    """Yield the digests of every file that is written meanwhile, in the order of the writes."""
    real, digests = artifacts.atomic, []

    @contextlib.contextmanager
    def atomic(path):
        with real(path) as file:
            yield file
        if is_counted(path):
            digests.append(artifacts.file_hash(path))

    with patch.context() as inner:
        inner.setattr(artifacts, "atomic", atomic)
        yield digests


@contextlib.contextmanager
def killed_at(patch, number):
    """Kill the process at the given write, which leaves half of its temporary file."""
    real, count = artifacts.atomic, itertools.count()

    def atomic(path):
        if is_counted(path) and next(count) == number:
            artifacts.make_folder(path.parent)
            (path.parent / f".{path.name}.half0000").write_bytes(b"half")
            raise Killed
        return real(path)

    with patch.context() as inner:
        inner.setattr(artifacts, "atomic", atomic)
        yield


def files(place):
    """Relative path -> digest of what lies in the folders that the commands write."""
    found = (path for folder in FOLDERS for path in (place / folder).rglob("*") if path.is_file())
    return {
        path.relative_to(place).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in found
        if is_counted(path)
    }


def is_finished(path):
    """Whether it is no half of a temporary file, nothing that prepare goes on with, and no lock, which is empty."""
    return not (path.endswith((".half0000", ".lock")) or ".partial/" in path)


@pytest.fixture(params=COMMANDS)
def task(request, reached, tmp_path, monkeypatch):
    """A command, a function that makes a fresh copy of what it found, what it wrote, and the files it must end with."""
    place, stages, written = reached
    name, following = request.param, [*list(COMMANDS)[1:], None]
    last = stages.get(following[list(COMMANDS).index(name)], place)

    def fresh(folder):
        shutil.copytree(stages[name], tmp_path / folder)
        monkeypatch.chdir(tmp_path / folder)
        return tmp_path / folder

    return COMMANDS[name], fresh, written[name], files(last)


def test_killed_at_every_write(task, monkeypatch):
    """Each run is killed later than the one before it, and goes on in what all of those left.

    The figures of a report, which are drawn again each time, are thinned to every fifth.
    """
    command, fresh, written, expected = task
    place = fresh("place")
    whole = {*files(place).values(), *written, *expected.values()}
    for number in sorted(
        {*range(0, len(written), 5 if command is COMMANDS["report"] else 1), *range(len(written) - 4, len(written))}
    ):
        with pytest.raises(Killed), killed_at(monkeypatch, number):
            command()
        now = files(place)
        assert not [path for path, digest in now.items() if is_finished(path) and digest not in whole], number
    command()
    assert files(place) == expected


def test_killed_once_and_run_again(task, monkeypatch):
    """At two writes drawn by a seed: the very next run, training resumed, ends as if nothing had been."""
    command, fresh, written, expected = task
    for number in np.random.default_rng(len(written)).choice(len(written), 2, replace=False):
        place = fresh(str(number))
        with pytest.raises(Killed), killed_at(monkeypatch, number):
            command()
        go_on() if command is train else command()
        assert files(place) == expected


def test_no_number_of_a_handful_of_images_has_an_interval(reached):
    """Whichever room wrote the file: the least for an interval are twenty."""

    def with_interval(value):
        if isinstance(value, list | dict):
            if isinstance(value, dict) and isinstance(value.get("low"), float) and value.get("n", LEAST) < LEAST:
                yield value
            for part in value.values() if isinstance(value, dict) else value:
                yield from with_interval(part)

    place = reached[0]
    assert 0 < len(artifacts.read_table(next(place.rglob(artifacts.PER_IMAGE)))) < LEAST
    for file in place.glob("reports/r/*/*/*.json"):
        assert not list(with_interval(artifacts.read_json(file))), file
