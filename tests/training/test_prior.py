"""What a run keeps for later: a prior in its best checkpoint, and what it made of the same faces after every epoch."""

import numpy as np
import pytest

import vaekit
from tests.training.test_trainer import config
from vaekit import artifacts
from vaekit.checkpoint import load_checkpoint, save_checkpoint
from vaekit.errors import ConfigError, OutputError
from vaekit.models.base import GaussianPosterior
from vaekit.models.conv import ConvVAE
from vaekit.training import train


def far_off(self, x):
    """Encode as the network does, but to codes that are nowhere near N(0, I), whatever few epochs have taught it."""
    posterior = ENCODE(self, x)
    return GaussianPosterior(20 + posterior.mu, posterior.logvar - 2)


ENCODE = ConvVAE.encode


@pytest.fixture(autouse=True, scope="module")
def _far_off():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ConvVAE, "encode", far_off)
        yield


@pytest.fixture(scope="module")
def run(prepared, tmp_path_factory):
    return train(config(), prepared, tmp_path_factory.mktemp("learned") / "run")


def test_the_best_checkpoint_has_the_prior_and_the_last_one_none(run):
    assert load_checkpoint(run.best).model.prior.kind == "mixture"
    assert load_checkpoint(run.last).model.prior.kind == "standard"


def test_the_weights_are_those_of_a_run_without_one(run, prepared, tmp_path):
    plain = train(config(training__prior="standard"), prepared, tmp_path / "run")
    first, second = (load_checkpoint(one.best).model.state_dict() for one in (run, plain))
    assert load_checkpoint(plain.best).model.learned_prior is None
    assert all((first[name] == second[name]).all() for name in first)


def test_a_run_that_was_killed_before_its_prior_was_fitted_gets_it_when_it_is_resumed(run, prepared, tmp_path):
    again = train(config(), prepared, tmp_path / "run")
    best = load_checkpoint(again.best)
    best.model.learned_prior = None
    save_checkpoint(again.best, best)
    train(config(), prepared, tmp_path / "run", resume=load_checkpoint(again.last))
    assert again.best.read_bytes() == (tmp_path / "run/best.pt").read_bytes()
    assert load_checkpoint(again.best).model.prior.kind == "mixture"


def test_what_can_not_be_learned_costs_no_training(prepared, tmp_path, caplog):
    run = train(config(training__prior="flow"), prepared, tmp_path / "run")
    assert load_checkpoint(run.best).model.learned_prior is None
    assert "No prior was learned, so that samples are drawn from N(0, I)" in caplog.text


def test_the_same_faces_and_samples_of_every_epoch_are_kept(run, prepared):
    kept = artifacts.read_arrays(run.folder / artifacts.LEARNED)
    originals = prepared.images[prepared.rows("valid")[:16]]
    assert kept["epoch"].tolist() == [1, 2, 3]
    assert kept["reconstructions"].shape == (3, *originals.shape) and kept["samples"].shape == (
        3,
        16,
        *originals.shape[1:],
    )
    assert np.array_equal(kept["originals"], originals)
    last = load_checkpoint(run.last)
    assert kept["kl_per_dim"] == pytest.approx(np.array(last.kl_per_dim), rel=1e-6)
    faces = kept["originals"].astype(float)
    error = [np.abs(made - faces).mean() for made in kept["reconstructions"].astype(float)]
    assert error[2] < error[0]


def test_a_long_run_keeps_epochs_evenly_apart(prepared, tmp_path, monkeypatch):
    monkeypatch.setattr("vaekit.training.pictures.MOST", 2)
    run = train(config(training__epochs=5), prepared, tmp_path / "run")
    assert artifacts.read_arrays(run.folder / artifacts.LEARNED)["epoch"].tolist() == [3, 5]


def test_prior_of_the_command_line_goes_to_a_new_file(faces, workplace):
    small = [
        "--set",
        "objective.beta=1e-4",
        "--set",
        "model.channels=[8,16]",
        "--set",
        "model.latent_dim=4",
        "--epochs",
        1,
    ]
    workplace.vaekit("train", "--data", faces, "--run", "r", "--prior", "standard", *small)
    before = (workplace.folder / "checkpoints/r/best.pt").read_bytes()
    found = workplace.json("prior", "r", "--kind", "mixture")
    assert (workplace.folder / "checkpoints/r/best.pt").read_bytes() == before
    assert (
        found["prior"] == "mixture"
        and found["valid_log_likelihood"]["mixture"] > found["valid_log_likelihood"]["standard"]
    )
    model = vaekit.load(workplace.folder / found["file"])
    assert model.prior.kind == "mixture"
    assert "exists already" in workplace.vaekit("prior", "r", "--kind", "mixture", check=1).stderr
    assert workplace.json("sample", found["file"], "--n", 2)["prior"] == "mixture"
    assert workplace.json("sample", found["file"], "--n", 2, "--from", "standard")["prior"] == "standard"


def test_prior_refuses_what_is_no_file_and_no_kind(run):
    model = load_checkpoint(run.best).model
    with pytest.raises(ConfigError, match="is no file"):
        vaekit.prior(model)
    with pytest.raises(ConfigError, match="no prior that can be learned"):
        vaekit.prior(run.best, kind="vamp")
    with pytest.raises(OutputError, match="exists already"):
        vaekit.prior(run.best, out=run.best)
