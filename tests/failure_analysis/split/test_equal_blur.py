"""The blur that fits reconstructions best: known blurs come back, and the control of a pure blur is that blur."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from tests.failure_analysis.split.test_detail import blurred, natural
from vaekit.failure_analysis.face_area import face_mask
from vaekit.failure_analysis.split.equal_blur import fit_blur


@pytest.mark.parametrize("size", [32, 64])
@pytest.mark.parametrize("sigma", [0.8, 2.0])
def test_a_known_blur_comes_back_in_both_regions(size, sigma):
    x = natural(24, size)
    blur = fit_blur(x, blurred(x, sigma), face_mask(size))
    known = np.exp(-2 * (np.pi * sigma * blur.frequency / size) ** 2)
    inner = blur.frequency <= size / 2
    for transfer in (blur.face, blur.around):
        np.testing.assert_allclose(transfer[inner], known[inner], atol=0.06)


def test_the_control_of_a_pure_blur_is_that_blur():
    x = natural(40, 64)
    x_hat = blurred(x, 2.0)
    difference = fit_blur(x, x_hat, face_mask(64))(x).astype(int) - x_hat
    assert np.abs(difference).max() <= 4 and np.sqrt(np.square(difference).mean()) < 0.5
    identity = fit_blur(x, x, face_mask(64))
    assert np.abs(identity(x).astype(int) - x).max() <= 1
    assert "the pixel in the face and the pixel around it" in identity.sentence


def test_face_and_surroundings_have_their_own_blur():
    x, face = natural(40, 64), face_mask(64)
    x_hat = np.where(face[None, :, :, None], blurred(x, 1.0), blurred(x, 3.0))
    blur = fit_blur(x, x_hat, face)
    at = np.interp(6.0, blur.frequency, blur.face), np.interp(6.0, blur.frequency, blur.around)
    known = np.exp(-2 * (np.pi * np.array([1.0, 3.0]) * 6.0 / 64) ** 2)
    np.testing.assert_allclose(at, known, atol=0.05)
    error = (blur(x).astype(float) - x_hat) ** 2
    assert error.mean() < 0.1 * ((x.astype(float) - x_hat) ** 2).mean()


def test_colour_and_mean_are_kept():
    x = np.zeros((4, 32, 32, 3), np.uint8) + np.array([200, 90, 10], np.uint8)
    blur = fit_blur(natural(20), blurred(natural(20), 2.0), face_mask(32))
    assert (blur(x) == x).all()
    coloured = natural(20)
    coloured[..., 1] //= 3
    np.testing.assert_allclose(blur(coloured).mean((1, 2)), coloured.mean((1, 2)), atol=2)


def test_order_and_chunks_change_nothing(monkeypatch):
    from vaekit.failure_analysis.split import equal_blur as module

    x = natural(20)
    x_hat = np.rint(gaussian_filter(x.astype(float), (0, 1, 1, 0))).astype(np.uint8)
    whole = fit_blur(x, x_hat, face_mask(32))
    monkeypatch.setattr(module, "CHUNK", 7)
    other = fit_blur(x[::-1], x_hat[::-1], face_mask(32))
    np.testing.assert_allclose(other.face, whole.face, atol=1e-4)
    assert (whole(x[:5]) == whole(x)[:5]).all()
