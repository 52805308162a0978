"""Weights are found by the overlap of their keys, wherever they lie; what does not fit is explained."""

import argparse
import copy
from pathlib import Path

import pytest
import torch
from torch import nn

from vaekit.errors import CheckpointError, ConfigError
from vaekit.foreign.opening import TwoModules, open_module
from vaekit.foreign.weights import fit_weights, stated_arguments, training_ids
from vaekit.options import ModelOptions


class Net(nn.Module):
    def __init__(self, z_dim=6, width=4, channels=3, size=8):
        super().__init__()
        features = width * (size // 2) ** 2
        self.encoder = nn.Sequential(nn.Conv2d(channels, width, 4, 2, 1), nn.BatchNorm2d(width), nn.Flatten())
        self.latent = nn.Linear(features, 2 * z_dim)
        self.decoder = nn.Sequential(nn.Linear(z_dim, features), nn.Unflatten(1, (width, size // 2, size // 2)))


def prefixed(state: dict, prefix: str) -> dict:
    return {prefix + key: value for key, value in state.items()}


def of(state: dict, part: str) -> dict:
    return {key.removeprefix(f"{part}."): value for key, value in state.items() if key.startswith(f"{part}.")}


def optimiser(net: nn.Module) -> dict:
    """What Adam saves: tensors of the weights' own shapes, under numbers."""
    shapes = enumerate(p.shape for p in net.parameters())
    state = {i: {"step": torch.tensor(1.0), "exp_avg": torch.ones(s), "exp_avg_sq": torch.ones(s)} for i, s in shapes}
    return {"state": state, "param_groups": [{"lr": 1e-3, "params": list(state)}]}


WRAPPINGS = {
    "itself": lambda s, o: s,
    "under any key": lambda s, o: {"what_i_call_it": s, "epoch": 3, "optimizer": o},
    "nested": lambda s, o: {"states": {"net": s, "optim": o}, "iter": 12},
    "deeply": lambda s, o: {"a": {"b": [{"c": {"d": s}}, o]}},
    "DataParallel": lambda s, o: {"state_dict": prefixed(s, "module.")},
    "compiled": lambda s, o: prefixed(s, "_orig_mod."),
    "compiled and parallel": lambda s, o: {"model": prefixed(s, "module._orig_mod.")},
    "Lightning": lambda s, o: {"state_dict": {**prefixed(s, "vae."), "loss.vgg.weight": torch.ones(2)}, "loops": {}},
    "DeepSpeed": lambda s, o: {"module": prefixed(s, "net."), "optimizer": {"fp32": [torch.zeros(9)], "state": o}},
    "compiled parts": lambda s, o: {k.replace("encoder.", "encoder._orig_mod."): v for k, v in s.items()},
    "parts under any key": lambda s, o: {
        "encoder_states": of(s, "encoder"),
        "latent_states": of(s, "latent"),
        "decoder_states": of(s, "decoder"),
        "optim": o,
    },
    "parts as one": lambda s, o: {part: of(s, part) for part in ("encoder", "latent", "decoder")},
    "before batches were counted": lambda s, o: {k: v for k, v in s.items() if "num_batches" not in k},
    "half": lambda s, o: {k: v.half().float() if v.is_floating_point() else v for k, v in s.items()},
}


@pytest.mark.parametrize("wrap", WRAPPINGS.values(), ids=WRAPPINGS.keys())
def test_weights_are_found_wherever_they_lie(wrap):
    trained, net = Net(), Net()
    content = wrap(copy.deepcopy(trained.state_dict()), optimiser(trained))
    assert fit_weights(net, {"file.pth": content}, {}) == ()
    for key, tensor in net.state_dict().items():
        if "num_batches" not in key:
            torch.testing.assert_close(tensor, trained.state_dict()[key], atol=1e-3, rtol=1e-3)


def test_a_prefix_may_be_the_networks_own():
    net = nn.ModuleDict({"vae": Net()})
    trained = Net()
    fit_weights(net, {"file.pth": trained.state_dict()}, {})
    torch.testing.assert_close(net["vae"].latent.weight, trained.latent.weight)


def test_the_running_average_is_said_not_taken():
    net, trained, average = Net(), Net(), Net()
    content = {"ema": average.state_dict(), "model": trained.state_dict()}
    (note,) = fit_weights(net, {"a.pth": content}, {})
    assert note == "a.pth['ema'] holds weights that fit as well; a.pth['model'] was read."
    torch.testing.assert_close(net.latent.weight, trained.latent.weight)


def test_half_precision_is_said():
    (note,) = fit_weights(Net(), {"a.pth": {k: v.half() for k, v in Net().state_dict().items()}}, {})
    assert note == "The weights are stored as float16 and are computed with as float32."


@pytest.mark.parametrize("names", [("encoder.pth", "decoder.pth"), ("enc_9.pth", "gen_9.pth")])
def test_two_files_fill_two_modules(names):
    def pair() -> TwoModules:
        return TwoModules(nn.Linear(3, 4), nn.Sequential(nn.Linear(4, 5), nn.Linear(5, 3)))

    trained, module = pair(), pair()
    content = dict(zip(names, (trained.encoder.state_dict(), trained.decoder.state_dict()), strict=True))
    fit_weights(module, content, {})
    torch.testing.assert_close(module.state_dict(), trained.state_dict())


def test_of_two_files_the_one_that_does_not_fit_is_explained():
    content = {"a.pth": nn.Linear(3, 4).state_dict(), "b.pth": nn.Bilinear(5, 2, 3).state_dict()}
    with pytest.raises(CheckpointError, match=r"^b.pth does not fit Bilinear: of its 2 keys 0 are missing and 1 have"):
        fit_weights(TwoModules(nn.Linear(3, 4), nn.Bilinear(4, 2, 3)), content, {})


def test_two_files_that_fit_are_asked_about():
    content = {f"epoch_{i}.pth": {"model": Net().state_dict()} for i in (1, 2)}
    with pytest.raises(CheckpointError, match=r"2 files fit the network: name one of epoch_1\.pth, epoch_2\.pth"):
        fit_weights(Net(), content, {})


MISTAKES = {
    "another z_dim": (Net(z_dim=5), {"z_dim": 6}, "another z_dim: --model-args '{\"z_dim\": 5}' instead of 6"),
    "another z_dim by default": (Net(z_dim=5), {}, "other arguments: the file has 5 where Net has 6"),
    "another image size": (Net(size=16), {}, "another image size"),
    "grey": (Net(channels=1), {}, "the file is of images with 1 channel: "),
    "another class": (nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2)), {}, "another class: the file's keys are like"),
    "a further part": (None, {}, "the file holds more than Net"),
    "a layer less": (None, {}, "Net was changed after the file was saved, or other arguments built it"),
    "a codebook": (nn.ModuleDict({"quantize": nn.Embedding(8, 2)}), {}, "the file is of a vector-quantised VAE"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mismatch_is_a_table_with_the_likeliest_cause(mistake):
    other, arguments, cause = MISTAKES[mistake]
    state = dict((other or Net()).state_dict())
    if mistake == "a further part":
        state["discriminator.weight"] = torch.ones(3)
    if mistake == "a layer less":
        del state["latent.bias"]
    with pytest.raises(CheckpointError) as error:
        fit_weights(Net(), {"a.pth": state}, arguments)
    text = str(error.value)
    assert f"Likeliest cause: {cause}" in text
    assert text.startswith("a.pth does not fit Net: of its 11 keys")
    head, *rows, _ = text.splitlines()
    assert rows and all(row.split()[0] in {"missing", "unexpected", "shape"} for row in rows)
    if mistake == "another z_dim":
        assert "  shape       latent.weight: (10, 64) in the file, (12, 64) in the class" in rows
    if mistake == "a layer less":
        assert rows == ["  missing     latent.bias (12,)"] and "1 are missing" in head


def test_a_file_without_tensors_says_so():
    with pytest.raises(CheckpointError, match="holds no tensors"):
        fit_weights(Net(), {"log.pth": {"loss": [1.0]}}, {})


def test_a_class_without_weights_is_no_network():
    with pytest.raises(CheckpointError, match="Flatten has no weights"):
        fit_weights(nn.Flatten(), {"a.pth": Net().state_dict()}, {})


def test_arguments_are_taken_from_what_the_file_states():
    content = {
        "hyper_parameters": {"z_dim": 5, "lr": 0.1, "width": 3},
        "args": argparse.Namespace(width=4),
        "optimizer": {"param_groups": [{"channels": 9}], "channels": 9},
        "channels": torch.ones(3),
    }
    assert stated_arguments([content], ["z_dim", "width", "channels", "size"]) == {"z_dim": 5}


SOURCE = """
from torch import nn
class Net(nn.Module):
    def __init__(self, z_dim, hidden=4):
        super().__init__()
        self.layer = nn.Linear(z_dim, hidden)
class Wants(nn.Module):
    def __init__(self, args):
        super().__init__()
        self.layer = nn.Linear(args.z_dim, args.hidden)
class Coded(nn.Module):
    def __init__(self):
        super().__init__()
        self.vq_layer = nn.Embedding(3, 4)
"""


def test_a_checkpoint_that_states_its_arguments_needs_none(tmp_path):
    (tmp_path / "model.py").write_text(SOURCE)
    weights = {"layer.weight": torch.ones(7, 3), "layer.bias": torch.zeros(7)}
    torch.save({"state_dict": weights, "hyper_parameters": {"z_dim": 3, "hidden": 7}}, tmp_path / "a.ckpt")
    opened = open_module(tmp_path / "a.ckpt", ModelOptions(model=f"{tmp_path}/model.py:Net"))
    assert opened.notes == ("Arguments of Net that the checkpoint itself states were used: z_dim = 3, hidden = 7.",)
    torch.save({"m": weights, "args": argparse.Namespace(z_dim=3, hidden=7)}, tmp_path / "b.pth")
    opened = open_module(tmp_path / "b.pth", ModelOptions(model=f"{tmp_path}/model.py:Wants"))
    assert opened.module.layer.weight.shape == (7, 3)
    own = ModelOptions(model=f"{tmp_path}/model.py:Net", model_args={"z_dim": 2})
    with pytest.raises(CheckpointError, match=r"another z_dim: --model-args '.\"z_dim\": 3.' instead of 2"):
        open_module(tmp_path / "a.ckpt", own)


PARTS = """
from torch import nn
class Encoder(nn.Linear):
    def __init__(self, z_dim, width=4):
        super().__init__(width, z_dim)
class Decoder(nn.Linear):
    def __init__(self, z_dim, side=5):
        super().__init__(z_dim, side)
"""


@pytest.mark.parametrize(
    "args",
    [{"z_dim": 3, "width": 6, "side": 7}, {"encoder": {"z_dim": 3, "width": 6}, "decoder": {"z_dim": 3, "side": 7}}],
)
@pytest.mark.parametrize("form", ["folder", "comma", "one file"])
def test_two_classes_share_arguments_or_have_their_own(tmp_path, args, form):
    (tmp_path / "parts.py").write_text(PARTS)
    saved = tmp_path / "saved"
    saved.mkdir()
    encoder, decoder = nn.Linear(6, 3), nn.Linear(3, 7)
    if form == "one file":
        torch.save({"enc": encoder.state_dict(), "dec": decoder.state_dict(), "epoch": 2}, saved / "both.pth")
    else:
        torch.save(encoder.state_dict(), saved / "e.pth")
        torch.save({"model": decoder.state_dict()}, saved / "d.pth")
    path = f"{saved}/e.pth,{saved}/d.pth" if form == "comma" else saved
    words = {part: f"{tmp_path}/parts.py:{part.capitalize()}" for part in ("encoder", "decoder")}
    opened = open_module(Path(path), ModelOptions(**words, model_args=args))
    torch.testing.assert_close(opened.module.encoder.weight, encoder.weight)
    torch.testing.assert_close(opened.module.decoder.weight, decoder.weight)
    with pytest.raises(ConfigError, match="Neither the encoder nor the decoder has an argument 'depth'"):
        open_module(Path(path), ModelOptions(**words, model_args={"z_dim": 3, "depth": 2}))
    with pytest.raises(ConfigError, match="needs both: give --encoder"):
        open_module(Path(path), ModelOptions(encoder=words["encoder"]))


def test_a_codebook_has_no_posterior(tmp_path):
    (tmp_path / "model.py").write_text(SOURCE)
    torch.save({"vq_layer.weight": torch.ones(3, 4)}, tmp_path / "vq.pth")
    with pytest.raises(CheckpointError, match="Coded is a vector-quantised VAE: its latents are discrete codes"):
        open_module(tmp_path / "vq.pth", ModelOptions(model=f"{tmp_path}/model.py:Coded"))


def test_training_images_are_read_where_the_file_states_them():
    assert training_ids({"a": {"x": {"train_ids": ["1.jpg", "2.jpg"]}}}) == ("1.jpg", "2.jpg")
    assert training_ids({"a": {"train_ids": 12, "ids": ["1.jpg"]}}) is None


def test_a_live_module_is_copied():
    net = Net().train()
    opened = open_module(net, ModelOptions())
    assert opened.family == "live" and opened.module is not net
    assert net.training and not opened.module.training
    torch.testing.assert_close(opened.module.state_dict(), net.state_dict())
