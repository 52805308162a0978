import json
import tempfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from tests.evaluation.tasks import task_of
from vaekit import artifacts
from vaekit.codes import encode_rows
from vaekit.config import load_config
from vaekit.data.loaders import batches
from vaekit.errors import DataError
from vaekit.evaluation.collect import Collected
from vaekit.evaluation.samples.base import SET_METRICS, Column, set_metric
from vaekit.evaluation.samples.score import Scored, score_samples
from vaekit.evaluation.samples.sources import decoded, midpoints
from vaekit.judge import Judged
from vaekit.models.base import build_model
from vaekit.priors import Standard
from vaekit.statistics.bootstrap import Estimate


class Eyes:
    """Stands for a judge: coarse colours as features, and two attributes, bright and bluish."""

    name, feature_dim, identity, sentence = "attributes", 12, "0123456789ab", "Made by hand."

    def __init__(self, attributes: tuple[str, ...] = ("Smiling", "Male")):
        self.attributes = attributes
        self.thresholds = np.full((3, len(attributes)), 0.5)
        self.networks = (None,) * 3
        self.scores = pd.DataFrame({"attribute": ["Smiling", "Male"], "auroc": [0.9, 0.6], "judged": True})

    def judge(self, images: np.ndarray, batch_size: int = 512) -> Judged:
        x = torch.from_numpy(np.array(images)).permute(0, 3, 1, 2).float() / 255
        features = nn.functional.adaptive_avg_pool2d(x, 2).flatten(1)
        logits = 8 * torch.stack([x.mean((1, 2, 3)) - 0.5, x[:, 2].mean((1, 2)) - x[:, 0].mean((1, 2))], 1)
        spread = np.float32([1, 1.1, 0.9])[:, None, None]  # three networks that see the same, on other scales
        probabilities = logits.sigmoid()[:, : len(self.attributes)].numpy()
        return Judged(features.numpy() * spread, np.stack([probabilities] * 3))


@pytest.fixture(scope="module")
def model():
    config = load_config("default", {"model.channels": [4, 8, 8, 8], "model.latent_dim": 4})
    return build_model(config.model, config.likelihood, 64, seed=0).eval()


def score(model, prepared, *, rows=None, by=None, seed: int = 0, batch_size: int = 32, **options) -> Scored:
    rows = np.arange(40) if rows is None else rows  # of any split: the numbers do not matter here
    codes = [encode_rows(model, prepared, r, seed=seed, batch_size=batch_size) for r in (np.arange(64), np.arange(20))]
    of_test = encode_rows(model, prepared, rows, seed=seed, batch_size=batch_size)
    x_hat = decoded(model, of_test.mu, device="cpu", batch_size=batch_size)
    collected = Collected(pd.DataFrame({"image_id": of_test.image_ids}), {}, of_test.mu, of_test.logvar, of_test.z)
    with tempfile.TemporaryDirectory() as folder:
        task = task_of(model, prepared, Path(folder), rows=rows, seed=seed, batch_size=batch_size, **options)
        artifacts.write_array(task.folder / artifacts.RECONSTRUCTIONS, x_hat)
        return score_samples(task, collected, *codes, Eyes() if by is None else by)


