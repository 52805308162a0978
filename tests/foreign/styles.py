"""Networks as other people write them, none aware of vaekit, with the weights of one of vaekit's own.

Each style is a model file in the manner of public repositories. Layer by layer they are the small `conv` network of
`network(...)`, so that the same weights must give the same numbers.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from vaekit.config import LikelihoodConfig, ModelConfig
from vaekit.models.base import VAE, build_model
from vaekit.options import ModelOptions

Weights = dict[str, Tensor]
Z, SIZE = 8, 32

LAYERS = """
def conv_layers():
    return [nn.Conv2d(3, 8, 4, 2, 1), nn.BatchNorm2d(8), nn.SiLU(),
            nn.Conv2d(8, 16, 4, 2, 1), nn.BatchNorm2d(16), nn.SiLU(), nn.Flatten()]


def deconv_layers(z_dim, side):
    return [nn.Linear(z_dim, 16 * side * side), nn.Unflatten(1, (16, side, side)),
            nn.ConvTranspose2d(16, 8, 4, 2, 1), nn.BatchNorm2d(8), nn.SiLU(),
            nn.ConvTranspose2d(8, 3, 4, 2, 1)]
"""

HEADER = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n\n" + LAYERS

INTERLEAVED = (
    HEADER
    + '''

class Net(nn.Module):
    """encode returns one tensor: mu and logvar of each dimension side by side."""

    def __init__(self, z_dim=8, side=8):
        super().__init__()
        self.enc = nn.Sequential(*conv_layers(), nn.Linear(16 * side * side, 2 * z_dim))
        self.dec = nn.Sequential(*deconv_layers(z_dim, side))

    def encode(self, x):
        return self.enc(x)

    def decode(self, z):
        return torch.sigmoid(self.dec(z))

    def forward(self, x):
        h = self.encode(x)
        mu, logvar = h[:, ::2], h[:, 1::2]
        z = mu + torch.randn_like(mu) * torch.exp(logvar / 2)
        return self.decode(z), mu, logvar
'''
)

SAMPLED_ONLY = (
    HEADER
    + '''

class Encoder(nn.Module):
    def __init__(self, z_dim, side):
        super().__init__()
        self.layers = nn.Sequential(*conv_layers())
        self.mu = nn.Linear(16 * side * side, z_dim)
        self.log_sigma = nn.Linear(16 * side * side, z_dim)
        self.N = torch.distributions.Normal(0, 1)
        self.kl = 0

    def forward(self, x):
        h = self.layers(x)
        mu, sigma = self.mu(h), torch.exp(self.log_sigma(h))
        z = mu + sigma * self.N.sample(mu.shape)
        self.kl = (sigma**2 + mu**2 - torch.log(sigma) - 1 / 2).sum()
        return z


class Net(nn.Module):
    """encode returns a drawn z and nothing else."""

    def __init__(self, z_dim=8, side=8):
        super().__init__()
        self.encoder = Encoder(z_dim, side)
        self.decoder = nn.Sequential(*deconv_layers(z_dim, side), nn.Sigmoid())

    def forward(self, x):
        return self.decoder(self.encoder(x))
'''
)

INPUT_AMONG_OUTPUTS = (
    HEADER
    + '''

class Net(nn.Module):
    """forward returns [x_hat, x, mu, logvar], the input itself among them."""

    def __init__(self, z_dim, side, **kwargs):
        super().__init__()
        self.encoder = nn.Sequential(*conv_layers())
        self.fc_mu = nn.Linear(16 * side * side, z_dim)
        self.fc_var = nn.Linear(16 * side * side, z_dim)
        self.decoder = nn.Sequential(*deconv_layers(z_dim, side), nn.Sigmoid())

    def encode(self, input):
        h = self.encoder(input)
        return [self.fc_mu(h), self.fc_var(h)]

    def decode(self, z):
        return self.decoder(z)

    def reparameterize(self, mu, logvar):
        std = torch.exp(0.5 * logvar)
        return torch.randn_like(std) * std + mu

    def forward(self, input, **kwargs):
        mu, log_var = self.encode(input)
        return [self.decode(self.reparameterize(mu, log_var)), input, mu, log_var]
'''
)

LATENTS_FIRST = (
    HEADER
    + '''

class Net(nn.Module):
    """forward returns (mu, logvar, z, x_hat); everything else is written inside it."""

    def __init__(self, latent_size=8, side=8):
        super().__init__()
        self.features = nn.Sequential(*conv_layers())
        self.to_latent = nn.Linear(16 * side * side, 2 * latent_size)
        self.generator = nn.Sequential(*deconv_layers(latent_size, side))

    def forward(self, x):
        mu, logvar = self.to_latent(self.features(x)).chunk(2, dim=1)
        noise = torch.empty_like(mu).normal_()
        z = mu + noise * (0.5 * logvar).exp()
        return mu, logvar, z, torch.sigmoid(self.generator(z))
'''
)

TANH = (
    HEADER
    + '''

class Net(nn.Module):
    """Pixels in [-1, 1] in and out."""

    def __init__(self, z_dim=8, side=8):
        super().__init__()
        self.enc = nn.Sequential(*conv_layers())
        self.latent = nn.Linear(16 * side * side, 2 * z_dim)
        self.dec = nn.Sequential(*deconv_layers(z_dim, side), nn.Tanh())

    def encode(self, x):
        return torch.chunk(self.latent(self.enc(x)), 2, 1)

    def decode(self, z):
        return self.dec(z)

    def forward(self, x):
        mu, logvar = self.encode(x)
        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        return self.decode(z), mu, logvar
'''
)

# Pools of one pixel change nothing, so that the numbers stay those of `network`; but the decoder does use the indices
# that the last encode left, where they are of its batch.
STATEFUL = (
    HEADER
    + '''

class Net(nn.Module):
    """The decoder unpools with the indices that the last encode left behind."""

    def __init__(self, z_dim=8, side=8):
        super().__init__()
        self.layers = nn.Sequential(*conv_layers())
        self.latent = nn.Linear(16 * side * side, 2 * z_dim)
        self.first = nn.Sequential(*deconv_layers(z_dim, side)[:2])
        self.rest = nn.Sequential(*deconv_layers(z_dim, side)[2:])
        self.pool = nn.MaxPool2d(1, return_indices=True)
        self.unpool = nn.MaxUnpool2d(1)
        self.side, self.indices = side, None

    def encode(self, x):
        h = self.layers(x)
        pooled, self.indices = self.pool(h.view(-1, 16, self.side, self.side))
        mu, logvar = self.latent(pooled.flatten(1)).chunk(2, dim=1)
        return mu, logvar

    def decode(self, z):
        h = self.first(z)
        if self.indices is not None and self.indices.shape == h.shape:
            h = self.unpool(h, self.indices)
        return torch.sigmoid(self.rest(h))

    def forward(self, x):
        mu, logvar = self.encode(x)
        z = mu + torch.randn_like(mu) * torch.exp(0.5 * logvar)
        return self.decode(z), mu, logvar
'''
)

ARGUMENTS_AT_IMPORT = (
    """
