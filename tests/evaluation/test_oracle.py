"""Models whose every number is known, through the command line as any other checkpoint."""

import json
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.special import log_ndtr, logsumexp

from tests.evaluation.oracle_runs import analysed, oracle, oracle_config, random_lengths, write_checkpoint
from tests.evaluation.tasks import task_of
from vaekit.checkpoint import Checkpoint, save_checkpoint
from vaekit.config import RunConfig
from vaekit.evaluation.eightbit import trained_likelihood
from vaekit.evaluation.importance import importance, rows_of
from vaekit.models.base import GaussianPosterior
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
    """|x_hat' - x_hat|^2 = |w_d|^2 (u - mu_d)^2 for a draw u of the dim's own moments, the same in every pixel unit."""
    folder, _, model, x, ids = evaluated
    mu, s2, lengths2, _ = posterior_by_hand(model, x)
    chosen = np.sort(numpy_generator(0, "intervention").choice(len(x), 4, replace=False))
    draws = mu.mean(0) + np.sqrt(mu.var(0) + s2) * keyed_normal(0, "intervention", ids[chosen], model.latent_dim)
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


def mixed(model):
    """Let every dim answer the prior to half of the images, another half for each dim."""
    exact = model.encode

    def encode(x):
        posterior = exact(x)
        bright = (x.flatten(1)[:, : model.latent_dim] * 1e4).long() % 2 == 0
        return GaussianPosterior(posterior.mu.masked_fill(bright, 0), posterior.logvar.masked_fill(bright, 0))

    model.encode = encode
    return model


def rescaled(model, c: float):
    """Return the same model with its code times c: mu and sigma times c, and the decoder divides by it."""
    encode, decode = model.encode, model.decode
    model.encode = lambda x: GaussianPosterior(c * encode(x).mu, encode(x).logvar + 2 * math.log(c))
    model.decode = lambda z: decode(z / c)
    return model


FAULTS = {
    "full collapse": {"fault": "stuck at the prior"},
    "decoder ignores z": {"fault": "deaf decoder"},
    "decoder ignores dims": {"fault": "half deaf"},
    "noise drowns the code": {"fault": "drowned"},
    "rate too high": {"fault": "too sharp"},
    "partial collapse": {"dead_dims": 3},
    "weakly used": {},
    "none": {},
}
OF_THE_PRIOR = {"active_units", "code_scale", "aggregate_kl", "dimwise_marginal_kl"}  # they hold the code against it


def faulty(name: str, prepared, folder, c: float = 1.0):
    config = oracle_config(latent_dim=8, smooth=True, lengths=(15, 9, 8, 7, 6, 5, 4, 3), sigma=0.2, **FAULTS[name])
    model = oracle(config)
    return analysed(rescaled(mixed(model) if name == "weakly used" else model, c), config, prepared, folder)


@pytest.mark.parametrize("name", FAULTS)
def test_the_verdict_names_each_fault(name, prepared, tmp_path):
    latent = faulty(name, prepared, tmp_path)
    verdict, rows, table = latent.verdict, latent.rows, latent.per_dim
    assert verdict["name"] == name, verdict
    assert (len(verdict["causes"]) > 0) == (name != "none")
    if name == "partial collapse":
        assert rows["passive_dims"].value == 3 and rows["active_units"].value == 5
        assert table["regime"].tolist()[5:] == ["passive"] * 3
        assert table["sensitivity"][5:].max() == table["intervention"][5:].max() == 0
        assert table["kl"][5:].max() < 1e-6 < table["mutual_information"][:5].min()
    if name == "full collapse":
        assert rows["permuted_ratio"].value == 1 and rows["active_units"].value == 0
        assert rows["prior_hole"].value is None and rows["prior_hole"].reason == "no dim tells images apart"
    if name == "decoder ignores z":
        assert rows["permuted_ratio"].value == 1 and table["sensitivity"].max() == 0
    if name == "decoder ignores dims":
        assert "4 of the 8 dims" in verdict["sentence"] and "blind decoder" in verdict["cause_names"]
    if name == "rate too high":
        assert rows["noise_cost"].value < 0.01


