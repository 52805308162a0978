import json

import numpy as np
import pytest
from PIL import Image

from tests.exploration.waves import linear_model
from vaekit.data.pixels import to_uint8
from vaekit.errors import ConfigError, DataError
from vaekit.exploration.sampling import sample
from vaekit.priors import Mixture, mixture_of

ARRAYS = {
    "weights": np.array([0.75, 0.25]),
    "means": np.array([[0.0, 0, 0, 0], [10, 0, 0, 0]]),
    "covariances": np.stack([np.diag([1.0, 4, 1, 1]), np.full((4, 4), 0.9) + 0.1 * np.eye(4)]),
}
MIXTURE = Mixture(**ARRAYS)


@pytest.fixture(scope="module")
def model():
    return linear_model()


def drawn(model, n=5, **options):
    return sample("run", model, n, made_by={}, **options)


def test_samples_of_the_prior_are_those_of_the_model(model):
    expected = to_uint8(model.sample(5, seed=3, temperature=0.7).detach())
    assert (drawn(model, temperature=0.7, seed=3).images == expected).all()


def test_mixture_has_the_weights_means_and_covariances_it_was_given():
    n = 40_000
    z = MIXTURE.sample(n, seed=0)
    second = z[:, 0] > 5
    assert second.mean() == pytest.approx(0.25, abs=4 * np.sqrt(0.25 * 0.75 / n))
    for has, k in ((~second, 0), (second, 1)):
        np.testing.assert_allclose(z[has].mean(0), MIXTURE.means[k], atol=0.06)
        np.testing.assert_allclose(np.cov(z[has].T), MIXTURE.covariances[k], atol=0.12)


def test_temperature_scales_the_spread_around_each_mean_and_not_the_choice():
    cold, plain, warm = (MIXTURE.sample(50, seed=1, temperature=t) for t in (0.0, 1.0, 2.0))
    assert {tuple(row) for row in cold} == {tuple(row) for row in MIXTURE.means}
    np.testing.assert_allclose(warm - cold, 2 * (plain - cold), atol=1e-5)


def test_seeds_decide(model):
    for prior in (None, MIXTURE):
        first = drawn(model, prior=prior, seed=1)
        assert (first.images == drawn(model, prior=prior, seed=1).images).all()
        assert (first.images != drawn(model, prior=prior, seed=2).images).any()


def test_mixture_that_does_not_fit_together():
    with pytest.raises(DataError, match="does not fit together"):
        mixture_of(ARRAYS | {"covariances": np.ones((2, 4))}, "mixture.npz")


@pytest.mark.parametrize(
    ("options", "says"),
    [({"n": 0}, "--n 0"), ({"temperature": -1.0}, "--temperature -1"), ({"temperature": float("nan")}, "from 0 up")],
)
def test_what_can_not_be_drawn_is_refused(model, options, says):
    with pytest.raises(ConfigError, match=says):
        drawn(model, **options)


def test_grid_and_singles_are_written_and_an_earlier_longer_run_is_cleared(model, tmp_path):
    (tmp_path / "sample-9999.png").write_text("not ours")
    (tmp_path / "mine-0009.png").write_text("not ours")
    drawn(model, n=11).write(tmp_path)
    assert not (tmp_path / "sample-0012.png").exists() and (tmp_path / "sample-0011.png").exists()
    few = drawn(model, n=3)
    paths = few.write(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([p.name for p in paths] + ["mine-0009.png"])
    assert (np.asarray(Image.open(tmp_path / "sample-0002.png")) == few.images[1]).all()
    record = json.loads((tmp_path / "sample.json").read_text())
    assert record["n"] == 3 and record["prior"] == "standard" and len(record["table"]) == 3
    assert "N(0, 1² I)" in record["sentences"][0]


def test_foreign_pictures_in_a_folder_that_is_not_ours_stay(model, tmp_path):
    (tmp_path / "sample-9999.png").write_text("not ours")
    drawn(model, n=1).write(tmp_path)
    assert (tmp_path / "sample-9999.png").read_text() == "not ours"
