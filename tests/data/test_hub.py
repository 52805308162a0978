"""Data sets in the hub's format: streamed from a folder on disk as from the hub itself."""

import io
import json
import sys

import numpy as np
import pytest
from PIL import Image

from vaekit.artifacts import read_table
from vaekit.data import Protocol, open_source, prepare
from vaekit.data.hub import fetch_hub, hub_folder, open_hub
from vaekit.errors import ConfigError, DataError

datasets = pytest.importorskip("datasets")
pytestmark = pytest.mark.filterwarnings("ignore")  # of libraries below datasets
SMALL = Protocol("none", 32)


def png(red):
    buffer = io.BytesIO()
    Image.new("RGB", (40, 40), (red, 0, 0)).save(buffer, "PNG")
    return buffer.getvalue()


def write(folder, **splits):
    """Write a data set repository: {split: rows} as one parquet file each, pictures under the name `face`."""
    features = {
        "celeb_id": datasets.Value("int64"),
        "face": datasets.Image(),
        "Male": datasets.Value("bool"),
        "Smiling": datasets.ClassLabel(names=["no", "yes"]),
        "caption": datasets.Value("string"),
    }
    (folder / "data").mkdir(parents=True)
    for split, reds in splits.items():
        rows = {
            "celeb_id": [red // 20 for red in reds],
            "face": [{"bytes": png(red) if red % 30 else b"broken", "path": f"{red}.png"} for red in reds],
            "Male": [red % 20 == 10 for red in reds],
            "Smiling": [int(red > 100) for red in reds],
            "caption": [f"red, {red}" for red in reds],
        }
        datasets.Dataset.from_dict(rows, features=datasets.Features(features)).to_parquet(
            folder / "data" / f"{split}-00000-of-00001.parquet"
        )
    return folder


@pytest.fixture(autouse=True)
def offline(monkeypatch, tmp_path):
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)


@pytest.fixture
def repository(tmp_path):
    return write(
        tmp_path / "repository", train=range(10, 210, 10), validation=range(10, 60, 10), test=range(10, 80, 10)
    )


@pytest.mark.parametrize("choice", ["skip", "black"])
def test_what_is_in_the_rows_reaches_the_network(repository, tmp_path, choice):
    source = open_source(f"hub:{repository}", root=tmp_path / "data")
    assert source.attributes == ("Male", "Smiling") and source.index["split"].value_counts().to_dict() == {
        "train": 20,
        "test": 7,
        "valid": 5,
    }
    assert source.index["identity"].iloc[0] == "0"
    assert source.notes[0].endswith("its first rows, 20 train, 5 valid, 7 test.")
    assert "attributes.csv: not used, because not of 0/1: caption." in source.notes
    prepared = prepare(source, SMALL, on_bad_file=choice, cache=tmp_path / "c")
    broken = 6 + 1 + 2
    assert len(prepared.skipped) == broken and len(prepared.images) == 32 - (broken if choice == "skip" else 0)
    whole = prepared.images[:, 0, 0, 0] > 0
    assert whole.sum() == 32 - broken
    red = prepared.images[whole, 0, 0, 0]
    assert sorted(red) == sorted(r for n in (210, 60, 80) for r in range(10, n, 10) if r % 30)
    assert np.array_equal(prepared.index["Male"][whole], red % 20 == 10)
    assert np.array_equal(prepared.index["Smiling"][whole], red > 100)


def test_a_limit_takes_the_first_rows_and_the_rest_is_not_read(repository, tmp_path):
    folder = fetch_hub(str(repository), tmp_path / "a", limit={"train": 3, "test": 0})
    table = read_table(folder / "attributes.csv")
    assert table["file"].tolist() == [f"train/{i:06d}{s}" for i, s in enumerate([".png", ".png", ".jpg"])] + [
        f"valid/{i:06d}{s}" for i, s in enumerate([".png", ".png", ".jpg", ".png", ".png"])
    ]
    assert json.loads((folder / "hub.json").read_text())["rows"] == {"train": 3, "valid": 5, "test": 0}
    before = (folder / "attributes.csv").stat().st_mtime_ns
    fetch_hub(str(repository), folder, limit={"train": 3, "test": 0})
    assert (folder / "attributes.csv").stat().st_mtime_ns == before
    fetch_hub(str(repository), folder, limit={"train": 4})
    assert len(read_table(folder / "attributes.csv")) == 16
    assert not list(tmp_path.glob(".*.partial"))


