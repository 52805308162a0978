"""The importance-weighted bound where the posterior is wrong, and what the estimates are held against."""

import math

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from scipy import stats
from torchmetrics.functional.image import structural_similarity_index_measure

from tests.evaluation.oracle_runs import oracle, oracle_config, random_lengths
from tests.evaluation.tasks import task_of
from vaekit.data import Protocol, open_source, prepare
from vaekit.data.loaders import batches
from vaekit.evaluation.eightbit import TrainedLikelihood
from vaekit.evaluation.importance import IMAGES, bound, effective_size, importance, ks, rows_of
from vaekit.evaluation.references import constant_colour, r2, scale_of
from vaekit.evaluation.suspicion import warnings_of
from vaekit.models.base import Gaussian, GaussianPosterior
from vaekit.quantity import Quantity
from vaekit.statistics.bootstrap import bootstrap_ratio

TRAINED = TrainedLikelihood(Gaussian, 0.4, "for the tests")


def weights(model, prepared, trained=TRAINED, images=IMAGES, samples=64, **options):
    return importance(task_of(model, prepared, **options), 0.4, trained, images=images, samples=samples)


def blunt(seed: int):
    """The oracle with a posterior that is wider than the exact one and a little off."""
    model = oracle(oracle_config(seed, sigma=0.4, latent_dim=3, lengths=random_lengths(seed, 3, 1, 3)))
    exact = model.encode
    model.encode = lambda x: GaussianPosterior(exact(x).mu + 0.1, exact(x).logvar + 0.3)
    return model


@pytest.mark.parametrize("seed", range(5))
def test_bound_of_a_wrong_posterior(seed, prepared):
    """k = 1 is the elbo within 4 standard errors; more samples are never worse; none exceeds log p(x) by its noise."""
    model = blunt(seed)
    found = weights(model, prepared, seed=seed)
    (batch,) = batches(prepared, np.arange(len(prepared.index)), 1000)
    evidence = model.log_evidence(batch.x).detach().numpy()
    exact, wide = GaussianPosterior(*oracle_posterior(model, batch.x)), model.encode(batch.x)
    gap = exact_kl(wide, exact).sum(1).detach().double().numpy()  # elbo = log p(x) - KL(q || exact posterior)
    table = found.table()
    error = found.own.std(1, ddof=1) / math.sqrt(64)
    assert (np.abs(table["iwae_1"] - (evidence - gap)) < 4.5 * error).all()
    assert table["iwae_1"].mean() < table["iwae_8"].mean() < table["iwae_64"].mean() < evidence.mean() + 0.05
    assert (np.abs(np.exp(found.own - evidence[:, None]).mean(1) - 1) < 1).mean() > 0.95  # weights are unbiased
    assert ((table["ess_64"] > 1) & (table["ess_64"] < 64)).all()


def oracle_posterior(model, x):
    wide = model.encode(x)
    return wide.mu - 0.1, wide.logvar - 0.3


def exact_kl(q: GaussianPosterior, p: GaussianPosterior) -> torch.Tensor:
    normal = torch.distributions.Normal
    return torch.distributions.kl_divergence(normal(q.mu, (0.5 * q.logvar).exp()), normal(p.mu, (0.5 * p.logvar).exp()))


def test_bounds_and_effective_size_by_hand():
    log_w = np.log([[1.0, 3.0, 2.0, 2.0]])
    assert bound(log_w, 1) == pytest.approx(np.log([1, 3, 2, 2]).mean())
    assert bound(log_w, 2) == pytest.approx((np.log(2) + np.log(2)) / 2)
    assert bound(log_w, 4) == pytest.approx(np.log(2))
    assert effective_size(log_w) == pytest.approx(64 / 18)
    shifted = log_w - 1e5  # as of images: the plain exponentials are all 0
    assert bound(shifted, 4) == pytest.approx(np.log(2) - 1e5) and effective_size(shifted) == pytest.approx(64 / 18)
    assert ks(64) == [1, 8, 64] and ks(1) == [1] and ks(12) == [1, 12]


