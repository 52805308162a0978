"""Prepared images: what they hold, what names them, and that nothing that stops the work harms them."""

import errno
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from vaekit.data import Protocol, load_image, open_prepared, open_source, prepare
from vaekit.data.celeba import open_celeba
from vaekit.data.contents import CONTENTS
from vaekit.data.loaders import batches
from vaekit.data.pixels import to_uint8
from vaekit.errors import ConfigError, DataError, OutputError

# The package binds the name `prepare` to the function, so the module itself is asked of sys.modules.
module = sys.modules["vaekit.data.prepare"]
SMALL = Protocol(178, 64)
BAD = {3: "truncated", 8: "text"}


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir())}


@pytest.fixture
def source(celeba):
    return open_celeba(celeba.root, 0)


@pytest.fixture
def damaged(celeba):
    """Two bad files among good ones: a truncated JPEG (image 4) and a text called .jpg (image 9)."""
    cut = celeba.images / celeba.files[3]
    cut.write_bytes(cut.read_bytes()[:900])
    (celeba.images / celeba.files[8]).write_text("no picture")
    return open_celeba(celeba.root, 0)


def test_rows_are_the_index_and_pixels_those_of_the_protocol(source, tmp_path):
    prepared = prepare(source, SMALL, cache=tmp_path / "c")
    assert prepared.images.shape == (20, 64, 64, 3) and prepared.images.dtype == np.uint8
    assert isinstance(prepared.images, np.memmap) and not prepared.images.flags.writeable
    assert prepared.index.equals(source.index.drop(columns="file"))
    for row, file in enumerate(source.index["file"]):
        assert np.array_equal(prepared.images[row], load_image(source.root / file, SMALL))
    assert prepared.skipped.empty and list(prepared.skipped) == ["file", "reason"]
    assert (prepared.name, prepared.attributes, prepared.notes) == ("celeba", source.attributes, source.notes)
    assert prepared.protocol == SMALL and prepared.folder == tmp_path / "c" / prepared.fingerprint
    assert prepared.meta["protocol"] == {"name": "crop178-64px", "crop": 178, "image_size": 64, "channels": 3}
    assert prepared.meta["counts"] == {"train": 12, "valid": 4, "test": 4}
    assert [prepared.count(s) for s in ("train", "valid", "test")] == [12, 4, 4]
    assert prepared.rows("test").tolist() == [8, 9, 18, 19]
    assert prepared.attribute_table(prepared.rows("test")).equals(
        source.index[list(source.attributes)].iloc[[8, 9, 18, 19]].reset_index(drop=True)
    )
    mean = prepared.images[prepared.rows("train")].astype(np.float64).mean(axis=0) / 255
    assert prepared.mean_image().dtype == np.float64
    np.testing.assert_allclose(prepared.mean_image(), mean, rtol=1e-14)
    assert str(prepared) == "celeba at crop178-64px: train 12, valid 4, test 4 (0 files not decoded)"
    assert "<li>20 of the 20 annotated images are present.</li>" in prepared._repr_html_()
    assert sorted(bytes_of(prepared.folder)) == [
        "images.npy",
        "index.csv",
        "mean_image.npy",
        "meta.json",
        "skipped.csv",
    ]
    assert [f.name for f in (tmp_path / "c").iterdir()] == [prepared.fingerprint]  # no lock, no partial left


def test_the_same_again_is_mapped_not_decoded(source, tmp_path, monkeypatch):
    first = prepare(source, SMALL, cache=tmp_path / "c")
    before = bytes_of(first.folder)
    monkeypatch.setattr(module, "_prepare_into", None)  # any work would fail
    again = prepare(source, SMALL, cache=tmp_path / "c")
    assert again.folder == first.folder and bytes_of(again.folder) == before


def test_bytes_do_not_depend_on_workers_place_or_time(make_celeba, tmp_path, monkeypatch):
    folders = []
    for name, workers in {"a": 1, "b": 5}.items():
        monkeypatch.setattr(module, "cores", lambda workers=workers: workers)
        tiny = make_celeba(tmp_path / name).annotate()
        for i, file in enumerate(tiny.files):
            os.utime(tiny.images / file, (1e9 + i + workers, 1e9))
        folders.append(prepare(open_celeba(tiny.root, 0), SMALL, cache=tmp_path / f"c{name}").folder)
    assert folders[0].name == folders[1].name
    assert bytes_of(folders[0]) == bytes_of(folders[1])


