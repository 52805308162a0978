"""Which pixels a network takes and gives: every candidate is tried on images and ranked by what it reconstructs.

The rank is the mean squared error over that of the mean image under the same crop and size. The plain error would
prefer the tightest crop, whose pictures vary least.
"""

import functools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from vaekit.config import Crop
from vaekit.data import Protocol
from vaekit.data.base import Source
from vaekit.data.crop import decode, strict_pillow
from vaekit.errors import DataError
from vaekit.foreign.routes import Route
from vaekit.options import PixelRange
from vaekit.seeding import some_rows
from vaekit.statistics.bootstrap import NORMAL

Output = Literal["as they are", "sigmoid", "-1,1", "imagenet"]

OUTPUTS: dict[PixelRange, Output] = {"0,1": "as they are", "-1,1": "-1,1", "imagenet": "imagenet"}  # of one range
CROPS: tuple[Crop, ...] = (178, 148, 140, "none")
LEAST, TRIED_ON = 4, 96  # valid images
AT_ONCE = 16
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's channels (Krizhevsky et al. 2012)


@dataclass(frozen=True)
class Images:
    """Images that a network is tried on.

    Attributes:
        under: the same valid images, uint8 (N, H, W, C), under any protocol.
        tested: ids of the images that it is going to be tested on.
    """

    under: Callable[[Protocol], npt.NDArray[np.uint8]]
    tested: tuple[str, ...] = ()


@dataclass(frozen=True)
class Convention:
    """What the network's numbers mean.

    Attributes:
        range: of the pixels that go in.
        output: what is done to what comes out: nothing, a sigmoid (it gives logits), (y + 1) / 2, or ImageNet's
            normalisation undone.
    """

    range: PixelRange
    output: Output

    @property
    def scale(self) -> float:
        """Width of the network's output range: 2 for [-1, 1], 1 otherwise."""
        return 2.0 if self.output == "-1,1" else 1.0

    @property
    def agrees(self) -> bool:
        """Whether input and output are the same range, as a squared error between them needs."""
        return self.output == OUTPUTS[self.range] or (self.output == "sigmoid" and self.range == "0,1")

    def to_network(self, x: Tensor) -> Tensor:
        """Return images (B, C, H, W) in [0, 1] as the network takes them."""
        if self.range == "-1,1":
            return 2 * x - 1
        return (x - _channels(MEAN, x)) / _channels(DEVIATION, x) if self.range == "imagenet" else x

    def to_pixels(self, y: Tensor) -> Tensor:
        """Return what the network gave, (B, C, H, W), as pixels in [0, 1]."""
        if self.output == "sigmoid":
            return torch.sigmoid(y)
        if self.output == "-1,1":
            return (y + 1) / 2
        return y * _channels(DEVIATION, y) + _channels(MEAN, y) if self.output == "imagenet" else y


def _channels(values: tuple[float, ...], like: Tensor) -> Tensor:
    return torch.tensor(values, dtype=like.dtype, device=like.device).view(3, 1, 1)


@dataclass(frozen=True)
class Candidate:
    """One way to read the network, and how well it reconstructs.

    Attributes:
        route: the way through the network.
        error: mse of each image, (N,).
        baseline: mse of the mean of the same images, (N,).
        lowest, highest: of what the network gave, before it is read as pixels.
    """

    route: Route
    protocol: Protocol
    convention: Convention
    error: npt.NDArray[np.float64]
    baseline: npt.NDArray[np.float64]
    lowest: float
    highest: float

    @property
    def ratio(self) -> float:
        """Mean squared error over that of the mean image: 1 is no better than it, 0 perfect."""
        return float(self.error.sum() / self.baseline.sum())

    def lead(self, other: "Candidate") -> tuple[float, float]:
        """Return by how much the other's ratio is larger, with half the width of the 95 % interval (delta method).

        Both see the same images, so that what makes an image hard cancels.
        """
        pulls = other._pulls() - self._pulls()
        return other.ratio - self.ratio, NORMAL * float(pulls.std(ddof=1)) / math.sqrt(len(pulls))

    def rivals(self, best: "Candidate") -> bool:
        """Whether it is the best or worse by no more than chance: the interval of the difference holds 0."""
        lead, half = best.lead(self)
        return lead <= half

    def _pulls(self) -> npt.NDArray[np.float64]:
        return np.asarray((self.error - self.ratio * self.baseline) / self.baseline.mean())