def test_weights_do_not_depend_on_batch_size(prepared):
    model = blunt(0)
    expected = weights(model, prepared, batch_size=512)
    for batch_size in (3, 64, 5000):
        got = weights(model, prepared, batch_size=batch_size)
        assert got.image_ids == expected.image_ids
        for name in ("own", "calibrated", "trained"):
            np.testing.assert_allclose(getattr(got, name), getattr(expected, name), rtol=1e-6)


def test_subset_is_drawn_by_the_seed_and_stated(prepared):
    found = weights(blunt(0), prepared, images=5, samples=8)
    assert found.own.shape == (5, 8) and len(set(found.image_ids)) == 5
    rows = rows_of(found, seed=0)
    assert rows["iwae_8"].n == 5 and "5 test images" in rows["iwae_8"].definition
    assert weights(blunt(0), prepared, images=5, samples=8, seed=1).image_ids != found.image_ids


def test_a_loss_that_is_no_likelihood_has_a_reason_instead_of_bits(prepared):
    none = TrainedLikelihood(None, math.nan, "undefined: cross-entropy.")
    rows = rows_of(weights(blunt(0), prepared, trained=none, images=5, samples=8), seed=0)
    assert rows["bpd_iwae_8_model"].value is None and rows["bpd_iwae_8_model"].reason == "undefined: cross-entropy."
    assert rows["bpd_iwae_8_calibrated"].value > 0


# References and ratios


def test_explained_variance_of_the_mean_face_is_zero(prepared):
    rows = prepared.rows("train")  # enough of them for an interval
    x, mean = prepared.images[rows] / 255, prepared.mean_image()
    around = ((x - mean) ** 2).sum((1, 2, 3))
    assert r2(around, prepared, rows, 0).value == pytest.approx(0, abs=1e-6)
    assert r2(0 * around, prepared, rows, 0).value == 1
    half = r2(0.5 * around, prepared, rows, 0)
    assert (half.value, half.low, half.high) == pytest.approx((0.5, 0.5, 0.5), abs=1e-6) and half.n == len(rows)


def test_constant_colour_pixel_by_pixel(prepared):
    rows = prepared.rows("test")
    colour = (prepared.images[prepared.rows("train")] / 255).mean((0, 1, 2))
    sigma = np.sqrt((((prepared.images[prepared.rows("valid")] / 255) - colour) ** 2).mean())
    x = torch.from_numpy(np.array(prepared.images[rows])).permute(0, 3, 1, 2) / 255
    likelihood = Gaussian(torch.tensor(colour).view(1, 3, 1, 1).expand(x.shape), torch.tensor(sigma))
    bits = -likelihood.log_mass(x).mean().item() / math.log(2) / x[0].numel()
    found = constant_colour(prepared, rows)
    assert found["bpd"] == pytest.approx(bits, rel=1e-6)
    assert found["sigma"] == pytest.approx(sigma, rel=1e-6)
    assert found["mse"] == pytest.approx((((prepared.images[rows] / 255) - colour) ** 2).mean(), rel=1e-6)


def test_the_scale_is_the_mean_face_and_sklearns_pca(prepared):
    rows, train = prepared.rows("test"), prepared.images[prepared.rows("train")] / 255
    x = prepared.images[rows] / 255
    flat, k = train.reshape(len(train), -1), 3
    centre = flat.mean(0)
    axes = np.linalg.svd(flat - centre, full_matrices=False)[2][:k]
    back = np.clip((x.reshape(len(x), -1) - centre) @ axes.T @ axes + centre, 0, 1)
    found = scale_of(prepared, rows, k, seed=0)
    assert found["mean face"]["mse"] == pytest.approx(((x - centre.reshape(x.shape[1:])) ** 2).mean(), rel=1e-5)
    assert found["pca"]["mse"] == pytest.approx(((x.reshape(back.shape) - back) ** 2).mean(), rel=1e-3)
    assert found["pca"]["n"] == len(train)
    pair = (torch.tensor(images.reshape(x.shape)).permute(0, 3, 1, 2).float() for images in (back, x))
    theirs = structural_similarity_index_measure(*pair, data_range=1.0)
    assert found["pca"]["ssim"] == pytest.approx(float(theirs), abs=1e-3)
    assert "pca" not in scale_of(prepared, rows, len(train), seed=0)  # so many axes fit every train image


