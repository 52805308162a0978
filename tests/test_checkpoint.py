"""A checkpoint says what it holds, whole and unchanged, or one sentence says what is wrong with it."""

import io
import zipfile

import numpy as np
import pytest
import torch

from vaekit.api.runs import is_own
from vaekit.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from vaekit.config import RunConfig
from vaekit.errors import CheckpointError
from vaekit.models.base import build_model

ENDLESS: list = []  # a kilobyte in a file, and 2^60 lists to whoever walks them
for _ in range(60):
    ENDLESS = [ENDLESS, ENDLESS]


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    config = RunConfig.parse({"model": {"name": "conv", "channels": [4, 8], "latent_dim": 4}}, "test")
    model = build_model(config.model, config.likelihood, 64, seed=0)
    path = tmp_path_factory.mktemp("saved") / "best.pt"
    history = [{"epoch": 1, "valid_loss": 2.0}]
    save_checkpoint(path, Checkpoint(model, config, "r", {"name": "faces"}, 1, 4, history, [[1.0] * 4], {}))
    return path


def test_the_same_state_gives_the_same_bytes_restored_or_not(saved, tmp_path):
    save_checkpoint(tmp_path / "best.pt", load_checkpoint(saved))
    assert (tmp_path / "best.pt").read_bytes() == saved.read_bytes()


def test_no_flipped_bit_changes_a_weight_without_a_word(saved, tmp_path):
    """200 places drawn by a seed: refused, or (in what the container pads and repeats) every tensor as it was."""
    before, data = load_checkpoint(saved).model.state_dict(), saved.read_bytes()
    file, refused = tmp_path / "flipped.pt", 0
    for place in np.random.default_rng(0).integers(0, 8 * len(data), 200):
        flipped = bytearray(data)
        flipped[place // 8] ^= 1 << (place % 8)
        file.write_bytes(flipped)
        try:
            after = load_checkpoint(file).model.state_dict()
        except CheckpointError as error:
            refused += 1
            assert str(file) in str(error)
        else:
            assert all(torch.equal(before[name], after[name]) for name in before)
    assert refused > 100


def test_truncated_anywhere_is_refused(saved, tmp_path):
    data = saved.read_bytes()
    for share in np.linspace(0, 0.999, 12):
        (tmp_path / "cut.pt").write_bytes(data[: int(share * len(data))])
        with pytest.raises(CheckpointError, match="can be loaded safely"):
            load_checkpoint(tmp_path / "cut.pt")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"vaekit_checkpoint": 0}, "the format 0, which no vaekit wrote"),
        ({"vaekit_checkpoint": -1}, "the format -1"),
        ({"vaekit_checkpoint": "1"}, "the format '1'"),
        ({"vaekit_checkpoint": 2}, "written by a newer vaekit"),
        ({"epoch": "three"}, "epoch is 'three', expected"),
        ({"step": 2.5}, "step is 2.5, expected"),
        ({"run": None}, "run is None, expected"),
        ({"history": None}, "history is None, expected"),
        ({"history": [{"valid_loss": "low"}]}, "history.0.valid_loss"),
        ({"history": ENDLESS}, "history.0 is a list, expected"),
        ({"kl_per_dim": [1.0]}, "kl_per_dim.0 is 1.0, expected"),
        ({"data": [1]}, "data is a list, expected"),
        ({"data": {"name": ENDLESS}}, "data.name is a list, expected"),
        ({"config": 3}, "config is 3, expected"),
        ({"config": {"data": {"source": ENDLESS}}}, "data.source"),
        ({"config": {"modle": {}}}, "has no setting 'modle'. Did you mean 'model'"),
        ({"weights": {"a": 3}}, "the weight a is 3, not real numbers"),
        ({"weights": {"a": torch.zeros(2, dtype=torch.complex64)}}, "the weight a is a Tensor, not real numbers"),
        ({"weights": {"a": torch.tensor([1.0, torch.nan])}}, "the weight a holds NaN or a number beyond 1e+18"),
        ({"weights": {"a": torch.tensor([7.6e36])}}, "the weight a holds NaN or a number beyond 1e+18"),
        ({"weights": {"a": torch.zeros(1).expand(1 << 40)}}, "the weight a says that it has more numbers"),
        ({"prior": {"kind": "flow", "arrays": {"b": torch.zeros(1).expand(1 << 40)}}}, "the weight b says that it has"),
        ({"prior": {"kind": "flow", "arrays": {"b": torch.tensor([torch.inf])}}}, "the weight b holds NaN or a number"),
        ({"prior": {"kind": "flow", "arrays": [1]}}, "does not fit"),
        ({"prior": 3}, "does not fit"),
        ({"weights": {"a": torch.zeros(2)}}, "does not fit the network it names"),
    ],
)
def test_changed_facts_are_named(saved, tmp_path, changes, says):
    content = torch.load(saved, weights_only=True) | changes
    torch.save(content, tmp_path / "changed.pt")
    with pytest.raises(CheckpointError) as error:
        load_checkpoint(tmp_path / "changed.pt")
    assert says in str(error.value), str(error.value)


