import numpy as np
import pytest

from tests.exploration.waves import make_space
from vaekit.errors import ConfigError, DataError
from vaekit.exploration.interpolate import between, contrast, interpolate, picked_pairs
from vaekit.exploration.space import decode


def test_ends_are_the_reconstructions_of_the_images(space):
    found = between(space, [("000001", "000002.jpg")], 5)
    assert found.pairs == [("000001", "000002")]
    assert (found.ends[0] == space.images(["000001", "000002"])).all()
    for path in ("linear", "spherical"):
        assert (found.pictures[path][0, [0, -1]] == decode(space.model, space.mu[:2])).all()
        np.testing.assert_allclose(found.norms[path][0, [0, -1]], np.linalg.norm(space.mu[:2], axis=1), rtol=1e-5)


def test_half_way_on_the_straight_line_is_the_mean_of_the_codes(space):
    found = between(space, [("000001", "000002")], 3)
    assert (found.pictures["linear"][0, 1] == decode(space.model, space.mu[:2].mean(0))).all()


def test_spherical_keeps_the_length_and_the_straight_line_does_not(space):
    found = between(space, picked_pairs(space, 3, seed=0), 9)
    np.testing.assert_allclose(found.middle_norm("spherical"), 1, atol=1e-9)
    assert (found.middle_norm("linear") < 0.999).all()
    even = between(space, found.pairs, 8)  # without a picture half-way: the mean of the two beside it
    np.testing.assert_allclose(even.middle_norm("spherical"), 1, atol=1e-9)


def test_contrast_is_the_mean_step_between_neighbours():
    flat, stripes = np.zeros((1, 4, 4, 3), np.uint8), np.zeros((1, 4, 4, 3), np.uint8)
    stripes[:, :, ::2] = 255
    assert contrast(np.stack([flat, stripes])).ravel().tolist() == [0, 127.5]  # across 255, down 0


def test_pairs_are_seeded_test_images_and_never_twice_the_same(space):
    pairs = picked_pairs(space, 50, seed=0)
    assert pairs == picked_pairs(space, 50, seed=0) != picked_pairs(space, 50, seed=1)
    assert all(a != b and {a, b} <= set(space.image_ids) for a, b in pairs)


def test_interpolation_has_a_row_per_pair_and_path(space):
    found = interpolate(space, count=3, steps=4)
    assert found.pictures["linear"].shape == (3, 4, 64, 64, 3) and found.ends.shape == (3, 2, 64, 64, 3)
    assert found.table["path"].tolist() == ["linear", "spherical"] * 3
    assert len(found.facts["pairs"]) == 3 and "Half-way, on the linear path" in found.sentences[0]


def test_what_can_not_be_interpolated_is_refused(space, tmp_path):
    for options, says in (({"steps": 1}, "--steps 1"), ({"count": 0}, "No pair"), ({"pairs": []}, "No pair")):
        with pytest.raises(ConfigError, match=says):
            interpolate(space, **options)
    with pytest.raises(DataError, match="There is no image 'x'"):
        interpolate(space, [("000001", "x")])
    with pytest.raises(DataError, match="one test image, which makes no pair"):
        interpolate(make_space(tmp_path, n=1))
