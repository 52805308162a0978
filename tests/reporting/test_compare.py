"""The comparison from hand-made artifacts: whose numbers are best, what is refused, what is said where things lack."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from markdown_it import MarkdownIt

from vaekit import artifacts
from vaekit.errors import DataError
from vaekit.figures.compare import RatePoint
from vaekit.quantity import Quantity
from vaekit.reporting.collect import Folders, collect
from vaekit.reporting.comparison.build import build_comparison
from vaekit.reporting.comparison.side_by_side import side_by_side, verdict_of
from vaekit.reporting.comparison.unlike import refuse_unlike, unlike
from vaekit.statistics.differences import Difference, paired_differences, with_q

N, SIZE, DIMS = 60, 16, 4
HOSTILE = "<script>alert(1)</script>\"'{{ 7*7 }}\n# h | `c` \u202egnp </style> &amp;"
FACTS = {
    "mse": ("Mean squared error", "squared pixel value", False),
    "ssim": ("Structural similarity", "1", True),
    "mse_sampled": ("Mean squared error at a sampled code", "squared pixel value", False),
    "kl": ("KL divergence", "nats per image", None),
    "elbo_calibrated": ("Evidence lower bound, calibrated", "nats per image", True),
}


def quantity(name, value, low=None, high=None, reason=None):
    label, unit, higher = FACTS.get(name, (name, "1", False))
    n, facts = N if value is not None else 0, {"label": label, "unit": unit, "definition": f"{label}, defined"}
    return Quantity(value=value, low=low, high=high, n=n, reason=reason, higher_is_better=higher, **facts)


def row(*arguments, **more):
    return quantity(*arguments, **more).record()


def per_image(worse: float, seed: int) -> pd.DataFrame:
    """The same hard and easy images for every model, and a model's own small noise."""
    hard = np.random.default_rng(0).gamma(6, 0.002, N)
    noise = np.random.default_rng(seed).normal(0, 1e-4, N)
    mse = hard + worse + noise
    return pd.DataFrame(
        {
            "image_id": [f"{i:06d}.jpg" for i in range(N)],
            "mse": mse,
            "ssim": 1 - 10 * mse,
            "mse_sampled": 1.1 * mse,
            "kl": 50 - 1000 * worse,
            "elbo_calibrated": 3000 - 1e5 * mse,
        }
    )


def finding(id, value):
    return {
        "id": id,
        "kind": "slice",
        "title": f"Harder: {id}",
        "sentence": f"{id} is harder.",
        "n": 9,
        "p": 0.01,
        "effect": {"value": value, "low": value / 2, "high": 2 * value, "unit": "u", "ratio": None},
        "q": 0.02,
        "share": 0.1,
        "enrichment": {},
        "image_ids": [],
        "evidence": [],
        "remedy": "",
    }


