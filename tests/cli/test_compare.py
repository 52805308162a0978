"""`vaekit compare` and `vaekit check` as a user types them, from two runs on drawn faces; and what they refuse."""

import json
import re
import shutil

import pandas as pd
import pytest

from vaekit import artifacts
from vaekit.api.comparison import find_models
from vaekit.errors import CheckpointError, ConfigError
from vaekit.options import ModelOptions

FOLDER = "reports/comparisons/small-vs-short"


@pytest.fixture
def copy(compared, workplace):
    """A copy of the two compared runs to write in."""
    shutil.copytree(compared.folder, workplace.folder, dirs_exist_ok=True)
    return workplace


def lines(page: dict, label: str | None = None) -> dict[str, dict]:
    """Metric -> the exact values of its cells, from the tables of metrics or from the one with a label."""
    blocks = next(part["blocks"] for part in page["sections"] if part["id"] == "metrics")
    tables = [b for b in blocks if b["kind"] == "versus" and (b["label"] == "Paired differences") == bool(label)]
    return {n["metric"]["id"]: {c["name"]: c["value"] for c in n["cells"]} for b in tables for n in b["lines"]}


def fails(place, *arguments, code, says):
    done = place.vaekit(*arguments, check=code)
    assert "Traceback" not in done.stderr and re.search(says, " ".join(done.stderr.split())), done.stderr
    return done


def test_the_comparison_says_what_the_tables_say(compared):
    page = json.loads((compared.folder / FOLDER / "compare.json").read_text())
    folders = [next((compared.folder / "reports" / run).glob("*/evaluation")) for run in ("small", "short")]
    small, short = (pd.read_csv(folder / "per_image.csv", dtype={"image_id": str}) for folder in folders)
    means = {"small": small["mse"].mean(), "short": short["mse"].mean()}
    assert lines(page)["mse"] == pytest.approx(means)
    joined = small.merge(short, on="image_id", suffixes=("_small", "_short"))
    assert len(joined) == len(small)
    difference = lines(page, "Paired differences")["mse"]["short − small"]
    assert difference == pytest.approx((joined["mse_short"] - joined["mse_small"]).mean())
    for file in ("compare.html", "compare.md", "figures/rate_distortion.svg", "figures/reconstructions.svg"):
        assert (compared.folder / FOLDER / file).stat().st_size > 0


def test_a_terminal_shows_what_differs_and_who_is_best_first(copy):
    said = copy.vaekit("compare", "small", "short").stdout.splitlines()
    assert said[0].startswith("small and short differ in training.epochs")
    assert said[-1] == f"Comparison: {FOLDER}/compare.html and {FOLDER}/compare.md" and len(said) < 15


def test_a_report_of_several_is_their_comparison(copy):
    paths = copy.json("report", "small", "short", "--title", "Two runs")
    assert paths["html"] == f"{FOLDER}/compare.html"
    assert "<h1>Two runs</h1>" in (copy.folder / paths["html"]).read_text(encoding="utf-8")
    fails(copy, "report", "small", "short", "--author", "me", code=2, says="--author is for the report of one model")


def test_run_names_and_patterns_are_found_in_natural_order(tmp_path):
    for run in ("sweep-beta10", "sweep-beta4", "sweep-beta1", "other"):
        (tmp_path / run).mkdir()
        (tmp_path / run / "best.pt").touch()
    (tmp_path / "sweep-unfinished").mkdir()
    found = find_models(["sweep-*", "other"], ModelOptions(), tmp_path)
    assert [one.origin.parent.name for one in found] == ["sweep-beta1", "sweep-beta4", "sweep-beta10", "other"]
    assert [one.origin for one in find_models([str(tmp_path / "o*")], ModelOptions())] == [tmp_path / "other/best.pt"]
    with pytest.raises(CheckpointError, match=r"called nothing-\*"):
        find_models(["nothing-*"], ModelOptions(), tmp_path)


def test_compare_refuses_what_is_no_comparison(compared):
    fails(compared, "compare", "small", code=2, says="takes two models or more, and 1 was named: small")
    fails(compared, "compare", "small", "checkpoints/small", code=2, says="named twice")
    fails(compared, "compare", "small", "shorts", code=1, says="There is no checkpoint shorts")


def test_two_runs_of_one_name_would_share_a_folder(copy):
    shutil.copytree(copy.folder / "checkpoints/short", copy.folder / "elsewhere/small")
    fails(copy, "compare", "small", "elsewhere/small", code=2, says="are both called small")


