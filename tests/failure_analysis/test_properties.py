"""Properties of pictures: closed forms on drawn patterns, and the direction in which each moves when it is changed."""

import numpy as np
import pytest
from PIL import Image, ImageFilter

from vaekit.faces import draw_face
from vaekit.failure_analysis import properties as module
from vaekit.failure_analysis.face_area import background_mask, covered, face_mask
from vaekit.failure_analysis.properties import NO_PATTERN, PROPERTIES, image_properties

MEAN = np.full((64, 64, 3), 0.5)


@pytest.fixture(scope="module")
def faces():
    """24 drawn faces of 64 pixels."""
    shown = [Image.fromarray(draw_face(5, i).image[20:198]) for i in range(24)]
    return np.stack([np.asarray(face.resize((64, 64), Image.Resampling.BILINEAR)) for face in shown])


def measure(images, mean=MEAN, sides=(178, 178)):
    return image_properties(np.asarray(images), mean, sides=sides)


def each(images, change):
    return np.stack([np.asarray(change(Image.fromarray(image))) for image in images])


def test_a_flat_picture():
    row = measure(np.full((1, 64, 64, 3), (200, 100, 50), np.uint8)).iloc[0]
    assert row["brightness"] == pytest.approx((0.299 * 200 + 0.587 * 100 + 0.114 * 50) / 255, rel=1e-5)
    for name in ("face_brightness", "background_brightness"):
        assert row[name] == pytest.approx(row["brightness"], rel=2e-5)
    assert (row["saturation"], row["background_saturation"]) == pytest.approx((0.75, 0.75), rel=1e-5)
    assert row["background_warmth"] == pytest.approx(150 / 255, rel=1e-5)
    for name in ("contrast", "sharpness", "fine_detail", "face_colours", "background_edges"):
        assert row[name] == pytest.approx(0, abs=2e-3), name
    assert row["periodicity"] == NO_PATTERN


def test_black_and_white_halves():
    images = np.zeros((1, 64, 64, 3), np.uint8)
    images[:, :, 32:] = 255
    row = measure(images).iloc[0]
    assert (row["brightness"], row["contrast"]) == pytest.approx((0.5, 0.5)) and row["saturation"] == 0
    assert row["background_edges"] == pytest.approx(
        background_mask(64, (178, 178))[:, 31:33].sum() / background_mask(64, (178, 178)).sum()
    )


def test_fine_detail_is_what_a_binomial_filter_takes_away():
    """A wave of frequency f loses 1 - cos(f / 2)^4 of its amplitude along its axis, none along the other."""
    x = np.arange(64)
    for f in (np.pi / 4, np.pi / 2):
        wave = 127.5 + 60 * np.cos(f * x)
        image = np.rint(np.broadcast_to(wave[None, None, :, None], (1, 64, 64, 3))).astype(np.uint8)
        expected = (60 / 255 * (1 - np.cos(f / 2) ** 4)) ** 2 / 2
        assert measure(image)["fine_detail"].iloc[0] == pytest.approx(expected, rel=0.06)


def test_likeness_is_a_correlation(faces):
    mean = faces[0] / 255
    found = measure(faces, mean)["face_likeness"]
    luma = (faces / 255) @ np.array([0.299, 0.587, 0.114])
    expected = [np.corrcoef(luma[0][face_mask(64)], one[face_mask(64)])[0, 1] for one in luma]
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert measure(255 - faces, mean)["face_likeness"].iloc[0] == pytest.approx(-1, abs=1e-3)


@pytest.mark.parametrize(
    ("name", "change", "grows"),
    [
        ("sharpness", lambda image: image.filter(ImageFilter.GaussianBlur(1.5)), False),
        ("fine_detail", lambda image: image.filter(ImageFilter.GaussianBlur(1.5)), False),
        ("brightness", lambda image: image.point(lambda v: v // 2), False),
        ("face_brightness", lambda image: image.point(lambda v: v // 2), False),
        ("contrast", lambda image: image.point(lambda v: 64 + v // 2), False),
        ("saturation", lambda image: image.convert("L").convert("RGB"), False),
        ("face_colours", lambda image: image.convert("L").convert("RGB"), False),
        ("background_edges", lambda image: image.effect_spread(4), True),
    ],
)
def test_a_change_moves_its_property_in_every_picture(faces, name, change, grows):
    before, after = measure(faces)[name], measure(each(faces, change))[name]
    assert ((after > before) if grows else (after < before)).all()


def test_sharpness_does_not_depend_on_contrast(faces):
    paler = each(faces, lambda image: image.point(lambda v: 64 + v // 2))
    np.testing.assert_allclose(measure(paler)["sharpness"], measure(faces)["sharpness"], rtol=0.15)


def test_a_pattern_shows_and_edges_do_not(faces):
    y, x = np.mgrid[:64, :64]
    wave = 1 + 0.4 * np.sin(1.3 * x + 0.6 * y)[..., None]
    screened = np.clip(faces * wave, 0, 255).astype(np.uint8)
    before, after = measure(faces)["periodicity"], measure(screened)["periodicity"]
    assert (after > 2 * NO_PATTERN).all() and (before < 1.5 * NO_PATTERN).all()


def test_something_coloured_before_the_face_shows(faces):
    covered = faces.copy()
    covered[:, 30:46, 24:40] = (30, 60, 220)
    assert (measure(covered)["face_colours"] > 1.5 * measure(faces)["face_colours"]).all()


@pytest.mark.parametrize("crop", [178, 148, 140, "none"])
def test_the_background_lies_in_the_upper_corners(crop):
    sides = covered(crop, 64, 64)
    mask, face = background_mask(64, sides), face_mask(64, sides)
    assert mask[0, 0] and mask[0, -1] and not (mask & face).any() and not mask[60].any()
    assert (mask == mask[:, ::-1]).all() and 0.08 < mask.mean() < 0.4


def test_chunks_and_order_change_nothing(faces, monkeypatch):
    whole = measure(faces)
    monkeypatch.setattr(module, "CHUNK", 5)
    np.testing.assert_allclose(measure(faces[::-1]), whole[::-1], rtol=1e-4, atol=1e-7)
    assert list(whole) == list(PROPERTIES) and np.isfinite(whole.to_numpy()).all()
    assert measure(faces[:0]).shape == (0, len(PROPERTIES))
