"""The recipes against what their owners describe: sizes worked out by hand, the exact loss, and a first few steps."""

import math
import re
from functools import cache
from importlib.resources import files

import pytest
import torch
from torch import Tensor, nn

from vaekit.cli.train import settings_of
from vaekit.config import RunConfig, load_config, recipe_lines, recipe_names
from vaekit.errors import ConfigError
from vaekit.models.base import VAE, GaussianPosterior, build_model
from vaekit.models.likelihoods import build_head
from vaekit.objective import negative_elbo

SYSTEMS = ("plain64", "dense64", "beta64", "residual64", "deep128", "tanh128", "tanh128-b4", "tanh128-b10")
NETWORKS = SYSTEMS[:6]  # the last two are tanh128 with another beta


@cache
def config_of(recipe: str) -> RunConfig:
    return load_config(recipe)


def build(recipe: str, seed: int = 0) -> VAE:
    config = config_of(recipe)
    return build_model(config.model, config.likelihood, config.data.image_size, seed)


def some_images(n: int, size: int) -> Tensor:
    coarse = torch.rand(n, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    return nn.functional.interpolate(coarse, size=(size, size), mode="bilinear")


# --- sizes -----------------------------------------------------------------------------------------------------------


def conv(c_in: int, c_out: int, k: int) -> int:
    """Weights and biases of a convolution, transposed or not."""
    return c_in * c_out * k * k + c_out


def linear(n_in: int, n_out: int) -> int:
    return n_in * n_out + n_out


def conv_norm(c_in: int, c_out: int, k: int) -> int:
    return conv(c_in, c_out, k) + 2 * c_out


def bottleneck(c: int) -> int:
    """1x1 to a quarter, 3x3, 1x1 back, each normalised; the gate with a sixteenth inside; LayerScale."""
    inner = c // 4
    branch = conv_norm(c, inner, 1) + conv_norm(inner, inner, 3) + conv_norm(inner, c, 1)
    return branch + linear(c, c // 16) + linear(c // 16, c) + c


PARAMETERS = {
    # 1,568 + 32,832 + 131,200 + 524,544 | 1,048,832 | 528,384 | 524,416 + 131,136 + 32,800 + 1,539
    "plain64": 2_957_251,
    # 12,583,936 + 524,800 | 131,328 | 66,048 + 525,312 + 12,595,200
    "dense64": 26_426_624,
    # 896 + 18,496 + 73,856 + 295,168 + 1,180,160 | 524,544 | 264,192 | 1,179,904 + 295,040 + 73,792 + 18,464 + 867
    "beta64": 3_925_379,
    # as beta64's first four and last four, 960 more for BatchNorm each way (64 + 128 + 256 + 512; 256 + 128 + 64)
    # | 16,384 * 256 + 256 = 4,194,560 | 128 * 16,384 + 16,384 = 2,113,536
    "deep128": 896 + 18_496 + 73_856 + 295_168 + 960 + 4_194_560 + 2_113_536 + 295_040 + 73_792 + 18_464 + 867 + 448,
    # 690,144 + 2,097,664 | 8,192 * 256 + 256 | 128 * 8,192 + 8,192 | 2,097,408 + 689,891
    "tanh128": 690_144 + 2_097_664 + 2_097_408 + 1_056_768 + 2_097_408 + 689_891,
    "residual64": (
        conv_norm(3, 64, 3)
        + (conv_norm(64, 128, 3) + 2 * bottleneck(128))
        + (conv_norm(128, 256, 3) + 2 * bottleneck(256))
        + (conv_norm(256, 512, 3) + 2 * bottleneck(512))
        + linear(512 * 8 * 8, 2 * 256)
        + linear(256, 512 * 8 * 8)
        + (2 * bottleneck(512) + conv_norm(512, 256, 3))
        + (2 * bottleneck(256) + conv_norm(256, 128, 3))
        + (2 * bottleneck(128) + conv_norm(128, 64, 3))
        + conv(64, 3, 3)
    ),
}
PARAMETERS |= dict.fromkeys(("tanh128-b4", "tanh128-b10"), PARAMETERS["tanh128"])

# (channels, side) after every stride-2 stage and back, or the widths of the dense layers.
SHAPES = {
    "plain64": [
        "32x32x32",
        "64x16x16",
        "128x8x8",
        "256x4x4",
        "256",
        "4096",
        "128x8x8",
        "64x16x16",
        "32x32x32",
        "3x64x64",
    ],
    "dense64": ["1024", "512", "256", "512", "1024", "12288"],
    "beta64": [
        "32x32x32",
        "64x16x16",
        "128x8x8",
        "256x4x4",
        "512x2x2",
        "256",
        "2048",
        "256x4x4",
        "128x8x8",
        "64x16x16",
        "32x32x32",
        "3x64x64",
    ],
    "deep128": [
        "32x64x64",
        "64x32x32",
        "128x16x16",
        "256x8x8",
        "256",
        "16384",
        "128x16x16",
        "64x32x32",
        "32x64x64",
        "3x128x128",
    ],
    "tanh128": [
        "32x64x64",
        "64x32x32",
        "128x16x16",
        "256x8x8",
        "512x4x4",
        "256",
        "8192",
        "256x8x8",
        "128x16x16",
        "64x32x32",
        "32x64x64",
        "3x128x128",
    ],
    # only what changes the number of channels outside a bottleneck
    "residual64": [
        "64x64x64",
        "128x32x32",
        "256x16x16",
        "512x8x8",
        "512",
        "32768",
        "256x16x16",
        "128x32x32",
        "64x64x64",
        "3x64x64",
    ],
}


def test_the_arithmetic_above_is_what_the_layers_say():
    k4 = [(3, 32), (32, 64), (64, 128), (128, 256)]
    assert [conv(*pair, 4) for pair in k4] == [1_568, 32_832, 131_200, 524_544]
    down, up = sum(conv(a, b, 4) for a, b in k4), sum(conv(b, a, 4) for a, b in k4)
    assert PARAMETERS["plain64"] == down + linear(4096, 256) + linear(128, 4096) + up
    widths = [12_288, 1024, 512, 256]
    back = [128, 512, 1024, 12_288]
    assert PARAMETERS["dense64"] == sum(map(linear, widths, widths[1:])) + sum(map(linear, back, back[1:]))
    k3 = [*k4, (256, 512)]
    down, up = sum(conv(a, b, 3) for a, b in k3), sum(conv(b, a, 3) for a, b in k3)
    assert PARAMETERS["beta64"] == down + linear(2048, 256) + linear(128, 2048) + up


@pytest.mark.parametrize("recipe", SYSTEMS)
def test_parameters_are_counted_by_hand(recipe):
    with torch.device("meta"):
        assert sum(p.numel() for p in build(recipe).parameters()) == PARAMETERS[recipe]


@pytest.mark.parametrize("recipe", NETWORKS)
def test_layers_have_the_shapes_of_the_table(recipe):
    model = build(recipe).eval()
    shapes = []
    for name, layer in model.named_modules():
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)) and "branch" not in name:
            layer.register_forward_hook(lambda layer, i, output: shapes.append("x".join(map(str, output.shape[1:]))))
    with torch.no_grad():
        x_hat = model.reconstruct(some_images(1, model.image_size))
    assert shapes == SHAPES[recipe]
    assert x_hat.min() >= 0 and x_hat.max() <= 1


