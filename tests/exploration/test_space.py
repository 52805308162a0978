from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.exploration.waves import linear_model, make_space
from vaekit.errors import DataError
from vaekit.exploration.space import decode, encode, mean_change, open_space


def test_decode_and_encode_keep_leading_shapes_and_undo_one_another(space):
    z = 0.5 * np.random.default_rng(0).standard_normal((2, 3, space.dims))
    pictures = decode(space.model, z)
    assert pictures.shape == (2, 3, 64, 64, 3) and pictures.dtype == np.uint8
    np.testing.assert_allclose(encode(space.model, pictures), z, atol=0.01)  # 8 bits, and the posterior's shrinkage


def test_decode_in_parts_is_decode_at_once(space, monkeypatch):
    z = np.random.default_rng(0).standard_normal((7, space.dims))
    whole, again = decode(space.model, z), encode(space.model, decode(space.model, z))
    monkeypatch.setattr("vaekit.exploration.space._AT_A_TIME", 3)
    assert (decode(space.model, z) == whole).all()
    np.testing.assert_allclose(encode(space.model, whole), again, atol=1e-6)


def test_encode_agrees_with_the_evaluations_codes(space):
    np.testing.assert_allclose(encode(space.model, space.images(space.image_ids[:5])), space.mu[:5], atol=1e-6)


@pytest.mark.parametrize("name", ["000007", "000007.jpg", "000061.png"])
def test_an_image_is_named_with_or_without_its_suffix_and_may_be_of_any_split(space, name):
    assert space.image_id(name) == name[:6]


@pytest.mark.parametrize(("name", "says"), [("7", "Did you mean '000007'?"), ("x.jpg", "000001 to 000062")])
def test_an_unknown_image_is_refused_with_what_there_is(space, name, says):
    with pytest.raises(DataError, match="There is no image") as error:
        space.image_id(name)
    assert says in str(error.value)


def test_some_images_are_seeded_sorted_and_no_more_than_there_are(space):
    assert space.some(5, 0, "a") == space.some(5, 0, "a") == sorted(space.some(5, 0, "a"))
    assert space.some(5, 0, "a") != space.some(5, 1, "a") and space.some(5, 0, "a") != space.some(5, 0, "b")
    assert len(space.some(1000, 0, "a")) == 60


def test_a_code_that_is_the_same_for_all_says_nothing_and_a_small_one_does(space, tmp_path):
    silent = linear_model(fault="stuck at the prior")
    assert make_space(tmp_path, model=silent, drawn_by=space.model).says_nothing and not space.says_nothing
    assert not replace(space, mu=1e-3 * space.mu).says_nothing


def test_an_evaluation_of_other_images_is_refused(space, tmp_path):
    other = make_space(tmp_path)
    object.__setattr__(other.prepared, "fingerprint", "another")
    with pytest.raises(DataError, match="have changed since"):
        open_space("waves", other.model, other.prepared, tmp_path)


def test_mean_change_does_not_wrap_around():
    first, second = np.zeros((2, 1, 1, 3), np.uint8), np.zeros((2, 1, 1, 3), np.uint8)
    second[1] = [200, 100, 0]
    assert mean_change(first, second).tolist() == mean_change(second, first).tolist() == [0, 100]


def test_the_models_global_random_state_is_left_alone(space):
    before = torch.random.get_rng_state()
    decode(space.model, space.mu[:1])
    assert (torch.random.get_rng_state() == before).all()
