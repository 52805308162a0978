"""The judge's networks: strided convolutions taught attributes, or a fixed random pyramid."""

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


class AttributeNetwork(nn.Module):
    """(B, 3, 64, 64) in [0, 1] -> features (B, F), before their activation, and a logit per attribute (B, A)."""

    def __init__(self, attributes: int) -> None:
        super().__init__()
        self.feature_dim = FEATURES
        widths = (3, *WIDTHS)
        layers: list[nn.Module] = []
        for below, above in pairwise(widths):
            layers += [nn.Conv2d(below, above, 3, 2, 1, bias=False), nn.BatchNorm2d(above), nn.ReLU(inplace=True)]
        self.convolutions = nn.Sequential(*layers, nn.Flatten())
        self.to_features = nn.Linear(WIDTHS[-1] * (SIDE >> len(WIDTHS)) ** 2, FEATURES)
        self.to_logits = nn.Linear(FEATURES, attributes)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return features and logits."""
        features = self.to_features(self.convolutions(2 * x - 1))
        return features, self.to_logits(features.relu())


class RandomNetwork(nn.Module):
    """(B, 3, 64, 64) in [0, 1] -> features (B, F) that nothing was learned for, and no logits (B, 0).

    A pyramid of seeded convolutions (He et al. 2015); the mean of each channel at each of its levels is a feature.
    `mean` and `std` bring every feature to mean 0 and variance 1 on the seen half.
    """

    def __init__(self) -> None:
        super().__init__()
        widths = (3, *WIDTHS)
        self.feature_dim = sum(WIDTHS)
        self.levels = nn.ModuleList(nn.Conv2d(below, above, 3, 2, 1) for below, above in pairwise(widths))
        for level in self.levels:
            nn.init.kaiming_normal_(level.weight, nonlinearity="relu")
            nn.init.zeros_(level.bias)
        self.register_buffer("mean", torch.zeros(self.feature_dim))
        self.register_buffer("std", torch.ones(self.feature_dim))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return features and logits."""
        features = (self._pooled(x) - self.mean) / self.std
        return features, features[:, :0]

    def _pooled(self, x: Tensor) -> Tensor:
        x, pooled = 2 * x - 1, []
        for level in self.levels:
            x = level(x).relu()
            pooled.append(x.mean((2, 3)))
        return torch.cat(pooled, 1)

    @torch.inference_mode()
    def standardise(self, pixels: Tensor) -> None:
        """Take mean and standard deviation of every feature from uint8 images (N, 3, 64, 64)."""
        pooled = torch.cat([self._pooled(part.float().div_(255)) for part in pixels.split(512)]).double()
        self.mean.copy_(pooled.mean(0))
        self.std.copy_(pooled.std(0, correction=0).clamp_min(1e-6))
