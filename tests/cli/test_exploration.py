"""sample, reconstruct, traverse, interpolate and edit as a user types them, and what they say of bad input."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import vaekit
from tests.cli.test_bad_input import fails
from tests.conftest import Workplace
from vaekit import artifacts

ATTRIBUTES = ("Blond_Hair", "Male", "Smiling")


@pytest.fixture(scope="module")
def trained(faces, tmp_path_factory):
    """A folder with an evaluated run of the linear model, whose code tells the images apart without any training."""
    place = Workplace(tmp_path_factory.mktemp("trained"))
    settings = (
        "model.name=linear_gaussian",
        "model.smooth=true",
        "model.latent_dim=8",
        "likelihood.sigma=0.1",
        "training.learning_rate=1e-9",
    )
    place.vaekit("train", "--data", faces, "--epochs", 1, "--run", "small", *(f"--set={text}" for text in settings))
    place.vaekit("evaluate")
    return place


@pytest.fixture(scope="module")
def place(trained, tmp_path_factory):
    """A copy of that run whose evaluation has directions of three attributes and a mixture of two Gaussians."""
    folder = tmp_path_factory.mktemp("explored")
    shutil.copytree(trained.folder / "checkpoints", folder / "checkpoints")
    shutil.copytree(trained.folder / "reports", folder / "reports")
    (evaluation,) = folder.glob("reports/small/*/evaluation")
    generator = np.random.default_rng(0)
    artifacts.write_arrays(
        evaluation / artifacts.DIRECTIONS,
        attributes=np.array(ATTRIBUTES),
        coefficients=generator.standard_normal((3, 8)),
        intercept=np.zeros(3),
        normal=generator.standard_normal((3, 8)),
        class_mean=generator.standard_normal((3, 8)),
        auroc=np.full(3, 0.8),
    )
    artifacts.write_arrays(
        evaluation / artifacts.MIXTURE,
        weights=np.full(2, 0.5),
        means=generator.standard_normal((2, 8)),
        covariances=np.stack([np.eye(8)] * 2),
    )
    artifacts.write_digests(evaluation)
    return Workplace(folder)


@pytest.fixture(scope="module")
def ids(place):
    (table,) = place.folder.glob("reports/small/*/evaluation/per_image.csv")
    return pd.read_csv(table, dtype={"image_id": str})["image_id"].tolist()


@pytest.fixture
def own(faces, tmp_path):
    """Two pictures of one's own, and a file that is none."""
    picture = Image.open(next((faces / "img_align_celeba").iterdir()))
    picture.resize((356, 436)).save(tmp_path / "large.png")
    picture.convert("LA").save(tmp_path / "grey.png")
    (tmp_path / "text.jpg").write_text("no picture")
    return tmp_path


@pytest.mark.parametrize("source", ["prior", "aggregate"])
def test_sample_leaves_a_grid_and_single_pictures(place, tmp_path, source):
    facts = place.json("sample", "small", "--n", 5, "--temperature", 0.7, "--from", source, "--out", tmp_path)
    assert facts["prior"] in ("standard", "mixture") and facts["temperature"] == 0.7 and len(facts["table"]) == 5
    assert sorted(facts["files"]) == sorted(path.name for path in tmp_path.iterdir())
    singles = [np.asarray(Image.open(tmp_path / f"sample-{i:04}.png")) for i in range(1, 6)]
    grid = np.asarray(Image.open(tmp_path / "sample.png"))
    assert all((grid[:, i * 66 : i * 66 + 64] == single).all() for i, single in enumerate(singles))
    again = tmp_path / "again"
    place.vaekit("sample", "small", "--n", 5, "--temperature", 0.7, "--from", source, "--out", again)
    assert all((again / name).read_bytes() == (tmp_path / name).read_bytes() for name in facts["files"])


def test_pictures_go_beside_the_reports_by_default(place):
    done = place.vaekit("sample", "--n", 1)
    assert (place.folder / "reports/small/pictures/sample-0001.png").is_file()
    assert "Picture: reports/small/pictures/sample.png" in done.stdout and "seed 0" in done.stdout


