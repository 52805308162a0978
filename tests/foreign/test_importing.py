"""Importing a file that was not written to be imported, and leaving the process as it was."""

import os
import random
import socket
import sys
import textwrap
from pathlib import Path

import matplotlib
import numpy as np
import pytest
import torch

from vaekit.errors import ConfigError
from vaekit.foreign.building import build
from vaekit.foreign.importing import import_file, import_named
from vaekit.foreign.quarantine import on_device

NET = """
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, z_dim=4):
        super().__init__()
        self.layer = nn.Linear(3, z_dim)
"""


def repository(root: Path, **files: str) -> Path:
    """Write files, `__` in a name standing for a folder, and mark the root as a repository's."""
    for name, text in files.items():
        path = root.joinpath(*name.split("__")).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
    (root / "requirements.txt").touch()
    return root


def made(file: Path, name: str = "Net", **arguments: object) -> torch.nn.Module:
    return build(import_file(file), name, arguments)


@pytest.mark.parametrize(
    "line",
    [
        "from src.layers.blocks import make",
        "from layers.blocks import make",
        "from .layers.blocks import make",
        "from beside import make",
        "import src.layers.blocks as b; make = b.make",
    ],
)
def test_imports_of_a_repository_work_from_wherever_its_author_ran_them(tmp_path, line):
    net = NET.replace("nn.Linear(3, z_dim)", "make(3, z_dim)")
    maker = "from torch import nn\ndef make(a, b):\n    return nn.Linear(a, b)\n"
    repository(tmp_path, src__model=f"{line}\n{net}", src__layers__blocks=maker, src__beside=maker)
    assert made(tmp_path / "src" / "model.py", z_dim=7).layer.out_features == 7


def test_a_forward_imports_from_its_repository_after_it_was_opened(tmp_path):
    forward = "    def forward(self, x):\n        from src.late import twice\n        return twice(self.layer(x))\n"
    late = "import src.later\ndef twice(x):\n    return src.later.TWO * x\n"
    repository(tmp_path, src__model=NET + forward, src__late=late, src__later="TWO = 2")
    imported = import_file(tmp_path / "src" / "model.py")
    net, x = build(imported, "Net", {}), torch.ones(1, 3)
    assert [file.name for file in imported.files] == ["model.py"]
    torch.testing.assert_close(net(x), 2 * net.layer(x))
    assert [file.name for file in imported.files] == ["late.py", "later.py", "model.py"]
    assert not [name for name in sys.modules if name.startswith("src")]


def test_a_module_of_the_repository_wins_over_one_of_the_same_name_in_this_process(tmp_path):
    repository(
        tmp_path, tests__model="from tests.size import SIZE\n" + NET.replace("z_dim)", "SIZE)"), tests__size="SIZE = 11"
    )
    here = sys.modules["tests"]
    assert made(tmp_path / "tests" / "model.py").layer.out_features == 11
    assert sys.modules["tests"] is here


WORK = {
    "a required argument": "import argparse as a\np = a.ArgumentParser()\np.add_argument('x')\nargs = p.parse_args()\n",
    "data that is not there": "images = open('data/celeba/list.txt').read()\n",
    "a download": "import urllib.request\nurllib.request.urlopen('http://127.0.0.1:9/weights.pth')\n",
    "a package that is not installed": "import wandb_of_nobody\nwandb_of_nobody.init()\n",
    "a training loop": "for epoch in range(3):\n    print(epoch)\n    raise SystemExit('trained')\n",
    "a call of its own main": "def main():\n    raise SystemExit('trained')\nmain()\n",
    "input": "name = input('name of the run? ')\n",
    "an exit": "import sys\nsys.exit(1)\n",
    "a window": "import matplotlib.pyplot as plt\nplt.figure()\nplt.show()\n",
    "a GPU": "import torch\none = torch.ones(3, device='cuda').cuda().to('cuda:0').to(0)\ntorch.cuda.set_device(0)\n",
}