def test_the_fingerprint_changes_with_what_matters_and_nothing_else(celeba, tmp_path, draw_picture):
    def fingerprint(protocol=SMALL, seed=0, **options):
        source = replace(open_celeba(celeba.root, 0), seed=seed)
        return prepare(source, protocol, cache=tmp_path / "c", **options).fingerprint

    seen = [fingerprint()]
    # Nothing else: a seed or a limit that decides nothing, a file's time, the spelling of line ends.
    assert fingerprint(seed=5) == fingerprint(limit={"train": 12}) == seen[0]
    file = celeba.images / celeba.files[0]
    file.touch()
    file.chmod(0o600)
    celeba.annotate("\r\n")
    assert fingerprint() == seen[0]

    seen += [fingerprint(Protocol(148, 64)), fingerprint(Protocol(178, 128)), fingerprint(on_bad_file="black")]
    seen += [fingerprint(limit={"train": 5}), fingerprint(limit={"train": 5}, seed=1), fingerprint(limit={"train": 6})]
    data, times = file.read_bytes(), file.stat()
    file.write_bytes(data[:-1] + b"\0")
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))  # as large and as old as before
    seen.append(fingerprint())
    celeba.values[0, 0] ^= 1
    celeba.annotate()
    seen.append(fingerprint())
    celeba.partition[0] = 2
    celeba.annotate()
    seen.append(fingerprint())
    (celeba.images / celeba.files[-1]).unlink()
    seen.append(fingerprint())
    assert len(set(seen)) == len(seen)


def test_limits_select_before_decoding(source, tmp_path):
    prepared = prepare(source, SMALL, limit={"train": 5, "valid": 0}, cache=tmp_path / "c")
    assert len(prepared.images) == 9
    assert prepared.meta["limits"] == {"train": 5, "valid": 0}
    assert prepared.notes[-1] == ("A seeded subset: 5 of the 12 train images, 0 of the 4 valid images (seed 0).")
    with pytest.raises(DataError, match=r"has no valid image \(train 5, valid 0, test 4\).*raise --limit valid="):
        prepared.rows("valid")
    with pytest.raises(DataError, match="No image is left"):
        prepare(source, SMALL, limit={"train": 0, "valid": 0, "test": 0}, cache=tmp_path / "c")
    with pytest.raises(ConfigError, match="Did you mean 'train'"):
        prepare(source, SMALL, limit={"trian": 0}, cache=tmp_path / "c")


def test_a_partition_that_names_no_test_image(celeba, tmp_path):
    celeba.partition = [min(p, 1) for p in celeba.partition]
    celeba.annotate()
    prepared = prepare(open_celeba(celeba.root, 0), SMALL, cache=tmp_path / "c")
    assert prepared.count("test") == 0
    with pytest.raises(DataError, match=r"The data 'celeba' has no test image \(train 12, valid 8, test 0\)"):
        prepared.rows("test")
    with pytest.raises(DataError, match="Did you mean 'test'"):
        prepared.rows("tests")


def test_no_train_image_means_no_mean_image(source, tmp_path):
    prepared = prepare(source, SMALL, limit={"train": 0}, cache=tmp_path / "c")
    with pytest.raises(DataError, match="has no train image"):
        prepared.mean_image()


def test_bad_files_are_skipped_listed_and_counted(damaged, tmp_path):
    prepared = prepare(damaged, SMALL, cache=tmp_path / "c")
    assert len(prepared.images) == len(prepared.index) == 18
    assert prepared.skipped["file"].tolist() == ["img_align_celeba/000004.jpg", "img_align_celeba/000009.jpg"]
    assert "truncated" in prepared.skipped["reason"][0]
    assert (
        prepared.skipped["reason"][1]
        == "not a picture, or none of the kinds that are read (JPEG, PNG, WEBP, BMP, TIFF, GIF, PPM)"
    )
    assert prepared.meta["not_decoded"] == 2
    assert prepared.notes[-1] == "Not decoded and left out (skipped.csv): 2 of the 20 files."
    row = prepared.index["image_id"].tolist().index("000010")
    assert np.array_equal(prepared.images[row], load_image(damaged.root / "img_align_celeba/000010.jpg", SMALL))