@pytest.mark.parametrize("c", [100.0, 0.01])
@pytest.mark.parametrize("name", FAULTS)
def test_rescaling_the_code_changes_no_figure_and_no_verdict(name, c, prepared, tmp_path):
    """The same model to rounding: only what holds the code against N(0, I), whose scale is fixed, may move."""
    plain, scaled = faulty(name, prepared, tmp_path), faulty(name, prepared, tmp_path, c)
    assert scaled.verdict["name"] == plain.verdict["name"] and scaled.verdict["causes"] == plain.verdict["causes"]
    assert scaled.per_dim["regime"].tolist() == plain.per_dim["regime"].tolist()
    for key, row in plain.rows.items():
        if key not in OF_THE_PRIOR and not (name == "full collapse" and key == "largest_correlation"):
            other = scaled.rows[key].value
            assert other == (None if row.value is None else pytest.approx(row.value, rel=2e-3, abs=2e-5)), key
    assert scaled.rows["code_scale"].value == pytest.approx(c * plain.rows["code_scale"].value, rel=1e-3)


def test_very_sharp_codes_keep_every_digit(prepared, tmp_path):
    """The information of codes e^-40 narrower than they should be: at most log N, where float32 codes gave 8e11."""
    config = oracle_config(latent_dim=4, sigma=0.2)
    for sharper in (-20, -40, -60):
        model = oracle(config)
        exact = model.encode
        model.encode = lambda x, e=exact, by=sharper: GaussianPosterior(e(x).mu, e(x).logvar + by)
        table = analysed(model, config, prepared, tmp_path).per_dim
        np.testing.assert_allclose(table["mutual_information"], math.log(64), rtol=1e-2)
        assert (table["mutual_information"] <= math.log(64)).all()


def test_pictures_that_are_all_alike_are_said_to_be(prepared, tmp_path):
    """A model that reproduces one picture exactly: sigma is 0, PSNR infinite, and no verdict can be had."""
    alike = replace(prepared, images=np.zeros_like(prepared.images))
    config = RunConfig(model={"name": "dense", "latent_dim": 2, "hidden": (4,)}, likelihood={"sigma": 0.3})
    model = oracle(config)
    model.decode = lambda z: model.likelihood(torch.zeros(len(z), 3, 64, 64))
    latent = analysed(model, config, alike, tmp_path)
    assert latent.verdict["name"] == "not judged" and "its denominator is 0" in latent.verdict["sentence"]
    assert latent.rows["noise_cost"].value is None and "exactly 0" in latent.rows["noise_cost"].reason
    found = importance(task_of(model, alike, rows=np.arange(9)), 0.0, trained_likelihood(model, config), samples=8)
    rows = rows_of(found, 0)
    assert "exactly 0" in rows["bpd_iwae_8_calibrated"].reason and rows["bpd_iwae_8_model"].value is not None


@pytest.mark.parametrize("images", [1, 2, 5])
def test_few_images_give_no_verdict(images, faces, workplace):
    path = write_checkpoint(workplace.folder / "few", oracle_config(), str(faces))
    done = workplace.json("evaluate", path, "--limit", f"test={images}", "--device", "cpu")
    latent = json.loads((workplace.folder / done["folder"] / "latent.json").read_text())
    assert latent["verdict"]["name"] == "not judged" and "20 test images" in latent["verdict"]["sentence"]
    assert (latent["rows"]["permuted_ratio"]["value"] is None) == (images == 1)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ({"encoder.to_logvar": 100.0}, "the encoder has diverged"),
        ({"decoder": -3e4}, "One weight of decoder"),
        ({"encoder": math.nan}, "holds NaN or a number beyond 1e+18: training diverged"),
    ],
)
def test_a_broken_model_stops_with_a_sentence_and_no_numbers(damage, words, faces, workplace):
    ((where, value),) = damage.items()
    config = RunConfig(data={"source": str(faces)}, model={"name": "dense", "latent_dim": 3, "hidden": (8,)})
    model = oracle(config)
    with torch.no_grad():
        if where == "encoder.to_logvar":
            model.to_posterior.bias[3:] = value
        else:
            name = next(name for name, p in model.named_parameters() if name.startswith(where) and p.ndim > 1)
            model.get_parameter(name)[0, 0] = value
    path = workplace.folder / "broken" / "best.pt"
    path.parent.mkdir()
    facts = {"name": "faces", "protocol": "crop178-64px", "fingerprint": "of the test"}
    save_checkpoint(path, Checkpoint(model, config, "broken", facts, 0, 0, [], [], {}))
    done = workplace.vaekit("evaluate", path, "--device", "cpu", check=1)
    assert words in done.stderr and "elbo" not in done.stdout


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