@pytest.mark.parametrize("value", [0, 200])
def test_a_folder_of_one_colour_has_references_without_bits(value, tmp_path):
    """Nothing to explain, no sigma of a constant colour: reasons, never a division by 0."""
    for i in range(60):
        Image.new("RGB", (64, 64), (value,) * 3).save(tmp_path / f"{i:03}.png")
    plain = prepare(open_source(str(tmp_path)), Protocol("none", 64), cache=tmp_path / "prepared")
    rows = plain.rows("test")
    found = constant_colour(plain, rows)
    assert found["mse"] == pytest.approx(0, abs=1e-12) and found.get("bpd", 0.0) == pytest.approx(0, abs=1e-6)
    assert value or "bpd" not in found
    assert r2(np.ones(len(rows)), plain, rows, 0).reason == "its denominator is 0"
    assert scale_of(plain, rows, 2, 0)["pca"]["mse"] == pytest.approx(0, abs=1e-6)


def test_interval_of_a_ratio_covers():
    """The delta method's interval, which is exact for many images, and scipy's bootstrap."""
    rng = np.random.default_rng(0)
    below = rng.gamma(5, 1, 800)
    above = 0.7 * below + rng.normal(0, 0.3, 800)
    found = bootstrap_ratio(above, below, seed=0)
    error = np.std(above - found.value * below) / below.mean() / math.sqrt(800)
    assert found.value == pytest.approx(above.sum() / below.sum())
    assert (found.low, found.high) == pytest.approx(
        (found.value - 1.96 * error, found.value + 1.96 * error), abs=error / 3
    )
    theirs = stats.bootstrap(
        (above, below),
        lambda a, b: a.sum() / b.sum(),
        paired=True,
        vectorized=False,
        n_resamples=1000,
        method="percentile",
        rng=rng,
    )
    assert found.high - found.low == pytest.approx(
        theirs.confidence_interval.high - theirs.confidence_interval.low, rel=0.15
    )
    assert bootstrap_ratio(np.ones(1), np.ones(1), 0).low is None
    assert bootstrap_ratio(np.ones(2), np.zeros(2), 0).reason == "its denominator is 0"
    assert bootstrap_ratio(np.array([1, np.nan]), np.ones(2), 0).value is None
    assert bootstrap_ratio(np.ones(0), np.ones(0), 0).reason == "there is no image"


# Warnings


def marked(elbo=-100.0, kl=5.0, bpd=6.5, latent_dim=64):
    rng = np.random.default_rng(0)
    ids = [f"{i}" for i in range(50)]
    per_image = pd.DataFrame({"image_id": ids, "elbo": elbo + rng.normal(0, 1, 50), "kl": kl})
    bounds = pd.DataFrame({"image_id": ids[:20], "iwae_1": -100.0, "iwae_64": -99.0, "ess_64": 2.0})
    values = {"elbo": elbo, "kl": kl, "bpd_model": bpd, "mse": 0.1}
    rows = {name: Quantity(value=value, n=50, label=name, definition="") for name, value in values.items()}
    warnings = warnings_of(rows, per_image, bounds, latent_dim=latent_dim, values=12288)
    assert warnings_of(rows, per_image, None, latent_dim=latent_dim, values=12288).get("kl") == warnings.get("kl")
    return {name: warnings.get(name) for name in rows}


def test_figures_that_smell_of_a_bug_are_marked():
    assert set(marked().values()) == {None}
    assert "under 4 bits per dim with 64 latent dims" in marked(bpd=2.5)["bpd_model"]
    assert marked(bpd=2.5, latent_dim=12288)["bpd_model"] is None  # no compact code: a flow may
    assert "negative for 50 images" in marked(kl=-0.5)["kl"]
    assert "nats above iwae_64 on the same 20 images" in marked(elbo=-90.0)["elbo"]
    assert marked(elbo=-98.9)["elbo"] is None  # above by less than three errors
    assert marked(bpd=None)["bpd_model"] is None
