"""A checkpoint of another program goes through the commands, and gives the numbers of the same weights in our own."""

import json
import re
import shutil

import numpy as np
import pytest

import vaekit
from tests.foreign.live import module_of
from tests.foreign.styles import STYLES, write
from vaekit.artifacts import read_table
from vaekit.priors import Standard

SAID = ("--crop", 178, "--range", "0,1", "--device", "cpu")


@pytest.fixture(scope="module")
def place(faces, tmp_path_factory):
    """A folder with a run of 32 pixels, evaluated, and the same weights in another program's class and file."""
    from tests.conftest import Workplace

    place = Workplace(tmp_path_factory.mktemp("foreign"))
    shape = ("--set", "model.channels=[8,16]", "--set", "model.latent_dim=8", "--image-size", 32)
    place.vaekit("train", "--data", faces, "--epochs", 3, "--run", "own", *shape, "--batch-size", 8, "--device", "cpu")
    place.vaekit("evaluate", "own", "--device", "cpu")
    write(place.folder / "theirs", STYLES["interleaved"], vaekit.load(place.folder / "checkpoints/own/best.pt"))
    return place


def test_the_same_weights_give_the_same_numbers_and_the_whole_report(place, faces):
    model = ("theirs/weights.pth", "--model", "theirs/model.py:Net", "--data", faces, *SAID)
    theirs = place.json("evaluate", *model)
    own = json.loads(next(place.folder.glob("reports/own/*/evaluation/summary.json")).read_text())
    for name in ("mse", "kl", "ssim", "elbo_calibrated", "bpd_calibrated"):
        assert theirs["metrics"][name]["value"] == pytest.approx(own["metrics"][name]["value"], rel=1e-6), name
    assert theirs["metrics"]["elbo"]["value"] is None and "objective unknown" in theirs["metrics"]["elbo"]["reason"]
    assert theirs["run"]["epoch"] == 0 and theirs["reading"] and own["reading"] == []
    assert theirs["folder"].startswith("reports/weights-")
    done = place.vaekit("report", *model)
    assert "Using the evaluation in" in done.stderr and "report.html" in done.stdout
    page = next(place.folder.glob("reports/weights-*/report.md")).read_text(encoding="utf-8").replace("\\", "")
    assert "**Training:** unknown" in page and "**Checkpoint:** theirs/weights.pth\n" in page and "Net VAE of" in page
    assert "Another program trained this model" in page and "run `vaekit evaluate` again" not in page
    html = next(place.folder.glob("reports/weights-*/report.html")).read_text(encoding="utf-8")
    assert re.search(r"<dt>code</dt><dd>\S*theirs/model.py: [0-9a-f]{64}</dd>", html) and "None\n" not in page
    assert "vaekit train" not in page and "epochs" not in json.dumps(theirs["config"])
    assert "vaekit evaluate theirs/weights.pth --model theirs/model.py:Net --range 0,1 --data" in page
    layers = read_table(place.folder / theirs["folder"] / "layers.csv")
    assert not layers["layer"].duplicated().any() and layers["parameters"].sum() == theirs["model"]["parameters"]
    compared = place.vaekit("compare", "own", *model, "--allow-unlike")
    assert "compare.html" in compared.stdout


def test_a_learned_prior_goes_into_a_new_file_that_is_read_as_the_old_one(place, faces, monkeypatch):
    model = ("theirs/weights.pth", "--model", "theirs/model.py:Net", "--data", faces, *SAID)
    # After so few epochs N(0, I) describes the codes best: let it not.
    monkeypatch.setattr(Standard, "log_prob", lambda self, z: np.full(len(z), -1e6))
    made = place.json("prior", *model, "--kind", "mixture", "--out", "theirs/learned.pth")
    monkeypatch.undo()
    assert made["file"] == "theirs/learned.pth" and made["prior"] == "mixture"
    new = (made["file"], *model[1:])
    assert place.json("sample", *new, "--n", 2)["prior"] == "mixture"
    assert place.json("sample", *model, "--n", 2)["prior"] == "standard"
    before, after = place.json("evaluate", *model), place.json("evaluate", *new)
    assert before["metrics"]["mse"]["value"] == after["metrics"]["mse"]["value"]
    assert "kl_learned" in after["estimates"] and "kl_learned" not in before["estimates"]


def test_a_changed_reading_is_another_evaluation(place, faces):
    model = ("theirs/weights.pth", "--model", "theirs/model.py:Net", "--data", faces, *SAID)
    again = place.vaekit("sample", *model, "--n", 2)
    assert "Picture:" in again.stdout
    done = place.vaekit("failures", *model, "--objective", "bce", "--reduction", "sum", "--beta", 1, "--top", 4)
    assert "No evaluation of weights-" in done.stderr


def test_a_changed_file_that_the_class_imports_outdates_the_evaluation(place, faces):
    shutil.copytree(place.folder / "theirs", place.folder / "split")
    source = (place.folder / "split/model.py").read_text(encoding="utf-8")
    layers = source[: source.index("class Net")]
    (place.folder / "split/layers.py").write_text(layers, encoding="utf-8")
    (place.folder / "split/model.py").write_text(
        "from layers import *\n" + source.removeprefix(layers), encoding="utf-8"
    )
    model = ("split/weights.pth", "--model", "split/model.py:Net", "--data", faces, *SAID)
    place.vaekit("evaluate", *model)
    assert "Using the evaluation in" in place.vaekit("failures", *model, "--top", 1).stderr
    with (place.folder / "split/layers.py").open("a", encoding="utf-8") as file:
        file.write("# changed\n")
    assert "No evaluation of weights-" in place.vaekit("failures", *model, "--top", 1).stderr


def test_without_a_class_one_sentence_names_the_command(place):
    done = place.vaekit("evaluate", "theirs/weights.pth", check=1)
    assert "vaekit did not write it" in done.stderr and "`--model FILE.py:Class`" in done.stderr
    done = place.vaekit("evaluate", "own", "--model", "theirs/model.py:Net", check=2)
    assert "was written by vaekit, which knows how it is read: leave --model away" in done.stderr
    shutil.copytree(place.folder / "theirs", place.folder / "folder")
    done = place.vaekit("evaluate", "folder", "--data", "nowhere", check=1)  # no images are needed to say so
    assert "--model FILE.py:Class" in done.stderr


def test_a_live_module_is_evaluated_too(place, faces, monkeypatch):
    monkeypatch.chdir(place.folder)
    net = vaekit.load("own")
    own = json.loads(next(place.folder.glob("reports/own/*/evaluation/summary.json")).read_text())
    for module, name in ((module_of("interleaved", net), "Net-"), (net, "ConvVAE-")):
        found = vaekit.evaluate(module, data=str(faces), crop=178, range="0,1", device="cpu")
        assert found["mse"] == pytest.approx(own["metrics"]["mse"]["value"], rel=1e-6)
        assert found.folder.parts[1].startswith(name)