def test_the_residual_network_has_two_bottlenecks_a_stage_with_gate_and_scale():
    model = build("residual64")
    kinds = [type(layer).__name__ for layer in model.modules()]
    assert kinds.count("ResidualBottleneck") == kinds.count("SqueezeExcitation") == kinds.count("LayerScale") == 2 * 6
    assert {"GroupNorm", "SiLU"} <= set(kinds) and "BatchNorm2d" not in kinds
    encoder = [type(layer).__name__ for layer in model.encoder]
    stage = ["ConvNormAct", "ResidualBottleneck", "ResidualBottleneck"]
    assert encoder == ["ConvNormAct", *3 * stage, "Flatten"]  # flattened, not pooled
    assert [type(layer).__name__ for layer in model.decoder[2:5]] == ["ResidualBottleneck"] * 2 + ["Upsample"]


def test_deep128_has_dropout_and_batch_normalisation_both_ways():
    model = build("deep128")
    for half in (model.encoder, model.decoder):
        assert {0.1} == {layer.p for layer in half if isinstance(layer, nn.Dropout)}
        assert any(isinstance(layer, nn.BatchNorm2d) for layer in half)
        assert all(layer.output_padding == (1, 1) for layer in half if isinstance(layer, nn.ConvTranspose2d))


# --- the objective ---------------------------------------------------------------------------------------------------


