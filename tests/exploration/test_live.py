"""A decoder as steps for the script of a page; that they make the same picture is tested in a browser."""

import numpy as np
import pytest
import torch
from torch import nn

from vaekit.config import LikelihoodConfig, load_config
from vaekit.errors import DataError
from vaekit.exploration.live import traced
from vaekit.models.base import VAE, build_model

CODES = np.random.default_rng(0).normal(size=(3, 4))


class Wrapped(VAE):
    """A network whose decoder is what it is given, z (B, 4) -> (B, 3, 28, 28)."""

    latent_dim = 4

    def __init__(self, decoder: nn.Module) -> None:
        super().__init__(28, LikelihoodConfig())
        self.decoder = decoder

    def decode(self, z):
        return self.likelihood(self.decoder(z))


def wrapped(*layers: nn.Module) -> VAE:
    torch.manual_seed(0)
    return Wrapped(nn.Sequential(nn.Linear(4, 3 * 28 * 28), nn.Unflatten(1, (3, 28, 28)), *layers, nn.Sigmoid())).eval()


@pytest.mark.parametrize("recipe", ["default", "residual64", "dense64", "tanh128"])
def test_the_decoder_of_every_family_is_traced_and_hardly_rounded(recipe):
    config = load_config(recipe, {"model.latent_dim": 4})
    model = build_model(config.model, config.likelihood, config.data.image_size, seed=0).eval()
    program = traced(model, CODES)
    weights = sum(p.numel() for p in model.decoder.parameters())
    assert program.shape == model.image_shape and 0 < program.off < 0.2
    assert weights <= program.weights.size <= 1.01 * weights and program.weights.dtype == np.float16
    assert all(step["x"] <= k for k, step in enumerate(program.steps) if isinstance(step["x"], int))


@pytest.mark.parametrize(
    ("layers", "says"),
    [
        ((nn.Softmax(dim=1),), "no layer _softmax"),
        ((nn.BatchNorm2d(3, track_running_stats=False),), "no layer native_batch_norm"),
        ((nn.Conv2d(3, 3, 3, padding=1), nn.PixelShuffle(1), nn.Hardswish()), "no layer hardswish"),
    ],
)
def test_a_layer_that_the_script_does_not_know_is_named(layers, says):
    with pytest.raises(DataError, match=says):
        traced(wrapped(*layers), CODES)


def test_weights_that_16_bits_do_not_hold_are_refused():
    model = wrapped(nn.Conv2d(3, 3, 1))
    with torch.no_grad():
        model.decoder[0].weight[0, 0] = 1e6
    with pytest.raises(DataError, match="too large for 16 bits"):
        traced(model, CODES)


def test_the_model_is_left_as_it_was():
    model = wrapped(nn.BatchNorm2d(3))
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    traced(model, CODES)
    assert all((tensor == before[name]).all() for name, tensor in model.state_dict().items())
