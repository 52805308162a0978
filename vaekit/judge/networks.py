"""The judge's networks: strided convolutions taught attributes, or a fixed random pyramid of them."""

from collections.abc import Callable
from itertools import pairwise
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from vaekit.seeding import torch_generator

NETWORKS = 3  # of other seeds that make one judge: enough to see how far a number depends on the seed
SIDE = 64  # pixels; images of other sizes are brought to it first
WIDTHS = (12, 24, 48, 96)
HIDDEN = 128
FEATURES = 48  # of HIDDEN, after whitening: tests/benchmarks/judges.py compares the choices
CHUNK = 512  # images at a time
ROUNDING = 1e-6  # of the largest deviation: a direction with less has but the rounding of float32

Network = TypeVar("Network", bound=nn.Module)


def at_judged_size(pixels: Tensor) -> Tensor:
    """Return uint8 (B, H, W, C), C 1 or 3, as uint8 (B, 3, 64, 64): grey repeated, resized with a filter."""
    pixels = pixels.permute(0, 3, 1, 2).expand(-1, 3, -1, -1)
    if pixels.shape[-2:] == (SIDE, SIDE):
        return pixels.contiguous(memory_format=torch.channels_last)
    resized = functional.interpolate(pixels.float(), (SIDE, SIDE), mode="bilinear", antialias=True)
    return resized.round().clamp(0, 255).byte()


def initialised(build: Callable[[], Network], seed: int, number: int) -> Network:
    """Return what `build` makes, its random weights drawn by the judge's seed and the network's number in it.

    The global random state stays as it was.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(torch_generator(seed, "judge", "weights", number).initial_seed())
        return build()


class JudgeNetwork(nn.Module):
    """uint8 (B, 3, 64, 64) -> features (B, F) and a logit per attribute (B, A).

    Features are the first principal components of what the network makes of the seen half, each of variance 1 there: a
    Fréchet distance adds up squares, and would else hear of the most frequent differences only.
    """

    mean: Tensor
    projection: Tensor

    def __init__(self, raw_dim: int, feature_dim: int) -> None:
        super().__init__()
        self.feature_dim = feature_dim
        self.register_buffer("mean", torch.zeros(raw_dim))
        self.register_buffer("projection", torch.eye(raw_dim, feature_dim))

    def raw(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return what the network makes of (B, 3, 64, 64) in [-1, 1] before projection, (B, R), and logits."""
        raise NotImplementedError

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Return features and logits."""
        raw, logits = self.raw(in_range(pixels))
        return (raw - self.mean) @ self.projection, logits

    @torch.inference_mode()
    def whiten(self, pixels: Tensor) -> None:
        """Take the mean and the projection from uint8 images (N, 3, 64, 64); what all share counts for nothing."""
        raw = torch.cat([self.raw(in_range(part.to(self.mean.device)))[0].cpu() for part in torch.split(pixels, CHUNK)])
        mean = raw.double().mean(0)
        _, deviations, directions = torch.linalg.svd(raw.double() - mean, full_matrices=False)
        kept = deviations[: self.feature_dim]
        scale = torch.where(kept > ROUNDING * deviations[0], (len(raw) - 1) ** 0.5 / kept, 0.0)
        self.mean.copy_(mean)
        self.projection.copy_(directions[: self.feature_dim].T * scale)


def feature_dim(images: int) -> int:
    """Return how many features so many images can whiten: 48, or one for every four images."""
    return max(1, min(FEATURES, images // 4))


class AttributeNetwork(JudgeNetwork):
    """Four convolutions of stride 2 with BatchNorm and one hidden layer."""

    def __init__(self, attributes: int, feature_dim: int) -> None:
        super().__init__(HIDDEN, feature_dim)
        layers: list[nn.Module] = []
        for below, above in pairwise((3, *WIDTHS)):
            layers += [nn.Conv2d(below, above, 3, 2, 1, bias=False), nn.BatchNorm2d(above), nn.ReLU(inplace=True)]
        self.convolutions = nn.Sequential(*layers, nn.Flatten())
        self.to_hidden = nn.Linear(WIDTHS[-1] * (SIDE >> len(WIDTHS)) ** 2, HIDDEN)
        self.to_logits = nn.Linear(HIDDEN, attributes)

    def raw(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the hidden layer before its activation, and logits, of (B, 3, 64, 64) in [-1, 1]."""
        hidden = self.to_hidden(self.convolutions(x))
        return hidden, self.to_logits(hidden.relu())


class RandomNetwork(JudgeNetwork):
    """A pyramid of seeded convolutions (He et al. 2015): mean and deviation of each channel at each of its levels.

    Nothing is learned, and there are no logits: (B, 0).
    """

    def __init__(self, feature_dim: int) -> None:
        super().__init__(2 * sum(WIDTHS), feature_dim)
        levels = [nn.Conv2d(below, above, 3, 2, 1) for below, above in pairwise((3, *WIDTHS))]
        self.levels = nn.ModuleList(levels)
        for level in levels:
            nn.init.kaiming_normal_(level.weight, nonlinearity="relu")
            nn.init.zeros_(level.get_parameter("bias"))

    def raw(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return pooled channels, and no logits, of (B, 3, 64, 64) in [-1, 1]."""
        pooled = []
        for level in self.levels:
            x = level(x).relu()
            pooled += [x.mean((2, 3)), x.std((2, 3))]
        raw = torch.cat(pooled, 1)
        return raw, raw[:, :0]


def in_range(pixels: Tensor) -> Tensor:
    """Return uint8 pixels as float32 in [-1, 1]."""
    return pixels.float().div_(127.5).sub_(1)
