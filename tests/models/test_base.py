"""Shapes that a network tells of itself."""

import pytest

from vaekit.config import LikelihoodConfig, ModelConfig
from vaekit.models.base import VAE, build_model


@pytest.mark.parametrize(
    ("image_size", "channels", "shape", "size"),
    [(64, 3, (3, 64, 64), 64), ((128, 112), 3, (3, 128, 112), (128, 112)), ((28, 28), 1, (1, 28, 28), 28)],
)
def test_a_network_of_any_size_tells_its_shape(image_size, channels, shape, size):
    network = VAE(image_size, LikelihoodConfig(), channels)
    assert network.image_shape == shape
    assert network.image_size == size


def test_the_code_of_a_plain_network_is_one_vector():
    network = build_model(ModelConfig(name="conv", latent_dim=5, channels=[4]), LikelihoodConfig(), 64, 0)
    assert network.image_shape == (3, 64, 64)
    assert network.latent_shape == (5,)
