"""The judge's networks: strided convolutions taught attributes, or a fixed random pyramid of them."""

from collections.abc import Callable
from itertools import pairwise
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from vaekit.seeding import torch_generator

SIDE = 64  # pixels; images of other sizes are brought to it first
WIDTHS = (24, 48, 96, 128)
FEATURES = 128
CHUNK = 512  # images at a time

Network = TypeVar("Network", bound=nn.Module)


def at_judged_size(pixels: Tensor) -> Tensor:
    """Return uint8 (B, S, S, 3) as uint8 (B, 3, 64, 64): bilinear with antialiasing, rounded, where S is not 64."""
    pixels = pixels.permute(0, 3, 1, 2)
    if pixels.shape[-1] == SIDE:
        return pixels.contiguous(memory_format=torch.channels_last)
    resized = functional.interpolate(pixels.float(), (SIDE, SIDE), mode="bilinear", antialias=True)
    return resized.round().clamp(0, 255).byte()


def initialised(build: Callable[[], Network], seed: int, name: str) -> Network:
    """Return what `build` makes, its random weights drawn by (seed, name); the global random state stays as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(torch_generator(seed, "judge", name).initial_seed())
        return build()


class JudgeNetwork(nn.Module):
    """uint8 (B, 3, 64, 64) -> features (B, F) and a logit per attribute (B, A).

    `mean` and `std` bring every feature to mean 0 and variance 1 on the images that the judge was made from: a Fréchet
    distance adds up squares, and would else hear the loudest features only.
    """

    def __init__(self, feature_dim: int) -> None:
        super().__init__()
        self.feature_dim = feature_dim
        self.register_buffer("mean", torch.zeros(feature_dim))
        self.register_buffer("std", torch.ones(feature_dim))

    def raw(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return features as the network makes them, and logits, of (B, 3, 64, 64) in [-1, 1]."""
        raise NotImplementedError

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Return standardised features and logits."""
        features, logits = self.raw(in_range(pixels))
        return (features - self.mean) / self.std, logits

    @torch.inference_mode()
    def standardise(self, pixels: Tensor) -> None:
        """Take the mean and standard deviation of every feature from uint8 images (N, 3, 64, 64)."""
        features = torch.cat([self.raw(in_range(part.to(self.mean.device)))[0] for part in pixels.split(CHUNK)])
        features = features.double() if features.device.type != "mps" else features
        self.mean.copy_(features.mean(0))
        self.std.copy_(features.std(0, correction=0).clamp_min(1e-6))


class AttributeNetwork(JudgeNetwork):
    """Four convolutions of stride 2 with BatchNorm, and the features before the last activation."""

    def __init__(self, attributes: int) -> None:
        super().__init__(FEATURES)
        layers: list[nn.Module] = []
        for below, above in pairwise((3, *WIDTHS)):
            layers += [nn.Conv2d(below, above, 3, 2, 1, bias=False), nn.BatchNorm2d(above), nn.ReLU(inplace=True)]
        self.convolutions = nn.Sequential(*layers, nn.Flatten())
        self.to_features = nn.Linear(WIDTHS[-1] * (SIDE >> len(WIDTHS)) ** 2, FEATURES)
        self.to_logits = nn.Linear(FEATURES, attributes)

    def raw(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return features before their activation, and logits, of (B, 3, 64, 64) in [-1, 1]."""
        features = self.to_features(self.convolutions(x))
        return features, self.to_logits(features.relu())


class RandomNetwork(JudgeNetwork):
    """A pyramid of seeded convolutions (He et al. 2015); the mean of each channel at each level is a feature.

    Nothing is learned, and there are no logits: (B, 0).
    """

    def __init__(self) -> None:
        super().__init__(sum(WIDTHS))
        self.levels = nn.ModuleList(nn.Conv2d(below, above, 3, 2, 1) for below, above in pairwise((3, *WIDTHS)))
        for level in self.levels:
            nn.init.kaiming_normal_(level.weight, nonlinearity="relu")
            nn.init.zeros_(level.bias)

    def raw(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return pooled channels and no logits, of (B, 3, 64, 64) in [-1, 1]."""
        pooled = []
        for level in self.levels:
            x = level(x).relu()
            pooled.append(x.mean((2, 3)))
        features = torch.cat(pooled, 1)
        return features, features[:, :0]


def in_range(pixels: Tensor) -> Tensor:
    """Return uint8 pixels as float32 in [-1, 1]."""
    return pixels.float().div_(127.5).sub_(1)