def hand_written(recipe: str, x: Tensor, x_hat: Tensor, kl: Tensor) -> Tensor:
    """The loss of each image as its owner would write it, (B,)."""
    if recipe in {"plain64", "dense64"}:
        x, x_hat = x.clamp(1e-6, 1 - 1e-6), x_hat.clamp(1e-6, 1 - 1e-6)
        return nn.functional.binary_cross_entropy(x_hat, x, reduction="none").mean((1, 2, 3)) + 0.001 * kl
    if recipe.startswith("tanh128"):
        beta = {"tanh128": 1, "tanh128-b4": 4, "tanh128-b10": 10}[recipe]
        return ((2 * x - 1) - (2 * x_hat - 1)).square().sum((1, 2, 3)) + beta * kl
    return (x - x_hat).square().sum((1, 2, 3)) + {"beta64": 1.2, "residual64": 1.0, "deep128": 1.0}[recipe] * kl


@pytest.mark.parametrize("recipe", SYSTEMS)
def test_the_objective_is_the_hand_written_one_but_for_the_constant(recipe):
    config, generator = config_of(recipe), torch.Generator().manual_seed(2)
    x, x_hat = torch.rand(2, 4, 3, 16, 16, generator=generator, dtype=torch.float64)
    mu, logvar = torch.randn(2, 4, 7, generator=generator, dtype=torch.float64)
    kl = -0.5 * (1 + logvar - mu.square() - logvar.exp()).sum(1)
    # log(sigma sqrt(2 pi)) of each value: sigma^2 = 1/2 gives log(pi) / 2, sigma^2 = 1/8 gives log(pi / 4) / 2
    per_value = (
        0.0 if "plain" in recipe or "dense" in recipe else 0.5 * math.log(math.pi / (4 if "tanh" in recipe else 1))
    )

    head = build_head(config.likelihood).double()
    loss = negative_elbo(x, head(x_hat), GaussianPosterior(mu, logvar), config.objective).loss
    expected = hand_written(recipe, x, x_hat, kl) + per_value * x[0].numel()
    torch.testing.assert_close(loss, expected, rtol=1e-6, atol=1e-6)  # sigma is a float32


@pytest.mark.parametrize("recipe", NETWORKS)
def test_ten_steps_on_one_batch_lower_a_finite_loss(recipe):
    torch.manual_seed(0)  # of dropout, which torch draws from its global generator
    config, model = config_of(recipe), build(recipe).train()
    model.to(memory_format=torch.channels_last)
    x = some_images(2, model.image_size)
    noise = torch.randn(2, model.latent_dim, generator=torch.Generator().manual_seed(1))
    optimiser = torch.optim.Adam(model.parameters(), config.training.learning_rate)
    losses = []
    for step in range(11):
        posterior = model.encode(x)
        loss = negative_elbo(x, model.decode(posterior.sample(noise)), posterior, config.objective).loss.mean()
        losses.append(loss.item())
        if step == 10:
            break
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        if step == 0:
            gradients = {name: p.grad for name, p in model.named_parameters()}
            assert all(g is not None and torch.isfinite(g).all() for g in gradients.values())
            assert all(g.abs().max() > 0 for name, g in gradients.items() if name.endswith("weight"))
        optimiser.step()
    assert all(map(math.isfinite, losses))
    assert losses[-1] < losses[0]


# --- the files -------------------------------------------------------------------------------------------------------


