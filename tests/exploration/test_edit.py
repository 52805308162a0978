import numpy as np
import pytest

from tests.exploration.waves import linear_model, make_space, write_directions
from vaekit import artifacts
from vaekit.errors import ConfigError, DataError
from vaekit.exploration.directions import read_directions
from vaekit.exploration.edit import edit, edited, side_effects

SHRINKAGE = np.square([9, 7, 5, 3]) / (np.square([9, 7, 5, 3]) + 0.02**2)  # of mu(decode(z)) against z


@pytest.fixture(scope="module")
def directions(space):
    return read_directions(space)


def test_a_step_is_one_standard_deviation_of_the_codes_along_it(space, directions):
    for k, name in enumerate(directions.attributes):
        np.testing.assert_allclose(directions.step(name, "means"), space.mu[:, k].std() * np.eye(4)[k], atol=1e-12)
    np.testing.assert_allclose(directions.step("Green", "probe"), 0.5 * np.eye(4)[1])


def test_a_step_has_no_unit_of_the_means(space, tmp_path):
    """Twice the difference of the means is the same direction, so the same step."""
    space = make_space(tmp_path)
    write_directions(tmp_path, 2 * np.eye(3, 4))
    np.testing.assert_allclose(read_directions(space).step("Red", "means"), space.mu[:, 0].std() * np.eye(4)[0])


def test_side_effects_of_entangled_means_are_in_closed_form(space, tmp_path):
    """Towards (1, 1, 0, 0) the probes of dims 0 and 1 move by sd(mu . u) u_d / sd(mu_d) per step, that of 2 by 0."""
    other = make_space(tmp_path)
    means = np.eye(3, 4)
    means[0, 1] = 1
    write_directions(tmp_path, means)
    found_directions = read_directions(other)
    unit = means[0] / np.sqrt(2)
    expected = (other.mu @ unit).std() * unit[:3] / other.mu[:, :3].std(0)
    found = edited(other, found_directions, other.mu[:4], "Red", np.array([-1.5, 0, 1.5]), "means")
    on_code, on_picture = (found.per_step(x, found_directions.spread) for x in (found.on_code, found.on_picture))
    np.testing.assert_allclose(on_code, np.tile(expected, (4, 1)), atol=1e-9)
    np.testing.assert_allclose(on_picture, np.tile(expected * SHRINKAGE[:3], (4, 1)), atol=0.02)


def test_an_edit_without_strength_is_the_reconstruction(space, directions):
    found = edited(space, directions, space.mu[:2], "Red", np.array([-1.0, 0, 1]), "means")
    from vaekit.exploration.space import decode

    assert (found.pictures[:, 1] == decode(space.model, space.mu[:2])).all()
    np.testing.assert_allclose(found.on_code[:, 1], directions.logits(space.mu[:2]))


def test_an_edit_says_what_every_probe_makes_of_it(space, directions):
    found = edit(space, space.images(["000002"])[0], "000002", "Green", strengths=(-2, 2), steps=5)
    assert found.pictures.shape == (5, 64, 64, 3) and found.stem == "edit-Green-000002"
    assert found.table["attribute"].tolist()[0] == "Green" and set(found.table["attribute"]) == set(
        directions.attributes
    )
    assert found.table["on_code"].to_numpy() == pytest.approx([1, 0, 0], abs=1e-6)
    assert found.table["on_picture"].to_numpy() == pytest.approx([1, 0, 0], abs=0.03)
    assert len(found.logits) == 3 * 5 and found.logits["strength"].tolist()[:5] == [-2, -1, 0, 1, 2]
    at_zero = found.logits[found.logits["strength"] == 0].set_index("attribute")["on_code"]
    for k, name in enumerate(directions.attributes):
        assert at_zero[name] == pytest.approx(directions.logits(space.mu[1])[k], abs=1e-4)
    assert "Green moved no other probe" in found.sentences[1]
    assert "+1.00 of its standard deviations on the code" in found.sentences[0]
    assert "Green" in str(found) and "+2" in str(found)