def write_model(folder: Path, *, run="run", worse=0.0, protocol=(), findings=("Hat", "Glasses")) -> Path:
    """Write what a comparison reads of one model to `folder` and return it."""
    table, rng = per_image(worse, len(run)), np.random.default_rng(1)
    values = {
        name: row(
            name,
            float(table[name].mean()),
            float(table[name].mean()) - 0.01 * abs(table[name].mean()),
            float(table[name].mean()) + 0.01 * abs(table[name].mean()),
        )
        for name in FACTS
    }
    x = rng.integers(0, 256, (N, SIZE, SIZE, 3)).astype(np.uint8)
    x_hat = (x * (1 - 5 * worse)).astype(np.uint8)
    evaluation = folder / artifacts.EVALUATION
    artifacts.write_table(evaluation / artifacts.PER_IMAGE, table)
    artifacts.write_array(evaluation / artifacts.RECONSTRUCTIONS, x_hat)
    artifacts.write_arrays(
        evaluation / artifacts.PICTURES, image_id=table["image_id"].to_numpy(str)[:9], x=x[:9], x_hat=x_hat[:9]
    )
    artifacts.write_arrays(evaluation / artifacts.DRAWS, samples=x_hat[:9])
    artifacts.write_table(evaluation / artifacts.PER_DIM, pd.DataFrame({"dim": range(DIMS), "kl": [3.0, 1, 0.1, 0]}))
    artifacts.write_json(
        evaluation / artifacts.LATENT,
        {
            "rows": {"active_units": row("active_units", 3), "hole": row("hole", None, reason="no dim is active")},
            "verdict": {"name": "none", "sentence": f"{run} uses its code."},
        },
    )
    artifacts.write_json(
        folder / artifacts.FAILURES / artifacts.FINDINGS,
        {
            "metric": "mse",
            "findings": [finding(name, 0.1 * (i + 1)) for i, name in enumerate(findings)]
            + [finding("cluster-1", 0.1) | {"kind": "cluster"}, finding("lost-Hat", 0.1) | {"kind": "attribute"}],
            "tested": [
                {
                    "slice": "harder: Dark",
                    "became": "not confirmed",
                    "value": 0.3,
                    "low": 0.1,
                    "high": 0.5,
                    "unit": "u",
                    "ratio": 1.25,
                    "ratio_low": 0.9,
                    "ratio_high": 1.6,
                }
            ],
            "preserved": [
                {
                    "attribute": "Hat_on",
                    "n": 20,
                    "kept": 0.5 - 20 * worse,
                    "kept_low": 0.45 - 20 * worse,
                    "kept_high": 0.55 - 20 * worse,
                    "lost": True,
                    "reason": None,
                    "appears": 0.98,
                    "made_up": worse > 0,
                },
                {
                    "attribute": "Kept_always",
                    "n": 20,
                    "kept": 1.0,
                    "kept_low": 0.9,
                    "kept_high": 1.0,
                    "lost": False,
                    "reason": None,
                },
            ],
        },
    )
    artifacts.write_json(
        evaluation / artifacts.SUMMARY,
        {
            "run": {"name": run, "checkpoint": "best.pt", "epoch": 3, "step": 30},
            "protocol": {
                "name": "p",
                "data": "celeba",
                "split": "test",
                "n": N,
                "crop": 178,
                "image_size": SIZE,
                "resize": "antialiased",
                "limit": {},
                "seed": 0,
                "data_fingerprint": "9f2c" * 4,
            }
            | dict(protocol),
            "metrics": values,
            "estimates": {
                "r2": row("r2", 0.9 - worse, 0.88 - worse, 0.92 - worse),
                "fid": row("fid", None, reason="the weights are not here"),
            },
            "config": {"objective": {"beta": 1 + 100 * worse}, "likelihood": {"name": "gaussian"}},
            "model": {"name": "conv", "parameters": 1000, "latent_dim": DIMS, "likelihood": "Gaussian"},
            "data": {"name": "celeba", "counts": {"train": 100, "valid": 10, "test": N}},
            "made_by": {"vaekit": "0.1.0", "data_fingerprint": "9f2c" * 4},
        },
    )
    return folder


def originals(image_ids):
    x = np.random.default_rng(1).integers(0, 256, (N, SIZE, SIZE, 3)).astype(np.uint8)
    return x[[int(image_id[:6]) for image_id in image_ids]]


def tables_of(models: dict[str, Path]) -> dict[str, pd.DataFrame]:
    return {name: artifacts.read_table(f / artifacts.EVALUATION / artifacts.PER_IMAGE) for name, f in models.items()}


def build(models: dict[str, Path], out: Path, differences=None, originals=originals):
    """Return the comparison of the models and its content as data."""
    if differences is None:
        differences = with_q(paired_differences(tables_of(models), list(FACTS), 0))
    made = build_comparison(models, out, differences=differences, originals=originals)
    return made, artifacts.read_json(made.data)


def section(data, id):
    return next(section["blocks"] for section in data["sections"] if section["id"] == id)


def said(blocks) -> str:
    return json.dumps(blocks, ensure_ascii=False)


@pytest.fixture(scope="module")
def three(tmp_path_factory) -> dict[str, Path]:
    """Good, bad by .01, and one as good as the first but for noise."""
    root = tmp_path_factory.mktemp("three")
    return {
        "good": write_model(root / "good", run="good"),
        "bad": write_model(root / "bad", run="bad", worse=0.01, findings=("Glasses", "Dark")),
        "twin": write_model(root / "twin", run="a twin"),
    }


@pytest.fixture(scope="module")
def built(three, tmp_path_factory):
    return build(three, tmp_path_factory.mktemp("out"))


