import numpy as np
import pytest
from scipy.spatial import geometric_slerp

from vaekit.exploration.paths import linear, spherical, steps

T = steps(9)


def unit(vector):
    return vector / np.linalg.norm(vector)


@pytest.fixture
def ends():
    generator = np.random.default_rng(0)
    return generator.standard_normal(20), 3 * generator.standard_normal(20)


def test_steps_hold_both_ends():
    assert steps(3).tolist() == [0, 0.5, 1]


@pytest.mark.parametrize("path", [linear, spherical])
def test_a_path_starts_and_ends_at_its_codes_and_is_the_same_backwards(path, ends):
    a, b = ends
    walked = path(a, b, T)
    assert walked.shape == (9, 20)
    np.testing.assert_allclose(walked[[0, -1]], [a, b], atol=1e-12)
    np.testing.assert_allclose(path(b, a, T)[::-1], walked, atol=1e-12)


def test_linear_is_halfway_in_the_middle(ends):
    np.testing.assert_allclose(linear(*ends, T)[4], (ends[0] + ends[1]) / 2)


def test_spherical_of_two_axes_is_a_quarter_circle():
    walked = spherical(np.array([1.0, 0]), np.array([0, 1.0]), T)
    angle = T * np.pi / 2
    np.testing.assert_allclose(walked, np.column_stack([np.cos(angle), np.sin(angle)]), atol=1e-12)


def test_spherical_equals_scipys_great_circle_in_direction(ends):
    a, b = ends
    walked = spherical(a, b, T)
    directions = walked / np.linalg.norm(walked, axis=1, keepdims=True)
    np.testing.assert_allclose(directions, geometric_slerp(unit(a), unit(b), T), atol=1e-12)


def test_spherical_changes_its_length_evenly_where_the_straight_line_is_too_short(ends):
    a, b = ends
    lengths = np.linalg.norm(spherical(a, b, T), axis=1)
    np.testing.assert_allclose(lengths, (1 - T) * np.linalg.norm(a) + T * np.linalg.norm(b), atol=1e-12)
    assert np.linalg.norm(linear(a, b, T)[4]) < 0.8 * lengths[4]


@pytest.mark.parametrize("second", [2.5, -1.0, 0.0, 1.0, 1 + 1e-12])
def test_where_no_great_circle_is_singled_out_it_is_the_straight_line(ends, second):
    a = ends[0]
    walked = spherical(a, second * a, T)
    assert np.isfinite(walked).all()
    np.testing.assert_allclose(walked, linear(a, second * a, T), atol=1e-9)


def test_nearly_parallel_codes_keep_their_digits(ends):
    a = ends[0]
    b = a + 1e-5 * ends[1]
    np.testing.assert_allclose(spherical(a, b, T), linear(a, b, T), atol=1e-8)
