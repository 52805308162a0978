"""Bad input: a sentence that says what to do, the right exit code, no traceback, and nothing lost."""

import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
import torch

SMALL = ("--set", "model.channels=[4,8]", "--epochs", 1)


def fails(place, *arguments, code, says):
    done = place.vaekit(*arguments, check=code)
    assert "Traceback" not in done.stderr, done.stderr
    text = " ".join(done.stderr.replace("│", " ").split())  # usage errors are drawn in a box
    for words in says if isinstance(says, tuple) else (says,):
        assert words in text, text
    return done


def test_missing_folder(workplace):
    fails(workplace, "train", "--data", "no/such", code=1, says="--data no/such: there is no such dataset or folder")
    assert not list(workplace.folder.iterdir())


def test_empty_folder(workplace):
    (workplace.folder / "empty").mkdir()
    fails(workplace, "train", "--data", "empty", *SMALL, code=1, says="empty")
    assert not (workplace.folder / "checkpoints").exists()


def test_one_truncated_jpeg_and_one_text_file_among_good_ones(faces, workplace):
    data = workplace.folder / "mixed"
    shutil.copytree(faces, data)
    images = sorted((data / "img_align_celeba").iterdir())
    images[0].write_bytes(images[0].read_bytes()[:1500])
    images[1].write_text("not a picture")
    facts = workplace.json("data", "prepare", "--data", data)
    assert facts["skipped"] == 2 and sum(facts["counts"].values()) == len(images) - 2
    facts = workplace.json("data", "prepare", "--data", data, "--on-bad-file", "black")
    assert facts["skipped"] == 2 and sum(facts["counts"].values()) == len(images)
    fails(workplace, "data", "prepare", "--data", data, "--on-bad-file", "error", code=1, says=images[0].name)


def test_attribute_file_with_a_short_row(faces, workplace):
    data = workplace.folder / "short"
    shutil.copytree(faces, data)
    file = data / "list_attr_celeba.txt"
    lines = file.read_text().splitlines()
    lines[4] = lines[4].rsplit(maxsplit=1)[0]
    file.write_text("\n".join(lines) + "\n")
    fails(workplace, "train", "--data", data, *SMALL, code=1, says=("list_attr_celeba.txt", "line 5"))


def test_partition_without_a_test_image(faces, workplace):
    data = workplace.folder / "untested"
    shutil.copytree(faces, data)
    file = data / "list_eval_partition.txt"
    file.write_text(
        "\n".join(line[:-1] + ("0" if line[-1] == "2" else line[-1]) for line in file.read_text().splitlines())
    )
    workplace.vaekit("train", "--data", data, *SMALL, "--run", "r")
    fails(workplace, "evaluate", "r", code=1, says="no test image")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"not a checkpoint", "is not a checkpoint that can be loaded safely"),
        (b"", "is not a checkpoint that can be loaded safely"),
        (
            {"state_dict": {}, "epoch": 3},
            "vaekit did not write it: it holds a dictionary with the keys epoch, state_dict",
        ),
        (torch.zeros(3), "vaekit did not write it: it holds a Tensor"),
    ],
)
def test_checkpoint_that_is_not_one(workplace, content, says):
    file = workplace.folder / "other.pt"
    file.write_bytes(content) if isinstance(content, bytes) else torch.save(content, file)
    fails(workplace, "evaluate", "other.pt", code=1, says=says)


def test_checkpoint_that_would_run_code_is_refused(workplace):
    class Evil:
        def __reduce__(self):
            return os.system, ("touch ran",)

    torch.save({"vaekit_checkpoint": Evil()}, workplace.folder / "evil.pt")
    fails(workplace, "evaluate", "evil.pt", code=1, says="is not a checkpoint that can be loaded safely")
    assert not (workplace.folder / "ran").exists()


def test_checkpoint_whose_weights_do_not_fit(finished, workplace):
    content = torch.load(finished.folder / "checkpoints/small/best.pt", weights_only=True)
    content["config"]["model"]["latent_dim"] = 9
    torch.save(content, workplace.folder / "other.pt")
    fails(workplace, "evaluate", "other.pt", code=1, says=("does not fit the network it names", "size mismatch"))


def test_missing_checkpoint_and_no_run(workplace):
    fails(workplace, "evaluate", "nowhere.pt", code=1, says="There is no checkpoint nowhere.pt: give a .pt file")
    fails(workplace, "report", code=1, says="There is no run in checkpoints/: train one with `vaekit train`")


@pytest.mark.skipif(os.geteuid() != 0, reason="a full disk is made by mounting a small tmpfs, which needs root")
def test_full_output_folder(finished, workplace):
    """Evaluating onto a full disk: one sentence, and the older result there stays whole."""
    out = workplace.folder / "full"
    out.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", out], check=False).returncode == 0
    if not mounted:
        pytest.skip("this machine lets nobody mount a tmpfs")
    try:
        (out / "older.txt").write_text("older")
        checkpoint = finished.folder / "checkpoints/small/best.pt"
        fails(workplace, "evaluate", checkpoint, "--out", out, code=1, says=("Can not write", "No space left"))
        assert (out / "older.txt").read_text() == "older"
        assert not list(out.rglob("summary.json")) and not list(out.rglob(".*.npy*"))
    finally:
        subprocess.run(["umount", out], check=True)


