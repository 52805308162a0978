"""The analysis of an evaluation on disk: what it leaves, how it is repeated, and what it says of bad input."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import vaekit
from vaekit import artifacts
from vaekit.data.prepared import MEAN_IMAGE, open_prepared
from vaekit.errors import ConfigError, DataError
from vaekit.evaluation.results import Evaluation
from vaekit.failure_analysis.analyse import Asked, Failures, analyse
from vaekit.figures.base import draw

LARGE = 600  # images of the enlarged test split


@pytest.fixture
def stored(finished, tmp_path):
    """A copy of an evaluation of a few images, and the data it was made of: (evaluation, prepared, folder)."""
    (source,) = (finished.folder / "reports/small").glob("*-test")
    shutil.copytree(
        source / "evaluation", tmp_path / "evaluation", ignore=shutil.ignore_patterns(artifacts.DIGESTS)
    )  # to be changed
    evaluation = Evaluation(tmp_path / "evaluation")
    fingerprint = evaluation.summary["made_by"]["data_fingerprint"]
    data = next(p.parent for p in finished.folder.parent.rglob("meta.json") if fingerprint in p.read_text())
    return evaluation, open_prepared(data), tmp_path / "failures"


def enlarged(stored, seed=0, **changes):
    """The same with every image many times, under other names, and errors in which hats cost three times as much."""
    evaluation, prepared, folder = stored
    rng, rows = np.random.default_rng(seed), prepared.rows("test")
    chosen = rng.integers(0, len(rows), LARGE)
    names = np.array([f"{i:05}" for i in range(LARGE)])
    index = prepared.index.iloc[rows[chosen]].assign(image_id=names, **changes).reset_index(drop=True)
    index["identity"] = names
    hat = rng.random(LARGE) < 0.15
    if "Wearing_Hat" in index:
        index["Wearing_Hat"] = hat.astype(int)
    train = prepared.index[prepared.index["split"] == "train"]
    images = np.concatenate([prepared.images[train.index], prepared.images[rows[chosen]]])
    noise = rng.integers(-20, 20, (len(images), 1, 1, 3))
    images = np.clip(images + noise, 0, 255).astype(np.uint8)
    data = replace(prepared, images=images, index=pd.concat([train, index], ignore_index=True))
    table = evaluation.per_image.iloc[chosen].assign(image_id=names)
    for name in ("mse", "ssim"):
        table[name] = rng.lognormal(-5, 0.3, LARGE) * np.where(hat, 3.0, 1.0)
    artifacts.write_table(evaluation.folder / artifacts.PER_IMAGE, table)
    np.save(evaluation.folder / artifacts.RECONSTRUCTIONS, np.asarray(evaluation.reconstructions)[chosen])
    for file in (artifacts.JUDGED, artifacts.LATENTS):
        (evaluation.folder / file).unlink(missing_ok=True)
    return Evaluation(evaluation.folder), data, folder


def test_a_planted_attribute_is_found_on_disk_and_in_python(stored):
    failures = analyse(*enlarged(stored), Asked(by="mse", top=8))
    first, *_ = failures.findings
    assert first.id == "slice-Wearing_Hat" and first.effect.ratio == pytest.approx(3, rel=0.2) and first.q < 1e-6
    assert str(first) in str(failures) and "Tested and not found:" in failures.text(every=True)
    assert all(f.false_if.startswith("False if") and f.false_if in failures.text(every=True) for f in failures.findings)
    assert first.false_if not in str(failures)
    content = json.loads((failures.folder / "findings.json").read_text())
    assert content["metric"] == "mse" and content["n"] == LARGE and content["n_confirmation"] == LARGE // 2
    assert content["candidates"] == len(content["tested"]) == len(pd.read_csv(failures.folder / "candidates.csv"))
    pictures = np.load(failures.folder / "findings.npz")
    for finding in failures.findings:
        if finding.image_ids:
            assert pictures[f"{finding.id}_x"].shape == pictures[f"{finding.id}_x_hat"].shape
            assert len(pictures[f"{finding.id}_x"]) == len(finding.image_ids)
            assert (failures.folder / f"finding-{finding.id}.png").stat().st_size > 0
    table = pd.read_csv(failures.folder / "worst.csv", dtype={"image_id": str})
    assert {"rank", "image_id", "flags", "mse", "Wearing_Hat"} <= set(table) and len(table) == 8
    drawn = draw("findings_overview", {artifacts.FINDINGS: content})
    assert "Wearing Hat" in drawn.caption and drawn.data.startswith(b"<?xml")


def test_a_second_analysis_gives_the_same_bytes_and_leaves_nothing_of_the_first(stored, tmp_path):
    evaluation, data, folder = enlarged(stored)
    analyse(evaluation, data, folder, Asked(by="mse,ssim", top=3))
    (folder / "finding-stale.png").write_bytes(b"")
    for target in (folder, tmp_path / "fresh"):
        analyse(evaluation, data, target, Asked(by="mse", top=3))
    one, two = ({file.name: file.read_bytes() for file in place.iterdir()} for place in (folder, tmp_path / "fresh"))
    assert one == two and "worst_ssim.csv" not in one


def test_several_metrics_rank_at_once(stored):
    evaluation, data, folder = enlarged(stored)
    failures = analyse(evaluation, data, folder, Asked(by=["ssim", "mse", "mse_adjusted"], top=5))
    assert failures.summary["ranked_by"] == "ssim" and failures.summary["also_ranked_by"] == ["mse", "mse_adjusted"]
    worst, other = failures.worst, artifacts.read_table(folder / "worst_mse.csv")
    per_image = evaluation.per_image.set_index("image_id")
    assert worst["image_id"].tolist() == per_image["ssim"].nsmallest(5).index.tolist()
    assert other["image_id"].tolist() == per_image["mse"].nlargest(5).index.tolist()
    ranks = per_image["mse"].rank(ascending=False)
    assert worst["rank_mse"].tolist() == [ranks[name] for name in worst["image_id"]]
    for said in (
        "mse (mean squared error)",
        "mse_adjusted (mean squared error at equal contrast, fine detail and bright",
    ):
        shared = f"The 5 worst by ssim and the 5 worst by {said}"
        assert any(note.startswith(shared) for note in failures.summary["notes"])
    assert artifacts.read_json(folder / "findings.json")["metric"] == "ssim"


def test_errors_that_are_no_numbers_are_counted_shown_and_never_ranked(stored):
    evaluation, data, folder = enlarged(stored)
    table = evaluation.per_image
    table.loc[[4, 9, 11], "mse"] = np.nan, np.inf, -np.inf
    artifacts.write_table(evaluation.folder / artifacts.PER_IMAGE, table)
    failures = analyse(Evaluation(evaluation.folder), data, folder, Asked(by="mse,mse_adjusted", top=40))
    assert failures.summary["not_finite"] == 3 and len(failures.worst) == 40
    assert not {"00004", "00009", "00011"} & set(failures.worst["image_id"])
    assert f"Not ranked, for want of a finite mse: 3 of {LARGE} images." in failures.summary["notes"]
    assert (
        failures.content["n"] == LARGE - 3 and "Left out: 3 images without a finite mse." in failures.content["notes"]
    )
    assert failures.findings[0].id == "slice-Wearing_Hat"
    table["mse"] = np.nan
    artifacts.write_table(evaluation.folder / artifacts.PER_IMAGE, table)
    with pytest.raises(DataError, match="No image has a finite mse"):
        analyse(Evaluation(evaluation.folder), data, folder, Asked(by="mse"))


def test_without_attributes_properties_still_speak_and_it_says_so(stored):
    evaluation, data, folder = enlarged(stored)
    bare = replace(data, attributes=(), index=data.index[["image_id", "split", "identity"]])
    bright = pd.Series(data.images[-LARGE:].mean((1, 2, 3)))
    table = evaluation.per_image.assign(mse=np.random.default_rng(0).lognormal(-5, 0.3, LARGE))
    table.loc[(bright > bright.quantile(0.9)).to_numpy(), "mse"] *= 3
    artifacts.write_table(evaluation.folder / artifacts.PER_IMAGE, table)
    failures = analyse(Evaluation(evaluation.folder), bare, folder, Asked(by="mse"))
    assert "brightness" in failures.findings[0].title.lower()
    notes = " ".join(failures.content["notes"])
    assert "no attributes: slices were looked for in image properties only" in notes
    assert "No gap between groups was looked for" in notes and not (folder / "slices.csv").exists()


def test_a_split_of_a_few_images_says_what_can_not_be_said(stored):
    evaluation, data, folder = stored
    failures = analyse(evaluation, data, folder, Asked())
    n = len(evaluation.per_image)
    assert n < 10 and not [finding for finding in failures.findings if finding.kind in ("slice", "cluster")]
    said = {item["title"]: item["sentence"] for item in failures.content["not_found"]}
    assert (
        said["Busy backgrounds"].startswith("Not tested on slices:")
        and "60 of each are the least" in said["Busy backgrounds"]
    )
    assert failures.summary["also_ranked_by"] == []
    assert "No image has a finite mse_adjusted: nothing is ranked by it." in failures.summary["notes"]
    assert f"32 images were asked for; {n} can be ranked." in failures.summary["notes"]
    with pytest.raises(DataError, match="too few images to test any slice"):
        draw("findings_overview", {artifacts.FINDINGS: failures.content})


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"by": "msee"}, "--by msee is no per-image metric. Did you mean 'mse'?"),
        ({"by": "mse,nothing"}, "--by nothing is no per-image metric."),
        ({"by": "msee_adjusted"}, "--by msee_adjusted is no per-image metric."),
        ({"top": 0}, "--top 0: ask for at least one image."),
        ({"groups": ["Mal"]}, "--fairness Mal is no attribute of these data. Did you mean 'Male'?"),
    ],
)
def test_bad_options_are_refused(stored, options, says):
    with pytest.raises(ConfigError) as error:
        analyse(*stored, Asked(**options))
    assert says in str(error.value)


def test_other_images_than_were_evaluated_are_refused(stored):
    evaluation, data, folder = stored
    index = data.index.assign(image_id=data.index["image_id"] + "x")
    with pytest.raises(DataError, match="run `vaekit evaluate` again"):
        analyse(evaluation, replace(data, index=index), folder, Asked())


def test_the_command_line_names_groups_and_prints_findings(finished, tmp_path):
    out = ("--out", tmp_path / "reports")
    done = finished.vaekit("failures", "--all", "--fairness", "Male,Smiling", "--by", "ssim,mse", "--top", 2, *out)
    assert "Which images fail" in done.stdout and "Tested and not found:" in done.stdout
    facts = finished.json("failures", "--top", 2, *out)
    assert {"findings", "not_found", "worst", "ranked_by"} <= facts.keys() and facts["ranked_by"] == "mse"


def test_python_takes_the_same(finished, tmp_path, monkeypatch):
    monkeypatch.chdir(finished.folder)
    failures = vaekit.failures(by=["mse"], fairness=["Male"], top=2, out=tmp_path / "reports")
    assert isinstance(failures, Failures) and isinstance(failures.findings, tuple)
    assert all(isinstance(sentence, str) for sentence in failures.not_found)


@pytest.mark.parametrize("n", [1, 2, 5])
def test_one_image_and_a_few(stored, n):
    evaluation, data, folder = stored
    rows = data.rows("test")[:n]
    kept = np.sort(np.concatenate([data.rows("train"), rows]))
    few = replace(data, images=data.images[kept], index=data.index.iloc[kept].reset_index(drop=True))
    artifacts.write_table(evaluation.folder / artifacts.PER_IMAGE, evaluation.per_image.head(n))
    np.save(evaluation.folder / artifacts.RECONSTRUCTIONS, np.array(evaluation.reconstructions)[:n])
    for file in (artifacts.JUDGED, artifacts.LATENTS):
        if (evaluation.folder / file).is_file():
            arrays = artifacts.read_arrays(evaluation.folder / file)
            by_network, codes = {"probabilities_x", "probabilities_x_hat", "features_x"}, {"mu", "logvar"}
            cut = {
                name: values[:, :n] if name in by_network else values[:n] if name in codes else values
                for name, values in arrays.items()
            }
            artifacts.write_arrays(evaluation.folder / file, **cut)
    failures = analyse(Evaluation(evaluation.folder), few, folder, Asked())
    assert len(failures.worst) == n and not failures.findings


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e30])
@pytest.mark.parametrize("rows", [slice(None), slice(0, 5)])
def test_codes_and_features_that_are_no_numbers(stored, bad, rows):
    evaluation, data, folder = enlarged(stored)
    mu, features = np.random.default_rng(0).standard_normal((2, LARGE, 8)).astype(np.float32)
    mu[rows], features[rows] = bad, bad
    artifacts.write_arrays(evaluation.folder / artifacts.LATENTS, mu=mu)
    artifacts.write_arrays(
        evaluation.folder / artifacts.JUDGED, attributes=np.array([], str), features_x=features[None]
    )
    failures = analyse(evaluation, data, folder, Asked(by="mse", top=4))
    assert failures.findings[0].id == "slice-Wearing_Hat"
    unusable = not np.isfinite(bad)
    assert any("no features" in note for note in failures.content["notes"]) == unusable
    left_out = 5 if unusable and rows == slice(0, 5) else 0
    assert failures.content["explained"]["left_out"] == left_out


@pytest.mark.parametrize(("cut", "channels"), [(0, 1), (6, 3), (6, 1)])
def test_grey_pictures_and_such_that_are_not_square(stored, tmp_path, cut, channels):
    evaluation, data, folder = enlarged(stored)
    side = data.images.shape[1]
    seen = (slice(None), slice(None), slice(cut, side - cut), slice(0, channels))
    np.save(evaluation.folder / artifacts.RECONSTRUCTIONS, np.array(evaluation.reconstructions)[seen])
    protocol = replace(data.protocol, image_size=(side, side - 2 * cut), channels=channels)
    artifacts.write_array(tmp_path / MEAN_IMAGE, data.mean_image()[seen[1:]])
    failures = analyse(
        Evaluation(evaluation.folder),
        replace(data, images=data.images[seen], protocol=protocol, folder=tmp_path),
        folder,
        Asked(by="mse", top=4),
        reconstruct=lambda images: images // 2 * 2,
    )
    assert failures.findings[0].id == "slice-Wearing_Hat"
    assert any("central square" in note for note in failures.content["notes"]) == bool(cut)