def lines_of(data, id: str) -> dict[str, dict]:
    """Metric -> its line in the first tables of a section, with its cells by name."""
    lines = [line for block in section(data, id) if block["kind"] == "versus" for line in block["lines"]]
    return {line["metric"]["id"]: line | {"cells": {c["name"]: c for c in line["cells"]}} for line in lines[::-1]}


def marks(line: dict) -> dict[str, str]:
    return {name: cell["mark"] for name, cell in line["cells"].items()}


def test_the_best_is_told_by_paired_differences_and_twins_are_tied(built):
    _, data = built
    found = lines_of(data, "metrics")
    assert marks(found["mse"]) == marks(found["ssim"]) == {"good": "tied", "bad": "", "twin": "tied"}
    assert marks(found["kl"]) == {"good": "", "bad": "", "twin": ""}
    assert found["mse"]["remark"] == "" and "intervals" in found["r2"]["remark"]
    assert marks(found["r2"]) == {"good": "tied", "bad": "tied", "twin": "tied"}
    assert "fid" not in found
    assert "Not computed for any model: fid. The weights are not here." in said(section(data, "metrics"))


def test_differences_from_the_first_say_who_is_worse(built):
    _, data = built
    (table,) = [b for b in section(data, "metrics") if b.get("label") == "Paired differences"]
    (mse,) = [line for line in table["lines"] if line["metric"]["id"] == "mse"]
    bad, twin = mse["cells"]
    assert (bad["name"], bad["mark"], bad["n"]) == ("bad − good", "worse", N) and bad["low"] < 0.01 < bad["high"]
    assert (twin["name"], twin["mark"]) == ("twin − good", "no clear difference")


def test_a_paired_difference_has_the_closed_form(three):
    tables = tables_of(three)
    found = with_q(paired_differences(tables, ["mse", "kl"], 0))
    (mse,) = [d for d in found if d.metric == "mse" and (d.first, d.second) == ("good", "bad")]
    expected = (tables["bad"]["mse"] - tables["good"]["mse"]).mean()
    assert mse.value == pytest.approx(expected, rel=1e-12) and mse.low < 0.01 < mse.high
    assert (verdict_of(mse, False), verdict_of(mse, True), verdict_of(mse, None)) == ("worse", "better", "higher")
    (twins,) = [d for d in found if d.metric == "mse" and (d.first, d.second) == ("good", "twin")]
    assert verdict_of(twins, False) == "no clear difference"


def test_intervals_alone_tell_apart_what_does_not_overlap():
    def of(*ends):
        rows = {f"m{i}": {"fid": quantity("fid", (low + high) / 2, low, high)} for i, (low, high) in enumerate(ends)}
        (found,) = side_by_side(rows, ())
        return found.best, found.ground

    assert of((1, 2), (3, 4)) == (("m0",), "intervals")
    assert of((1, 3), (2, 4)) == (("m0", "m1"), "intervals")
    assert of((5, 6), (1, 2), (1.5, 3)) == (("m1", "m2"), "intervals")


def test_other_likelihoods_are_not_ranked():
    rows = {
        name: {"elbo": quantity("elbo_calibrated", value, value - 1, value + 1)} for name, value in (("a", 1), ("b", 9))
    }
    reason = "the models' own likelihoods are of different kinds"
    (found,) = side_by_side(rows, [Difference("elbo", "a", "b", None, None, None, 9, None, reason=reason)])
    assert found.best == () and found.ground == reason


def test_findings_gained_and_lost(built):
    _, data = built
    text = said(section(data, "findings"))
    assert "Shared by all: Harder: Glasses." in text
    assert "bad against good: gained Harder: Dark; lost Harder: Hat." in text
    assert "twin against good: gained none; lost none." in text
    assert "cluster-1" not in text and "lost-Hat" not in text  # a model's own clusters are not another's
    (grid,) = [block for block in section(data, "findings") if block["kind"] == "grid"]
    rows = {title: cells for title, *cells in grid["table"]["rows"]}
    assert rows["Harder: Dark"] == [
        "× 1.25 [0.90, 1.60] not confirmed",
        "+0.20 [0.10, 0.40] u",
        "× 1.25 [0.90, 1.60] not confirmed",
    ]
    assert rows["Harder: Hat"][1] == "not a candidate"
    kept = lines_of(data, "findings")
    assert list(kept) == ["Hat_on"] and kept["Hat_on"]["metric"]["label"] == "Hat on"
    assert not any(marks(kept["Hat_on"]).values())  # a model that draws a hat on everybody keeps it too
    assert "bad draws Hat on on 98 % of the images that lack it" in text and "good draws" not in text