def test_bad_files_are_shown_black(damaged, tmp_path):
    prepared = prepare(damaged, SMALL, on_bad_file="black", cache=tmp_path / "c")
    assert len(prepared.images) == 20
    assert not prepared.images[[3, 8]].any() and prepared.images[[2, 4, 7, 9]].any(axis=(1, 2, 3)).all()
    assert prepared.skipped["reason"].str.startswith("replaced by black: ").all() and len(prepared.skipped) == 2
    assert prepared.notes[-1] == "Not decoded and shown black (skipped.csv): 2 of the 20 files."


def test_bad_files_stop_the_work(damaged, tmp_path):
    with pytest.raises(DataError, match=r"000004\.jpg can not be decoded: .*truncated.*--on-bad-file skip.*black"):
        prepare(damaged, SMALL, on_bad_file="error", cache=tmp_path / "c")
    assert not [f for f in (tmp_path / "c").iterdir() if f.is_dir()]
    with pytest.raises(ConfigError, match=r"--on-bad-file 'blakc' is unknown\. Did you mean 'black'"):
        prepare(damaged, SMALL, on_bad_file="blakc", cache=tmp_path / "c")


@pytest.mark.parametrize("choice", ["skip", "black"])
def test_nothing_but_bad_files(celeba, tmp_path, choice):
    for file in celeba.files:
        (celeba.images / file).write_bytes(b"")
    with pytest.raises(DataError, match=r"None of the 20 files .* can be decoded; .*000001.jpg: the file is empty"):
        prepare(open_celeba(celeba.root, 0), SMALL, on_bad_file=choice, cache=tmp_path / "c")


def test_pictures_of_other_sizes_are_counted(celeba, tmp_path, draw_picture):
    draw_picture(celeba.images / celeba.files[2], 1, (1024, 1024))
    draw_picture(celeba.images / celeba.files[5], 1, (50, 60))
    prepared = prepare(open_celeba(celeba.root, 0), Protocol(148, 64), cache=tmp_path / "c")
    assert prepared.meta["scaled"] == 2 and prepared.meta["enlarged"] == 1
    assert prepared.notes[-2:] == (
        "Not of CelebA's aligned size, 178 x 218: 2 of the 20 pictures. Crop 148 takes 148 / 178 of their shorter "
        "side, whatever a face fills of it.",
        "Enlarged, for want of pixels in the crop: 1 of the 20 pictures.",
    )


@pytest.mark.parametrize("protocol", [Protocol(178, (109, 89)), Protocol("none", 28, 1), Protocol(148, (30, 41), 1)])
def test_any_size_and_grey(source, tmp_path, protocol):
    prepared = prepare(source, protocol, cache=tmp_path / "c")
    assert prepared.images.shape == (20, *protocol.shape) and prepared.protocol == protocol
    assert open_prepared(prepared.folder).protocol == protocol
    assert np.array_equal(prepared.images[7], load_image(source.root / source.index["file"][7], protocol))
    assert prepared.mean_image().shape == protocol.shape
    x = next(batches(prepared, prepared.rows("test"), 3)).x
    height, width, channels = protocol.shape
    assert x.shape == (3, channels, height, width) and x.is_contiguous()
    assert np.array_equal(to_uint8(x), prepared.images[prepared.rows("test")[:3]])


def test_names_that_tables_mistake_are_kept(tmp_path, draw_picture):
    names = ["NA", "007", "null", "a,b", 'quo"te', "x/1e5", "é"]
    for i, name in enumerate(names):
        draw_picture(tmp_path / "d" / f"{name}.png", i, (70, 70))
    prepared = prepare(open_source(str(tmp_path / "d")), SMALL, cache=tmp_path / "c")
    assert prepared.index["image_id"].tolist() == sorted(names)


