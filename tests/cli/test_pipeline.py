"""The four commands as a user types them, from drawn faces to the report; what they leave; their determinism."""

import csv
import json
import math
import re
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

RUN = "checkpoints/small"


def protocol_folder(place):
    (folder,) = (place.folder / "reports/small").glob("*-test")
    return folder


def test_training_leaves_what_the_readme_says(finished):
    run = finished.folder / RUN
    assert {p.name for p in run.iterdir()} == {
        "best.pt",
        "last.pt",
        "config.toml",
        "history.csv",
        "curves.png",
        "epochs",
        "epochs.npz",
    }
    assert [p.name for p in sorted((run / "epochs").iterdir())] == ["001.png", "002.png"]
    history = pd.read_csv(run / "history.csv")
    assert history["epoch"].tolist() == [1, 2] and np.isfinite(history).all().all()
    assert history["valid_loss"].iloc[1] < history["valid_loss"].iloc[0]


def test_summary_holds_every_metric_with_interval_unit_and_n(finished):
    summary = json.loads((protocol_folder(finished) / "evaluation/summary.json").read_text())
    metrics = summary["metrics"]
    assert {"mse", "sse", "mae", "psnr", "ssim", "kl", "elbo"} <= metrics.keys()
    for name, m in metrics.items():
        assert {"value", "low", "high", "n", "unit", "label", "higher_is_better", "reason"} <= m.keys(), name
        assert m["low"] is None and m["n"] == summary["protocol"]["n"] < 20 and "20 images" in m["reason"]
    assert metrics["sse"]["value"] == pytest.approx(metrics["mse"]["value"] * 3 * 64 * 64)
    assert metrics["elbo"]["value"] == pytest.approx(-metrics["recon_nll"]["value"] - metrics["kl"]["value"])
    assert summary["protocol"] | {"crop": 178, "image_size": 64, "split": "test"} == summary["protocol"]


def test_a_quick_evaluation_has_the_same_numbers_and_stands_beside_the_whole_one(finished, tmp_path):
    place = replace(finished, folder=tmp_path / "place")
    shutil.copytree(finished.folder, place.folder)
    whole = place.json("evaluate", "small")
    before = sorted((path, path.stat().st_mtime_ns) for path in protocol_folder(place).rglob("*"))
    quick = place.json("evaluate", "small", "--quick")
    assert quick["folder"].endswith("-test-quick/evaluation")
    assert sorted((path, path.stat().st_mtime_ns) for path in protocol_folder(place).rglob("*")) == before
    assert quick["metrics"] == whole["metrics"] and quick["verdict"] and "r2" in quick["estimates"]
    absent = quick["estimates"]["samples"]
    assert absent["value"] is None and "without --quick" in absent["reason"]
    assert "without --quick" in quick["judge"]["sentence"]
    done = place.vaekit("failures", "small", "--top", 4)
    assert "-test/evaluation" in done.stderr and "quick" not in done.stderr
    shutil.rmtree(protocol_folder(place))
    done = place.vaekit("failures", "small", "--top", 4, "--quick")
    assert "Using the evaluation in" in done.stderr and "-test-quick/evaluation" in done.stderr
    page = place.vaekit("report", "small", "--quick")
    assert "report.html" in page.stdout
    text = (place.folder / "reports/small/report.md").read_text(encoding="utf-8")
    assert "left out of a quick evaluation" in text


def test_tables_agree_with_one_another(finished):
    folder = protocol_folder(finished) / "evaluation"
    summary = json.loads((folder / "summary.json").read_text())
    per_image = pd.read_csv(folder / "per_image.csv", dtype={"image_id": str})
    assert len(per_image) == summary["protocol"]["n"] and per_image["image_id"].is_unique
    for name, m in summary["metrics"].items():
        assert m["value"] == pytest.approx(per_image[name].mean(), rel=1e-12), name
    per_dim, latents = pd.read_csv(folder / "per_dim.csv"), np.load(folder / "latents.npz")
    assert latents["mu"].shape == latents["logvar"].shape == (len(per_image), len(per_dim))
    assert per_dim["kl"].sum() == pytest.approx(per_image["kl"].mean(), rel=1e-5)
    stored = np.load(folder / "reconstructions.npy")
    assert stored.shape == (len(per_image), 64, 64, 3) and stored.dtype == np.uint8
    layers = pd.read_csv(folder / "layers.csv")
    assert layers["parameters"].sum() == summary["model"]["parameters"]


def test_mse_agrees_with_the_stored_pictures(finished, prepared):
    """An independent way to the same number: from the uint8 pictures on disk, to the rounding of 8 bits."""
    folder = protocol_folder(finished) / "evaluation"
    per_image = pd.read_csv(folder / "per_image.csv", dtype={"image_id": str})
    rows = prepared.rows("test")
    assert prepared.index["image_id"].iloc[rows].tolist() == per_image["image_id"].tolist()
    x, x_hat = prepared.images[rows] / 255.0, np.load(folder / "reconstructions.npy") / 255.0
    np.testing.assert_allclose(((x - x_hat) ** 2).mean((1, 2, 3)), per_image["mse"], rtol=1e-3)


