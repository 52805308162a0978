import numpy as np
import pytest

from vaekit.evaluation.samples import blur
from vaekit.evaluation.samples.blur import blurred, radial_power


def noise(n: int, seed: int = 0, side: int = 32) -> np.ndarray:
    return np.random.default_rng(seed).integers(60, 196, size=(n, side, side, 3), dtype=np.uint8)


def test_power_adds_up_to_the_squares_of_the_pixels():
    images = noise(5)
    power = radial_power(images)
    side = np.arange(32)
    counts = np.bincount(np.rint(np.hypot(side[:, None], side)).astype(int).ravel())
    total = np.square(images.astype(float)).sum((1, 2)).mean(0)
    assert (power * counts[:, None]).sum(0) == pytest.approx(total, rel=1e-5)  # Parseval
    assert power[0] == pytest.approx((images.astype(float).mean((1, 2)) ** 2).mean(0) * 32**2, rel=1e-5)


def test_takes_the_spectrum_and_keeps_mean_colours(monkeypatch):
    monkeypatch.setattr(blur, "BLOCK", 3)
    images = noise(8)
    wanted = radial_power(images).copy()
    wanted[1:] *= np.linspace(1, 0.05, len(wanted) - 1)[:, None]
    found = blurred(images, wanted)
    assert found.dtype == np.uint8
    assert radial_power(found)[1:-6] == pytest.approx(wanted[1:-6], rel=0.05)  # rounding to 8 bits adds a little
    assert found.mean((1, 2)) == pytest.approx(images.mean((1, 2)), abs=0.1)


def test_its_own_spectrum_changes_nothing():
    images = noise(4, 1)
    assert np.abs(blurred(images, radial_power(images)).astype(int) - images).max() == 0


def test_one_colour_has_no_detail_to_give():
    flat = np.full((3, 32, 32, 3), 90, np.uint8)
    assert np.ptp(blurred(noise(3), radial_power(flat)), axis=(1, 2)).max() == 0
    assert (blurred(flat, radial_power(noise(3))) == 90).all()


def test_an_oblong_image_is_blurred_alike_along_both_sides():
    images = noise(4, side=32)[:, :, :24]
    power = radial_power(images)
    np.testing.assert_allclose(blurred(images, power), images, atol=1)
    low = power.copy()
    low[8:] = 0
    assert blurred(images[..., :1], low[:, :1]).shape == (4, 32, 24, 1)
    spectrum = np.square(blur._transformed(blurred(images, low)), dtype=np.float64).mean((0, 3))
    assert spectrum[0, 9:].max() < 0.05 * power[8:].mean() and spectrum[12:, 0].max() < 0.05 * power[8:].mean()
