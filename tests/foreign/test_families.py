"""Folders that describe their own network, against the real packages with small random models."""

import json
import sys

import pytest
import torch
from torch import nn

from tests.foreign.styles import HEADER
from vaekit.errors import CheckpointError, ConfigError
from vaekit.foreign.opening import open_module
from vaekit.options import ModelOptions

SMALL = {
    "block_out_channels": (8, 8),
    "down_block_types": ("DownEncoderBlock2D",) * 2,
    "up_block_types": ("UpDecoderBlock2D",) * 2,
    "norm_num_groups": 4,
    "layers_per_block": 1,
    "latent_channels": 2,
    "sample_size": 32,
}


@pytest.mark.filterwarnings("ignore")  # of the package's own
@pytest.mark.parametrize("below", ["", "vae"])
@pytest.mark.parametrize("safe", [True, False])
def test_a_folder_of_diffusers_opens_without_naming_a_class(tmp_path, below, safe):
    diffusers = pytest.importorskip("diffusers", reason="the network is the package's")
    net = diffusers.AutoencoderKL(**SMALL).eval()
    net.save_pretrained(tmp_path / below, safe_serialization=safe)
    opened = open_module(tmp_path, ModelOptions())
    assert opened.family == "diffusers"
    x = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        ours, theirs = opened.module.encode(x).latent_dist, net.encode(x).latent_dist
        torch.testing.assert_close(ours.mean, theirs.mean, rtol=0, atol=0)
        torch.testing.assert_close(ours.logvar, theirs.logvar, rtol=0, atol=0)
        torch.testing.assert_close(opened.module.decode(ours.mean).sample, net.decode(theirs.mean).sample)
    assert [f.name for f in opened.code] == ["config.json"]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"_class_name": "VQModel"}, "discrete codes, with no Gaussian posterior"),
        ({"_class_name": "AutoencoderTiny"}, "holds a AutoencoderTiny of diffusers: vaekit reads AutoencoderKL"),
    ],
)
def test_other_networks_of_diffusers_are_named(tmp_path, config, message):
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "model.pt").write_bytes(b"x")
    with pytest.raises(CheckpointError, match=message):
        open_module(tmp_path, ModelOptions())


@pytest.fixture
def pythae():
    return pytest.importorskip("pythae.models", reason="the network is the package's")


@pytest.mark.filterwarnings("ignore")  # of the package's own
@pytest.mark.parametrize("name", ["VAE", "BetaVAE"])
def test_a_folder_of_pythae_opens_without_naming_a_class(tmp_path, pythae, name):
    config = getattr(pythae, f"{name}Config")(input_dim=(3, 32, 32), latent_dim=4)
    net = getattr(pythae, name)(config).eval()
    net.save(str(tmp_path / "saved"))
    opened = open_module(tmp_path / "saved", ModelOptions())
    assert opened.family == "pythae" and type(opened.module) is type(net)
    torch.testing.assert_close(opened.module.state_dict(), dict(net.state_dict()))


@pytest.mark.filterwarnings("ignore")  # of the package's own
def test_a_custom_encoder_of_pythae_is_named_not_unpickled(tmp_path, pythae):
    from pythae.models.base.base_utils import ModelOutput
    from pythae.models.nn import BaseEncoder

    class Encoder(BaseEncoder):
        def __init__(self):
            super().__init__()
            self.mu, self.var = nn.Linear(12, 4), nn.Linear(12, 4)

        def forward(self, x):
            return ModelOutput(embedding=self.mu(x.flatten(1)), log_covariance=self.var(x.flatten(1)))

    net = pythae.VAE(pythae.VAEConfig(input_dim=(3, 2, 2), latent_dim=4), encoder=Encoder())
    state, config = net.state_dict(), {**net.model_config.to_dict(), "uses_default_encoder": False}
    folder = tmp_path / "saved"
    folder.mkdir()
    torch.save({"model_state_dict": state}, folder / "model.pt")
    (folder / "model_config.json").write_text(json.dumps(config))
    (folder / "encoder.pkl").write_bytes(b"\x80\x04cos\nsystem\n(S'touch sung'\ntR.")
    with pytest.raises(CheckpointError, match=r"custom encoder, whose code lies in a pickle.*--encoder FILE"):
        open_module(folder, ModelOptions())
    source = HEADER + (
        "class Encoder(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.mu, self.var = nn.Linear(12, 4), nn.Linear(12, 4)\n"
        "from pythae.models.nn.default_architectures import Decoder_AE_MLP\n"
        "class Config:\n    input_dim, latent_dim = (3, 2, 2), 4\n"
        "def Decoder():\n    return Decoder_AE_MLP(Config)\n"
    )
    (tmp_path / "own.py").write_text(source)
    named = ModelOptions(encoder=f"{tmp_path}/own.py:Encoder", decoder=f"{tmp_path}/own.py:Decoder")
    opened = open_module(folder, named)
    torch.testing.assert_close(opened.module.state_dict(), dict(state))