def test_a_wrapper_for_several_devices_is_named(saved, tmp_path):
    content = torch.load(saved, weights_only=True)
    content["weights"] = {f"module.{name}": tensor for name, tensor in content["weights"].items()}
    torch.save(content, tmp_path / "wrapped.pt")
    with pytest.raises(
        CheckpointError, match=r"Every weight is called module\.\.\.: save module\.state_dict\(\) instead"
    ):
        load_checkpoint(tmp_path / "wrapped.pt")


def test_an_archive_of_names_that_are_no_text_is_named(saved, tmp_path):
    data = bytearray(saved.read_bytes())
    at = data.rindex(b"PK\x01\x02")
    data[at + 9] |= 8  # of UTF-8, says the flag
    data[at + 46] = 0xCD
    (tmp_path / "odd.pt").write_bytes(data)
    assert is_own(tmp_path / "odd.pt") is False
    with pytest.raises(CheckpointError, match="a damaged zip file"):
        load_checkpoint(tmp_path / "odd.pt")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"<!DOCTYPE html><html><body>Sign in</body></html>", "an HTML page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "a Git LFS pointer"),
        (b"", "an empty file"),
    ],
)
def test_what_is_no_checkpoint_is_named(tmp_path, content, says):
    (tmp_path / "best.pt").write_bytes(content)
    with pytest.raises(CheckpointError) as error:
        load_checkpoint(tmp_path / "best.pt")
    assert says in str(error.value) and "--model FILE.py:Class" in str(error.value)


def test_an_archive_that_unpacks_to_more_than_it_has_is_refused_before_the_work(tmp_path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", b"vaekit_checkpoint" + bytes(2 << 20))
    (tmp_path / "bomb.pt").write_bytes(buffer.getvalue())
    with pytest.raises(CheckpointError, match="would unpack to 2,097,169 bytes, more than it has"):
        load_checkpoint(tmp_path / "bomb.pt")


@pytest.mark.parametrize(
    "options",
    [
        {"name": "conv", "latent_dim": 1 << 40},
        {"name": "conv", "channels": [1 << 20] * 4},
        {"name": "dense", "hidden": [1] * 1_000_000},
        {"name": "residual", "blocks": 1_000_000},
    ],
)
def test_no_network_is_made_that_the_weights_do_not_fill(saved, tmp_path, monkeypatch, options):
    def only_shapes(*arguments, **seed):
        assert torch.get_default_device().type == "meta"
        return build_model(*arguments, **seed)

    monkeypatch.setattr("vaekit.checkpoint.build_model", only_shapes)
    content = torch.load(saved, weights_only=True)
    content["config"]["model"] = options
    torch.save(content, tmp_path / "huge.pt")
    with pytest.raises(CheckpointError, match="does not fit the network it names"):
        load_checkpoint(tmp_path / "huge.pt")