@pytest.fixture(scope="module", autouse=True)
def no_inception():
    """Wherever the tests run, no weights are found."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TORCH_HOME", "/nowhere")
        patch.delenv("VAEKIT_INCEPTION_WEIGHTS", raising=False)
        yield


@pytest.fixture(scope="module")
def scored(model, prepared, no_inception) -> Scored:
    return score(model, prepared)


def test_the_table_has_a_row_for_every_source(scored):
    gap = scored.gap.set_index("source")
    assert gap.index.tolist() == ["train", "blurred", "reconstructions", "interpolations", "aggregate", "prior"]
    assert (gap["n"].drop("train") == 40).all() and gap["n"]["train"] <= 40
    for column in ("fd_attributes", "kid_attributes", "precision", "recall", "density", "coverage", "diversity"):
        values = gap[[f"{column}_low", column, f"{column}_high"]].to_numpy()
        assert np.isfinite(values).all() and (np.diff(values, axis=1) >= 0).all(), column
    assert gap["fid"].isna().all()
    # An untrained network draws one grey face.
    assert gap["diversity"]["prior"] < 0.2 < gap["diversity"]["train"]
    assert gap["fd_attributes"]["train"] < gap["fd_attributes"]["blurred"] < gap["fd_attributes"]["prior"]


def test_rows_of_the_summary_are_complete(scored):
    of_prior = {"precision", "recall", "density", "coverage", "diversity", "kid_attributes", "fd_attributes_inf", "fid"}
    of_others = {f"fd_attributes_{source}" for source in ("train", "reconstructions", "aggregate")}
    expected = of_prior | of_others | {"fd_attributes"}
    assert set(scored.estimates) == expected
    for row in scored.estimates.values():
        assert row.group == "Samples" and (row.value is None) == (row.reason is not None)
        assert "{" not in row.label + row.unit + row.definition
    assert "vaekit data fetch inception" in scored.estimates["fid"].reason
    assert scored.estimates["precision"].definition.startswith("samples from the prior against the test images")


def test_an_untrained_code_is_blamed_on_the_encoder(scored):
    assert scored.record["verdict"]["name"] == "encoder"
    assert scored.record["modes"]["name"] == "collapse"


def test_artifacts_read_back_and_are_the_same_bytes_for_the_same_seed(scored, model, prepared, tmp_path):
    again = score(model, prepared)
    for name, result in (("first", scored), ("second", again)):
        result.write(tmp_path / name)
    files = sorted(path.name for path in (tmp_path / "first").iterdir())
    assert files == sorted(
        [
            artifacts.SAMPLES,
            artifacts.SAMPLING_GAP,
            artifacts.ATTRIBUTE_RATES,
            artifacts.SAMPLE_PICTURES,
            artifacts.MIXTURE,
            artifacts.JUDGED,
        ]
    )
    for name in files:
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes(), name
    judged = artifacts.read_arrays(tmp_path / "first" / artifacts.JUDGED)
    assert judged["features_x"].shape == (3, 40, 12) and judged["probabilities_x_hat"].shape == (3, 40, 2)
    assert judged["attributes"].tolist() == ["Smiling", "Male"]
    assert artifacts.read_table(tmp_path / "first" / artifacts.ATTRIBUTE_RATES)["attribute"].unique().tolist() == [
        "Smiling"
    ]
    json.loads((tmp_path / "first" / artifacts.SAMPLES).read_text())


def test_batch_size_does_not_matter(scored, model, prepared):
    other = score(model, prepared, batch_size=7)
    columns = ["fd_attributes", "kid_attributes", "precision", "density", "diversity"]
    # Rounding to 8 bits turns differences of float32 into single grey levels.
    assert other.gap[columns].to_numpy() == pytest.approx(scored.gap[columns].to_numpy(), rel=0.02, abs=1e-4)


def test_pictures_are_those_that_were_judged(scored, model, prepared):
    z = Standard(4).sample(40, seed=0)
    assert np.array_equal(scored.pictures["prior"], decoded(model, z, device="cpu", batch_size=32)[:48])
    assert (
        np.abs(
            model.sample(8, seed=0).detach().numpy().transpose(0, 2, 3, 1) * 255 - scored.pictures["prior"][:8]
        ).max()
        < 0.51
    )


def test_a_diverged_decoder_leaves_the_rest_standing(model, prepared, tmp_path):
    class Diverging(type(model)):
        def decode(self, z):
            likelihood = super().decode(z)
            likelihood.mean[z.abs().amax(1) > 1.0] = torch.nan
            return likelihood

    broken = Diverging.__new__(Diverging)
    broken.__dict__ = model.__dict__
    found = score(broken, prepared)
    gap = found.gap.set_index("source")
    assert "hold NaN pixels" in gap["reason"]["prior"] and np.isnan(gap["fd_attributes"]["prior"])
    assert gap["reason"]["reconstructions"] == "" and np.isfinite(gap["fd_attributes"]["reconstructions"])
    assert "hold NaN pixels" in found.estimates["recall"].reason
    assert found.record["verdict"]["name"] == "not judged" and "hold NaN pixels" in found.record["verdict"]["sentence"]
    tried = {row["temperature"]: row["reason"] for row in found.record["temperatures"]["rows"]}
    assert all((reason is None) == (temperature < 0.5) for temperature, reason in tried.items())
    found.write(tmp_path)


@pytest.mark.parametrize(("rows", "says"), [(np.arange(1), "from 2 test images on, and there is 1"), (None, "no half")])
def test_what_can_not_be_compared_has_its_reason(model, prepared, tmp_path, scored, rows, says):
    scored.write(tmp_path)
    found = score(model, prepared, rows=rows, by=None if rows is not None else DataError("There is no half."))
    found.write(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {artifacts.SAMPLES, artifacts.MIXTURE}
    assert says in found.record["verdict"]["sentence"]
    assert all(says in row.reason for row in found.estimates.values())


@pytest.mark.parametrize("n", [2, 4, 6, 9])
def test_few_images_give_what_they_allow(model, prepared, n):
    found = score(model, prepared, rows=np.arange(n))
    row = found.gap.set_index("source").loc["reconstructions"]
    assert np.isfinite(row["fd_attributes"]) and np.isfinite(row["precision"]) == (n > 5)
    assert found.record["warnings"][0].startswith(f"{n} images for 12 feature dims")
    assert "it needs 20 images" in found.record["memorisation"]["sentence"]


def test_a_judge_without_attributes_has_no_rates(model, prepared):
    found = score(model, prepared, by=Eyes(()))
    assert found.rates is None and "not computed" in found.record["attribute_rates"]["reason"]


def test_fid_goes_by_its_name_only_with_the_published_weights(model, prepared, monkeypatch, tmp_path):
    from vaekit.evaluation.samples import inception

    weights = tmp_path / "weights.pth"
    weights.write_bytes(b"x")
    monkeypatch.setattr(
        inception, "inception_features", lambda images, *_, **__: images.reshape(len(images), -1)[:, :50].astype(float)
    )
    found = score(model, prepared, inception_weights=weights)
    assert "published" in found.estimates["fid"].reason
    assert found.estimates["fd_inception"].value > 0
    monkeypatch.setattr(inception, "are_published", lambda path: True)
    found = score(model, prepared, inception_weights=weights)
    assert found.estimates["fid"].value > 0 and "fd_inception" not in found.estimates
    assert np.isfinite(found.gap["fid"]).all()


def test_midpoints_lie_halfway_on_the_sphere():
    corners = 3 * np.eye(16, dtype=np.float32)
    between = midpoints(5 + corners, seed=0) - 5
    assert ((between > 1).sum(1) == 2).all() and ((between > 1).sum(0) == 2).all()  # each corner is in two pairs
    out = np.linalg.norm(corners[0] - corners.mean(0))
    assert np.linalg.norm(between - corners.mean(0), axis=1) == pytest.approx(out, rel=1e-6)
    assert midpoints(np.ones((4, 3), np.float32), seed=0) == pytest.approx(1.0)


def test_prepared_images_are_left_alone(prepared):
    assert not prepared.images.flags.writeable
    assert next(iter(batches(prepared, np.arange(2), 2))).x.shape == (2, 3, 64, 64)


def test_a_set_metric_is_one_function(model, prepared, monkeypatch):
    """Its columns, intervals, definition and row follow."""
    monkeypatch.setattr(SET_METRICS, "_things", dict(SET_METRICS.items()))

    @set_metric(Column("shift_{judge}", "Shift", "1", False, "distance of means in {features}", most=1.0))
    def shift(generated, real, paired):
        far = float(np.linalg.norm(generated.features.mean(0) - real.features.mean(0)))
        return (Estimate(far, far / 2, far * 2, len(generated.features)),)

    found = score(model, prepared)
    row = found.estimates["shift_attributes"]
    assert (
        row.value > 0
        and row.high <= 1
        and row.definition.endswith("distance of means in features of the attributes judge")
    )
    assert {"shift_attributes", "shift_attributes_low", "shift_attributes_high"} <= set(found.gap)
    assert found.record["metrics"]["shift_attributes"]["label"] == "Shift"


class Grey(torch.nn.Module):
    image_shape = (1, 6, 4)

    def decode(self, z):
        return SimpleNamespace(mean=z[:, :1, None, None].expand(-1, *self.image_shape))


def test_a_decoder_of_grey_images_gives_grey_images():
    drawn = decoded(Grey(), np.full((3, 2), 0.4, np.float32), device="cpu", batch_size=2)
    assert drawn.shape == (3, 6, 4, 1) and (drawn == 102).all()
