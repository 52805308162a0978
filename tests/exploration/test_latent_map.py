from dataclasses import replace

import numpy as np
import pytest

from tests.exploration.waves import linear_model, make_space
from vaekit.errors import DataError
from vaekit.exploration.latent_map import gathered, latent_map, neighbours_kept


def test_a_flat_code_keeps_its_neighbours(space):
    """Codes of two dims are on a plane already."""
    plane = replace(space, mu=space.mu * [1, 1, 0, 0])
    found = latent_map(plane, seed=0)
    assert found.plane == pytest.approx(1) and found.kept > 0.7
    assert (
        found.xy.shape == (60, 2)
        and np.isfinite(found.xy).all()
        and found.image_ids.tolist() == space.image_ids.tolist()
    )


def test_two_clouds_stay_apart(space):
    apart = np.where(np.arange(60) < 30, -20.0, 20.0)
    found = latent_map(replace(space, mu=space.mu + apart[:, None] * [0, 0, 1, 1]), seed=0)
    assert gathered(found.xy, apart > 0) == 1 and gathered(found.xy, apart < 0) == 1


def test_the_map_is_the_same_to_the_byte_and_seeded_only_in_its_images(space, monkeypatch):
    assert latent_map(space, 0).xy.tobytes() == latent_map(space, 0).xy.tobytes()
    monkeypatch.setattr("vaekit.exploration.latent_map.MOST", 20)
    few, other = latent_map(space, 0), latent_map(space, 1)
    assert len(few.image_ids) == 20 and few.image_ids.tolist() == sorted(few.image_ids)
    assert few.image_ids.tolist() != other.image_ids.tolist()


def test_one_dim_has_a_map(space):
    found = latent_map(replace(space, mu=space.mu[:, :1]), seed=0)
    assert np.isfinite(found.xy).all() and found.plane == pytest.approx(1)


def test_neighbours_kept_and_gathered_in_closed_form():
    line = np.arange(20.0)[:, None]
    assert neighbours_kept(line, line, 4) == 1
    far = np.concatenate([line[:10], line[:10] + 1000])
    assert neighbours_kept(far, np.concatenate([far[10:], far[:10]]), 4) == 1
    assert (
        gathered(np.column_stack([np.arange(22.0) // 11 * 100 + np.arange(22) % 11, np.zeros(22)]), np.arange(22) < 11)
        == 1
    )


def test_why_there_is_no_map(space, tmp_path):
    with pytest.raises(DataError, match="11 test images are fewer than 12"):
        latent_map(make_space(tmp_path, n=11), 0)
    silent = make_space(tmp_path, model=linear_model(fault="stuck at the prior"), drawn_by=space.model)
    with pytest.raises(DataError, match="none of its dims tells images apart"):
        latent_map(silent, 0)
