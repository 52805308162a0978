"""Pictures of any size and in grey: whatever a network takes is drawn."""

import numpy as np
import pytest

from tests.figures.pasted import pasted
from vaekit import artifacts
from vaekit.figures.base import draw
from vaekit.figures.grids import gallery, image_grid, rgb, triples
from vaekit.figures.strips import strips

SHAPES = [(28, 40, 1), (40, 28, 3), (33, 33, 1)]


def pictures(n, shape):
    return np.random.default_rng(0).integers(0, 256, (n, *shape)).astype(np.uint8)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", ["faces", "reconstructions", "samples", "temperatures"])
def test_pictures_of_any_shape_are_drawn(name, shape):
    x = pictures(9, shape)
    draws = {"samples": x, "temperature": np.array([0.5]), "by_temperature": x[None], "prior": np.array("N(0, I)")}
    drawn = draw(name, {artifacts.PICTURES: {"x": x, "x_hat": x}, artifacts.DRAWS: draws})
    picture = pasted(drawn)
    assert picture.mode == "RGB" and picture.height >= shape[0]


def test_a_model_that_draws_nothing_shows_what_it_reconstructs():
    x = pictures(9, (8, 8, 3))
    pair = {artifacts.PICTURES: {"x": x, "x_hat": x}}
    for more, said in (({}, False), ({artifacts.DRAWS: {"samples": x}}, True)):
        assert ("sample" in draw("faces", pair | more).caption) == said


@pytest.mark.parametrize("shape", SHAPES)
def test_grids_keep_every_pixel_and_grey_is_the_same_in_all_channels(shape):
    x = pictures(3, shape)
    grid = np.asarray(image_grid(x, 3, gap=0))
    assert grid.shape == (shape[0], 3 * shape[1], 3) and np.array_equal(grid[:, : shape[1]], rgb(x)[0])
    assert triples(x, x[::-1], 0.5).shape == (3, shape[0], 3 * shape[1], 3)
    assert gallery(x, x[::-1], ["a", "b", "c"]).mode == "RGB"
    assert strips(x[None], ["a"]).mode == "RGB"


def test_two_channels_are_refused():
    with pytest.raises(ValueError, match="3 or 1"):
        image_grid(pictures(2, (8, 8, 2)), 2)