@pytest.mark.parametrize("work", WORK.values(), ids=WORK.keys())
@pytest.mark.parametrize("place", ["before", "after", "in another file"])
def test_work_at_import_is_survived(tmp_path, work, place):
    if place == "in another file":
        repository(tmp_path, model="from other import *\n" + NET, other=work)
    else:
        repository(tmp_path, model=work + NET if place == "before" else NET + work)
    assert made(tmp_path / "model.py", z_dim=5).layer.out_features == 5


def test_a_file_run_in_part_says_which_and_why(tmp_path):
    repository(
        tmp_path, model=NET + "images = open('faces.txt').read()\n", whole=NET, loop=NET + "while True:\n    print()"
    )
    (note,) = import_file(tmp_path / "model.py").notes
    assert note.startswith("Only the imports, classes, functions and constants of model.py were run, because importing")
    assert "FileNotFoundError" in note
    assert import_file(tmp_path / "whole.py").notes == ()
    (note,) = import_file(tmp_path / "loop.py").notes
    assert "it starts work of its own when it is run (line 10: while True:)" in note


def test_constants_are_computed_and_work_is_not(tmp_path):
    source = """
        import math, torch
        from torch import nn
        SIZE = 2 ** 3
        WIDTH = int(math.sqrt(SIZE * 2))
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        if SIZE > 4:
            DEPTH = 2
        else:
            DEPTH = 1
        try:
            import nobody_has_this
        except ImportError:
            nobody_has_this = None
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.layer = nn.Linear(WIDTH, DEPTH)
        started = Net()
        torch.save(started, "/nowhere/at/all.pth")
    """
    repository(tmp_path, model=source)
    module = import_file(tmp_path / "model.py")
    assert build(module, "Net", {}).layer.weight.shape == (2, 4)
    assert not hasattr(module.module, "started")


def test_a_missing_package_is_named_when_the_class_needs_it(tmp_path):
    repository(tmp_path, model="import nobodys_lightning as pl\nclass Net(pl.LightningModule):\n    pass\n")
    with pytest.raises(ConfigError, match="needs the package nobodys_lightning, which is not installed"):
        made(tmp_path / "model.py")
    repository(tmp_path, late="from nobodys_blocks import Block\n" + NET.replace("nn.Linear(", "Block("))
    with pytest.raises(ConfigError, match="needs the package nobodys_blocks"):
        made(tmp_path / "late.py")


DISTURBING = """
import matplotlib, os, random, sys, warnings
import numpy as np
import torch
from torch import nn
matplotlib.rcParams["lines.linewidth"] = 17
os.environ["CUDA_LAUNCH_BLOCKING"] = "1"
os.makedirs("results")
open("results/log.txt", "w").write("x")
sys.path.append("/elsewhere")
sys.argv.append("--more")
random.seed(1); np.random.seed(1); torch.manual_seed(1)
torch.set_default_dtype(torch.float64)
torch.set_grad_enabled(False)
warnings.warn("old torch")
print("hello")
sys.stderr.write("hello")
class Net(nn.Linear):
    def __init__(self):
        print("built")
        super().__init__(2, 2)
"""