def test_unlike_protocols_are_refused_or_shown_side_by_side(copy):
    summary = next((copy.folder / "reports/short").glob("*/evaluation/summary.json"))
    content = json.loads(summary.read_text())
    content["protocol"]["crop"] = 148
    summary.write_text(json.dumps(content))
    artifacts.write_digests(summary.parent)
    fails(copy, "compare", "small", "short", code=1, says="the crop is 178 for small and 148 for short.*--crop")
    fails(copy, "check", "small", "--baseline", "short", code=1, says="the crop is 148 for short.*tested alike")
    paths = copy.json("compare", "small", "short", "--allow-unlike")
    text = (copy.folder / paths["markdown"]).read_text(encoding="utf-8")
    assert "not tested alike" in text and "The crop is 178 for small and 148 for short." in text
    assert "Paired differences" not in text


def test_bounds_of_other_likelihoods_are_not_ranked(copy):
    summary = next((copy.folder / "reports/short").glob("*/evaluation/summary.json"))
    content = json.loads(summary.read_text())
    content["config"]["likelihood"]["name"] = "bernoulli"
    summary.write_text(json.dumps(content))
    artifacts.write_digests(summary.parent)
    page = json.loads((copy.folder / copy.json("compare", "small", "short")["data"]).read_text())
    blocks = next(part["blocks"] for part in page["sections"] if part["id"] == "metrics")
    found = {n["metric"]["id"]: n for b in reversed(blocks) if b["kind"] == "versus" for n in b["lines"]}
    for name in ("elbo", "recon_nll", "iwae_64"):
        assert "of different kinds" in found[name]["remark"] and not any(c["mark"] for c in found[name]["cells"]), name
    assert "of different kinds" not in found["elbo_calibrated"]["remark"]
    assert "20 images are the least" in found["elbo_calibrated"]["remark"]  # the few test images here rank nothing


def test_the_gate_opens_and_shuts(compared):
    done = compared.vaekit("check", "small", "--max", "mse=1", "--min", "active_units=0", "--min", "ssim=-1")
    assert ": 3 checks passed" in done.stdout
    done = compared.vaekit("check", "small", "--max", "mse=1e-9", "--max", "kl=1e9", check=3)
    assert "1 of 2 checks failed" in done.stdout and "FAIL" in done.stdout and not done.stderr.startswith("Error")
    facts = json.loads(compared.vaekit("check", "small", "--max", "mse=1e-9", "--json", check=3).stdout)
    assert facts["passed"] is False and facts["checks"][0]["metric"] == "mse"
    assert facts["checks"][0]["low"] is None and facts["checks"][0]["n"] < 20


def test_a_handful_of_images_holds_no_run_against_another(compared):
    done = compared.vaekit("check", "small", "--baseline", "short", "--json", check=3)
    found = json.loads(done.stdout)
    assert not found["passed"] and found["baseline"] == "short"
    assert [check["metric"] for check in found["checks"]] == ["mse", "ssim", "elbo_calibrated"]
    assert all("20 images are the least" in check["sentence"] for check in found["checks"])


def test_what_can_not_be_checked_is_said(compared):
    fails(compared, "check", "small", code=2, says="nothing to check")
    fails(compared, "check", "small", "--max", "mse", code=2, says="--max 'mse' is no bound: write it as mse=0.011")
    fails(compared, "check", "small", "--max", "mze=1", code=2, says="no such metric. Did you mean 'mse'")
    fails(compared, "check", "small", "--max", "mse=1", "--max", "mse=2", code=2, says="mse is given twice")
    fails(compared, "check", "small", "--max", "mse=1", "--metrics", "mse", code=2, says="give one with --baseline")
    fails(compared, "check", "small", "--baseline", "short", "--metrics", "kl", code=2, says="no better direction")
    fails(compared, "check", "small", "--baseline", "small", code=2, says="named twice")
    summary = json.loads(next((compared.folder / "reports/small").glob("*/evaluation/summary.json")).read_text())
    name, row = next((k, v) for k, v in (summary["estimates"]).items() if v["value"] is None)
    done = compared.vaekit("check", "small", "--max", f"{name}=1", check=3)
    assert f"{name} must be at most 1 and was not computed: {row['reason']}" in done.stdout


def test_python_gives_the_same(compared, monkeypatch):
    import vaekit

    monkeypatch.chdir(compared.folder)
    gate = vaekit.check("small", most={"mse": 1.0}, device="cpu")
    assert gate.passed and ": 1 check passed" in str(gate)
    with pytest.raises(ConfigError, match="two models or more"):
        vaekit.compare(["small"])


def test_a_sweep_ends_with_the_command_that_compares_it(faces, workplace):
    small = ("--data", faces, "--epochs", 1, "--set", "model.channels=[4,8]", "--run", "s")
    done = workplace.vaekit("train", *small, "--sweep", "objective.beta=1,4")
    assert "vaekit compare checkpoints/s-beta1 checkpoints/s-beta4" in done.stdout
