"""The commands that README gives for checkpoints of other programs, run as they stand there."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.conftest import Workplace
from tests.foreign.conftest import CROP, faces_under, train
from tests.foreign.styles import SIZE, STYLES, Z, write
from vaekit.data import Protocol
from vaekit.faces import write_faces
from vaekit.foreign.pixels import to_floats

SECTION = re.search(
    r"^## Evaluate the VAE you already have$(.*?)^## ",
    (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8"),
    re.MULTILINE | re.DOTALL,
)
COMMANDS = [
    shlex.split(line, comments=True)[1:] for line in SECTION[1].splitlines() if line.startswith("    .venv/bin/")
]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with the files that README names: other programs' classes and weights, and faces to tell a crop by."""
    place = Workplace(tmp_path_factory.mktemp("theirs"))
    x = to_floats(faces_under(write_faces(place.folder / "data/celeba", 240, seed=3)).under(Protocol(CROP, SIZE)))
    net = train(x)
    write(place.folder / "style", STYLES["interleaved"], net)
    source = (place.folder / "style/model.py").read_text(encoding="utf-8").replace("class Net", "class VAE")
    (place.folder / "src").mkdir()
    for file in ("model.py", "src/model.py"):
        (place.folder / file).write_text(source, encoding="utf-8")
    weights = torch.load(place.folder / "style/weights.pth", weights_only=True)
    torch.save(weights, place.folder / "their.pth")
    torch.save({"epoch": 3, "state_dict": {f"net.{k}": v for k, v in weights.items()}}, place.folder / "their.ckpt")
    write(place.folder / "two", STYLES["two modules"], net)
    (place.folder / "two/saved").rename(place.folder / "saved")
    source = (place.folder / "two/model.py").read_text(encoding="utf-8")
    (place.folder / "nets.py").write_text(source.replace("self, z_dim, side)", f"self, z_dim={Z}, side={SIZE // 4})"))
    _autoencoder_kl(place.folder / "autoencoder-kl", x)
    return place


def _autoencoder_kl(folder: Path, x: torch.Tensor) -> None:
    diffusers = pytest.importorskip("diffusers", reason="README's fourth command reads a folder of diffusers")
    torch.manual_seed(0)
    net = diffusers.AutoencoderKL(
        block_out_channels=(4, 4),
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        norm_num_groups=2,
        layers_per_block=1,
        latent_channels=2,
        sample_size=SIZE,
    )
    optimiser = torch.optim.Adam(net.parameters(), 1e-2)
    for _ in range(40):
        y = 2 * x[:64] - 1
        loss = (net(y).sample - y).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    net.eval().save_pretrained(folder)


def test_there_are_six():
    assert len(COMMANDS) == 6


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")  # of diffusers and its hub
@pytest.mark.parametrize("command", COMMANDS, ids=[" ".join(command[:2]) for command in COMMANDS])
def test_it_runs_as_it_stands(command, place):
    # The class of the test is smaller than the one that README imagines.
    words = [word.replace('"z_dim": 128', f'"z_dim": {Z}') for word in command]
    if command[0] == "doctor":
        said = place.vaekit(*words).stdout
        assert "No mistake shows." in said and (place.folder / "adapter.py").is_file()
        facts = place.json("evaluate", words[1], "--adapter", "adapter.py")
    elif command[0] == "report":
        assert "report.html" in place.vaekit(*words).stdout
        return
    else:
        facts = place.json(*words)
    assert np.isfinite(facts["metrics"]["mse"]["value"]) and facts["estimates"]["r2"]["value"] > 0
    is_known = "--objective" in words
    assert (facts["metrics"]["elbo"]["value"] is not None) == is_known
