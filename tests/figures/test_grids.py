import io

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image

from vaekit.figures import grids

WHITE = [254, 254, 254]


def flat(value: int, n: int = 1, size: int = 2) -> np.ndarray:
    return np.full((n, size, size, 3), value, np.uint8)


def test_image_grid_places_every_pixel():
    images = np.concatenate([flat(10), flat(20), flat(30)])
    grid = np.asarray(grids.image_grid(images, columns=2, gap=1))
    assert grid.shape == (5, 5, 3)
    assert (grid[:2, :2] == 10).all()
    assert (grid[:2, 3:] == 20).all()
    assert (grid[3:, :2] == 30).all()
    assert (grid[2] == WHITE).all()
    assert (grid[:, 2] == WHITE).all()
    assert (grid[3:, 3:] == WHITE).all()


def test_image_grid_scale_repeats_pixels_and_narrows_to_what_is_there():
    image = np.arange(12, dtype=np.uint8).reshape(1, 2, 2, 3)
    grid = np.asarray(grids.image_grid(image, columns=8, scale=3))
    assert (grid == image[0].repeat(3, 0).repeat(3, 1)).all()


def test_pair_grid_puts_the_reconstruction_below_its_original():
    grid = np.asarray(
        grids.pair_grid(np.concatenate([flat(1), flat(2)]), np.concatenate([flat(101), flat(102)]), 2, gap=4)
    )
    assert grid.shape == (4, 8, 3)
    assert (grid[:2, :2] == 1).all()
    assert (grid[2:, :2] == 101).all()
    assert (grid[:2, 6:] == 2).all()
    assert (grid[2:, 6:] == 102).all()


def test_error_map_known_answers():
    x, x_hat = flat(0, 3), np.concatenate([flat(0), flat(51), flat(255)])  # errors 0, .2 and 1
    shown = grids.error_map(x, x_hat, limit=0.4)
    colours = (np.asarray(mpl.colormaps["magma"].colors) * 255).astype(np.uint8)
    assert (shown[0] == colours[0]).all()
    assert np.abs(shown[1].astype(int) - colours[128]).max() <= 1
    assert (shown[2] == shown[2][0, 0]).all()
    assert np.abs(shown[2].astype(int) - colours[255]).max() <= 1


def test_absolute_error_averages_channels_without_wrapping_around():
    x, x_hat = flat(250), flat(250)
    x_hat[..., 0] = 255
    x_hat[..., 1] = 240
    assert grids.absolute_error(x, x_hat) == pytest.approx(np.full((1, 2, 2), 5 / 255))


def test_shared_limit_covers_all_pairs_and_is_positive():
    assert grids.shared_limit((flat(0), flat(0))) == 0.05
    assert grids.shared_limit((flat(0), flat(0)), (flat(0), flat(51))) == pytest.approx(0.2)


@pytest.mark.parametrize("limit", [0.0, -1.0, float("nan")])
def test_error_map_refuses_a_limit_that_is_none(limit):
    with pytest.raises(ValueError, match="positive"):
        grids.error_map(flat(0), flat(0), limit)


@pytest.mark.parametrize(
    "images", [np.zeros((0, 2, 2, 3), np.uint8), np.zeros((1, 3, 2, 2), np.uint8), np.zeros((1, 2, 2, 3))]
)
def test_grids_say_what_they_expect(images):
    with pytest.raises(ValueError, match="uint8"):
        grids.image_grid(images, 4)


def test_pairs_must_match():
    with pytest.raises(ValueError, match="pair up"):
        grids.pair_grid(flat(0, 2), flat(0, 3), 2)


@pytest.mark.parametrize("size", [2, 64, 128])
@pytest.mark.parametrize("n", [1, 5])
def test_gallery_holds_the_triples_pixel_by_pixel(n, size):
    rng = np.random.default_rng(0)
    x, x_hat = rng.integers(0, 256, (2, n, size, size, 3), dtype=np.uint8)
    page = np.asarray(grids.gallery(x, x_hat, ["a\nb"] * n, columns=4, limit=0.3))
    triple = grids.triples(x, x_hat, 0.3)[0]
    scale = max(1, 384 // (3 * size))
    assert (page[34 : 34 + size * scale, : 3 * size * scale] == triple.repeat(scale, 0).repeat(scale, 1)).all()


def test_gallery_takes_long_and_hostile_labels():
    labels = ["", "x" * 500, "a\u202eb\x00 <script> $x^2$ {{ 7*7 }}"]
    page = grids.gallery(flat(9, 3, 64), flat(8, 3, 64), labels)
    assert page.width == 3 * 384 + 2 * 18
    with pytest.raises(ValueError, match="2 labels for 3"):
        grids.gallery(flat(9, 3), flat(8, 3), labels[:2])


def test_png_is_deterministic_lossless_and_bare():
    image = grids.image_grid(np.random.default_rng(1).integers(0, 256, (4, 8, 8, 3), dtype=np.uint8), 2)
    data = grids.png_bytes(image)
    assert data == grids.png_bytes(image)
    loaded = Image.open(io.BytesIO(data))
    assert (np.asarray(loaded) == np.asarray(image)).all()
    assert loaded.info == {}
