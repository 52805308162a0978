"""What files hold decides: other pixels under the same names, sizes and times are never taken for one another."""

import os
import sys
import time

import numpy as np
import pytest
from PIL import Image

from vaekit.artifacts import write_json
from vaekit.data import Protocol, open_prepared, open_source, prepare
from vaekit.data.contents import CONTENTS, contents_of
from vaekit.errors import DataError

contents = sys.modules["vaekit.data.contents"]
SMALL = Protocol("none", 32)
HOUR = 3_600_000_000_000


@pytest.fixture
def write(tmp_path):
    def write(folder, grey):
        (tmp_path / folder).mkdir(exist_ok=True)
        for i in range(12):
            Image.new("RGB", (40, 40), (grey, grey, 10 * i)).save(tmp_path / folder / f"{i}.bmp")
            os.utime(tmp_path / folder / f"{i}.bmp", ns=(10**18, 10**18))
        return tmp_path / folder

    return write


@pytest.fixture
def settled(monkeypatch):
    """Files written a moment ago are old enough to be remembered."""
    monkeypatch.setattr(contents, "SETTLED", -HOUR)


def test_two_folders_of_the_same_names_sizes_and_times_share_nothing(write, tmp_path, settled):
    dark, bright = (prepare(open_source(str(write(*f))), SMALL, cache=tmp_path / "c") for f in (("a", 20), ("b", 200)))
    assert dark.fingerprint != bright.fingerprint
    assert (dark.images[:, 0, 0, 0] == 20).all() and (bright.images[:, 0, 0, 0] == 200).all()
    # The folder is not asked: the same pictures elsewhere are the same data, and are not prepared twice.
    again = prepare(open_source(str(write("elsewhere", 20))), SMALL, cache=tmp_path / "c")
    assert again.folder == dark.folder


def test_a_folder_changed_in_place_is_read_again(write, tmp_path, settled):
    before = prepare(open_source(str(write("a", 20))), SMALL, cache=tmp_path / "c")
    after = prepare(open_source(str(write("a", 90))), SMALL, cache=tmp_path / "c")
    assert before.fingerprint != after.fingerprint and (after.images[:, 0, 0, 0] == 90).all()


def test_what_no_program_touched_is_not_read_again_unless_asked(write, tmp_path, settled, monkeypatch):
    root, files = write("a", 20), [f"{i}.bmp" for i in range(12)]
    first = contents_of(root, files, tmp_path / "c", workers=3)
    assert len(list((tmp_path / "c" / CONTENTS).iterdir())) == 1
    read = []
    digest = contents._digest
    monkeypatch.setattr(contents, "_digest", lambda path: read.append(path.name) or digest(path))
    assert contents_of(root, files, tmp_path / "c") == first and not read
    assert contents_of(root, files, tmp_path / "c", verify=True) == first and read == files
    assert contents_of(root, files[::-1], tmp_path / "c") != first
    (next((tmp_path / "c" / CONTENTS).iterdir())).write_text("no digest")
    assert contents_of(root, files, tmp_path / "c") == first


def test_what_was_written_a_moment_ago_is_not_remembered(write, tmp_path):
    root = write("a", 20)
    contents_of(root, ["1.bmp"], tmp_path / "c")
    assert not (tmp_path / "c").exists()


def test_damage_by_the_disk_itself_is_found_when_asked(write, tmp_path, settled, monkeypatch, caplog):
    source = open_source(str(write("a", 20)))
    prepared = prepare(source, SMALL, cache=tmp_path / "c")
    prepare(source, SMALL, cache=tmp_path / "c")
    with (prepared.folder / "images.npy").open("r+b") as file:  # the disk moves no ctime: hide the one of this write
        stamp = contents._stamp(prepared.folder / "images.npy")
        file.seek(5000)
        file.write(bytes(500))
    real = contents._stamp
    monkeypatch.setattr(contents, "_stamp", lambda path: stamp if path.name == "images.npy" else real(path))
    assert not open_prepared(prepared.folder).images.all()
    with pytest.raises(DataError, match="was changed after it was written: delete it and prepare the data again"):
        open_prepared(prepared.folder, verify=True)
    mended = prepare(source, SMALL, cache=tmp_path / "c", verify=True)
    assert f"The prepared images in {prepared.folder} are damaged and are made again" in caplog.text
    assert (mended.images[:, 0, 0, 0] == 20).all()


def test_what_an_older_vaekit_prepared_is_made_again_and_said_in_one_line(write, tmp_path, caplog):
    write_json(tmp_path / "c" / "0123456789abcdef" / "meta.json", {"format": 1})
    write_json(tmp_path / "c" / "fedcba9876543210" / "meta.json", ["no", "object"])
    with caplog.at_level("INFO", "vaekit"):
        prepare(open_source(str(write("a", 20))), SMALL, cache=tmp_path / "c")
    said = [message for message in caplog.messages if "older vaekit" in message]
    assert len(said) == 1 and said[0].endswith("can be deleted: 0123456789abcdef.")


def test_pipes_devices_and_loops_are_no_files(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "loop.jpg").symlink_to("loop.jpg")
    (tmp_path / "zero.jpg").symlink_to("/dev/zero")
    (tmp_path / "folder.jpg").mkdir()
    Image.fromarray(np.full((40, 40, 3), 9, np.uint8)).save(tmp_path / "good.jpg")
    started = time.monotonic()
    prepared = prepare(open_source(str(tmp_path)), SMALL, cache=tmp_path / "c")
    assert time.monotonic() - started < 60  # a pipe that is opened waits for ever
    reasons = dict(zip(prepared.skipped["file"], prepared.skipped["reason"], strict=True))
    assert set(reasons) == {"pipe.jpg", "loop.jpg", "zero.jpg"}
    assert reasons["pipe.jpg"] == reasons["zero.jpg"] == "not a file: a folder, pipe or device"
    assert "symbolic links" in reasons["loop.jpg"]
    assert prepared.index["image_id"].tolist() == ["good"]
