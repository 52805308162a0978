"""Which prior is kept, and how it survives a checkpoint."""

import numpy as np
import pytest
import torch

from tests.priors.test_mixture import clusters, posteriors
from vaekit.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from vaekit.config import load_config
from vaekit.errors import CheckpointError, VaekitError
from vaekit.models.base import build_model
from vaekit.priors import Standard, fit_prior, prior_of, record_of


def test_standard_normal_is_scipys_and_the_closed_form():
    z = np.random.default_rng(0).normal(size=(20, 5))
    assert Standard(5).log_prob(z) == pytest.approx(-0.5 * (z**2).sum(1) - 2.5 * np.log(2 * np.pi), rel=1e-12)
    assert Standard(5).sample(4, seed=1, temperature=0.5) == pytest.approx(0.5 * Standard(5).sample(4, seed=1))


def test_auto_keeps_the_best_on_valid_and_standard_where_nothing_is_better():
    train, valid = (posteriors(clusters(n, seed, 2, 4)) for n, seed in ((600, 0), (200, 1)))
    found = fit_prior("auto", train, valid, 0)
    assert set(found.valid_log_likelihood) == {"standard", "mixture", "flow"}
    best = max(found.valid_log_likelihood, key=lambda kind: found.valid_log_likelihood[kind])
    assert found.prior.kind == best != "standard"
    assert "under N(0, I)" in str(found)
    narrow = posteriors(np.random.default_rng(3).normal(size=(12, 8)))  # too few to learn more than N(0, I) says
    assert fit_prior("mixture", narrow, posteriors(np.random.default_rng(4).normal(size=(500, 8))), 0).prior.kind == (
        "standard"
    )


def test_auto_says_what_it_could_not_fit_and_a_named_kind_raises():
    few = posteriors(clusters(40, 0, 2, 4))
    found = fit_prior("auto", few, few, 0)
    assert "256 train images" in found.absent["flow"]
    with pytest.raises(VaekitError, match="256 train images"):
        fit_prior("flow", few, few, 0)
    with pytest.raises(VaekitError, match="1 valid image or more, and there are none"):
        fit_prior("auto", few, posteriors(np.empty((0, 4))), 0)


@pytest.fixture(scope="module")
def learned():
    train, valid = (posteriors(clusters(n, seed, 2, 8)) for n, seed in ((600, 0), (200, 1)))
    return {kind: fit_prior(kind, train, valid, 0).prior for kind in ("mixture", "flow")}


def checkpoint_of(prior) -> Checkpoint:
    config = load_config("demo", {"model.latent_dim": 8, "model.channels": [8, 8, 8, 8]})
    model = build_model(config.model, config.likelihood, 64, seed=0).eval()
    model.learned_prior = prior
    return Checkpoint(model, config, "r", {}, 1, 1, [], [], {})


@pytest.mark.parametrize("kind", ["mixture", "flow"])
def test_a_checkpoint_keeps_its_prior_and_samples_come_from_it(learned, kind, tmp_path):
    checkpoint = checkpoint_of(learned[kind])
    save_checkpoint(tmp_path / "a.pt", checkpoint)
    model = load_checkpoint(tmp_path / "a.pt").model
    assert model.prior.kind == kind
    assert np.array_equal(model.prior.sample(4, seed=1), learned[kind].sample(4, seed=1))
    with torch.no_grad():
        expected = model.decode(torch.from_numpy(learned[kind].sample(3, seed=2))).mean
        assert torch.equal(model.sample(3, seed=2), expected)
        normal = model.decode(torch.from_numpy(Standard(8).sample(3, seed=2))).mean
        assert torch.equal(model.sample(3, seed=2, prior=Standard(8)), normal) and not torch.equal(expected, normal)
    save_checkpoint(tmp_path / "b.pt", load_checkpoint(tmp_path / "a.pt"))
    assert (tmp_path / "a.pt").read_bytes() == (tmp_path / "b.pt").read_bytes()


def test_a_checkpoint_without_one_draws_from_the_normal(tmp_path):
    save_checkpoint(tmp_path / "a.pt", checkpoint_of(None))
    model = load_checkpoint(tmp_path / "a.pt").model
    assert model.learned_prior is None and model.prior == Standard(8)


def broken(record, how):
    arrays = dict(record["arrays"])
    if how == "kind":
        return record | {"kind": "vamp"}
    if how == "nothing":
        return {}
    if how == "text":
        return record | {"arrays": "much"}
    name = next(name for name in arrays if arrays[name].ndim)
    arrays[name] = {"nan": arrays[name] * float("nan"), "cut": arrays[name][:1], "gone": None}[how]
    return record | {"arrays": arrays}


@pytest.mark.parametrize("kind", ["mixture", "flow"])
@pytest.mark.parametrize("how", ["kind", "nothing", "text", "nan", "cut", "gone"])
def test_a_damaged_prior_is_refused(learned, kind, how):
    with pytest.raises(CheckpointError, match=r"x\.pt: its prior can not be read"):
        prior_of(broken(record_of(learned[kind]), how), 8, "x.pt")
    with pytest.raises(CheckpointError, match="8 dims, and the code has 9"):
        prior_of(record_of(learned[kind]), 9, "x.pt")
