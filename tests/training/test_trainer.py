"""The loop: it learns, repeats to the byte, goes on after a kill as if nothing had been, and stops before nonsense."""

import math
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pandas as pd
import pytest
import torch

from vaekit import artifacts
from vaekit.checkpoint import load_checkpoint
from vaekit.config import ObjectiveConfig, load_config
from vaekit.data.loaders import batch_ends
from vaekit.errors import CheckpointError, ConfigError, VaekitError
from vaekit.models.base import build_model
from vaekit.training import train
from vaekit.training.trainer import _learning_rate, _warmth, training_loss

SMALL = {
    "model.channels": [8, 16],
    "model.latent_dim": 4,
    "training.batch_size": 16,
    "training.epochs": 3,
    "training.schedule": "constant",
}


def config(**changes):
    return load_config("default", SMALL | {key.replace("__", "."): value for key, value in changes.items()})


def weights(path):
    return load_checkpoint(path).model.state_dict()


def assert_same_run(first, second):
    assert (first / "history.csv").read_bytes() == (second / "history.csv").read_bytes()
    for name in ("best.pt", "last.pt", "epochs.npz"):
        assert (first / name).read_bytes() == (second / name).read_bytes(), name
    assert {p.name: p.read_bytes() for p in (first / "epochs").iterdir()} == {
        p.name: p.read_bytes() for p in (second / "epochs").iterdir()
    }


def test_validation_loss_falls_and_best_is_the_lowest(prepared, tmp_path):
    run = train(config(training__epochs=4), prepared, tmp_path / "run")
    losses = run.history["valid_loss"]
    assert losses.iloc[-1] < losses.iloc[0]
    assert load_checkpoint(run.best).epoch == losses.idxmin() + 1
    assert load_checkpoint(run.last).epoch == 4


def test_history_parts_add_up_to_the_loss(prepared, tmp_path):
    history = train(config(objective__beta=3.0), prepared, tmp_path / "run").history
    for split in ("train", "valid"):
        expected = history[f"{split}_recon_nll"] + 3 * history[f"{split}_kl"]
        pd.testing.assert_series_equal(history[f"{split}_loss"], expected, check_names=False, rtol=1e-9)


def test_optimal_sigma_is_the_root_mean_squared_error_on_valid(prepared, tmp_path):
    """Fitted at sampled codes, so it lies a little above the error at the mean, and stays frozen in the checkpoint."""
    run = train(config(), prepared, tmp_path / "run")
    last = run.history.iloc[-1]
    assert math.sqrt(last["valid_mse"]) < last["sigma"] < 1.3 * math.sqrt(last["valid_mse"])
    assert load_checkpoint(run.last).model.likelihood.sigma.item() == pytest.approx(last["sigma"])


AVERAGED = {"training__ema": 0.9, "training__schedule": "cosine", "model__dropout": 0.2}


@pytest.mark.parametrize("extra", [{}, AVERAGED], ids=["plain", "averaged"])
def test_resumed_run_ends_with_the_same_bytes(prepared, tmp_path, extra):
    whole = train(config(**extra), prepared, tmp_path / "whole/run")
    with pytest.raises(_Stop):
        train(config(**extra), prepared, tmp_path / "parts/run", progress=_stop_in_epoch(3))
    stopped = load_checkpoint(tmp_path / "parts/run/last.pt")
    assert stopped.epoch == 2
    train(config(**extra), prepared, tmp_path / "parts/run", resume=stopped)
    assert_same_run(whole.folder, tmp_path / "parts/run")


class _Stop(Exception):
    pass


def _stop_in_epoch(epoch):
    def progress(stage, done, total, note=""):
        if note.startswith(f"epoch {epoch}/"):
            raise _Stop

    return progress


def test_killed_at_any_step_and_resumed_by_the_command_line(faces, workplace):
    """SIGKILL at several moments, whatever is being written just then; the last attempt is left alone."""
    settings = ("--data", faces, "--epochs", 6, "--set", "model.channels=[8,16]", "--batch-size", 16, "--device", "cpu")
    workplace.vaekit("train", *settings, "--out", "whole", "--run", "run")
    run = workplace.folder / "parts/run"

    def start(*arguments):
        return subprocess.Popen(
            [sys.executable, "-m", "vaekit", "train", *map(str, arguments)],
            cwd=workplace.folder,
            stderr=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            env=os.environ | {"OMP_NUM_THREADS": "1"},  # another number of threads adds in another order
        )

    process = start(*settings, "--out", "parts", "--run", "run")
    for epoch in (2, 4):
        deadline = time.monotonic() + 120
        while not (run / f"epochs/{epoch:03}.png").exists():  # it comes after last.pt of this epoch
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.002)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process = start("--resume", "parts/run")
    assert process.wait(timeout=120) == 0
    assert_same_run(workplace.folder / "whole/run", run)
    assert not [file for file in run.rglob(".*")]  # what the killed writes left is swept