import argparse

"""
    + HEADER
    + '''

parser = argparse.ArgumentParser(description="VAE")
parser.add_argument("--dataset", required=True, help="folder of images")
parser.add_argument("--z-dim", type=int, default=8)
parser.add_argument("--side", type=int, default=8)
args = parser.parse_args()
device = torch.device("cuda")


class Net(nn.Module):
    """The file parses the command line when it is imported, and the constructor wants a GPU."""

    def __init__(self):
        super().__init__()
        self.enc = nn.Sequential(*conv_layers()).cuda()
        self.fc = nn.Linear(16 * args.side * args.side, 2 * args.z_dim).to(device)
        self.dec = nn.Sequential(*deconv_layers(args.z_dim, args.side), nn.Sigmoid()).cuda()
        self.one = torch.ones(1, device="cuda")

    def encode(self, x):
        mu, logvar = self.fc(self.enc(x)).chunk(2, dim=1)
        return mu, logvar

    def decode(self, z):
        return self.dec(z) * self.one.cuda()

    def forward(self, x):
        mu, logvar = self.encode(x)
        eps = torch.randn(mu.shape[0], mu.shape[1]).cuda()
        return self.decode(mu + eps * torch.exp(0.5 * logvar)), mu, logvar
'''
)

TWO_MODULES = (
    HEADER
    + """

class Encoder(nn.Module):
    def __init__(self, z_dim, side):
        super().__init__()
        self.main = nn.Sequential(*conv_layers())
        self.mu = nn.Linear(16 * side * side, z_dim)
        self.logvar = nn.Linear(16 * side * side, z_dim)

    def forward(self, x):
        h = self.main(x)
        return self.mu(h), self.logvar(h)


class Decoder(nn.Module):
    def __init__(self, z_dim, side):
        super().__init__()
        self.main = nn.Sequential(*deconv_layers(z_dim, side))

    def forward(self, z):
        return torch.sigmoid(self.main(z))
