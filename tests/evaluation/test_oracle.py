"""Models whose every number is known, through the command line as any other checkpoint."""

import json
import math

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.special import log_ndtr, logsumexp

from tests.evaluation.oracle_runs import oracle, oracle_config, random_lengths, write_checkpoint
from vaekit.checkpoint import Checkpoint, save_checkpoint
from vaekit.config import RunConfig
from vaekit.seeding import keyed_normal, numpy_generator

SEEDS = range(5)


@pytest.fixture(scope="module", params=SEEDS)
def evaluated(request, faces, prepared, tmp_path_factory):
    """One random model with dims of different size, evaluated by `vaekit evaluate`; its folder, model and images."""
    from tests.conftest import Workplace

    place = Workplace(tmp_path_factory.mktemp(f"oracle{request.param}"))
    dims = 3 + request.param
    config = oracle_config(
        request.param, sigma=0.1 + 0.08 * request.param, latent_dim=dims, lengths=random_lengths(request.param, dims)
    )
    write_checkpoint(place.folder / "oracle", config, str(faces))
    done = place.json("evaluate", place.folder / "oracle" / "best.pt", "--device", "cpu", "--batch-size", 5)
    rows = prepared.rows("test")
    x = torch.from_numpy(np.array(prepared.images[rows])).permute(0, 3, 1, 2) / 255
    return place.folder / done["folder"], done, oracle(config), x, prepared.index["image_id"].to_numpy()[rows]


def posterior_by_hand(model, x):
    """Mean (B, D) and variance (D,) of the exact posterior in float64, from Bayes' rule for each column."""
    weight, s2 = model.weight.detach().double(), model.likelihood.sigma.double() ** 2
    lengths2 = weight.square().sum(0)
    mu = (x.flatten(1).double() - 0.5) @ weight / (lengths2 + s2)
    return mu.numpy(), (s2 / (lengths2 + s2)).numpy(), lengths2.numpy(), s2.item()


def test_importance_weighted_bound_is_the_evidence_for_every_k(evaluated):
    folder, summary, model, x, _ = evaluated
    evidence = model.log_evidence(x).detach().numpy()
    table = pd.read_csv(folder / "iwae.csv")
    for k in (1, 8, 64):
        np.testing.assert_allclose(table[f"iwae_{k}"], evidence, rtol=1e-5)
        assert summary["estimates"][f"iwae_{k}"]["value"] == pytest.approx(evidence.mean(), rel=1e-5)
    np.testing.assert_allclose(table["ess_64"], 64, rtol=1e-3)  # all weights are p(x)
    assert summary["estimates"]["iwae_64"]["n"] == len(x)


def test_elbo_is_the_evidence_within_its_noise(evaluated):
    folder, _, model, x, _ = evaluated
    excess = pd.read_csv(folder / "per_image.csv")["elbo"].to_numpy() - model.log_evidence(x).detach().numpy()
    assert abs(excess.mean()) < 4 * excess.std(ddof=1) / math.sqrt(len(excess))


def test_kl_and_variances_of_each_dim(evaluated):
    folder, _, model, x, _ = evaluated
    mu, s2, _, _ = posterior_by_hand(model, x)
    table = pd.read_csv(folder / "per_dim.csv")
    np.testing.assert_allclose(table["kl"], 0.5 * ((mu**2).mean(0) + s2 - 1 - np.log(s2)), rtol=1e-5)
    np.testing.assert_allclose(table["sigma2_mean"], s2, rtol=1e-5)
    np.testing.assert_allclose(table["mu_var"], mu.var(0), rtol=1e-4)
    np.testing.assert_allclose(table["variance"], mu.var(0) + s2, rtol=1e-4)


def test_decoder_sensitivity_is_the_squared_column(evaluated):
    """J = W: a projection on random signs is |w_d|^2 Var(z_d) times a squared standard normal, whose variance is 2."""
    folder, _, model, x, _ = evaluated
    mu, s2, lengths2, _ = posterior_by_hand(model, x)
    expected = lengths2 * (mu.var(0) + s2)
    table = pd.read_csv(folder / "per_dim.csv")
    assert (np.abs(table["sensitivity"] / expected - 1) < 4 * math.sqrt(2 / len(x))).all()