class Stopped(BaseException):
    """Stands for Ctrl-C."""


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr(module, "CHUNK", 3)


@pytest.mark.parametrize("choice", ["skip", "black"])
@pytest.mark.parametrize("harm", ["none", "half a row", "half a line", "rows lost", "journal lost", "header written"])
def test_an_interrupted_run_is_resumed_to_the_same_bytes(damaged, tmp_path, monkeypatch, small_chunks, choice, harm):
    whole = prepare(damaged, SMALL, on_bad_file=choice, cache=tmp_path / "whole")
    cache = tmp_path / "c"
    chunks = []
    to_disk = module._to_disk

    def stop_in_the_fifth_chunk(file):
        chunks.append(file)
        if len(chunks) > 8:
            raise Stopped
        to_disk(file)

    with monkeypatch.context() as patch, pytest.raises(Stopped):
        patch.setattr(module, "_to_disk", stop_in_the_fifth_chunk)
        prepare(damaged, SMALL, on_bad_file=choice, cache=cache)
    partial = cache / f"{whole.fingerprint}.partial"
    assert partial.is_dir() and not (cache / whole.fingerprint).exists()
    images, journal = partial / "images.npy", partial / "journal.txt"
    assert len(journal.read_text().splitlines()) == 12
    if harm == "half a row":
        images.write_bytes(images.read_bytes() + b"x" * 5000)
    elif harm == "half a line":
        journal.write_text(journal.read_text() + "bad the fi")
    elif harm == "rows lost":
        images.write_bytes(images.read_bytes()[:-80000])
    elif harm == "journal lost":
        journal.unlink()
    elif harm == "header written":
        module._write_header(images, (5, 64, 64, 3))

    decoded = []
    decode = module.decode
    monkeypatch.setattr(module, "decode", lambda file, protocol: decoded.append(file) or decode(file, protocol))
    resumed = prepare(damaged, SMALL, on_bad_file=choice, cache=cache)
    assert bytes_of(resumed.folder) == bytes_of(whole.folder)
    if harm in ("none", "half a row", "half a line", "header written"):
        assert len(decoded) == 8  # the 12 that were through are not decoded again


def test_kill_9_and_then_the_same_bytes(make_celeba, tmp_path):
    tiny = make_celeba(tmp_path / "celeba", 60).annotate()
    whole = prepare(open_celeba(tiny.root, 0), SMALL, cache=tmp_path / "whole")
    script = f"""
import os, signal, sys
from pathlib import Path
from vaekit.data import Protocol, prepare
from vaekit.data.celeba import open_celeba
module = sys.modules["vaekit.data.prepare"]
module.CHUNK = 16
def progress(stage, done, total, note=""):
    if done == total:
        os.kill(os.getpid(), signal.SIGKILL)
source = open_celeba(Path({str(tiny.root)!r}), 0)
prepare(source, Protocol(178, 64), cache=Path({str(tmp_path / "c")!r}), progress=progress)
"""
    killed = subprocess.run([sys.executable, "-c", script], cwd=Path(__file__).parents[2], check=False)
    assert killed.returncode == -signal.SIGKILL
    partial = tmp_path / "c" / f"{whole.fingerprint}.partial"
    assert len((partial / "journal.txt").read_text().splitlines()) == 48
    resumed = prepare(open_celeba(tiny.root, 0), SMALL, cache=tmp_path / "c")
    assert bytes_of(resumed.folder) == bytes_of(whole.folder)
    assert [f.name for f in (tmp_path / "c").iterdir() if f.name != CONTENTS] == [whole.fingerprint]