def test_resume_wants_a_finished_epoch_and_the_same_images(prepared, faces, workplace):
    done = workplace.vaekit("train", "--resume", "nowhere", check=1)
    assert "The run nowhere has no last.pt: no epoch of it was finished" in done.stderr
    data = workplace.folder / "faces"
    shutil.copytree(faces, data)
    workplace.vaekit("train", "--data", data, "--epochs", 1, "--set", "model.channels=[4,8]", "--run", "r")
    next((data / "img_align_celeba").iterdir()).unlink()
    assert "are not those that it was trained on" in workplace.vaekit("train", "--resume", "r", check=1).stderr
    assert "only --epochs" in workplace.vaekit("train", "--resume", "r", "--seed", 3, check=2).stderr


def test_resume_can_add_epochs(faces, workplace):
    small = ("--data", faces, "--set", "model.channels=[4,8]", "--set", "training.schedule=constant")
    workplace.vaekit("train", *small, "--epochs", 3, "--run", "three")
    workplace.vaekit("train", *small, "--epochs", 1, "--run", "more")
    assert len(workplace.json("train", "--resume", "more", "--epochs", 3)["history"]) == 3
    first, second = (workplace.folder / "checkpoints" / name / "history.csv" for name in ("three", "more"))
    assert first.read_bytes() == second.read_bytes()


def test_sweep_trains_one_run_per_value(faces, workplace):
    small = ("--data", faces, "--set", "model.channels=[4,8]", "--epochs", 1)
    runs = workplace.json("train", *small, "--sweep", "objective.beta=1,4", "--run", "s")
    assert [run["folder"] for run in runs] == ["checkpoints/s-beta1", "checkpoints/s-beta4"]
    betas = [load_checkpoint(workplace.folder / run["best"]).config.objective.beta for run in runs]
    assert betas == [1.0, 4.0]
    assert "write it as objective.beta=1,4,10" in workplace.vaekit("train", "--sweep", "beta", check=2).stderr


def test_diverging_training_stops_with_the_step_and_keeps_the_last_good_epoch(prepared, tmp_path):
    settings = config(training__epochs=50, training__learning_rate=3e3, model__norm="none")
    with pytest.raises(VaekitError, match=r"stopped being a number at step \d+ \(epoch \d+\).*Try a lower"):
        train(settings, prepared, tmp_path / "run")
    good = train(config(training__epochs=1), prepared, tmp_path / "good")
    broken = load_checkpoint(good.last)
    broken.training["optimiser"]["state"][0]["exp_avg"].fill_(math.inf)
    with pytest.raises(VaekitError, match=r"the checkpoints of epoch 1 stay in"):
        train(config(training__epochs=2), prepared, good.folder, resume=broken)
    assert load_checkpoint(good.best).epoch == 1


def test_early_stopping(prepared, tmp_path):
    """A learning rate too small to change anything: the second epoch is no better, and patience 1 ends it there."""
    settings = config(
        training__learning_rate=1e-30,
        training__patience=1,
        training__epochs=9,
        model__norm="none",
        likelihood__sigma=0.5,
    )
    assert len(train(settings, prepared, tmp_path / "run").history) == 2


