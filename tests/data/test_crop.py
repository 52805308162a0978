"""Crop and resize against torchvision, and every kind of picture to RGB."""

import io
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from PIL import Image, ImageFile
from torchvision.transforms import v2

from vaekit.data import Protocol, load_image
from vaekit.data.crop import decode, strict_pillow
from vaekit.errors import DataError

crop = sys.modules["vaekit.data.crop"]


@pytest.fixture
def picture(tmp_path):
    rng = np.random.default_rng(0)
    rough = rng.integers(0, 256, (28, 23, 3), np.uint8)
    path = tmp_path / "picture.png"
    Image.fromarray(rough).resize((178, 218), Image.Resampling.BICUBIC).save(path)
    return path


@pytest.mark.parametrize("image_size", [64, 128])
@pytest.mark.parametrize("crop", [178, 148, 140, "none"])
def test_protocols_equal_torchvision(picture, crop, image_size):
    x = torch.from_numpy(np.array(Image.open(picture))).permute(2, 0, 1)
    x = x if crop == "none" else v2.functional.center_crop(x, [crop, crop])
    x = v2.functional.resize(x, [image_size, image_size], v2.InterpolationMode.BILINEAR, antialias=True)
    ours = load_image(picture, Protocol(crop, image_size))
    assert ours.shape == (image_size, image_size, 3) and ours.dtype == np.uint8
    assert np.abs(ours.astype(int) - x.permute(1, 2, 0).numpy().astype(int)).max() <= 1