def test_interventions_move_along_the_column(evaluated):
    """|x_hat' - x_hat|^2 = |w_d|^2 (u - mu_d)^2 for a prior draw u, the same in every pixel unit."""
    folder, _, model, x, ids = evaluated
    mu, _, lengths2, _ = posterior_by_hand(model, x)
    chosen = np.sort(numpy_generator(0, "intervention").choice(len(x), 4, replace=False))
    draws = keyed_normal(0, "intervention", ids[chosen], model.latent_dim)
    expected = (lengths2 * (draws - mu[chosen]) ** 2).mean(0)
    np.testing.assert_allclose(pd.read_csv(folder / "per_dim.csv")["intervention"], expected, rtol=1e-4)


def test_bits_per_dim_by_scipy(evaluated):
    folder, summary, model, x, ids = evaluated
    noise = keyed_normal(0, "posterior", ids, model.latent_dim)
    mu, s2, _, _ = posterior_by_hand(model, x)
    z = mu + np.sqrt(s2) * noise
    mean = (z @ model.weight.detach().double().numpy().T + 0.5).reshape(x.shape)
    kl = 0.5 * (mu**2 + s2 - 1 - np.log(s2)).sum(1)
    table = pd.read_csv(folder / "per_image.csv")
    for name, key in (("bpd_model", "sigma_trained"), ("bpd_calibrated", "sigma_calibrated")):
        mass = log_mass(np.round(255 * x.double().numpy()), mean, summary["model"][key])
        np.testing.assert_allclose(table[name], (kl - mass) / np.log(2) / x[0].numel(), rtol=1e-5)


def log_mass(v, mean, sigma):
    """Log probability of 8-bit images by differences of log CDFs, in float64; an implementation of its own."""
    low = np.where(v == 0, -np.inf, ((v - 0.5) / 255 - mean) / sigma)
    high = np.where(v == 255, np.inf, ((v + 0.5) / 255 - mean) / sigma)
    flip = low > -high
    low, high = np.where(flip, -high, low), np.where(flip, -low, high)
    return logsumexp([log_ndtr(high), log_ndtr(low)], b=[np.ones_like(low), -np.ones_like(low)], axis=0).sum((1, 2, 3))


def test_calibrated_sigma_and_bound(evaluated, prepared):
    _, summary, model, _, _ = evaluated
    rows = prepared.rows("valid")
    x = torch.from_numpy(np.array(prepared.images[rows])).permute(0, 3, 1, 2) / 255
    noise = keyed_normal(0, "valid", prepared.index["image_id"].to_numpy()[rows], model.latent_dim)
    mu, s2, _, _ = posterior_by_hand(model, x)
    mean = ((mu + np.sqrt(s2) * noise) @ model.weight.detach().double().numpy().T + 0.5).reshape(x.shape)
    by_hand = np.sqrt(np.mean((x.double().numpy() - mean) ** 2))
    assert summary["model"]["sigma_calibrated"] == pytest.approx(by_hand, rel=1e-5)


def test_explained_variance_and_permuted_codes_by_hand(evaluated, prepared):
    folder, summary, model, x, _ = evaluated
    train = prepared.images[prepared.rows("train")] / 255
    x_hat = model.reconstruct(x).detach().double()
    sse = (x.double() - x_hat).square().sum((1, 2, 3)).numpy()
    around = ((x.permute(0, 2, 3, 1).double().numpy() - train.mean(0)) ** 2).sum()
    assert summary["estimates"]["r2"]["value"] == pytest.approx(1 - sse.sum() / around, rel=1e-5, abs=1e-5)
    moved = (x.double() - x_hat.roll(1, 0)).square().sum().item()
    latent = json.loads((folder / "latent.json").read_text())
    assert latent["rows"]["permuted_ratio"]["value"] == pytest.approx(moved / sse.sum(), rel=1e-5)


FAULTS = {
    "full collapse": {"fault": "stuck at the prior"},
    "decoder ignores z": {"fault": "deaf decoder"},
    "rate too high": {"fault": "too sharp"},
    "partial collapse": {"dead_dims": 3},
    "none": {},
}