def text_of(recipe: str) -> str:
    return files("vaekit.recipes").joinpath(f"{recipe}.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize("recipe", recipe_names())
def test_a_recipe_says_what_it_is_and_reads_back(recipe, tmp_path):
    lines = text_of(recipe).splitlines()
    assert lines[0].startswith(f"# {recipe}: ") and len(recipe_lines()[recipe]) > 20
    assert max(map(len, lines)) <= 120
    config = config_of(recipe)
    (tmp_path / "again.toml").write_text(config.to_toml(), encoding="utf-8")
    assert load_config(str(tmp_path / "again.toml")) == config


@pytest.mark.parametrize("recipe", SYSTEMS)
def test_a_system_says_its_command_and_what_its_owner_leaves_open(recipe):
    text = text_of(recipe)
    assert f"# command   vaekit train --recipe {recipe}" in text
    assert "# reported  " in text and "# objective " in text and re.search("# .*open", text)
    assert "TODO" not in text and "README" not in text


def test_the_optimisation_of_the_table():
    rows = {
        name: (c.training.learning_rate, c.training.batch_size, c.training.epochs)
        for name in SYSTEMS
        if (c := config_of(name))
    }
    assert rows == {
        "plain64": (3e-4, 128, 40),
        "dense64": (3e-4, 128, 10),
        "beta64": (1e-3, 128, 15),
        "residual64": (1e-4, 32, 50),
        "deep128": (1e-3, 64, 20),
        "tanh128": (1e-3, 64, 10),
        "tanh128-b4": (1e-3, 64, 5),
        "tanh128-b10": (1e-3, 64, 5),
    }
    clipped = {name: config_of(name).training.clip_grad_norm for name in SYSTEMS}
    assert clipped == dict.fromkeys(SYSTEMS, 0) | {"beta64": 1.0}
    assert config_of("residual64").objective.kl_warmup_epochs == 10 and config_of("residual64").training.bfloat16
    for name in SYSTEMS[5:]:
        assert config_of(name).data.limit == {"train": 20_000, "valid": 2_000, "test": 2_000}


def test_the_variants_of_tanh128_differ_by_beta_and_epochs_alone():
    base = config_of("tanh128").model_dump()
    for name, beta in (("tanh128-b4", 4.0), ("tanh128-b10", 10.0)):
        other = config_of(name).model_dump()
        assert other["objective"].pop("beta") == beta and other["training"].pop("epochs") == 5
        assert other == base | {
            "objective": {k: v for k, v in base["objective"].items() if k != "beta"},
            "training": {k: v for k, v in base["training"].items() if k != "epochs"},
        }


@pytest.mark.parametrize(
    ("recipe", "overrides", "words"),
    [
        ("deep128", {"data.image_size": 64}, ("data.image_size = 64", "model.bottleneck = 8", "data.image_size = 128")),
        ("tanh128", {"data.image_size": 64}, ("data.image_size = 64", "model.bottleneck = 4", "data.image_size = 128")),
        (
            "plain64",
            {"data.image_size": 128},
            ("data.image_size = 128", "model.bottleneck = 4", "data.image_size = 64"),
        ),
        ("tanh128", {"likelihood": {"name": "bernoulli"}}, ("model.output = 'tanh'", "likelihood.name = 'bernoulli'")),
        ("plain64", {"model.output": "tanh"}, ("model.output = 'tanh'", "likelihood.name = 'bernoulli'")),
        ("plain64", {"likelihood.sigma": 0.1}, ("likelihood.sigma = 0.1", "Leave the key out")),
        ("beta64", {"likelihood.name": "gausian"}, ("likelihood.name", "Did you mean 'gaussian'?")),
        ("beta64", {"model.activation": "leakyrelu"}, ("activation", "Did you mean 'leaky_relu'?")),
        ("beta64", {"model.chanels": [8]}, ("'chanels'", "Did you mean 'channels'?")),
        ("dense64", {"model.hidden": 512}, ("hidden = 512",)),
    ],
)
def test_a_broken_recipe_stops_in_words(recipe, overrides, words):
    with pytest.raises(ConfigError) as caught:
        config = load_config(recipe, overrides)
        build_model(config.model, config.likelihood, config.data.image_size, 0)
    assert all(word in str(caught.value) for word in words), str(caught.value)


@pytest.mark.parametrize("recipe", recipe_names())
def test_every_setting_that_is_listed_has_a_meaning_and_can_be_set(recipe):
    config = load_config(recipe)
    listed = settings_of(config)
    assert all(row["meaning"].endswith(".") and not row["meaning"].startswith("None") for row in listed.values())
    values = {key: row["value"] for key, row in listed.items() if row["value"] is not None}
    again = load_config(recipe, values)
    assert settings_of(again) == listed and again.training == config.training
