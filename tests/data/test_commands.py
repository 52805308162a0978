"""`vaekit data`: what it says of the data, in words and for machines."""

import shutil

import pytest

from vaekit.faces import write_faces


def test_notes_about_the_data_are_said_by_prepare_and_by_train(workplace):
    faces = write_faces(workplace.folder / "faces", 40, seed=3)
    (faces / "list_attr_celeba.txt").unlink()
    (faces / "img_align_celeba" / "extra.heic").touch()
    (faces / "img_align_celeba" / "000002.jpg").write_bytes(b"no picture")
    notes = workplace.json("data", "prepare", "--data", faces)["notes"]
    assert notes[0] == "Drawn faces: no real person."
    assert "Left out, because vaekit does not read pictures of their kind: 1 .heic." in notes
    assert "No list_attr_celeba file: the stages that need attributes are skipped." in notes
    assert "Not decoded and left out (skipped.csv): 1 of the 40 files." in notes
    words = workplace.vaekit("data", "prepare", "--data", faces, "--verify").stdout
    assert all(note in words.splitlines() for note in notes)
    trained = workplace.vaekit(
        "train", "--data", faces, "--epochs", 1, "--set", "model.channels=[4,4]", "--device", "cpu"
    )
    assert all(note in trained.stderr.splitlines() for note in notes)


def test_grey_and_other_sizes(workplace, faces):
    grey = workplace.json("data", "prepare", "--data", faces, "--grey", "--image-size", 32)
    colour = workplace.json("data", "prepare", "--data", faces, "--image-size", 32)
    assert grey["counts"] == colour["counts"] and grey["fingerprint"] != colour["fingerprint"]
    assert (
        "crop178-32px-grey" in workplace.vaekit("data", "prepare", "--data", faces, "--grey", "--image-size", 32).stdout
    )


def test_a_run_goes_on_where_its_data_is_gone_but_its_images_are_kept(workplace, faces):
    shutil.copytree(faces, workplace.folder / "pictures")
    settings = ("--set", "model.channels=[4,4]", "--device", "cpu")
    workplace.vaekit("train", "--data", "pictures", "--epochs", 1, "--run", "r", *settings)
    (workplace.folder / "pictures").rename(workplace.folder / "moved")
    said = workplace.vaekit("train", "--resume", "r", "--epochs", 2, "--device", "cpu").stderr
    assert "The data is not where it was (pictures): going on with its images in data/.prepared/" in said
    shutil.rmtree(workplace.folder / "data")
    failed = workplace.vaekit("train", "--resume", "r", "--epochs", 3, "--device", "cpu", check=1)
    assert "--data pictures: there is no such dataset or folder" in failed.stderr


@pytest.mark.parametrize("wrong", ["data.image_size=[64,48]", "data.channels=1"])
def test_what_no_network_here_can_see_is_said_before_the_work(workplace, faces, wrong):
    said = workplace.vaekit("train", "--data", faces, "--set", wrong, check=2).stderr
    assert "the networks that vaekit trains see square pictures in colour" in said