def test_reconstruct_does_what_can_be_read_and_tells_the_rest(place, own, tmp_path):
    out = tmp_path / "out"
    done = fails(
        place,
        "reconstruct",
        "small",
        own / "large.png",
        own / "text.jpg",
        own / "grey.png",
        "--out",
        out,
        "--json",
        code=1,
        says="1 of 3 pictures could not be read; the others are done.",
    )
    facts = json.loads(done.stdout)
    assert len(facts["table"]) == 2 and [*facts["unreadable"]] == [str(own / "text.jpg")]
    assert all(0 < row["mse"] < 0.2 and row["kl"] > 0 for row in facts["table"])
    with Image.open(out / "reconstruct.png") as picture:
        assert picture.size == (2 * 128 + 4, 2 * 128)
    fails(place, "reconstruct", "small", own / "text.jpg", code=1, says="text.jpg can not be decoded: not a picture")
    fails(place, "reconstruct", "small", code=2, says="pictures")
    close = place.json("reconstruct", "small", own / "large.png", "--crop", 140, "--out", out)
    (wide,) = (row for row in facts["table"] if row["file"] == close["table"][0]["file"])
    assert close["table"][0]["mse"] != wide["mse"], "another crop is another picture"


def test_a_picture_of_the_data_has_the_mse_that_was_measured(place, faces, ids, tmp_path):
    file = faces / "img_align_celeba" / f"{ids[0]}.jpg"
    facts = place.json("reconstruct", "small", file, "--out", tmp_path)
    (table,) = place.folder.glob("reports/small/*/evaluation/per_image.csv")
    measured = pd.read_csv(table).iloc[0]
    assert facts["table"][0]["mse"] == pytest.approx(measured["mse"], rel=1e-5)
    assert facts["table"][0]["kl"] == pytest.approx(measured["kl"], rel=1e-5)


def test_traverse_walks_the_dims_with_the_most_kl_or_those_it_is_told(place, ids, tmp_path):
    facts = place.json("traverse", "--top", 3, "--steps", 4, "--out", tmp_path)
    assert [row["kl"] for row in facts["table"]] == sorted((row["kl"] for row in facts["table"]), reverse=True)
    assert len(facts["table"]) == 3 and facts["image"] == "mean" and facts["percentiles"] == [1, 99]
    facts = place.json(
        "traverse", "small", "--dims", "7,0", "--image", f"{ids[0]}.jpg", "--percentiles", "5:95", "--out", tmp_path
    )
    assert [row["dim"] for row in facts["table"]] == [7, 0] and facts["steps"] == 9
    both = ("checkpoints/small/best.pt", "checkpoints/small/last.pt")
    facts = place.json("traverse", *both, "--top", 1, "--out", tmp_path)
    assert [row["run"] for row in facts["table"]] == ["small", "small-last"]


def test_interpolate_takes_pairs_or_draws_them(place, ids, tmp_path):
    facts = place.json("interpolate", "--count", 2, "--steps", 3, "--out", tmp_path)
    assert len(facts["pairs"]) == 2 and len(facts["table"]) == 4
    pairs = f"{ids[0]}.jpg:{ids[1]}, {ids[1]}:{ids[2]}"
    facts = place.json("interpolate", "small", "--pairs", pairs, "--out", tmp_path)
    assert facts["pairs"] == [ids[:2], ids[1:3]]
    assert (tmp_path / "interpolate.png").is_file() and (tmp_path / "interpolate.csv").is_file()