HUB = """
from torch import nn
from huggingface_hub import PyTorchModelHubMixin
class Net(nn.Module, PyTorchModelHubMixin):
    def __init__(self, z_dim, hidden=4):
        super().__init__()
        self.layer = nn.Linear(z_dim, hidden)
"""


@pytest.mark.filterwarnings("ignore")  # of the package's own
def test_a_folder_of_the_hub_mixin_gives_the_arguments(tmp_path):
    pytest.importorskip("huggingface_hub", reason="the mixin is the package's")
    pytest.importorskip("safetensors", reason="the mixin saves safetensors")
    (tmp_path / "model.py").write_text(HUB)
    space: dict = {}
    exec(HUB, space)
    net = space["Net"](3, hidden=7)
    net.save_pretrained(tmp_path / "saved")
    opened = open_module(tmp_path / "saved", ModelOptions(model=f"{tmp_path}/model.py:Net"))
    torch.testing.assert_close(opened.module.state_dict(), net.state_dict())
    assert "z_dim = 3" in opened.notes[0]


LIT = """
import pytorch_lightning as pl
from torch import nn
class Lit(pl.LightningModule):
    def __init__(self, z_dim, lr=1e-3):
        super().__init__()
        self.save_hyperparameters()
        self.vae = nn.Linear(z_dim, 2)
    def training_step(self, batch, i):
        return self.vae(batch).sum()
    def configure_optimizers(self):
        import torch
        return torch.optim.SGD(self.parameters(), self.hparams.lr)
"""


@pytest.mark.filterwarnings("ignore")  # of the package's own
def test_a_lightning_checkpoint_gives_the_arguments(tmp_path):
    pl = pytest.importorskip("pytorch_lightning", reason="the checkpoint is the package's")
    (tmp_path / "lit.py").write_text(LIT)
    space: dict = {"__name__": "lit"}
    exec(LIT, space)
    net = space["Lit"](5, lr=0.0)
    trainer = pl.Trainer(
        max_epochs=1,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        accelerator="cpu",
        default_root_dir=tmp_path,
    )
    trainer.fit(net, torch.utils.data.DataLoader(torch.ones(4, 5), batch_size=2))
    trainer.save_checkpoint(tmp_path / "last.ckpt")
    opened = open_module(tmp_path / "last.ckpt", ModelOptions(model=f"{tmp_path}/lit.py:Lit"))
    torch.testing.assert_close(opened.module.vae.weight, net.vae.weight)
    assert "z_dim = 5" in opened.notes[0]


def test_a_package_that_is_missing_is_named(tmp_path, monkeypatch):
    (tmp_path / "config.json").write_text('{"_class_name": "AutoencoderKL"}')
    (tmp_path / "diffusion_pytorch_model.safetensors").write_bytes(b"x")
    monkeypatch.setitem(sys.modules, "diffusers", None)
    with pytest.raises(ConfigError, match=r"needs the package diffusers.*pip install diffusers"):
        open_module(tmp_path, ModelOptions())