def test_where_they_differ_most_are_the_largest_gaps(three, built):
    _, data = built
    (cards,) = [block for block in section(data, "contrasts") if block["kind"] == "cards"]
    tables = list(tables_of(three).values())
    errors = np.stack([table["mse"] for table in tables])
    gap = errors.max(axis=0) - errors.min(axis=0)
    expected = tables[0]["image_id"][np.argsort(-gap)[: len(cards["cards"])]].tolist()
    assert [card["image_id"] for card in cards["cards"]] == expected
    assert all("bad" not in card["attributes"][0] for card in cards["cards"])
    first = cards["cards"][0]
    assert first["values"] == pytest.approx(errors[:, np.argmax(gap)]) and len(first["facts"]) == 3


def test_the_line_of_equal_bound_is_one():
    """Along the line the Gaussian's elbo at its best sigma, -D/2 (1 + log(2 pi sse / D)) - kl, stays the same."""
    values = 3 * SIZE**2
    point = RatePoint("a", (30.0, 29.0, 31.0), (20.0, 19.0, 21.0), 0.0, values)
    rates = np.array([0.0, 30.0, 200.0])
    sse = point.distortion_at(rates)
    bound = -values / 2 * (1 + np.log(2 * np.pi * sse / values)) - rates
    np.testing.assert_allclose(bound, bound[1], rtol=1e-12)
    assert sse[1] == 20


def test_same_artifacts_same_bytes_without_torch(three, built, tmp_path):
    made, _ = built
    copies = {name: Path(shutil.copytree(folder, tmp_path / name)) for name, folder in three.items()}
    again, _ = build(copies, tmp_path / "again")
    files = sorted(p.relative_to(made.html.parent) for p in made.html.parent.rglob("*.*"))
    assert len(files) > 8
    for file in files:
        assert (made.html.parent / file).read_bytes() == (again.html.parent / file).read_bytes(), file
    code = "import sys, vaekit.reporting.comparison.build, vaekit.reporting.gate; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_hostile_names_and_findings_are_text(tmp_path):
    models = {
        HOSTILE: write_model(tmp_path / "a", run=HOSTILE, findings=(HOSTILE,)),
        "b": write_model(tmp_path / "b", run="b", worse=0.01),
    }
    made, data = build(models, tmp_path / "out")
    html = made.html.read_text(encoding="utf-8")
    assert "<script>alert" not in html and "\u202e" not in html and "{{ 7*7 }}" in html and html.count("</style>") == 1
    assert all("alert" not in script for script in re.findall(r"<script>(.*?)</script>", html, re.DOTALL))
    markdown = made.markdown.read_text(encoding="utf-8")
    page = MarkdownIt("commonmark", {"html": True}).enable("table").render(markdown)
    assert "<script" not in page and "\u202e" not in page and "<h1>h" not in page
    for figure in (made.html.parent / artifacts.FIGURES).glob("*.svg"):
        assert "<script" not in figure.read_text(encoding="utf-8")
    assert data["title"].startswith(HOSTILE)


def test_what_one_model_lacks_is_said_and_the_rest_stands(three, tmp_path):
    models = {name: Path(shutil.copytree(folder, tmp_path / name)) for name, folder in three.items()}
    bad = models["bad"]
    for file in (artifacts.LATENT, artifacts.RECONSTRUCTIONS, artifacts.PICTURES, artifacts.DRAWS):
        (bad / artifacts.EVALUATION / file).unlink()
    (bad / artifacts.FAILURES / artifacts.FINDINGS).write_text("{broken")
    (models["good"] / artifacts.EVALUATION / artifacts.PER_DIM).unlink()
    _, data = build(models, tmp_path / "out")
    assert "bad: latent.json is missing" in said(section(data, "latent"))
    assert "good: per_dim.csv is missing" in said(section(data, "latent"))
    assert "bad: images.npz is missing" in said(section(data, "reconstructions"))
    assert "bad: draws.npz is missing" in said(section(data, "samples"))
    assert "bad: reconstructions.npy is missing" in said(section(data, "contrasts"))
    assert "bad: findings.json can not be read" in said(section(data, "findings"))
    assert "twin against good: gained none; lost none." in said(section(data, "findings"))
    assert "kl_by_rank" in said(section(data, "latent")) and "rate_distortion.svg" in said(data["sections"])
    assert str(tmp_path) not in said(data["sections"])