def test_edit_moves_a_file_or_an_image_of_the_data(place, own, ids, tmp_path):
    out = tmp_path / "out"
    facts = place.json("edit", "small", own / "large.png", "--attribute", "Smiling", "--strength", "-3:3", "--out", out)
    assert facts["image"] == "large" and facts["strengths"] == [-3, 3] and facts["direction"] == "means"
    assert facts["table"][0]["attribute"] == "Smiling" and len(facts["table"]) == 3
    assert facts["table"][0]["on_code"] != 0 and "Smiling" in facts["sentences"][1]
    assert {"edit-Smiling-large.png", "edit-Smiling-large-logits.csv"} <= {path.name for path in out.iterdir()}
    done = place.vaekit(
        "edit",
        "small",
        ids[0],
        "--attribute",
        "Male",
        "--direction",
        "probe",
        "--strength=0:2",
        "--steps",
        3,
        "--out",
        out,
    )
    assert "One step towards Male" in done.stdout and "+1" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("sample", "small", "--n", 0), 2, "--n"),
        (("sample", "small", "--temperature", "-1"), 2, "--temperature"),
        (("sample", "small", "--temperature", "inf"), 2, "from 0 up"),
        (("sample", "small", "--from", "mixture"), 2, "'prior', 'standard'"),
        (("sample", "nowhere"), 1, "There is no checkpoint nowhere"),
        (("reconstruct", "small", "gone.png"), 1, "gone.png can not be decoded: the file is gone"),
        (("traverse", "small", "--dims", "8"), 2, "--dims 8: small has 8 latent dims, 0 to 7"),
        (("traverse", "small", "--dims", "3;4"), 2, "--dims '3;4' is no list of dims"),
        (("traverse", "small", "--dims", ""), 2, "is no list of dims"),
        (("traverse", "small", "--top", "0"), 2, "--top"),
        (("traverse", "small", "--percentiles", "99"), 2, "--percentiles '99' is no range: write two numbers as 1:99"),
        (("traverse", "small", "--percentiles", "99:1"), 2, "--percentiles 99:1 is no range of percentiles"),
        (("traverse", "small", "--steps", "1"), 2, "--steps"),
        (("traverse", "small", "--image", "nobody"), 1, "There is no image 'nobody' among the 64 of faces"),
        (("interpolate", "small", "--pairs", "a"), 2, "--pairs 'a' is no list of pairs"),
        (("interpolate", "small", "--pairs", "a:"), 2, "is no list of pairs"),
        (("interpolate", "small", "--pairs", "1:000002"), 1, "There is no image '1' among the 64 of faces (000001 to"),
        (("edit", "small", "1", "--attribute", "Smilling"), 1, "1 is neither a file nor the id of an image."),
        (("edit", "small", "000001", "--attribute", "Smilling"), 2, "Did you mean 'Smiling'?"),
        (("edit", "small", "000001", "--attribute", "Smiling", "--strength", "3"), 2, "--strength '3' is no range"),
        (("edit", "small", "000001", "--attribute", "Smiling", "--strength", "a:b"), 2, "is no range: write two"),
        (("edit", "small", "000001", "--attribute", "Smiling", "--strength", "3:-3"), 2, "--strength 3:-3 is no range"),
        (("edit", "small", "000001"), 2, "--attribute"),
        (("edit", "small", "000001", "--attribute", "Smiling", "--direction", "pca"), 2, "'means', 'probe'"),
    ],
)
def test_bad_input(place, arguments, code, says):
    fails(place, *arguments, code=code, says=says)


def test_data_too_small_for_any_probe(trained):
    says = "No attribute of 'faces' has enough images for a probe"
    fails(trained, "edit", "small", "000001", "--attribute", "Smiling", code=1, says=says)


def test_a_model_without_attributes_and_what_is_missing_is_made_first(faces, workplace):
    data = workplace.folder / "bare"
    shutil.copytree(faces / "img_align_celeba", data / "img_align_celeba")
    small = ("--epochs", 1, "--set", "model.channels=[4,8]", "--set", "model.latent_dim=4", "--run", "bare")
    workplace.vaekit("train", "--data", data, *small)
    says = ("evaluating first", "has no attributes, so nothing has a direction")
    fails(workplace, "edit", "bare", "000001", "--attribute", "Smiling", code=1, says=says)
    assert "Using the evaluation" in workplace.vaekit("traverse", "bare").stderr


def test_what_an_interrupted_evaluation_left_out_is_made_by_the_report_and_said(place):
    (folder,) = place.folder.glob("reports/small/*/exploration")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    shutil.rmtree(folder)
    assert "No exploration of this evaluation" in place.vaekit("report").stderr
    assert (folder / "traversals.npz").read_bytes() == before["traversals.npz"]
    assert "edits.npz" in {path.name for path in folder.iterdir()}  # this evaluation has directions
    assert "No exploration" not in place.vaekit("report").stderr


def test_python_returns_pictures_and_tables(place, ids, monkeypatch):
    monkeypatch.chdir(place.folder)
    for result in (
        vaekit.sample("small", n=2),
        vaekit.traverse("small", top=2),
        vaekit.interpolate("small", count=1),
        vaekit.edit("small", ids[0], attribute="Male"),
    ):
        assert isinstance(result.picture, Image.Image) and isinstance(result.table, pd.DataFrame)
        html = result._repr_html_()
        assert "data:image/png" in html and "<table" in html and str(result)
