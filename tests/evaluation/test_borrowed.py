"""Metrics of torchmetrics as columns: each image by itself, what torchmetrics does not say, and reasons."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import ndimage

from tests.evaluation.conftest import make_batch
from tests.evaluation.test_metrics import part
from vaekit.errors import ConfigError
from vaekit.evaluation.base import METRICS, metric_rows
from vaekit.evaluation.metrics.borrowed import _KNOWN, metrics_of, torchmetrics_metric
from vaekit.models.likelihoods import NotComputed

REASONS = {  # why one has no value for colour images of 64 pixels, without weights
    "multiscale_structural_similarity_index_measure": "image height must be larger than 160",
    "peak_signal_noise_ratio_with_blocked_effect": "expects grayscale images",
    "learned_perceptual_image_patch_similarity": "weights missing: put alexnet",
    "deep_image_structure_and_texture_similarity": "weights missing: put vgg16",
}
COMPUTED = sorted(_KNOWN.keys() - REASONS)


@pytest.fixture(autouse=True)
def _no_weights(monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))


def bright(batch):
    """A black pixel has no spectral angle."""
    at_mean = replace(batch.at_mean, mean=0.2 + 0.7 * batch.x_hat)
    return replace(batch, x=0.2 + 0.7 * batch.x, at_mean=at_mean)


@pytest.mark.parametrize("name", COMPUTED)
def test_an_image_is_worth_the_same_in_any_company(name):
    metric, batch = torchmetrics_metric(name), bright(make_batch(4))
    alone = torch.cat([metric(part(batch, slice(i, i + 1))) for i in range(4)])
    np.testing.assert_allclose(metric(batch), alone, rtol=1e-4, atol=1e-6)
    assert torch.isfinite(alone).all() and len(set(alone.tolist())) == 4


@pytest.mark.parametrize("name", COMPUTED)
def test_more_damage_is_never_better(name):
    metric = torchmetrics_metric(name)
    better, worse = (metric(bright(make_batch(3, damage=d))).mean().item() for d in (0.05, 0.15))
    assert (better > worse) == metric.higher_is_better


def test_a_mean_beyond_black_and_white_counts_as_those():
    metric, batch = torchmetrics_metric("structural_similarity_index_measure"), make_batch(2)
    beyond, cut = (
        replace(batch, at_mean=replace(batch.at_mean, mean=m))
        for m in (3 * batch.x_hat - 1, (3 * batch.x_hat - 1).clamp(0, 1))
    )
    assert torch.equal(metric(beyond), metric(cut))


@pytest.mark.parametrize(("name", "reason"), REASONS.items())
def test_what_can_not_be_computed_has_its_reason(name, reason):
    with pytest.raises(NotComputed, match=reason):
        torchmetrics_metric(name)(make_batch(2))


def test_the_same_numbers_as_ours():
    batch = make_batch(3)
    for ours, theirs in (("ssim", "structural_similarity_index_measure"), ("psnr", "peak_signal_noise_ratio")):
        np.testing.assert_allclose(METRICS.get(ours)(batch), torchmetrics_metric(theirs)(batch), rtol=1e-4)


def test_visual_information_is_whole_in_the_image_itself():
    """And takes pixels of 0 to 255, the scale of its noise."""
    batch = make_batch(2, damage=1e-6)
    np.testing.assert_allclose(torchmetrics_metric("visual_information_fidelity")(batch), 1, atol=1e-3)


@pytest.mark.parametrize("name", ["ssmi", "total_variation", "arniqa", "perceptual_path_length"])
def test_a_name_that_compares_no_two_images_is_refused(name):
    with pytest.raises(ConfigError, match="no functional of that name that compares two images"):
        metrics_of([f"torchmetrics:{name}"])
    with pytest.raises(ConfigError, match="no metric called 'msse'"):
        metrics_of(["msse"])


def test_a_borrowed_metric_becomes_a_row(workplace, faces):
    settings = ("--set", "model.channels=[4,4,4,4]", "--set", "model.latent_dim=2")
    workplace.vaekit("train", "--data", faces, "--epochs", 1, "--run", "tiny", *settings, "--device", "cpu")
    names = "torchmetrics:universal_image_quality_index,torchmetrics:multiscale_structural_similarity_index_measure"
    rows = workplace.json("evaluate", "tiny", "--metric", names, "--device", "cpu")["metrics"]
    quality, scales = (rows[name] for name in names.split(","))
    assert -1 < quality["value"] < 1 and quality["higher_is_better"] is True
    assert scales["value"] is None and "larger than 160" in scales["reason"]


def test_gradient_similarity_by_scipy():
    """Prewitt gradients of the halved luminance, with zeros outside as the paper's code."""
    batch = make_batch(2)

    def edges(image):
        grey = np.tensordot(np.array([0.299, 0.587, 0.114]), image.numpy().astype(float), 1)
        half = grey.reshape(32, 2, 32, 2).mean((1, 3))
        kernel = np.array([[1, 0, -1]] * 3) / 3
        return np.hypot(*(ndimage.correlate(half, k, mode="constant") for k in (kernel, kernel.T)))

    for value, x, y in zip(METRICS.get("gmsd")(batch), batch.x, batch.x_hat, strict=True):
        a, b = edges(x), edges(y)
        c = 170 / 255**2
        assert value.item() == pytest.approx(((2 * a * b + c) / (a**2 + b**2 + c)).std(), rel=1e-4)


def test_an_infinite_psnr_is_said_to_be():
    table = pd.DataFrame({"image_id": ["a", "b"], "psnr": [np.inf, 20.0], "mse": [0.0, np.nan]})
    rows = metric_rows(table, {}, metrics_of(), 0)
    assert (
        rows["psnr"].value is None and rows["psnr"].reason == "infinite for 1 of 2 images: the reconstruction is exact"
    )
    assert "not finite" in rows["mse"].reason