def candidates(
    found: list[Route],
    images: Images,
    crops: tuple[Crop, ...],
    device: torch.device | str,
    *,
    output: Output | None = None,
    most: int | None = None,
) -> list[Candidate]:
    """Return every way to read the network on these images, or on the first `most`, the best first.

    `output` is said by an adapter; None tries all.
    """
    ranked: list[Candidate] = []
    for route in found:
        seen: list[npt.NDArray[np.uint8]] = []
        for crop in crops:
            pixels = images.under(protocol := protocol_of(route, crop))[:most]
            if any(np.array_equal(pixels, other) for other in seen):
                continue  # pictures that are as small as the crop: nothing to choose between
            seen.append(pixels)
            ranked += _of_one(route, to_floats(pixels), protocol, device)
    kept = [c for c in ranked if math.isfinite(c.ratio) and output in (None, c.convention.output)]
    return sorted(kept, key=lambda c: c.ratio)


def to_floats(pixels: npt.NDArray[np.uint8]) -> Tensor:
    """Return images (N, H, W, C) as float32 (N, C, H, W) in [0, 1]."""
    return torch.from_numpy(pixels.astype(np.float32) / 255).permute(0, 3, 1, 2).contiguous()


def _of_one(route: Route, x: Tensor, protocol: Protocol, device: torch.device | str) -> Iterator[Candidate]:
    baseline = (x - x.mean(0)).square().flatten(1).mean(1).double().numpy()
    colour = x.shape[1] == 3
    for pixel_range in (r for r in get_args(PixelRange) if colour or r != "imagenet"):
        y = outputs(route, Convention(pixel_range, "as they are").to_network(x), device)
        for output in (o for o in get_args(Output) if colour or o != "imagenet"):
            convention = Convention(pixel_range, output)
            error = (convention.to_pixels(y) - x).square().flatten(1).mean(1).double().numpy()
            yield Candidate(route, protocol, convention, error, baseline, float(y.min()), float(y.max()))


@torch.no_grad()
def outputs(route: Route, x: Tensor, device: torch.device | str) -> Tensor:
    """Return the network's own x_hat (N, C, H, W) of images in its own range, both on the CPU."""
    return torch.cat([route.own(part.to(device)).reshape(part.shape).float().cpu() for part in torch.split(x, AT_ONCE)])


def protocol_of(route: Route, crop: Crop) -> Protocol:
    """Return this crop at the size that the network takes."""
    channels, height, width = route.image_shape
    return Protocol(crop, (height, width), 1 if channels == 1 else 3)


def valid_images(source: Source, seed: int) -> Images:
    """Return valid images of a dataset, drawn by the seed, to be decoded when they are asked for."""
    index = source.index
    rows = np.flatnonzero(index["split"] == "valid")
    files = index["file"].iloc[some_rows(rows, TRIED_ON, seed, "images that a network is tried on")]

    @functools.cache
    def under(protocol: Protocol) -> npt.NDArray[np.uint8]:
        with strict_pillow():
            decoded = [decode(source.root / file, protocol).pixels for file in files]
        readable = [pixels.reshape(protocol.shape) for pixels in decoded if pixels is not None]
        if len(readable) < LEAST:
            raise DataError(
                f"{len(readable)} valid images of {source.name} can be read, and a network is tried on {LEAST} at "
                "least: give other data with --data."
            )
        return np.stack(readable)

    return Images(under, tuple(index.loc[index["split"] == "test", "image_id"]))