"""
)


def as_is(weights: Weights) -> Weights:
    """Leave the (mu, logvar) layer as vaekit has it."""
    return weights


def interleaved(weights: Weights) -> Weights:
    """Order the rows mu_1, logvar_1, mu_2, ..."""
    return {k: v.unflatten(0, (2, Z)).transpose(0, 1).flatten(0, 1) if _is_latent(k) else v for k, v in weights.items()}


def separate(weights: Weights) -> Weights:
    """Two layers, one for mu and one for logvar."""
    layers = [(k, half) for k in weights if _is_latent(k) for half in (0, 1)]
    layers.sort(key=lambda layer: layer[1])
    halves = {f"{k}.{half}": weights[k].chunk(2)[half] for k, half in layers}
    before = {k: v for k, v in weights.items() if k.startswith("encoder.")}
    after = {k: v for k, v in weights.items() if k.startswith("decoder.")}
    return {**before, **halves, **after}


def separate_log_sigma(weights: Weights) -> Weights:
    """Two layers, one for mu and one for log sigma."""
    return {k: v / 2 if _is_latent(k) and k.endswith(".1") else v for k, v in separate(weights).items()}


def _is_latent(key: str) -> bool:
    return key.startswith("to_posterior.")


@dataclass(frozen=True)
class Style:
    """One manner of writing a VAE.

    Attributes:
        source: text of the model's file.
        rewrite: vaekit's weights in the order in which the style's own layers stand.
        args: arguments of the class beside those with a default.
        output: of the vaekit network with the same numbers.
        two: whether encoder and decoder are two classes, saved in two files.
    """

    source: str
    rewrite: Callable[[Weights], Weights] = as_is
    args: dict[str, int] = field(default_factory=dict)
    output: str = "sigmoid"
    two: bool = False


STYLES = {
    "interleaved": Style(INTERLEAVED, interleaved),
    "sampled only": Style(SAMPLED_ONLY, separate_log_sigma),
    "input among outputs": Style(INPUT_AMONG_OUTPUTS, separate, {"z_dim": Z, "side": SIZE // 4}),
    "latents first": Style(LATENTS_FIRST),
    "tanh": Style(TANH, output="tanh"),
    "stateful": Style(STATEFUL),
    "arguments at import": Style(ARGUMENTS_AT_IMPORT),
    "two modules": Style(TWO_MODULES, separate, {"z_dim": Z, "side": SIZE // 4}, two=True),
}


def network(output: str = "sigmoid", seed: int = 0) -> VAE:
    """Return vaekit's network of the styles: 32 pixels, 8 latent dimensions, untrained."""
    config = ModelConfig(name="conv", channels=[8, 16], latent_dim=Z, output=output)
    return build_model(config, LikelihoodConfig(), SIZE, seed).eval()


def weights_of(net: VAE, style: Style) -> list[Tensor]:
    """Return the network's tensors in the order of the style's own state dict."""
    own = {k: v for k, v in net.state_dict().items() if not k.startswith("likelihood.")}
    order = ("encoder.", "to_posterior.", "decoder.")
    ordered = {k: own[k] for prefix in order for k in own if k.startswith(prefix)}
    assert len(ordered) == len(own)
    return list(style.rewrite(ordered).values())


def write(folder: Path, style: Style, net: VAE) -> tuple[Path, ModelOptions]:
    """Write the style's model file and its checkpoint with the network's weights; return what a user would name."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.py").write_text(style.source, encoding="utf-8")
    names = _names(style)
    weights = dict(zip(names, weights_of(net, style), strict=True))
    args = style.args or None
    if not style.two:
        torch.save(weights, folder / "weights.pth")
        return folder / "weights.pth", ModelOptions(model=f"{folder}/model.py:Net", model_args=args)
    (folder / "saved").mkdir()
    for part in ("encoder", "decoder"):
        own = {k.removeprefix(f"{part}."): v for k, v in weights.items() if k.startswith(f"{part}.")}
        torch.save(own, folder / "saved" / f"{part}.pth")
    classes = {"encoder": f"{folder}/model.py:Encoder", "decoder": f"{folder}/model.py:Decoder"}
    return folder / "saved", ModelOptions(**classes, model_args=args)


def _names(style: Style) -> list[str]:
    """Return the keys of the style's own state dict, from its layers alone: names only, no code of vaekit."""
    space: dict[str, object] = {}
    source = style.source
    if "argparse" in source:
        source = source.replace("parser.parse_args()", 'parser.parse_args(["--dataset", "x"])').replace(".cuda()", "")
        source = source.replace('torch.device("cuda")', '"cpu"').replace('device="cuda"', 'device="cpu"')
    exec(compile(source, "style", "exec"), space)
    if style.two:
        parts = {part: space[part.capitalize()](**style.args) for part in ("encoder", "decoder")}
        return [f"{part}.{k}" for part, module in parts.items() for k in module.state_dict()]
    return list(space["Net"](**style.args).state_dict())