def test_nothing_of_the_process_is_changed(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    repository(tmp_path / "repo", model=DISTURBING, other="x = 1")

    def state() -> tuple[object, ...]:
        process = (sorted(sys.modules), list(sys.path), list(sys.argv), Path.cwd(), dict(os.environ), sys.meta_path[:])
        numbers = (random.getstate(), str(np.random.get_state()), torch.get_rng_state().tolist())
        torchs = (torch.get_default_dtype(), torch.is_grad_enabled(), matplotlib.rcParams["lines.linewidth"])
        files = sorted(str(f) for f in tmp_path.rglob("*"))
        return *process, *numbers, *torchs, files, socket.socket.connect, sys.stdin

    made(tmp_path / "repo" / "model.py")  # whatever torch itself imports at first use
    before = state()
    made(tmp_path / "repo" / "model.py")
    assert state() == before
    captured = capfd.readouterr()
    assert captured.out == captured.err == ""


def test_random_weights_that_no_file_holds_are_the_same_at_every_load(tmp_path):
    repository(tmp_path, model=NET)
    torch.testing.assert_close(made(tmp_path / "model.py").layer.weight, made(tmp_path / "model.py").layer.weight)


NAMES = """
from torch import nn
class One(nn.Linear):
    def __init__(self, z_dim, width=2, *, depth=1):
        super().__init__(z_dim, width)
class Args(nn.Linear):
    def __init__(self, args):
        super().__init__(args.z_dim, args["net"]["width"] + len(vars(args)))
def make(z_dim):
    return One(z_dim)
def broken(z_dim):
    return 1 / 0
live = One(3)
number = 3
def old():
    import numpy as np
    assert np.product([2, 3], dtype=np.int) == 6
    return np.long_gone
"""


def test_what_may_be_named(tmp_path):
    file = repository(tmp_path, model=NAMES) / "model.py"
    assert made(file, "One", z_dim=3).in_features == 3
    assert made(file, "make", z_dim=4).in_features == 4
    assert made(file, "live").in_features == 3
    args = made(file, "Args", args={"z_dim": 5, "net": {"width": 6}})
    assert (args.in_features, args.out_features) == (5, 8)


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("Ome", {}, "has no class 'Ome'. Did you mean 'One'"),
        ("One", {}, r"One\(z_dim, width=2, \*, depth=1\) needs z_dim: give --model-args '{\"z_dim\": \"...\"}'"),
        ("One", {"z_dim": 1, "latent": 2}, "has no argument 'latent'"),
        ("Args", {"z_dim": 1}, r"takes its settings as one object: give --model-args '{\"args\": {\"z_dim\": 1}}'"),
        ("Args", {"args": {"z_dim": 1}}, "Building Args .*KeyError.*line 8 of .*model.py.*--model-args"),
        ("old", {}, "no attribute 'long_gone' .*The file was written for another version of that package"),
        ("broken", {"z_dim": 1}, "ZeroDivisionError: division by zero .line 12 of"),
        ("number", {}, "is a int, not a class"),
    ],
)
def test_wrong_names_and_arguments_end_in_one_sentence(tmp_path, name, arguments, message):
    with pytest.raises(ConfigError, match=message):
        made(repository(tmp_path, model=NAMES) / "model.py", name, **arguments)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("model.py", "names no class: give FILE.py:Class"),
        ("nowhere/model.py:Net", "There is no file"),
        ("no_such_package_at_all:Net", "No module named 'no_such_package_at_all'"),
        ("{tmp}/broken.py:Net", "is no Python that can be read"),
    ],
)
def test_wrong_words_end_in_one_sentence(tmp_path, words, message):
    (tmp_path / "broken.py").write_text("def (")
    with pytest.raises(ConfigError, match=message):
        import_named(words.replace("{tmp}", str(tmp_path)))


def test_a_class_of_an_installed_package():
    imported, name = import_named("torch.nn:Linear")
    assert build(imported, name, {"in_features": 2, "out_features": 3}).out_features == 3


def test_a_gpu_asked_for_is_the_device_at_hand():
    class Draws(torch.nn.Module):
        def forward(self, x):
            noise = torch.randn(x.shape, device="cuda").cuda(0).to(torch.device("cuda:0")).to(0, torch.float64)
            return x.cuda() + noise.to("cuda").type_as(x) * torch.zeros_like(x, device=torch.device("cuda"))

    with on_device(torch.device("cpu")):
        out = Draws().cuda().to("cuda")(torch.ones(2, 3))
    torch.testing.assert_close(out, torch.ones(2, 3))
    with on_device(torch.device("meta")):
        assert torch.ones(2, device="cuda").device.type == torch.ones(2).cuda().device.type == "meta"
        assert torch.ones(2, device="cpu").to("cpu").device.type == "cpu"