def test_one_split_alone_is_split_by_seed(tmp_path):
    repository = write(tmp_path / "repository", train=range(1, 201))
    source = open_source(f"hub:{repository}", root=tmp_path / "data")
    assert set(source.index["split"]) == {"train", "valid", "test"} and len(source.index) == 200
    assert any("a seeded split 80/10/10" in note for note in source.notes)


def test_the_command_fetches_and_the_next_uses_it(repository, workplace):
    fetched = workplace.json("data", "fetch", "--from", f"hub:{repository}", "--limit", "train=4,test=4")
    assert fetched["file"].startswith("data/hub/")
    facts = workplace.json("data", "prepare", "--data", f"hub:{repository}", "--image-size", 32, "--crop", "none")
    assert facts["counts"] == {"train": 3, "valid": 4, "test": 3} and facts["skipped"] == 3
    for wrong in ((), ("celeba", "--from", "hub:a/b"), ("--from", "a/b"), ("inception", "--limit", "train=3")):
        workplace.vaekit("data", "fetch", *wrong, check=2)


def test_what_can_not_be_fetched_says_why(tmp_path, repository, monkeypatch):
    with pytest.raises(DataError, match=r"nowhere can not be read from the hub .*Check the name, the network"):
        fetch_hub(str(tmp_path / "nowhere"), tmp_path / "a")
    datasets.Dataset.from_dict({"x": [1]}).to_parquet(tmp_path / "plain" / "data" / "train-00000-of-00001.parquet")
    with pytest.raises(DataError, match=r"has no column of pictures \(its columns: x\)"):
        fetch_hub(str(tmp_path / "plain"), tmp_path / "a")
    with pytest.raises(ConfigError, match="Did you mean 'train'"):
        fetch_hub(str(repository), tmp_path / "a", limit={"trian": 3})
    with pytest.raises(DataError, match="has no row"):
        fetch_hub(str(repository), tmp_path / "a", limit={"train": 0, "valid": 0, "test": 0})
    assert not (tmp_path / "a").exists()
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(DataError, match=r"needs another library: pip install 'vaekit\[hub\]'"):
        open_source("hub:owner/name", root=tmp_path)


@pytest.mark.parametrize("content", ["[]", "3", "{}", '{"rows": 3}', '{"rows": {"train": "x"}}'])
def test_a_damaged_record_is_named(tmp_path, repository, content):
    folder = fetch_hub(str(repository), tmp_path / "a")
    (folder / "hub.json").write_text(content)
    with pytest.raises(DataError, match=r"hub\.json is damaged: delete .* and fetch it again"):
        open_hub(folder, 0)


def test_folders_of_data_sets_are_named_after_them(tmp_path):
    assert hub_folder(tmp_path, "nielsr/CelebA-faces") == tmp_path / "hub" / "nielsr--CelebA-faces"
    assert hub_folder(tmp_path, "/a/b c") == tmp_path / "hub" / "a--b--c"


def test_celebas_own_drive_refuses_in_one_sentence(workplace, monkeypatch):
    from torchvision import datasets as pictures

    def refuse(*_, **__):
        raise RuntimeError("The daily quota of the file img_align_celeba.zip is exceeded")

    monkeypatch.setattr(pictures, "CelebA", refuse)
    said = workplace.vaekit("data", "fetch", "celeba", check=1).stderr
    assert "CelebA could not be downloaded (The daily quota" in said and "try again tomorrow" in said
