"""Which data is used, and the contract that every registered dataset keeps."""

import json
import logging
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import vaekit.data.drawn as drawn
from vaekit.data import DATASETS, SPLITS, Protocol, open_source, prepare
from vaekit.data.base import RESERVED_COLUMNS
from vaekit.errors import DataError, OutputError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def fake_faces(monkeypatch, make_celeba):
    """Put a writer of twelve gradients in the place of the renderer."""
    calls = []

    def write_faces(folder, count, *, seed, progress):
        calls.append((count, seed))
        make_celeba(folder, 12).annotate()
        (folder / "faces.json").write_text(json.dumps({"seed": seed, "count": count}))
        return folder

    import vaekit.faces

    monkeypatch.setattr(vaekit.faces, "write_faces", write_faces, raising=False)
    return calls


@pytest.mark.parametrize("name", DATASETS.names())
def test_every_dataset_keeps_the_contract(name, make_celeba, tmp_path):
    root = tmp_path / name
    make_celeba(root, 20).annotate()
    source = DATASETS.get(name)(root, 0)
    index = source.index
    assert source.name == name
    assert list(index)[:3] == ["image_id", "file", "split"]
    assert index["image_id"].is_unique and index["image_id"].is_monotonic_increasing
    assert not index["image_id"].str.contains(r"\.jpg|\\").any()
    assert all((source.root / file).is_file() for file in index["file"])
    assert set(index["split"]) <= set(SPLITS)
    assert [c for c in index if c not in RESERVED_COLUMNS] == list(source.attributes)
    assert np.isin(index[list(source.attributes)], (0, 1)).all()
    assert index.index.equals(type(index.index)(range(len(index))))
    assert all(note.endswith(".") for note in source.notes) and str(tmp_path) not in "".join(source.notes)
    again = DATASETS.get(name)(root, 0)
    assert again.index.equals(index) and again.notes == source.notes
    assert len(prepare(source, Protocol(178, 64), cache=tmp_path / "c").images) == 20
    for empty in (tmp_path / "nowhere", tmp_path / "empty"):
        with pytest.raises(DataError, match=r"There is no (folder|image)"):
            DATASETS.get(name)(empty, 0)
        (tmp_path / "empty").mkdir(exist_ok=True)


def test_no_name_takes_celeba_where_it_is(celeba, tmp_path, caplog):
    with caplog.at_level(logging.INFO, "vaekit"):
        source = open_source(None, root=tmp_path)
    assert source.name == "celeba" and len(source.index) == 20
    assert caplog.messages == [f"No data is named: using {tmp_path / 'celeba'}."]


@pytest.mark.parametrize("empty", [False, True])
def test_no_name_and_no_celeba_takes_drawn_faces(tmp_path, caplog, fake_faces, empty):
    if empty:
        (tmp_path / "celeba").mkdir()
    with caplog.at_level(logging.INFO, "vaekit"):
        source = open_source(None, root=tmp_path, seed=3)
    assert caplog.messages[0] == (
        f"No data is named: using drawn faces, because there is no CelebA in {tmp_path / 'celeba'}."
    )
    assert source.name == "faces" and len(source.index) == 12
    assert source.notes[:2] == ("Drawn faces: no real person.", "Drawn with count 4000, seed 0.")
    assert fake_faces == [(4000, 0)]
    assert sorted(f.name for f in tmp_path.iterdir() if f.name != "celeba") == ["faces"]
    assert open_source("faces", root=tmp_path).index.equals(source.index)
    assert len(fake_faces) == 1  # drawn once
    assert open_source(str(tmp_path / "faces")).name == "faces"  # and known again by its path


def test_faces_are_drawn_once_and_where_they_can_be(tmp_path, fake_faces):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"Can not write in .*file: .*name a folder of images with --data"):
        drawn.draw_default_faces(tmp_path / "file" / "faces")
    threads = [threading.Thread(target=drawn.draw_default_faces, args=[tmp_path / "faces"]) for _ in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / "faces").is_dir() and len(fake_faces) == 1


def test_a_path_is_celeba_where_it_looks_like_it(celeba, tmp_path):
    assert open_source(str(celeba.root)).name == "celeba"
    assert open_source(str(celeba.images)).name == "celeba"
    assert open_source(str(tmp_path)).name == "celeba"  # one folder deeper
    assert len(open_source("celeba", root=tmp_path).index) == 20


def test_any_other_folder_is_a_folder_of_pictures(tmp_path, draw_picture):
    names = ["b.jpg", "a/c.PNG", "a/deep/d.webp", "e.bmp", "b.png", "f.jpeg", ".hidden.jpg", "__MACOSX/g.jpg"]
    for i, name in enumerate(names):
        draw_picture(tmp_path / name, i, (70, 70))
    (tmp_path / "notes.txt").touch()
    source = open_source(str(tmp_path))
    assert source.name == "folder" and source.attributes == ()
    assert source.index["image_id"].tolist() == ["a/c", "a/deep/d", "b", "b.png", "e", "f"]
    assert source.index["file"].tolist() == ["a/c.PNG", "a/deep/d.webp", "b.jpg", "b.png", "e.bmp", "f.jpeg"]
    assert source.notes == (
        "A folder of 6 pictures: a seeded split 80/10/10 by image id (seed 0).",
        "No attributes are known of these pictures: the stages that need attributes are skipped.",
    )
    before = dict(zip(source.index["image_id"], source.index["split"], strict=True))
    draw_picture(tmp_path / "a" / "a.jpg", 1, (70, 70))
    after = open_source(str(tmp_path)).index
    assert before.items() <= dict(zip(after["image_id"], after["split"], strict=True)).items()


def test_the_renderer_writes_what_is_read(tmp_path):
    from vaekit.faces import ATTRIBUTES, write_faces

    write_faces(tmp_path / "faces", 3, seed=1)
    source = open_source("faces", root=tmp_path)
    assert source.name == "faces" and len(source.index) == 3 and source.attributes == ATTRIBUTES
    assert source.notes[1].startswith("Drawn with count 3, factors ")


def test_what_is_not_there_says_so(tmp_path):
    with pytest.raises(DataError, match=r"--data celebb: there is no such dataset or folder\. Did you mean 'celeba'"):
        open_source("celebb", root=tmp_path)
    with pytest.raises(DataError, match=r"There is no folder .*celeba\. Expected CelebA there"):
        open_source("celeba", root=tmp_path)
    with pytest.raises(DataError, match=r"There is no image in .*--data faces"):
        open_source(str(tmp_path))
    (tmp_path / "a.zip").touch()
    with pytest.raises(DataError, match=r"a\.zip is a file\. Expected a folder of images: unpack it"):
        open_source(str(tmp_path / "a.zip"))


def test_a_broken_faces_json(make_celeba, tmp_path):
    make_celeba(tmp_path).annotate()
    (tmp_path / "faces.json").write_text("{")
    with pytest.raises(DataError, match=r"faces\.json is not valid JSON .*draw the faces again"):
        open_source(str(tmp_path))
    for text in ("[]", "3", "[" * 100_000):
        (tmp_path / "faces.json").write_text(text)
        with pytest.raises(DataError, match=r"faces\.json .*draw the faces again"):
            open_source(str(tmp_path))


def test_the_data_layer_answers_without_torch():
    script = "import sys; from vaekit.data import DATASETS; DATASETS.names(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False).returncode == 0