def test_a_deaf_decoder_moves_the_code_and_not_the_picture(space, tmp_path):
    other = make_space(tmp_path, model=linear_model(fault="deaf decoder"), drawn_by=space.model)
    found = edit(other, other.images(["000002"])[0], "000002", "Red")
    assert found.table["on_code"][0] == pytest.approx(1) and found.table["on_picture"][0] == 0
    assert found.facts["change"] == 0


def test_files_of_an_edit(space, directions, tmp_path):
    found = edit(space, space.images(["000002"])[0], "my dog/é:*?", "Red", steps=2)
    names = [path.name for path in found.write(tmp_path)]
    assert names[0] == "edit-Red-my_dog_é_.png" and len(names) == 4
    assert len(artifacts.read_table(tmp_path / names[-1])) == 6
    assert artifacts.read_json(tmp_path / names[2])["attribute"] == "Red"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"attribute": "Gren"}, "--attribute Gren: there is no direction of that name. Did you mean 'Green'?"),
        ({"strengths": (3, -3)}, "--strength 3:-3 is no range"),
        ({"strengths": (1, 1)}, "--strength 1:1 is no range"),
        ({"strengths": (float("nan"), 1)}, "--strength nan:1 is no range"),
        ({"strengths": (0, float("inf"))}, "--strength 0:inf is no range"),
        ({"steps": 1}, "--steps 1"),
    ],
)
def test_what_can_not_be_edited_is_refused(space, directions, options, says):
    with pytest.raises(ConfigError) as error:
        edit(space, space.images(["000002"])[0], "000002", **{"attribute": "Red"} | options)
    assert says in str(error.value)


def test_why_there_are_no_directions(space, tmp_path):
    bare = make_space(tmp_path / "bare", attributes=())
    with pytest.raises(DataError, match="The data 'waves' has no attributes"):
        read_directions(bare)
    silent = make_space(tmp_path / "silent", model=linear_model(fault="stuck at the prior"), drawn_by=space.model)
    with pytest.raises(DataError, match="None of the dims of the code tells images apart"):
        read_directions(silent)
    older = make_space(tmp_path / "older")
    (tmp_path / "older" / artifacts.DIRECTIONS).unlink()
    with pytest.raises(DataError, match=r"holds no directions\.npz: run `vaekit evaluate` again"):
        read_directions(older)
    write_directions(tmp_path / "older", attributes=())
    with pytest.raises(DataError, match="has enough images for a probe"):
        read_directions(older)
    artifacts.write_arrays(tmp_path / "older" / artifacts.DIRECTIONS, attributes=np.array(["Red"]))
    with pytest.raises(DataError, match=r"directions\.npz lacks 'coefficients'"):
        read_directions(older)


def test_a_probe_that_says_the_same_of_all_has_no_effect(space, tmp_path):
    other = make_space(tmp_path)
    arrays = artifacts.read_arrays(tmp_path / artifacts.DIRECTIONS)
    arrays["coefficients"][2] = 0
    arrays["class_mean"][2] = 0
    artifacts.write_arrays(tmp_path / artifacts.DIRECTIONS, **arrays)
    found = read_directions(other)
    assert np.isinf(found.spread[2])
    with pytest.raises(DataError, match="The direction of Blue by means has no length"):
        found.step("Blue", "means")


def test_strongest_are_by_auroc_and_side_effects_name_three(directions):
    assert directions.strongest(2) == ["Blue", "Green"]
    said = side_effects("Red", ["A", "B_b", "C", "D", "E"], np.array([0.2, -0.9, 0.05, 0.3, 0.15]))
    assert said == "Red also moved B b by −0.90, D by +0.30, A by +0.20."
    assert (
        side_effects("Red", [], np.array([])) == "Red moved no other probe by 0.1 of its standard deviations or more."
    )
