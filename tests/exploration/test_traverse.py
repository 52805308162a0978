import numpy as np
import pytest

from tests.exploration.waves import linear_model, make_space
from vaekit.errors import ConfigError, DataError
from vaekit.exploration.space import decode, mean_change
from vaekit.exploration.traverse import base_code, top_dims, traverse, walk


def test_dims_are_sorted_by_kl(space):
    assert top_dims(space, 3).tolist() == [1, 2, 0]
    assert top_dims(space, 99).tolist() == [1, 2, 0, 3]


def test_a_walk_moves_one_dim_between_its_quantiles_and_holds_the_others(space):
    base = space.mu[0]
    found = walk(space, [2, 0], base, steps=5, percentiles=(1, 99))
    for row, dim in enumerate((2, 0)):
        low, high = np.percentile(space.mu[:, dim], [1, 99])
        np.testing.assert_allclose(found.values[row], np.linspace(low, high, 5))
        for step, value in enumerate(found.values[row]):
            z = base.copy()
            z[dim] = value
            assert (found.pictures[row, step] == decode(space.model, z)).all()
    np.testing.assert_allclose(found.change, mean_change(found.pictures[:, 0], found.pictures[:, -1]))


def test_walks_start_from_the_mean_code_or_an_image(space):
    np.testing.assert_allclose(base_code(space, "mean"), space.mu.mean(0))
    np.testing.assert_allclose(base_code(space, "000003.jpg"), space.mu[2], atol=1e-6)


def test_change_of_a_linear_decoder_is_in_closed_form(space):
    """Along dim 0 every pixel moves by |w_0| / sqrt(values) per unit: a constant wave."""
    found = walk(space, [0], base_code(space, "mean"), steps=2, percentiles=(1, 99))
    expected = 255 * 9 / np.sqrt(3 * 64 * 64) * (found.values[0, 1] - found.values[0, 0])
    assert found.change[0] == pytest.approx(expected, abs=0.5)


def test_one_model_gives_a_row_per_dim(space):
    found = traverse([space], dims=[3, 1], steps=4)
    assert found.pictures.shape == (2, 4, 64, 64, 3) and found.table["dim"].tolist() == [3, 1]
    assert found.table["kl"].tolist() == [0.5, 3.0]
    assert "Dim 1 changes the picture most" in found.sentences[0] and "dim 3 least" in found.sentences[0]


def test_several_models_give_a_row_per_model(space, tmp_path):
    dead = make_space(tmp_path, model=linear_model(dead_dims=4), drawn_by=space.model)
    found = traverse([space, dead], top=2, image="000001", steps=3)
    assert found.table["run"].tolist() == ["waves", "waves"] * 2 and found.table["dim"].tolist() == [1, 1, 2, 2]
    assert (found.table["change"].to_numpy()[1::2] == 0).all() and (found.table["change"].to_numpy()[::2] > 5).all()
    assert "None of the 2 dims walked along changes the picture" in found.sentences[1]
    assert found.sentences[0].startswith("waves: Dim 1")


def test_pictures_of_another_size_are_enlarged_to_stand_beside(space, monkeypatch):
    from vaekit.exploration import traverse as module

    pictures = np.arange(12, dtype=np.uint8).reshape(1, 2, 2, 3)
    assert (module._enlarged(pictures, 4) == pictures.repeat(2, 1).repeat(2, 2)).all()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"dims": [4]}, "--dims 4: waves has 4 latent dims, 0 to 3"),
        ({"dims": [-1]}, "--dims -1"),
        ({"dims": []}, "No dim is asked for"),
        ({"top": 0}, "No dim is asked for"),
        ({"steps": 1}, "--steps 1"),
        ({"percentiles": (99, 1)}, "--percentiles 99:1 is no range of percentiles"),
        ({"percentiles": (0, 101)}, "--percentiles 0:101"),
        ({"percentiles": (float("nan"), 9)}, "--percentiles nan:9"),
    ],
)
def test_what_can_not_be_walked_is_refused(space, options, says):
    with pytest.raises(ConfigError, match=says):
        traverse([space], **options)


def test_an_unknown_image_is_refused(space):
    with pytest.raises(DataError, match="There is no image 'nobody'"):
        traverse([space], image="nobody")
