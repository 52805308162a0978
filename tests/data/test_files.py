"""Which pictures are there: every folder once, whatever links say, and whatever is left out is told."""

import os
import sys

import pytest
from PIL import Image

from vaekit.data import Protocol, open_source, prepare
from vaekit.data.files import image_id_of, pictures_below, subfolders
from vaekit.errors import DataError

posix = pytest.mark.skipif(sys.platform == "win32", reason="links and such names need a POSIX system")


def touch(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def test_every_kind_that_is_read_is_listed_and_read(tmp_path):
    kinds = {"jpg": "JPEG", "jfif": "JPEG", "jpe": "JPEG", "png": "PNG", "webp": "WEBP", "bmp": "BMP"}
    kinds |= {"tif": "TIFF", "TIFF": "TIFF", "gif": "GIF", "ppm": "PPM", "pgm": "PPM", "pnm": "PPM"}
    for suffix, kind in kinds.items():
        picture = Image.new("L" if suffix == "pgm" else "RGB", (40, 40), "white")
        picture.save(tmp_path / f"{suffix}.{suffix}", kind)
    prepared = prepare(open_source(str(tmp_path)), Protocol("none", 28), cache=tmp_path / "c")
    assert prepared.index["image_id"].tolist() == sorted(kinds) and prepared.skipped.empty
    assert (prepared.images >= 254).all()


def test_pictures_that_are_not_read_are_counted(tmp_path):
    touch(tmp_path, "a.jpg", "b.HEIC", "c/d.heic", "e.avif", "f.txt", ".hidden.heic")
    listing = pictures_below(tmp_path)
    assert listing.files == ["a.jpg"]
    assert listing.notes == ("Left out, because vaekit does not read pictures of their kind: 1 .avif, 2 .heic.",)


@posix
def test_links_lead_everywhere_once(tmp_path):
    touch(tmp_path, "data/a.jpg", "data/deep/b.jpg", "elsewhere/c.jpg")
    (tmp_path / "data/loop").symlink_to(".")
    (tmp_path / "data/deep/up").symlink_to("..")
    (tmp_path / "data/self").symlink_to("self")
    (tmp_path / "data/twice").symlink_to("deep")
    (tmp_path / "data/linked").symlink_to(tmp_path / "elsewhere")
    listing = pictures_below(tmp_path / "data")
    assert listing.files == ["a.jpg", "deep/b.jpg", "linked/c.jpg"] and not listing.notes
    assert [folder.name for folder in subfolders(tmp_path / "data")] == ["deep", "linked", "loop", "twice"]


@posix
def test_names_that_no_table_can_hold_are_left_out_and_told(tmp_path):
    touch(tmp_path, "good.jpg", "line\rend.jpg", "new\nline.jpg", "\U0001f600.jpg")
    (tmp_path / b"caf\xe9.jpg".decode("utf-8", "surrogateescape")).touch()
    listing = pictures_below(tmp_path)
    assert listing.files == ["good.jpg", "new\nline.jpg", "\U0001f600.jpg"]
    assert listing.notes == (
        "Left out, because no table can hold their names (a carriage return in it, or no UTF-8): 2 files, first "
        "'caf\\udce9.jpg'. Rename them.",
    )


def test_a_folder_that_can_not_be_opened_is_told(tmp_path, monkeypatch):
    touch(tmp_path, "a.jpg", "closed/b.jpg")
    scandir = os.scandir

    def guarded(path):
        if os.fspath(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", os.fspath(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", guarded)
    listing = pictures_below(tmp_path)
    assert listing.files == ["a.jpg"]
    assert listing.notes == ("Left out, because it can not be opened: closed (Permission denied).",)
    with pytest.raises(DataError, match=r"closed can not be opened: Permission denied\. Make it readable"):
        pictures_below(tmp_path / "closed")


def test_only_the_suffix_of_a_picture_leaves_its_name():
    assert [image_id_of(file) for file in ("a.jpg", "b.c.PNG", "d/e.tiff", "v1.2", "0.5.jpg", ".jpg")] == [
        "a",
        "b.c",
        "d/e",
        "v1.2",
        "0.5",
        ".jpg",
    ]
