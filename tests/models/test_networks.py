"""Options of the networks: what fits is built to the pixel, what does not is refused in words."""

import math

import pytest
import torch

from vaekit.config import LikelihoodConfig, ModelConfig
from vaekit.errors import ConfigError
from vaekit.models.base import MODELS, VAE, build_model
from vaekit.models.likelihoods import LocationScale

SMALL = {
    "conv": {"channels": [4, 8], "latent_dim": 5},
    "dense": {"hidden": [16, 8], "latent_dim": 5},
    "residual": {"channels": [8, 8, 16], "latent_dim": 5, "blocks": 1},
}


def build(name: str, size: int = 64, seed: int = 0, likelihood: dict | None = None, **options) -> VAE:
    settings = SMALL[name] | options
    return build_model(ModelConfig(name=name, **settings), LikelihoodConfig(**likelihood or {}), size, seed)


def images(n: int = 3, size: int = 64) -> torch.Tensor:
    return torch.rand(n, 3, size, size, generator=torch.Generator().manual_seed(0))


def test_every_network_here_is_tested():
    ours = {name for name, network in MODELS.items() if network.__module__.startswith("vaekit.")}
    assert ours == SMALL.keys()


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("size", [64, 128])
@pytest.mark.parametrize("output", ["sigmoid", "tanh"])
def test_shapes_and_range(name, size, output):
    model = build(name, size, output=output).eval()
    x = images(size=size)
    posterior = model.encode(x)
    likelihood = model.decode(10 * posterior.mu)
    assert posterior.mu.shape == posterior.logvar.shape == (3, 5)
    assert likelihood.mean.shape == x.shape
    assert likelihood.mean.min() >= 0 and likelihood.mean.max() <= 1
    torch.testing.assert_close(model.reconstruct(x), model.decode(posterior.mu).mean)
    assert model.sample(2, seed=1).shape == (2, 3, size, size)


@pytest.mark.parametrize("name", SMALL)
def test_weights_come_from_the_seed_alone(name):
    torch.manual_seed(1)
    first = build(name, seed=7).state_dict()
    torch.manual_seed(2)
    before = torch.get_rng_state()
    second, other = build(name, seed=7).state_dict(), build(name, seed=8).state_dict()
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert any(not torch.equal(first[key], other[key]) for key in first)


@pytest.mark.parametrize("kernel", [3, 4])
@pytest.mark.parametrize("norm", ["none", "batch", "group"])
@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "silu"])
def test_conv_of_every_kind(kernel, norm, activation):
    model = build("conv", kernel=kernel, norm=norm, activation=activation, dropout=0.1, bottleneck=16)
    x = images(2)
    assert model.encoder[:-1](x).shape == (2, 8, 16, 16)
    model.decode(model.encode(x).mu).mean.sum().backward()
    decoder_and_encoder = [p.grad for name, p in model.named_parameters() if "likelihood" not in name]
    assert all(g is not None and torch.isfinite(g).all() for g in decoder_and_encoder if g is not None)
    assert model.encoder[0].weight.grad.abs().sum() > 0
    assert model.mixes_images == (norm == "batch")


def test_a_tanh_network_sees_and_gives_pixels_from_minus_one_to_one():
    model = build("dense", output="tanh").eval()
    seen = []
    model.encoder.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    x = images()
    model.encode(x)
    torch.testing.assert_close(seen[0], 2 * x - 1)
    z = torch.randn(2, 5, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(model.decode(z).mean, (model.decoder(z).tanh() + 1) / 2)


def test_logvar_is_clamped_and_mu_is_not():
    x = images()
    model = build("dense", logvar_clamp=[-0.5, 0.25])
    with torch.no_grad():
        model.to_posterior.weight.mul_(1000)
    posterior = model.encode(x)
    assert posterior.logvar.min() == -0.5 and posterior.logvar.max() == 0.25
    assert posterior.mu.abs().max() > 1


@pytest.mark.parametrize("name", SMALL)
def test_bfloat16_autocast_gives_float32_where_it_counts(name):
    model = build(name).eval()
    x = images(2)
    with torch.autocast("cpu", torch.bfloat16):
        posterior = model.encode(x)
        mean = model.decode(posterior.mu).mean
    assert posterior.mu.dtype == posterior.logvar.dtype == mean.dtype == torch.float32
    torch.testing.assert_close(mean, model.reconstruct(x), rtol=0, atol=0.02)


@pytest.mark.parametrize("name", ["bernoulli", "discretised_logistic", "gaussian"])
def test_every_likelihood_fits_every_network(name):
    sigma = {} if name == "bernoulli" else {"sigma": "learned"}
    model = build("conv", likelihood={"name": name} | sigma)
    likelihood = model.decode(torch.zeros(2, 5))
    loss = -likelihood.log_prob(images(2)).mean()
    loss.backward()
    assert math.isfinite(loss.item())
    if isinstance(likelihood, LocationScale):
        assert model.likelihood.log_sigma.grad.abs() > 0
    assert type(likelihood) is model.likelihood.family


@pytest.mark.parametrize(
    ("name", "options", "size", "words"),
    [
        ("conv", {"kernal": 4}, 64, ("'kernal'", "Did you mean 'kernel'?")),
        ("conv", {"kernel": 5}, 64, ("kernel = 5",)),
        ("conv", {"latent_dim": "many"}, 64, ("latent_dim = 'many'",)),
        ("conv", {"dropout": 1.0}, 64, ("dropout = 1.0",)),
        ("conv", {"channels": [4] * 7}, 64, ("model.channels", "7 stride-2 stages", "at most 6 widths")),
        ("residual", {"channels": [8] * 9}, 128, ("model.channels", "8 stride-2 stages", "at most 8 widths")),
        ("conv", {"bottleneck": 32}, 64, ("data.image_size = 64", "model.bottleneck = 32", "data.image_size = 128")),
        (
            "residual",
            {"bottleneck": 32},
            64,
            ("data.image_size = 64", "model.bottleneck = 32", "data.image_size = 128"),
        ),
        ("dense", {"logvar_clamp": [4, -4]}, 64, ("model.logvar_clamp", "low < high")),
        ("dense", {"channels": [4]}, 64, ("'channels'",)),
    ],
)
def test_what_does_not_fit_is_refused(name, options, size, words):
    with pytest.raises(ConfigError) as caught:
        build(name, size, **options)
    assert all(word in str(caught.value) for word in words), str(caught.value)


@pytest.mark.parametrize("name", SMALL)
def test_tanh_with_cross_entropy_is_refused(name):
    with pytest.raises(ConfigError, match=r"model\.output = 'tanh' with likelihood\.name = 'bernoulli'.*'sigmoid'"):
        build(name, output="tanh", likelihood={"name": "bernoulli"})


def test_an_unknown_network_names_the_near_match():
    with pytest.raises(ConfigError, match="Did you mean 'residual'"):
        build_model(ModelConfig(name="residuals"), LikelihoodConfig(), 64, 0)
