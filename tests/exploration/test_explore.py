import numpy as np
import pytest

from tests.exploration.waves import linear_model, make_space
from vaekit import artifacts
from vaekit.errors import DataError
from vaekit.exploration.explore import STRENGTHS, explore
from vaekit.exploration.space import open_space

FILES = {
    "digests.json",
    "exploration.json",
    "traversals.npz",
    "interpolations.npz",
    "edits.npz",
    "latent_map.csv",
    "live.npz",
}


def run(space, folder, **options):
    return explore(space, folder, **options)


@pytest.fixture(scope="module")
def explored(space, tmp_path_factory):
    return run(space, tmp_path_factory.mktemp("exploration"))


def test_everything_is_written_with_what_made_it(explored, space):
    assert {path.name for path in explored.folder.iterdir()} == FILES
    assert explored.summary["absent"] == {}
    assert space.made_by.items() <= explored.summary["made_by"].items()
    assert all(sentence in str(explored) for sentence in explored.summary["edits"]["sentences"])


def test_arrays_have_the_shapes_that_figures_and_reports_read(explored):
    traversals, pairs, edits = (
        artifacts.read_arrays(explored.folder / name)
        for name in (artifacts.TRAVERSALS, artifacts.INTERPOLATIONS, artifacts.EDITS)
    )
    assert traversals["dims"].tolist() == explored.summary["traversals"]["dims"] == [1, 2, 0, 3]
    assert traversals["pictures"].shape == (4, 7, 64, 64, 3) and traversals["values"].shape == (4, 7)
    assert pairs["linear"].shape == pairs["spherical"].shape == (3, 7, 64, 64, 3)
    assert pairs["ends"].shape == (3, 2, 64, 64, 3) and pairs["image_ids"].shape == (3, 2)
    assert edits["attributes"].tolist() == ["Blue", "Green", "Red"]  # by AUROC
    assert edits["pictures"].shape == (3, 2, len(STRENGTHS), 64, 64, 3)
    assert edits["on_code"].shape == edits["on_picture"].shape == (3, 2, len(STRENGTHS), 3)
    assert edits["originals"].shape == (2, 64, 64, 3) and edits["effect"].shape == (3, 3)
    table = artifacts.read_table(explored.folder / artifacts.LATENT_MAP)
    assert list(table) == ["image_id", "x", "y", "Red", "Green", "Blue"] and len(table) == 60


def test_effects_of_clean_directions_are_one_and_nothing(explored):
    """Each probe reads one dim, each direction is that dim: a step moves its own probe by one, no other."""
    facts = explored.summary["edits"]
    for row in facts["attributes"]:
        assert row["value"] == pytest.approx(1, abs=0.03) and row["on_code"] == pytest.approx(1)
        assert row["low"] <= row["value"] <= row["high"] and row["n"] == 60
        assert all(other["value"] == pytest.approx(0, abs=0.03) for other in row["others"].values())
        assert "moved no other probe" in row["sentence"]


def test_the_interval_of_an_effect_is_students(explored, space):
    from scipy import stats

    from vaekit.exploration.directions import read_directions
    from vaekit.exploration.edit import edited

    directions = read_directions(space)
    found = edited(space, directions, space.mu, "Red", np.array([-2.0, 2.0]), "means")
    moved = found.per_step(found.on_picture, directions.spread)[:, 0]
    expected = stats.t.interval(0.95, len(moved) - 1, moved.mean(), stats.sem(moved))
    (row,) = [row for row in explored.summary["edits"]["attributes"] if row["attribute"] == "Red"]
    np.testing.assert_allclose([row["low"], row["high"]], expected, atol=1e-4)


def test_the_map_tells_how_gathered_each_attribute_is(explored):
    facts = explored.summary["latent_map"]
    assert [row["attribute"] for row in facts["attributes"]] == ["Blue", "Green", "Red"]
    assert all(0 <= row["near"] <= 1 and 0.1 <= row["rate"] <= 0.9 for row in facts["attributes"])


def test_same_seed_same_bytes_other_seed_other_images(explored, space, tmp_path):
    again = run(space, tmp_path / "again")
    for name in FILES:
        assert (again.folder / name).read_bytes() == (explored.folder / name).read_bytes(), name
    other = run(space, tmp_path / "other", seed=1).summary
    assert other["interpolations"]["pairs"] != explored.summary["interpolations"]["pairs"]
    assert other["edits"]["image_ids"] != explored.summary["edits"]["image_ids"]


def test_what_is_absent_says_why_and_leaves_no_older_file(space, explored, tmp_path):
    silent = make_space(tmp_path / "evaluation", n=5, model=linear_model(fault="stuck at the prior"))
    for name in FILES:
        artifacts.write_bytes(tmp_path / "out" / name, (explored.folder / name).read_bytes())
    found = run(silent, tmp_path / "out")
    assert set(found.summary["absent"]) == {"edits", "latent_map"}
    assert {path.name for path in found.folder.iterdir()} == FILES - {"edits.npz", "latent_map.csv"}
    assert "tells images apart" in str(found)


def test_data_without_attributes_has_a_map_without_colours(space, tmp_path):
    found = run(make_space(tmp_path / "evaluation", attributes=()), tmp_path / "out")
    assert "has no attributes" in found.summary["absent"]["edits"]
    assert found.summary["latent_map"]["attributes"] == []
    assert list(artifacts.read_table(tmp_path / "out" / artifacts.LATENT_MAP)) == ["image_id", "x", "y"]


def test_one_image_has_traversals_and_reasons(space, tmp_path):
    found = run(make_space(tmp_path / "evaluation", n=1), tmp_path / "out")
    assert set(found.summary["absent"]) == {"interpolations", "edits", "latent_map"}


def test_nothing_counts_until_all_is_written(space, tmp_path, monkeypatch):
    run(space, tmp_path)
    monkeypatch.setattr("vaekit.exploration.explore.latent_map", lambda space, seed: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run(space, tmp_path)
    assert not (tmp_path / artifacts.EXPLORATION_SUMMARY).exists()


def test_a_broken_evaluation_is_refused(space, tmp_path):
    broken = make_space(tmp_path / "evaluation")
    (tmp_path / "evaluation" / artifacts.LATENTS).write_bytes(b"cut")
    with pytest.raises(DataError, match=r"latents\.npz can not be read"):
        open_space(broken.run, broken.model, broken.prepared, broken.evaluation)