@pytest.mark.parametrize(("name", "fault"), FAULTS.items())
def test_the_verdict_names_each_fault(name, fault, faces, workplace):
    config = oracle_config(latent_dim=8, smooth=True, lengths=(15, 9, 8, 7, 6, 5, 4, 3), sigma=0.2, **fault)
    path = write_checkpoint(workplace.folder / "broken", config, str(faces))
    folder = workplace.folder / workplace.json("evaluate", path, "--device", "cpu")["folder"]
    latent = json.loads((folder / "latent.json").read_text())
    verdict = latent["verdict"]
    assert verdict["name"] == name, verdict
    assert (len(verdict["causes"]) > 0) == (name != "none") == (len(verdict["remedies"]) > 0)
    rows, table = latent["rows"], pd.read_csv(folder / "per_dim.csv")
    if name == "partial collapse":
        assert rows["passive_dims"]["value"] == 3 and rows["active_units"]["value"] == 5
        assert table["regime"].tolist()[5:] == ["passive"] * 3
        assert table["sensitivity"][5:].max() == table["intervention"][5:].max() == 0
        assert table["kl"][5:].max() < 1e-6 < table["mutual_information"][:5].min()
    if name == "full collapse":
        assert rows["permuted_ratio"]["value"] == 1 and rows["active_units"]["value"] == 0
        assert rows["prior_hole"]["value"] is None and rows["prior_hole"]["reason"] == "no dim is active"
    if name == "decoder ignores z":
        assert rows["permuted_ratio"]["value"] == 1 and table["sensitivity"].max() == 0
    if name == "rate too high":
        assert rows["noise_cost"]["value"] < 0.01


@pytest.mark.parametrize("limit", ["test=1", "test=2"])
def test_one_or_two_images_are_enough_to_end_without_a_mistake(limit, faces, workplace):
    path = write_checkpoint(workplace.folder / "few", oracle_config(), str(faces))
    done = workplace.json("evaluate", path, "--limit", limit, "--device", "cpu")
    latent = json.loads((workplace.folder / done["folder"] / "latent.json").read_text())
    assert (latent["verdict"]["name"] == "not judged") == (limit == "test=1")
    assert (latent["rows"]["permuted_ratio"]["value"] is None) == (limit == "test=1")


def test_a_diverged_encoder_stops_with_a_sentence(faces, workplace):
    """Variances that overflow give codes, and so pixels, that are no numbers."""
    path = write_checkpoint(workplace.folder / "wide", oracle_config(fault="overflow"), str(faces))
    assert "its weights have diverged" in workplace.vaekit("evaluate", path, "--device", "cpu", check=1).stderr


def test_an_unknown_objective_costs_the_rows_that_need_it_and_no_other(faces, workplace):
    config = RunConfig(
        data={"source": str(faces)},
        model={"name": "dense", "latent_dim": 3, "hidden": (8,)},
        likelihood=None,
        objective=None,
    )
    path = workplace.folder / "unknown" / "best.pt"
    path.parent.mkdir()
    facts = {"name": "faces", "protocol": "crop178-64px", "fingerprint": "of another program"}
    save_checkpoint(path, Checkpoint(oracle(config), config, "unknown", facts, 0, 0, [], [], {}))
    done = workplace.json("evaluate", path, "--device", "cpu")
    rows = done["metrics"] | done["estimates"]
    needs_it = {"recon_nll", "elbo", "bpd_model", "bpd_iwae_64_model", "iwae_1", "iwae_8", "iwae_64", "ess_64"}
    for name, row in rows.items():
        unknown = row["reason"] == "training objective unknown: give --objective"
        assert unknown == (name in needs_it) and (row["value"] is None) >= unknown, name
    for name in ("mse", "kl", "elbo_calibrated", "bpd_calibrated", "bpd_iwae_64_calibrated", "ess_64_calibrated"):
        assert rows[name]["value"] is not None, name
    assert done["model"]["sigma_trained"] is None and done["model"]["sigma_calibrated"] > 0