def test_a_batch_of_one_with_batch_normalisation_is_refused_before_training(prepared, tmp_path):
    with pytest.raises(ConfigError, match=r"training.batch_size = 1 with batch normalisation .*model.norm = 'group'"):
        train(config(training__batch_size=1), prepared, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_perceptual_term_needs_weights_before_training_starts(prepared, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    with pytest.raises(ConfigError, match=r"objective.perceptual = 0.1 needs the weights of VGG16.*= 0 does without"):
        train(config(objective__perceptual=0.1), prepared, tmp_path / "run")
    (tmp_path / "bad.pth").write_bytes(b"nothing")
    with pytest.raises(ConfigError, match=r"bad.pth does not hold the weights of torchvision's VGG16"):
        train(config(objective__perceptual=0.1, objective__vgg_weights=str(tmp_path / "bad.pth")), prepared, tmp_path)
    assert not (tmp_path / "run").exists()


def test_perceptual_term_is_zero_at_identity_and_is_added_with_its_weight(tmp_path):
    from torchvision.models import vgg16

    from vaekit.training.perceptual import Perceptual

    torch.save(vgg16(weights=None).state_dict(), tmp_path / "vgg.pth")
    settings = ObjectiveConfig(perceptual=2.0, vgg_weights=str(tmp_path / "vgg.pth"))
    term = Perceptual(settings, torch.device("cpu"))
    x = torch.rand(2, 3, 64, 64)
    assert term(x, x).tolist() == [0, 0] and (term(x, 1 - x) > 0).all()
    model = build_model(config().model, config().likelihood, 64, 0).eval()
    noise = torch.randn(2, 4)
    with_term, without = (training_loss(model, x, noise, settings, perceptual=p).loss for p in (term, None))
    x_hat = model.decode(model.encode(x).sample(noise)).mean
    torch.testing.assert_close(with_term - without, 2.0 * term(x, x_hat), rtol=1e-3, atol=1e-6)


def test_schedules_by_hand():
    cosine = config(training__schedule="cosine", training__learning_rate=0.1)  # 3 epochs
    assert [_learning_rate(cosine.training, step, 10) for step in (0, 15, 30)] == pytest.approx([0.1, 0.05, 0.0])
    assert _learning_rate(config(training__learning_rate=0.1).training, 29, 10) == 0.1
    warm = ObjectiveConfig(kl_warmup_epochs=2)
    assert [_warmth(warm, e) for e in (0, 0.5, 2, 9)] == [0, 0.25, 1, 1] and _warmth(ObjectiveConfig(), 0) == 1


def test_objective_by_hand():
    """sse + beta kl, mean over pixels, warm-up and free bits against formulas written out here."""
    torch.manual_seed(0)
    settings = config(likelihood__sigma=math.sqrt(0.5))
    model = build_model(settings.model, settings.likelihood, 64, 0).eval()
    x, noise = torch.rand(5, 3, 64, 64), torch.randn(5, 4)
    q = model.encode(x)
    x_hat = model.decode(q.mu + (q.logvar / 2).exp() * noise).mean
    sse = (x - x_hat).square().sum((1, 2, 3))
    kl_per_dim = 0.5 * (q.mu**2 + q.logvar.exp() - 1 - q.logvar)
    kl, constant = kl_per_dim.sum(1), 12288 / 2 * math.log(math.pi)  # of a Gaussian with sigma^2 = 1/2
    pairs = [
        (ObjectiveConfig(beta=1.2), 1.0, sse + constant + 1.2 * kl),
        (ObjectiveConfig(beta=4), 0.25, sse + constant + kl),
        (ObjectiveConfig(beta=0.001, pixels="mean"), 1.0, (sse + constant) / 12288 + 0.001 * kl),
        (ObjectiveConfig(free_bits=0.5), 1.0, sse + constant + kl_per_dim.mean(0).clamp_min(0.5).sum()),
    ]
    for objective, warmth, expected in pairs:
        loss = training_loss(model, x, noise, objective, warmth).loss
        torch.testing.assert_close(loss.float(), expected, rtol=1e-5, atol=1e-4)


def test_bfloat16_stays_close(prepared, tmp_path):
    whole = train(config(), prepared, tmp_path / "a").history["valid_mse"].iloc[-1]
    half = train(config(training__bfloat16=True), prepared, tmp_path / "b").history["valid_mse"].iloc[-1]
    assert half == pytest.approx(whole, rel=0.1)


def test_missing_last_checkpoint_names_the_run(tmp_path):
    from vaekit.api.verbs import resume

    with pytest.raises(CheckpointError, match=r"has no last.pt"):
        resume(tmp_path)


def test_records_are_plain(prepared, tmp_path):
    run = train(config(training__epochs=1), prepared, tmp_path / "run")
    checkpoint = load_checkpoint(run.last)
    assert replace(checkpoint, training={}).history[0]["epoch"] == 1 and run.history["step"].tolist() == [4]
    assert "1 epochs; the best is epoch 1" in str(run) and "<table" in run._repr_html_()


ONE_PIXEL = {"model__channels": [8, 16, 16, 16, 16, 16], "training__epochs": 1}  # six halvings of 64: 1 x 1


def test_a_last_batch_of_one_image_joins_the_one_before(prepared, tmp_path):
    """Batch normalisation at 1 x 1 has nothing to normalise one image by."""
    n = prepared.count("train")
    size = next(size for size in range(5, n) if n % size == 1)
    run = train(config(**ONE_PIXEL, training__batch_size=size), prepared, tmp_path / "run")
    assert run.history["step"].tolist() == [n // size]
    assert batch_ends(65, 32, 2) == [32] and batch_ends(65, 32) == [32, 64] and batch_ends(1, 32, 2) == []


def test_a_single_train_image_is_refused_with_batch_normalisation_alone(faces, tmp_path):
    from vaekit.data import Protocol, open_source, prepare

    one = prepare(open_source(str(faces)), Protocol(178, 64), limit={"train": 1}, cache=tmp_path / "cache")
    with pytest.raises(ConfigError, match="A single train image with batch normalisation"):
        train(config(training__epochs=1), one, tmp_path / "run")
    assert train(config(training__epochs=1, model__norm="group"), one, tmp_path / "run").history["step"].item() == 1


def test_no_picture_costs_an_epoch(prepared, tmp_path, monkeypatch, caplog):
    def fail(*_):
        raise RuntimeError("latex was not able to process the following string")

    monkeypatch.setattr("vaekit.training.trainer.write_pictures", fail)
    run = train(config(training__epochs=2), prepared, tmp_path / "run")
    assert load_checkpoint(run.last).epoch == 2 and (tmp_path / "run/history.csv").is_file()
    assert "The pictures of epoch 2 could not be drawn: latex was not able" in caplog.text


def test_a_run_folder_belongs_to_one_process(faces, workplace):
    """The second one is told, and what the first one has is left alone; a run that ended leaves no lock."""
    settings = ("--data", faces, "--epochs", 1, "--set", "model.channels=[4,8]", "--run", "r")
    workplace.vaekit("train", *settings)
    run = workplace.folder / "checkpoints/r"
    before = (run / "last.pt").read_bytes()
    with artifacts.alone_in(run):
        for more in (("--resume", "r", "--epochs", 2), (*settings, "--overwrite")):
            assert f"Another vaekit is writing to {run.relative_to(workplace.folder)}" in (
                workplace.vaekit("train", *more, check=1).stderr
            )
    assert (run / "last.pt").read_bytes() == before and not (run / ".lock").exists()
    (run / ".best.pt.a1b2c3d4").write_bytes(b"half")  # as a killed write leaves it
    done = workplace.vaekit("train", "--resume", "r", "--epochs", 2)
    assert not list(run.glob(".*")) and "2 epochs" in done.stdout
    again = workplace.vaekit("train", *settings, check=1).stderr
    assert "go on with it by `vaekit train --resume checkpoints/r`" in again
    assert "has 2 epochs done already, more than --epochs 1" in (
        workplace.vaekit("train", "--resume", "r", "--epochs", 1, check=2).stderr
    )
    assert "has all of its 2 epochs" in workplace.vaekit("train", "--resume", "r", "--epochs", 2).stderr


def test_resuming_finds_moved_images_and_another_working_folder(faces, workplace, tmp_path):
    shutil.copytree(faces, workplace.folder / "faces")
    workplace.vaekit("train", "--data", "./faces", "--epochs", 1, "--set", "model.channels=[4,8]", "--run", "r")
    elsewhere = type(workplace)(workplace.folder / "elsewhere")
    elsewhere.folder.mkdir()
    assert "2 epochs" in elsewhere.vaekit("train", "--resume", "../checkpoints/r", "--epochs", 2).stdout
    (elsewhere.folder / "moved").mkdir()
    shutil.move(workplace.folder / "faces", elsewhere.folder / "moved/faces")
    done = workplace.vaekit("train", "--resume", "r", "--epochs", 3, "--data", "elsewhere/moved/faces")
    assert "3 epochs" in done.stdout


def test_a_run_that_failed_before_its_first_epoch_leaves_its_name_free(faces, workplace):
    settings = ("--data", faces, "--epochs", 1, "--set", "model.channels=[4,8]", "--run", "r")
    workplace.vaekit("train", *settings, "--set", "training.learning_rate=1e30", check=1)
    assert workplace.json("train", *settings)["folder"] == "checkpoints/r"