def test_output_folder_that_can_not_be_made(finished, workplace):
    (workplace.folder / "file").write_text("in the way")
    checkpoint = finished.folder / "checkpoints/small/best.pt"
    fails(workplace, "evaluate", checkpoint, "--out", "file/sub", code=1, says="Can not create the folder file/sub")
    fails(workplace, "train", "--out", "file/sub", *SMALL, "--data", "faces", code=1, says="Can not create the folder")


def test_a_run_is_never_overwritten_unasked(faces, workplace):
    workplace.vaekit("train", "--data", faces, *SMALL, "--run", "mine")
    before = (workplace.folder / "checkpoints/mine/best.pt").read_bytes()
    fails(
        workplace, "train", "--data", faces, *SMALL, "--run", "mine", code=1, says="checkpoints/mine is there already"
    )
    fails(workplace, "train", "--data", faces, *SMALL, "--run", "../x", code=2, says="is no name")
    assert (workplace.folder / "checkpoints/mine/best.pt").read_bytes() == before
    for expected in ("default-faces", "default-faces-2"):
        assert workplace.json("train", "--data", faces, *SMALL)["folder"] == f"checkpoints/{expected}"


@pytest.mark.parametrize(
    "arguments",
    [
        ("train", "--data", "./{}"),
        ("train", "--data", "{faces}", "--run", "{}"),
        ("evaluate", "{}"),
        ("report", "{}.pt"),
    ],
)
def test_names_that_no_file_can_have(workplace, faces, arguments):
    arguments = (word.format("x" * 300, faces=faces) for word in arguments)
    fails(workplace, *arguments, code=1, says="File name too long")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("train", "--set", f"training.seed={'9' * 5000}"), "training.seed"),
        (("train", "--set", f"training.epochs={'[' * 5000}"), "training.epochs"),
        (("train", "--seed", 2**64, "--data", "faces"), "training.seed = 18446744073709551616 does not fit"),
        (("evaluate", "x", "--seed", 2**32), "seed = 4294967296 does not fit"),
        (("sample", "x", "--n", 2**64), "--n"),
        (("train", "--set", "model.channels=[2147483648,2147483648]"), "can not be made with these settings"),
        (("train", "--set", f"model.latent_dim={10**23}"), "less than or equal to 2147483648"),
        (("train", "--recipe", "defualt"), "There is no recipe called 'defualt'. Did you mean 'default'?"),
        (("train", "--set", "training.epoch=3"), "has no setting 'training.epoch'. Did you mean 'epochs'?"),
        (("train", "--set", "beta"), "write it as objective.beta=4"),
        (("train", "--set", "model.chanels=[3]"), "Did you mean 'channels'?"),
        (("train", "--set", "model.name=cnv"), "There is no model called 'cnv'. Did you mean 'conv'?"),
        (("train", "--limit", "trian=5"), "Did you mean 'train'?"),
        (("train", "--crop", "150"), "crop = 150 does not fit; it should be 178, 148, 140 or 'none'"),
        (
            ("train", "--image-size", "20"),
            "data.image_size = 20 does not fit; it should be a whole number of pixels from 28",
        ),
        (("train", "--epochs", "0"), "--epochs"),
        (("train", "--epoch", "1"), "--epoch"),
        (("train", "--device", "gpu"), "--device gpu is no device."),
        (("failures", "--top", "0"), "--top"),
        (("data", "faces", "--plant", "hat:0.1"), "occluder"),
    ],
)
def test_usage_errors_exit_with_2(workplace, faces, arguments, says):
    data = ("--data", faces) if arguments[0] == "train" else ()
    fails(workplace, *arguments, *data, code=2, says=says)


def test_unknown_metric_names_the_near_match(finished):
    fails(finished, "failures", "--by", "msee", code=2, says="--by msee is no per-image metric. Did you mean 'mse'?")


def test_top_larger_than_the_split_says_so(finished, tmp_path):
    done = finished.vaekit("failures", "--top", 500, "--out", tmp_path)
    assert "500 images were asked for" in done.stdout


def test_evaluating_at_another_size_is_refused(finished, faces):
    fails(finished, "evaluate", "--image-size", 128, code=2, says="sees 64 pixels and --image-size asked for 128")


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_in_training_keeps_the_finished_epochs_and_says_how_to_go_on(faces, workplace, signal_number):
    command = ["train", "--data", faces, "--epochs", "5000", "--set", "model.channels=[4,8]", "--run", "long"]
    process = subprocess.Popen(
        [sys.executable, "-m", "vaekit", *command],
        cwd=workplace.folder,
        stderr=subprocess.PIPE,
        text=True,
        # A shell's background job, such as a test run may be, ignores Ctrl-C, and so would what it starts.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    run = workplace.folder / "checkpoints/long"
    deadline = time.monotonic() + 120
    try:
        while not (run / "epochs/002.png").exists():
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(signal_number)
        _, said = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 128 + signal_number and "Interrupted." in said and "Traceback" not in said
    assert "Go on with: vaekit train --resume checkpoints/long" in said
    assert workplace.json("evaluate", "long")["metrics"]["mse"]["value"] > 0
    assert not [p for p in run.rglob("*") if p.name.startswith(".")]