def test_two_at_once_wait_for_one_another(source, tmp_path, monkeypatch):
    work, done = [], []
    inside = module._prepare_into

    def slow(*arguments):
        work.append(1)
        time.sleep(0.3)
        inside(*arguments)

    monkeypatch.setattr(module, "_prepare_into", slow)
    threads = [threading.Thread(target=lambda: done.append(prepare(source, SMALL, cache=tmp_path / "c"))) for _ in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(work) == 1 and len(done) == 2 and done[0].folder == done[1].folder


def test_progress_is_told_from_nothing_to_all(damaged, tmp_path):
    told = []
    prepare(damaged, SMALL, cache=tmp_path / "c", progress=lambda *report: told.append(report))
    assert told[0] == ("preparing images", 0, 20, "")
    assert told[-1] == ("preparing images", 20, 20, "2 not decoded")


@pytest.mark.parametrize("harm", ["meta", "key", "note", "images", "zeros", "index", "digit", "format", "gone"])
def test_a_damaged_folder_is_made_again_and_said_so(source, tmp_path, caplog, harm):
    prepared = prepare(source, SMALL, cache=tmp_path / "c")
    before, folder = bytes_of(prepared.folder), prepared.folder
    if harm == "meta":
        (folder / "meta.json").write_text("{")
    elif harm == "key":
        (folder / "meta.json").write_text(json.dumps({k: v for k, v in prepared.meta.items() if k != "protocol"}))
    elif harm == "note":
        (folder / "meta.json").write_text(json.dumps(prepared.meta | {"notes": ["All is well."]}))
    elif harm == "zeros":
        data = before["images.npy"]
        (folder / "images.npy").write_bytes(data[:90_000] + bytes(60_000) + data[150_000:])
    elif harm == "digit":
        (folder / "index.csv").write_bytes(before["index.csv"].replace(b"1\n", b"9" * 30 + b"\n", 1))
    elif harm == "images":
        (folder / "images.npy").write_bytes(before["images.npy"][:9000])
    elif harm == "index":
        (folder / "index.csv").write_bytes(before["index.csv"][:300])
    elif harm == "format":
        (folder / "meta.json").write_text(json.dumps(prepared.meta | {"format": 0}))
    elif harm == "gone":
        (folder / "index.csv").unlink()
    with pytest.raises(DataError):
        open_prepared(folder)
    with caplog.at_level(logging.WARNING, "vaekit"):
        again = prepare(source, SMALL, cache=tmp_path / "c")
    assert f"The prepared images in {folder} are damaged and are made again" in caplog.text
    assert bytes_of(again.folder) == before


def test_a_full_disk_is_said_before_and_while_writing(source, tmp_path, monkeypatch, small_chunks):
    cache = tmp_path / "c"
    with monkeypatch.context() as patch:
        patch.setattr(module.shutil, "disk_usage", lambda folder: type("Usage", (), {"free": 1000}))
        with pytest.raises(
            OutputError, match=r"Can not write in .*c: 0 MB are needed and 0 MB are free.*free some room"
        ):
            prepare(source, SMALL, cache=cache)
    calls = []
    to_disk = module._to_disk

    def full(file):
        calls.append(file)
        if len(calls) > 6:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        to_disk(file)

    with monkeypatch.context() as patch:
        patch.setattr(module, "_to_disk", full)
        with pytest.raises(OutputError, match=r"No space left on device.*what is finished is kept.*same command again"):
            prepare(source, SMALL, cache=cache)
    assert len(next(cache.glob("*.partial/journal.txt")).read_text().splitlines()) == 9
    assert len(prepare(source, SMALL, cache=cache).images) == 20


def test_a_cache_that_can_not_be_written(source, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"Can not write in .*file/c: Not a directory\. .*make it writable"):
        prepare(source, SMALL, cache=tmp_path / "file" / "c")

    def read_only(*_, **__):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    prepare(source, SMALL, cache=tmp_path / "c")
    monkeypatch.setattr(Path, "mkdir", read_only)
    with pytest.raises(OutputError, match=r"Can not write in .*: Read-only file system"):
        prepare(source, Protocol(148, 64), cache=tmp_path / "c")
    assert len(prepare(source, SMALL, cache=tmp_path / "c").images) == 20  # what is there can still be read


def test_index_keeps_whole_numbers(source, tmp_path):
    prepared = prepare(source, SMALL, cache=tmp_path / "c")
    assert (prepared.index[list(prepared.attributes)].dtypes == np.int64).all()
    assert pd.api.types.is_string_dtype(prepared.index["identity"])