@pytest.mark.parametrize("size", [(178, 218), (178, 217), (218, 178), (201, 178)])
@pytest.mark.parametrize("crop", [178, 148, 140])
def test_the_crop_equals_torchvision(size, crop):
    noise = np.random.default_rng(1).integers(0, 256, (size[1], size[0], 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(file, "png")
    # At its own size a resize changes nothing: what is left is the crop.
    ours = load_image(file, Protocol(crop, crop))
    theirs = v2.functional.center_crop(torch.from_numpy(noise).permute(2, 0, 1), [crop, crop]).permute(1, 2, 0)
    assert np.array_equal(ours, theirs.numpy())


def test_names_of_protocols():
    assert Protocol(178, 64).name == "crop178-64px"
    assert Protocol("none", 128).name == "whole-128px"
    assert Protocol("none", (218, 178)).name == "whole-218x178px"
    assert Protocol(148, 28, 1).name == "crop148-28px-grey"
    assert Protocol(178, (64, 64)) == Protocol(178, 64) and Protocol(178, [128, 112]) == Protocol(178, (128, 112))


@pytest.mark.parametrize(
    ("size", "protocol", "box"),
    [
        ((178, 218), Protocol(148, 64), (15, 35, 163, 183)),
        ((1780, 2180), Protocol(148, 64), (150, 350, 1630, 1830)),
        ((1024, 1024), Protocol(178, 64), (0, 0, 1024, 1024)),
        ((1024, 1024), Protocol(148, 64), (86, 86, 937, 937)),  # 1024 * 148 / 178 = 851.4
        ((100, 60), Protocol(140, 64), (26, 6, 73, 53)),
        ((178, 218), Protocol(178, (218, 178)), (0, 0, 178, 218)),
        ((178, 218), Protocol(178, (109, 89)), (0, 0, 178, 218)),
        ((178, 218), Protocol(140, (128, 112)), (19, 29, 159, 189)),  # 140 * 128 / 112 = 160
        ((178, 218), Protocol(178, (64, 128)), (0, 64, 178, 153)),
        ((1024, 1024), Protocol(178, (128, 64)), (256, 0, 768, 1024)),  # 2048 high does not fit: scaled down
        ((300, 10), Protocol(178, (64, 64)), (145, 0, 155, 10)),
        ((40, 30), Protocol("none", (64, 128)), (0, 0, 40, 30)),
    ],
)
def test_a_crop_is_a_share_of_the_aligned_width_in_the_asked_aspect_ratio(size, protocol, box):
    assert protocol.box(*size) == box


@pytest.mark.parametrize("crop", [178, 148, 140])
def test_a_larger_copy_shows_the_same_face(tmp_path, crop):
    rng = np.random.default_rng(2)
    face = Image.fromarray(rng.integers(0, 256, (11, 9, 3), np.uint8)).resize((178, 218), Image.Resampling.BICUBIC)
    face.save(tmp_path / "a.png")
    face.resize((1424, 1744), Image.Resampling.BICUBIC).save(tmp_path / "large.png")
    a, large = (load_image(tmp_path / f"{name}.png", Protocol(crop, 64)).astype(int) for name in ("a", "large"))
    assert np.abs(a - large).max() <= 3


def test_what_is_scaled_and_what_is_enlarged_is_told(tmp_path):
    Image.new("RGB", (100, 60), "red").save(tmp_path / "a.png")
    Image.new("RGB", (178, 218), "red").save(tmp_path / "aligned.png")

    def remarks(name, protocol):
        with strict_pillow():
            decoded = decode(tmp_path / name, protocol)
        assert decoded.pixels.shape == protocol.shape
        return decoded.is_scaled, decoded.is_enlarged

    assert remarks("a.png", Protocol(140, 64)) == (True, True)
    assert remarks("a.png", Protocol(178, 28)) == (True, False)
    assert remarks("a.png", Protocol("none", 64)) == (False, True)
    assert remarks("aligned.png", Protocol(140, 128)) == (False, False)
    assert remarks("aligned.png", Protocol(178, (256, 64))) == (False, True)


def test_grey_is_pillows_luminance_before_the_resize(picture):
    grey = load_image(picture, Protocol(178, (109, 89), 1))
    assert grey.shape == (109, 89, 1) and grey.dtype == np.uint8
    expected = Image.open(picture).convert("L").resize((89, 109), Image.Resampling.BILINEAR)
    assert np.array_equal(grey[..., 0], np.asarray(expected))
    Image.new("RGB", (178, 218), "red").save(picture)
    assert (load_image(picture, Protocol(148, 28, 1)) == 76).all()  # 0.299 * 255


RED, WHITE, GREY = (255, 0, 0), (255, 255, 255), (128, 128, 128)


@pytest.mark.parametrize(
    ("image", "suffix", "colour"),
    [
        (Image.new("L", (180, 220), 128), "png", GREY),
        (Image.new("L", (180, 220), 128), "jpg", GREY),
        (Image.new("1", (180, 220), 1), "png", WHITE),
        (Image.new("RGBA", (180, 220), (255, 0, 0, 255)), "png", RED),
        (Image.new("RGBA", (180, 220), (255, 0, 0, 0)), "png", WHITE),
        (Image.new("RGBA", (180, 220), (255, 0, 0, 0)), "webp", WHITE),
        (Image.new("LA", (180, 220), (128, 255)), "png", GREY),
        (Image.new("RGB", (180, 220), "red").quantize(4), "png", RED),
        (Image.new("CMYK", (180, 220), (0, 255, 255, 0)), "jpg", (254, 0, 0)),
        (Image.fromarray(np.full((220, 180), 128 * 257, np.uint16)), "png", GREY),
        (Image.new("RGB", (180, 220), "red"), "bmp", RED),
    ],
)
def test_every_kind_of_picture_becomes_rgb(tmp_path, image, suffix, colour):
    path = tmp_path / f"a.{suffix}"
    image.save(path)
    pixels = load_image(path, Protocol(178, 64))
    assert np.abs(pixels.astype(int) - colour).max() <= 1


def test_a_palette_with_a_clear_colour_shines_white(tmp_path):
    Image.new("P", (180, 220), 0).save(tmp_path / "a.png", transparency=0)
    assert (load_image(tmp_path / "a.png", Protocol(178, 64)) == 255).all()


def test_a_picture_on_its_side_is_put_upright(tmp_path, picture):
    upright = Image.open(picture)
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: show it rotated by 90 degrees clockwise
    upright.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "a.png", exif=exif)
    assert np.array_equal(load_image(tmp_path / "a.png", Protocol(148, 64)), load_image(picture, Protocol(148, 64)))


def test_what_can_not_be_decoded_says_why(tmp_path, draw_picture, monkeypatch):
    def words(path):
        with pytest.raises(DataError) as caught:
            load_image(path, Protocol(178, 64))
        assert str(path) in str(caught.value)
        return str(caught.value)

    draw_picture(tmp_path / "cut.jpg", 1)
    data = (tmp_path / "cut.jpg").read_bytes()
    (tmp_path / "cut.jpg").write_bytes(data[: len(data) // 2])
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)  # what another library may have set
    assert "truncated" in words(tmp_path / "cut.jpg")
    assert ImageFile.LOAD_TRUNCATED_IMAGES is True
    (tmp_path / "text.jpg").write_text("hello")
    assert "not a picture, or none of the kinds that are read (JPEG, PNG, WEBP, BMP, TIFF, GIF, PPM)" in words(
        tmp_path / "text.jpg"
    )
    (tmp_path / "nothing.jpg").touch()
    assert "the file is empty" in words(tmp_path / "nothing.jpg")
    assert "the file is gone" in words(tmp_path / "gone.jpg")
    draw_picture(tmp_path / "bomb.png", 1)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 178 * 218 - 1)  # one pixel over: Pillow only warns
    assert "decompression bomb" in words(tmp_path / "bomb.png")


def reason_of(path):
    with strict_pillow():
        decoded = decode(path, Protocol(178, 64))
    assert decoded.pixels is None
    return decoded.reason


def test_a_postscript_file_starts_no_program(tmp_path, monkeypatch):
    from PIL import EpsImagePlugin

    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", lambda *_, **__: pytest.fail("Ghostscript was started"))
    Image.new("RGB", (178, 218)).save(tmp_path / "a.eps")
    (tmp_path / "a.eps").rename(tmp_path / "a.jpg")
    assert "not a picture, or none of the kinds that are read" in reason_of(tmp_path / "a.jpg")


@pytest.mark.parametrize(
    "pixels",
    [np.full((218, 178), 0.5, np.float32), np.full((218, 178), np.nan, np.float32), np.full((218, 178), 200, np.int32)],
)
def test_numbers_without_a_white_are_no_picture(tmp_path, pixels):
    Image.fromarray(pixels).save(tmp_path / "a.tif")
    assert "of 32 bits, of which nothing says what is white" in reason_of(tmp_path / "a.tif")


def test_sixteen_bits_of_every_kind_are_read(tmp_path):
    grey = Image.fromarray(np.full((218, 178), 128 * 257, np.uint16))
    grey.save(tmp_path / "a.tif")
    grey.save(tmp_path / "a.png")
    (tmp_path / "a.pgm").write_bytes(b"P5 178 218 65535\n" + np.full(178 * 218, 128 * 257, ">u2").tobytes())
    for suffix in ("tif", "png", "pgm"):
        assert (load_image(tmp_path / f"a.{suffix}", Protocol(178, 64)) == 128).all()


def test_giants_are_refused_before_the_work(tmp_path, monkeypatch):
    Image.new("1", (9400, 9400)).save(tmp_path / "giant.png")
    monkeypatch.setattr(Image.Image, "load", lambda *_: pytest.fail("the pixels were decoded"))
    assert reason_of(tmp_path / "giant.png") == "88,360,000 pixels, and at most 67,108,864 are decoded"
    monkeypatch.setattr(crop, "MOST_BYTES", 100)
    assert reason_of(tmp_path / "giant.png") == "more than 100 bytes"


def test_large_pictures_are_decoded_one_at_a_time(tmp_path, monkeypatch):
    Image.new("RGB", (400, 400)).save(tmp_path / "a.png")
    at_work, most = [], []
    inside = crop._decoded

    def watched(*arguments):
        at_work.append(1)
        most.append(len(at_work))
        time.sleep(0.02)
        at_work.pop()
        return inside(*arguments)

    monkeypatch.setattr(crop, "_decoded", watched)
    monkeypatch.setattr(crop, "LARGE", 1000)
    with strict_pillow(), ThreadPoolExecutor(4) as pool:
        assert all(
            d.pixels is not None for d in pool.map(lambda _: decode(tmp_path / "a.png", Protocol(178, 64)), range(8))
        )
    assert max(most) == 1


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}, {"restart_marker_blocks": 4}])
def test_a_scrambled_jpeg_is_noticed_and_a_whole_one_is_not(tmp_path, picture, options):
    Image.open(picture).convert("RGB").save(tmp_path / "a.jpg", quality=90, **options)
    whole = (tmp_path / "a.jpg").read_bytes()
    load_image(tmp_path / "a.jpg", Protocol(178, 64))
    scan = whole.index(b"\xff\xda") + 20
    # What Pillow shows without a word: bytes lost in the middle of the picture.
    (tmp_path / "a.jpg").write_bytes(whole[: scan + 300] + whole[scan + 360 :])
    with Image.open(tmp_path / "a.jpg") as silent:
        silent.load()
    assert reason_of(tmp_path / "a.jpg").startswith("damaged: ")


@pytest.mark.parametrize("mode", ["L", "CMYK", "RGB"])
def test_no_whole_jpeg_is_called_damaged(tmp_path, picture, mode):
    for quality in (1, 50, 100):
        Image.open(picture).convert(mode).save(tmp_path / "a.jpg", quality=quality, optimize=True, comment=b"x" * 50)
        load_image(tmp_path / "a.jpg", Protocol(178, 64))