def test_images_that_can_not_be_read_any_more_are_said(three, tmp_path):
    def gone(image_ids):
        raise DataError("--data celeba: there is no such dataset or folder.")

    _, data = build(three, tmp_path, originals=gone)
    assert "there is no such dataset" in said(section(data, "contrasts"))
    assert "picture" in said(section(data, "reconstructions"))


UNLIKE = [
    ({"crop": 148}, "the crop is 178 for a and 148 for b", "--crop"),
    ({"image_size": 32}, "the image size is 16 for a and 32 for b", "See them"),
    ({"n": 61}, "the number of test images is 60 for a and 61 for b", "See them"),
    ({"seed": 1}, "the seed is 0 for a and 1 for b", "--seed"),
    ({"split": "valid"}, "the split is test for a and valid for b", "See them"),
    ({"limit": {"test": 50}}, "the limit of the test split is none for a and 50 for b", "--limit"),
    ({"data_fingerprint": "0000"}, "the fingerprint of the images is 9f2c9f2c9f2c for a and 0000 for b", "See them"),
]


@pytest.mark.parametrize(("change", "sentence", "flag"), UNLIKE, ids=[next(iter(case[0])) for case in UNLIKE])
def test_unlike_protocols_are_refused_with_the_difference_named(tmp_path, change, sentence, flag):
    folders = {"a": write_model(tmp_path / "a"), "b": write_model(tmp_path / "b", worse=0.01, protocol=change)}
    found = unlike({name: collect(Folders.below(folder)) for name, folder in folders.items()})
    assert sentence in [str(difference) for difference in found]
    with pytest.raises(DataError, match="These models can not be compared: .*" + re.escape(sentence)) as refused:
        refuse_unlike(found, "see them side by side")
    assert flag in str(refused.value)


def test_other_numbers_of_train_images_are_alike(tmp_path):
    few = {"limit": {"train": 50}, "data_fingerprint": "0000"}
    models = [write_model(tmp_path / "a"), write_model(tmp_path / "b", protocol=few)]
    assert unlike({str(i): collect(Folders.below(folder)) for i, folder in enumerate(models)}) == []


def test_unlike_models_are_not_ranked_on_request(tmp_path):
    folders = {"a": write_model(tmp_path / "a"), "b": write_model(tmp_path / "b", worse=0.5, protocol={"crop": 148})}
    _, data = build(folders, tmp_path / "out", differences=[])
    found = lines_of(data, "metrics")
    assert found and not any(mark for line in found.values() for mark in marks(line).values())
    overview = said(section(data, "overview"))
    assert "not tested alike" in overview and "The crop is 178 for a and 148 for b." in overview
    assert "Paired differences" not in said(data["sections"])
    assert "no image is the same for all" in said(section(data, "contrasts"))
    assert "do not lie in one plane" in said(section(data, "rate_distortion"))


def test_the_markdown_table_renders(built):
    made, _ = built
    page = MarkdownIt("commonmark").enable("table").render(made.markdown.read_text(encoding="utf-8"))
    assert "<strong>tied</strong>" in page and page.count("<table>") > 3 and page.count("<h3>") >= 3
    for picture in re.findall(r'src="([^"]+)"', page):
        assert (made.html.parent / picture).is_file(), picture


@pytest.mark.parametrize("without", [("a",), ("a", "b")])
def test_models_whose_samples_no_judge_has_seen_are_compared_all_the_same(tmp_path, without):
    folders = {name: write_model(tmp_path / name, run=name) for name in "ab"}
    judged = {"judge": {"name": "attributes", "identity": "ab12"}, "verdict": None, "metrics": {}}
    nothing = {"reason": "There is no judge.", "verdict": {"name": "not judged", "sentence": "There is no judge."}}
    for name, folder in folders.items():
        content = nothing if name in without else judged
        artifacts.write_json(folder / artifacts.EVALUATION / artifacts.SAMPLES, content)
    _, data = build(folders, tmp_path / "out")
    assert "There is no judge." in said(section(data, "overview"))
