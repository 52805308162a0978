"""The one pass: every image once, whatever the batch size; and the oracle whose bound is known."""

import numpy as np
import pandas as pd
import pytest
import torch

from tests.evaluation.tasks import task_of
from vaekit import artifacts
from vaekit.config import LikelihoodConfig, ModelConfig
from vaekit.errors import VaekitError
from vaekit.evaluation.base import METRICS
from vaekit.evaluation.collect import collect
from vaekit.evaluation.eightbit import TrainedLikelihood
from vaekit.evaluation.latent.codes import per_dim_table
from vaekit.models.base import Gaussian, build_model

TRAINED = TrainedLikelihood(Gaussian, 0.3, "")


@pytest.fixture(scope="module")
def oracle():
    return build_model(
        ModelConfig(name="linear_gaussian", latent_dim=4, dead_dims=1), LikelihoodConfig(sigma=0.3), 64, 0
    )


def run(model, prepared, folder, trained=TRAINED, **options):
    return collect(task_of(model, prepared, folder, **({"batch_size": 64} | options)), 0.3, trained)


def test_as_many_rows_as_images_at_any_batch_size(oracle, prepared, tmp_path):
    expected = run(oracle, prepared, tmp_path)
    assert expected.per_image["image_id"].tolist() == prepared.index["image_id"].tolist()
    for batch_size in (1, 7, 63, 1000):
        got = run(oracle, prepared, tmp_path, batch_size=batch_size)
        pd.testing.assert_frame_equal(got.per_image, expected.per_image, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(got.mu, expected.mu, rtol=1e-5, atol=1e-5)


def test_order_does_not_matter(oracle, prepared, tmp_path):
    forward = run(oracle, prepared, tmp_path).per_image.set_index("image_id")
    backward = run(oracle, prepared, tmp_path, rows=np.arange(len(prepared.index))[::-1]).per_image.set_index(
        "image_id"
    )
    pd.testing.assert_frame_equal(backward.loc[forward.index], forward, rtol=1e-5, atol=1e-6)


def test_same_seed_same_bytes_and_another_seed_moves_only_what_is_sampled(oracle, prepared, tmp_path):
    first, again, other = (run(oracle, prepared, tmp_path, seed=s).per_image for s in (0, 0, 1))
    pd.testing.assert_frame_equal(first, again, check_exact=True)
    pd.testing.assert_frame_equal(first[["mse", "ssim", "kl"]], other[["mse", "ssim", "kl"]], check_exact=True)
    assert (first["elbo"] != other["elbo"]).all()


def test_reconstructions_are_the_rounded_decoder_means(oracle, prepared, tmp_path):
    run(oracle, prepared, tmp_path, batch_size=10)
    stored = np.load(tmp_path / artifacts.RECONSTRUCTIONS)
    x = torch.from_numpy(np.array(prepared.images)).permute(0, 3, 1, 2) / 255
    with torch.no_grad():
        exact = (oracle.reconstruct(x).clamp(0, 1) * 255).permute(0, 2, 3, 1).numpy()
    assert stored.dtype == np.uint8 and np.abs(stored - exact).max() <= 0.501


def test_bound_of_the_oracle(oracle, prepared, tmp_path):
    """With the exact posterior E_q[log p(x|z)] - kl is log p(x): one sample per image must agree within 4 s.e."""
    bounds = []
    with torch.no_grad():
        x = torch.from_numpy(np.array(prepared.images)).permute(0, 3, 1, 2) / 255
        evidence = oracle.log_evidence(x).numpy()
    for seed in range(5):
        bounds.append(run(oracle, prepared, tmp_path, seed=seed).per_image["elbo"].to_numpy() - evidence)
    excess = np.concatenate(bounds)
    assert abs(excess.mean()) < 4 * excess.std() / np.sqrt(len(excess))
    assert excess.std() > 0.1  # one sample is an estimate; agreement to the last digit would be a wrong test


def test_evidence_of_the_oracle_against_the_full_covariance():
    """The lemmas of the oracle itself, against scipy's dense multivariate normal at 4 x 4 pixels."""
    from scipy.stats import multivariate_normal

    small = build_model(ModelConfig(name="linear_gaussian", latent_dim=3), LikelihoodConfig(sigma=0.4), 4, 1)
    weight = small.weight.detach().double().numpy()
    x = torch.rand(5, 3, 4, 4)
    dense = multivariate_normal(np.full(48, 0.5), weight @ weight.T + 0.16 * np.eye(48))
    np.testing.assert_allclose(small.log_evidence(x).detach(), dense.logpdf(x.flatten(1)), rtol=1e-5)


def test_per_dim_table_by_hand():
    """Different values in every dim, so that a transposed or pooled table can not pass."""
    mu = np.array([[0.0, 1.0, 5.0], [0.0, 3.0, 5.0]], np.float32)
    logvar = np.log(np.array([[1.0, 0.5, 0.1], [1.0, 0.25, 0.1]], np.float32))
    table = per_dim_table(mu, logvar)
    kl = lambda m, s2: (m**2 + s2 - 1 - np.log(s2)) / 2  # noqa: E731
    assert table["kl"].tolist() == pytest.approx([0, (kl(1, 0.5) + kl(3, 0.25)) / 2, kl(5, 0.1)], rel=1e-6, abs=1e-9)
    assert table["mu_mean"].tolist() == [0, 2, 5]
    assert table["mu_var"].tolist() == [0, 1, 0]
    assert table["sigma2_mean"].tolist() == pytest.approx([1, 0.375, 0.1], rel=1e-6)


def test_per_dim_kl_adds_up_to_the_per_image_kl(oracle, prepared, tmp_path):
    got = run(oracle, prepared, tmp_path)
    assert per_dim_table(got.mu, got.logvar)["kl"].sum() == pytest.approx(got.per_image["kl"].mean(), rel=1e-5)
    assert per_dim_table(got.mu, got.logvar)["kl"].iloc[-1] == pytest.approx(0, abs=1e-6)  # the dead dim


def test_a_metric_of_another_package_is_there(oracle, prepared, tmp_path):
    assert "oracle_red" in METRICS.names()
    got = run(oracle, prepared, tmp_path).per_image["oracle_red"]
    np.testing.assert_allclose(got, np.array(prepared.images)[..., 0].mean((1, 2)) / 255, rtol=1e-5)


def test_nan_reconstructions_stop_with_a_sentence(oracle, prepared, tmp_path):
    broken = build_model(ModelConfig(name="linear_gaussian"), LikelihoodConfig(sigma=0.3), 64, 0)
    torch.nn.init.constant_(broken.weight, float("nan"))
    with pytest.raises(VaekitError, match=r"hold NaN pixels.*weights have diverged"):
        run(broken, prepared, tmp_path)
    assert not list(tmp_path.iterdir())