def test_failures_rank_what_evaluation_measured(finished):
    folder = protocol_folder(finished)
    per_image = pd.read_csv(folder / "evaluation/per_image.csv", dtype={"image_id": str})
    worst = pd.read_csv(folder / "failures/worst.csv", dtype={"image_id": str})
    expected = per_image.sort_values("mse", ascending=False).head(4)
    assert worst["image_id"].tolist() == expected["image_id"].tolist() and worst["rank"].tolist() == [1, 2, 3, 4]
    np.testing.assert_allclose(worst["mse"], expected["mse"])
    assert {"Smiling", "Male", "Eyeglasses"} <= set(worst.columns)
    for name in ("worst.png", "best.png", "random.png", "best.csv", "random.csv", "slices.csv", "failures.json"):
        assert (folder / "failures" / name).stat().st_size > 0


def test_report_is_there_and_names_the_numbers(finished):
    html = (finished.folder / "reports/small/report.html").read_text()
    markdown = (finished.folder / "reports/small/report.md").read_text()
    worst = pd.read_csv(protocol_folder(finished) / "failures/worst.csv", dtype={"image_id": str})
    for text in (html, markdown):
        assert "small" in text and worst["image_id"].iloc[0] in text


def test_same_command_same_bytes(finished, faces, workplace):
    """A second run elsewhere: checkpoint, tables, pictures and report are the same to the byte."""
    settings = ("--set", "model.channels=[8,16,32,32]", "--set", "model.latent_dim=8", "--batch-size", 16)
    workplace.vaekit("train", "--data", faces, "--epochs", 2, "--run", "small", *settings, "--device", "cpu")
    workplace.vaekit("evaluate")
    workplace.vaekit("failures", "--top", 4)
    workplace.vaekit("report")
    compared = 0
    for folder in ("checkpoints", "reports"):
        for first in sorted((finished.folder / folder).rglob("*.*")):
            if first.is_file():
                second = workplace.folder / first.relative_to(finished.folder)
                assert first.read_bytes() == second.read_bytes(), first.name
                compared += 1
    assert compared > 20


def test_report_computes_what_is_missing_and_says_so(faces, workplace):
    workplace.vaekit("train", "--data", faces, "--epochs", 1, "--set", "model.channels=[4,8]", "--run", "one")
    done = workplace.vaekit("report", "--json")
    assert "newest run" in done.stderr and "evaluating first" in done.stderr and "No failure analysis" in done.stderr
    paths = json.loads(done.stdout)
    assert (workplace.folder / paths["html"]).is_file() and (workplace.folder / paths["markdown"]).is_file()
    again = workplace.vaekit("report")
    assert "Using the evaluation" in again.stderr and "evaluating first" not in again.stderr
    before = (workplace.folder / "checkpoints/one/best.pt").read_bytes()
    workplace.vaekit(
        "train", "--data", faces, "--epochs", 1, "--set", "model.channels=[4,9]", "--run", "one", "--overwrite"
    )
    assert (workplace.folder / "checkpoints/one/best.pt").read_bytes() != before
    assert "evaluating first" in workplace.vaekit("report").stderr  # the artifacts of the old checkpoint are stale


def test_json_is_one_object_on_stdout(faces, workplace):
    trained = workplace.json("train", "--data", faces, "--epochs", 1, "--set", "model.channels=[4,8]")
    assert trained["history"][0]["epoch"] == 1 and math.isfinite(trained["history"][0]["valid_loss"])
    evaluated = workplace.json("evaluate", trained["best"])
    assert evaluated["metrics"]["mse"]["value"] > 0
    ranked = workplace.json("failures", trained["folder"], "--top", 3, "--by", "ssim")
    assert len(ranked["worst"]) == 3 and ranked["higher_is_better"] is True


def test_python_gives_the_same_as_the_command_line(finished, monkeypatch):
    import vaekit

    monkeypatch.chdir(finished.folder)
    result = vaekit.evaluate(out=finished.folder / "again", device="cpu")
    folder = protocol_folder(finished)
    with (folder / "evaluation/per_image.csv").open() as file:
        assert list(csv.reader(file))[1][0] == result.per_image["image_id"].iloc[0]
    assert result["mse"] == json.loads((folder / "evaluation/summary.json").read_text())["metrics"]["mse"]["value"]
    assert all(name in result.text(every=True) for name in result.metrics.index)
    assert "<table" in result._repr_html_() and "data:image/png" in result._repr_html_()
    worst = vaekit.failures(out=finished.folder / "again", top=2)
    assert (
        len(worst.worst) == 2 and str(worst).endswith("--all") and not re.search(r"\b0 \w", str(worst).splitlines()[-1])
    )
    assert all(text in worst.text(every=True) for text in worst.not_found)
    assert "data:image/png" in worst._repr_html_()
    report = vaekit.report(out=finished.folder / "again")
    assert report.html.is_file() and "report.html" in str(report)
    model = vaekit.load("small")
    assert model.sample(2, seed=1).shape == (2, 3, 64, 64)
    assert model.encode(model.sample(2)).mu.shape == (2, 8)


def test_the_page_shows_the_run_as_it_learned(finished):
    kept = np.load(protocol_folder(finished) / "evaluation/epochs.npz")
    assert kept["epoch"].tolist() == [1, 2]
    page = (finished.folder / "reports/small/report.html").read_text(encoding="utf-8")
    assert '<section id="learning"' in page and "after epoch 1 and 2." in page
