"""A file of weights is data: no code in it runs unless the user trusts it, whatever form the file has."""

import argparse
import os
import pickle
import struct
import sys
import types
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from vaekit.errors import CheckpointError, VaekitError
from vaekit.foreign.opening import open_module
from vaekit.foreign.pickles import read_weights, unsafe_globals
from vaekit.options import ModelOptions

MODEL = "from torch import nn\nclass Net(nn.Linear):\n    def __init__(self):\n        super().__init__(2, 3)\n"


class Canary:
    """Runs `os.mkdir` when unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


def old_format(content: object, path: Path) -> None:
    torch.save(content, path, _use_new_zipfile_serialization=False)


def plain_pickle(content: object, path: Path) -> None:
    path.write_bytes(pickle.dumps(content))


@pytest.mark.parametrize("save", [torch.save, old_format, plain_pickle])
def test_code_in_a_file_does_not_run(tmp_path, save):
    (tmp_path / "model.py").write_text(MODEL)
    sung = tmp_path / "sung"
    save({"state_dict": nn.Linear(2, 3).state_dict(), "extra": Canary(sung)}, tmp_path / "bad.pth")
    with pytest.raises(CheckpointError, match=r"mkdir.*--trust-pickle") as refused:
        open_module(tmp_path / "bad.pth", ModelOptions(model=f"{tmp_path}/model.py:Net"))
    assert not sung.exists()
    assert "\n" not in str(refused.value)
    assert f"{os.mkdir.__module__}.mkdir" in unsafe_globals(tmp_path / "bad.pth")
    assert not sung.exists()


def test_the_canary_can_sing(tmp_path):
    sung = tmp_path / "sung"
    torch.save({"weight": torch.ones(2), "extra": Canary(sung)}, tmp_path / "bad.pth")
    read_weights(tmp_path / "bad.pth", trust=True)
    assert sung.is_dir()


def test_nothing_of_the_models_file_runs_unless_it_is_named(tmp_path):
    (tmp_path / "model.py").write_text(f"import os\nos.mkdir({str(tmp_path / 'sung')!r})\n" + MODEL)
    torch.save(nn.Linear(2, 3).state_dict(), tmp_path / "weights.pth")
    for path in (tmp_path, tmp_path / "weights.pth"):
        with pytest.raises(CheckpointError, match=r"--model FILE\.py:Class"):
            open_module(path, ModelOptions(trust_pickle=True))
    assert not (tmp_path / "sung").exists()


@pytest.mark.parametrize("wrapper", [lambda net: net, lambda net: {"epoch": 3, "model": net}, nn.DataParallel])
@pytest.mark.parametrize("main", ["model", "__main__"])
def test_a_whole_pickled_network_opens_when_trusted(tmp_path, wrapper, main):
    (tmp_path / "model.py").write_text(MODEL.replace("self)", "self, width)").replace("2, 3", "2, width"))
    options = ModelOptions(model=f"{tmp_path}/model.py:Net", trust_pickle=True)
    net = type("Net", (nn.Linear,), {"__module__": main})(2, 5)
    with pytest.MonkeyPatch.context() as patch:
        module = types.ModuleType(main)
        module.Net = type(net)
        patch.setitem(sys.modules, main, module)
        torch.save(wrapper(net), tmp_path / "whole.pth")
    with pytest.raises(CheckpointError, match="--trust-pickle"):
        open_module(tmp_path / "whole.pth", options.model_copy(update={"trust_pickle": False}))
    opened = open_module(tmp_path / "whole.pth", options)
    torch.testing.assert_close(opened.module.weight, net.weight)


def test_plain_values_beside_the_weights_need_no_trust(tmp_path):
    weights = nn.Linear(2, 3).state_dict()
    beside = {
        "args": argparse.Namespace(lr=1e-3, out=Path("runs")),
        "best": np.float64(0.25),
        "losses": np.arange(3.0),
        "sizes": {3, 4.5},
    }
    torch.save({"net": weights, **beside}, tmp_path / "weights.pth")
    content = read_weights(tmp_path / "weights.pth")
    assert unsafe_globals(tmp_path / "weights.pth") == []
    assert content["best"] == 0.25 and content["args"].lr == 1e-3 and content["losses"].tolist() == [0, 1, 2]


def test_every_entry_stays_inside_the_file(tmp_path):
    torch.save(nn.Linear(2, 3).state_dict(), tmp_path / "weights.pth")
    with zipfile.ZipFile(tmp_path / "weights.pth", "a") as archive:
        archive.writestr("../../escaped.txt", "x")
        archive.writestr("/tmp/vaekit-escaped.txt", "x")
    before = sorted(tmp_path.parent.rglob("*"))
    with pytest.raises(CheckpointError, match="file in archive is not in a subdirectory"):
        read_weights(tmp_path / "weights.pth")
    assert sorted(tmp_path.parent.rglob("*")) == before
    assert not Path("/tmp/vaekit-escaped.txt").exists()


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path):
    torch.save(nn.Linear(2, 3).state_dict(), tmp_path / "weights.pth")
    with zipfile.ZipFile(tmp_path / "weights.pth", "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data/9", bytes(3_000_000))
    with pytest.raises(CheckpointError, match=r"declare 3,0.* bytes of content"):
        read_weights(tmp_path / "weights.pth")


def test_dictionaries_within_dictionaries_do_not_explode(tmp_path):
    (tmp_path / "model.py").write_text(MODEL)
    inner: object = {"weight": torch.ones(2)}
    for _ in range(60):
        inner = {"a": inner, "b": inner}
    torch.save(inner, tmp_path / "deep.pth")
    with pytest.raises(VaekitError):
        open_module(tmp_path / "deep.pth", ModelOptions(model=f"{tmp_path}/model.py:Net"))


def _tensorflow(folder: Path) -> Path:
    (folder / "model.ckpt.index").write_bytes(b"\0\1")
    return folder


FOREIGN = {
    "an HTML page": b"<!DOCTYPE html><html><body>Quota exceeded</body></html>",
    "a Git LFS pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n",
    "an empty file": b"",
    "an HDF5 file": b"\x89HDF\r\n\x1a\n" + bytes(40),
    "a picture": b"\x89PNG\r\n\x1a\n" + bytes(40),
    "a gzip archive": b"\x1f\x8b" + bytes(40),
    "a JSON text": b'{"a": 1}',
    "a text file": b"hello",
    "a damaged zip file|no file that PyTorch wrote": b"PK\x03\x04" + bytes(60),
    "damaged or cut short": b"\x80\x02" + bytes(60),
    "a damaged safetensors": struct.pack("<Q", 20) + b'{"weight": 1}       ',
}


@pytest.mark.parametrize(("sentence", "content"), FOREIGN.items(), ids=FOREIGN.keys())
def test_what_is_no_file_of_weights_is_named(tmp_path, sentence, content):
    path = tmp_path / "weights.pth"
    path.write_bytes(content)
    if "safetensors" in sentence:
        pytest.importorskip("safetensors", reason="reading safetensors needs the package")
    with pytest.raises(CheckpointError, match=sentence):
        read_weights(path)


@pytest.mark.parametrize("suffix", [".onnx", ".pb", ".tflite", ".msgpack"])
def test_networks_of_other_frameworks_are_named(tmp_path, suffix):
    path = tmp_path / f"net{suffix}"
    path.write_bytes(bytes(range(256)))
    with pytest.raises(CheckpointError, match=r"(ONNX|TensorFlow|JAX).*vaekit reads PyTorch"):
        read_weights(path)


def test_folders_and_archives_of_others_are_named(tmp_path):
    with pytest.raises(CheckpointError, match="a folder of TensorFlow checkpoints"):
        open_module(_tensorflow(tmp_path), ModelOptions(model="torch.nn:Linear"))
    with zipfile.ZipFile(tmp_path / "script.pt", "w") as archive:
        archive.writestr("script/data.pkl", b"\x80\x02.")
        archive.writestr("script/code/net.py", "")
    with pytest.raises(CheckpointError, match="a TorchScript archive"):
        read_weights(tmp_path / "script.pt")
    np.savez(tmp_path / "arrays.npz", a=np.ones(3))
    with pytest.raises(CheckpointError, match="NumPy arrays"):
        read_weights(tmp_path / "arrays.npz")
    with pytest.raises(CheckpointError, match="is not there"):
        read_weights(tmp_path / "nowhere.pth")
