"""A folder of everything that pictures on people's disks are: each is read right or listed with its reason."""

import io
import os
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from vaekit.data import Protocol, open_source, prepare

RED, GREY, WHITE = (255, 0, 0), (128, 128, 128), (255, 255, 255)
SIZE = (40, 50)
red, grey = Image.new("RGB", SIZE, RED), Image.new("L", SIZE, 128)
deep = Image.fromarray(np.full(SIZE[::-1], 128 * 257, np.uint16))


def saved(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def turned(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return saved(red, "jpeg", exif=exif)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, bits, colour, data):
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


frames = {"save_all": True, "append_images": [Image.new("RGB", SIZE, "blue")]}
READ = {  # file -> its bytes and its colour
    "a.png": (saved(red, "png"), RED),
    "a.jpg": (saved(red, "jpeg"), RED),
    "a.jpeg": (saved(red, "jpeg", progressive=True), RED),
    "a.JPG": (saved(red, "jpeg", optimize=True, subsampling=0), RED),
    "a.jfif": (saved(red, "jpeg") + b"what a camera wrote after the end", RED),
    "a.webp": (saved(red, "webp", lossless=True), RED),
    "a.bmp": (saved(red, "bmp"), RED),
    "a.tif": (saved(red, "tiff"), RED),
    "a.gif": (saved(red, "gif"), RED),
    "a.ppm": (saved(red, "ppm"), RED),
    "lzw.tiff": (saved(red, "tiff", compression="tiff_lzw"), RED),
    "pages.tif": (saved(red, "tiff", **frames), RED),
    "animated.gif": (saved(red, "gif", **frames), RED),
    "animated.png": (saved(red, "png", **frames), RED),
    "animated.webp": (saved(red, "webp", lossless=True, **frames), RED),
    "grey.png": (saved(grey, "png"), GREY),
    "grey.jpg": (saved(grey, "jpeg"), GREY),
    "grey.pgm": (saved(grey, "ppm"), GREY),
    "alpha.png": (saved(red.convert("RGBA"), "png"), RED),
    "clear.png": (saved(Image.new("RGBA", SIZE, (255, 0, 0, 0)), "png"), WHITE),
    "grey-alpha.png": (saved(grey.convert("LA"), "png"), GREY),
    "palette.png": (saved(red.quantize(4), "png"), RED),
    "one-bit.png": (saved(Image.new("1", SIZE, 1), "png"), WHITE),
    "one-bit.pbm": (saved(Image.new("1", SIZE, 1), "ppm"), WHITE),
    "cmyk.jpg": (saved(red.convert("CMYK"), "jpeg"), RED),
    "cmyk.tif": (saved(red.convert("CMYK"), "tiff"), RED),
    "deep.png": (saved(deep, "png"), GREY),
    "deep.tif": (saved(deep, "tiff"), GREY),
    "deep-rgb.png": (png(8, 8, 16, 2, (b"\0" + b"\xff\xff\0\0\0\0" * 8) * 8), RED),
    "turned.jpg": (turned(6), RED),
    "turned-nowhere.jpg": (turned(99), RED),
    "png.jpg": (saved(red, "png"), RED),
    "jpg.png": (saved(red, "jpeg"), RED),
    "pixel.png": (saved(red.crop((0, 0, 1, 1)), "png"), RED),
    "line.png": (saved(red.resize((1000, 1)), "png"), RED),
    "😀 'quoted', =1+1.png": (saved(red, "png"), RED),
    "two\nlines.png": (saved(red, "png"), RED),
    "=cmd.png": (saved(red, "png"), RED),
}

whole = saved(Image.effect_noise((64, 64), 90).convert("RGB"), "jpeg", progressive=True)
markers = [i for i in range(2, len(whole) - 1) if whole[i] == 0xFF and 0xC0 <= whole[i + 1] <= 0xFE]
flipped = bytearray(saved(red, "png"))
flipped[-20] ^= 1
REFUSED = {  # file -> its bytes and words of the reason
    **{f"cut-{i}.jpg": (whole[:i], "") for i in markers},
    "no-end.jpg": (whole[:-2], "truncated"),
    "empty.png": (b"", "the file is empty"),
    "text.jpg": (b"a note to myself", "not a picture"),
    "page.png": (b"<!doctype html><title>Sign in</title>", "not a picture"),
    "zeros.jpg": (bytes(5000), "not a picture"),
    "postscript.jpg": (saved(red, "eps"), "not a picture, or none of the kinds that are read"),
    "icon.png": (saved(red, "ico"), "not a picture, or none of the kinds that are read"),
    "document.jpg": (b"%PDF-1.7\n", "not a picture"),
    "half.png": (saved(Image.effect_noise((64, 64), 90), "png")[:1500], ""),
    "flipped.png": (bytes(flipped), ""),
    "half.gif": (saved(Image.effect_noise((64, 64), 90), "gif")[:700], ""),
    "half.webp": (saved(Image.effect_noise((64, 64), 90).convert("RGB"), "webp")[:300], ""),
    "half.bmp": (saved(red, "bmp")[:500], "truncated"),
    "half.tif": (saved(red, "tiff")[:100], ""),
    "bomb.png": (png(20_000, 20_000, 1, 0, bytes(9)), "pixels"),
    "float.tif": (saved(Image.fromarray(np.full(SIZE, 0.5, np.float32)), "tiff"), "nothing says what is white"),
    "nan.tif": (saved(Image.fromarray(np.full(SIZE, np.nan, np.float32)), "tiff"), "nothing says what is white"),
    "int32.tif": (saved(Image.fromarray(np.full(SIZE, 200, np.int32)), "tiff"), "nothing says what is white"),
}
PLACES = {  # what is no file of its own, and words of the reason
    "pipe.jpg": (os.mkfifo if hasattr(os, "mkfifo") else None, "not a file"),
    "endless.png": (lambda path: path.symlink_to("/dev/zero"), "not a file"),
    "circle.png": (lambda path: path.symlink_to(path.name), "symbolic links"),
    "dangling.png": (lambda path: path.symlink_to("nowhere.png"), "the file is gone"),
}


@pytest.mark.skipif(os.name == "nt", reason="names with quotes and new lines, pipes and links are not Windows'")
def test_each_is_read_right_or_listed_with_its_reason(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name, (data, _) in {**READ, **REFUSED}.items():
        (folder / name).write_bytes(data)
    for name, (make, _) in PLACES.items():
        make(folder / name)
    assert len(READ) + len(REFUSED) + len(PLACES) >= 60
    prepared = prepare(open_source(str(folder)), Protocol("none", 28), cache=tmp_path / "cache")
    reasons = dict(zip(prepared.skipped["file"], prepared.skipped["reason"], strict=True))
    expected = {name: words for name, (_, words) in {**REFUSED, **PLACES}.items()}
    assert reasons.keys() == expected.keys()
    assert not {name: reason for name, reason in reasons.items() if expected[name] not in reason or not reason}
    assert len(prepared.index) == len(READ)
    colours = {name: colour for name, (_, colour) in READ.items()}
    colours |= {name.rpartition(".")[0]: colour for name, colour in colours.items()}  # an id has no suffix, if it can
    for image_id, pixels in zip(prepared.index["image_id"], prepared.images, strict=True):
        assert np.abs(pixels.astype(int) - colours[image_id]).max() <= 2, image_id
