"""What a nameless group is, asked of the model: which change of its images makes them easier, and others not."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter
from scipy import stats

from vaekit.statistics.bootstrap import NORMAL
from vaekit.statistics.discovery import Q_LEVEL

Pictures = npt.NDArray[np.uint8]
Reconstruct = Callable[[Pictures], Pictures]

FALL = 0.05  # of the error: from so much on a change makes the images of a group easier
TOLERATED = 0.02  # by which the others may become easier too


@dataclass(frozen=True)
class Change:
    """A change of a picture: what is done, in a sentence; what the images are if it helps; how it is done."""

    done: str
    state: str
    apply: Callable[[Pictures], Pictures]


@dataclass(frozen=True)
class Undone:
    """A change that lowers the error of a group and not of others: error after over error before, with interval."""

    change: Change
    ratio: float
    low: float
    high: float
    others: float


def _turned(degrees: float) -> Callable[[Pictures], Pictures]:
    def turn(picture: Pictures) -> Pictures:
        side = Image.fromarray(picture.squeeze())
        fill = tuple(int(v) for v in picture.reshape(-1, picture.shape[-1]).mean(0))
        turned = side.rotate(degrees, Image.Resampling.BILINEAR, fillcolor=fill if len(fill) > 1 else fill[0])
        return np.asarray(turned).reshape(picture.shape)

    return turn


def _moved(down: float, right: float) -> Callable[[Pictures], Pictures]:
    def move(picture: Pictures) -> Pictures:
        height, width = picture.shape[:2]
        return np.roll(picture, (round(down * height), round(right * width)), (0, 1))

    return move


def _lit(factor: float) -> Callable[[Pictures], Pictures]:
    return lambda picture: np.clip(picture * factor, 0, 255).astype(np.uint8)


def _blurred(picture: Pictures) -> Pictures:
    blurred = Image.fromarray(picture.squeeze()).filter(ImageFilter.GaussianBlur(1.5))
    return np.asarray(blurred).reshape(picture.shape)


def _grey(picture: Pictures) -> Pictures:
    return np.repeat(picture.mean(2, keepdims=True).astype(np.uint8), picture.shape[2], axis=2)


CHANGES = (
    Change("mirrored", "they are mirrored", lambda p: p[:, ::-1]),
    Change("turned upside down", "they are upside down", lambda p: p[::-1]),
    Change("turned by 25 degrees to the left", "they are turned to the right", _turned(25)),
    Change("turned by 25 degrees to the right", "they are turned to the left", _turned(-25)),
    Change("turned by 90 degrees to the left", "they lie on their right side", _turned(90)),
    Change("turned by 90 degrees to the right", "they lie on their left side", _turned(-90)),
    Change("with red and blue exchanged", "their red and blue are exchanged", lambda p: p[:, :, ::-1]),
    Change("as negatives", "they are negatives", lambda p: 255 - p),
    Change("without colour", "it is their colours", _grey),
    Change("blurred", "it is their fine structure", _blurred),
    Change("brightened", "they are dark", _lit(1.4)),
    Change("darkened", "they are bright", _lit(0.7)),
    Change("moved left", "they are moved to the right", _moved(0, -0.25)),
    Change("moved right", "they are moved to the left", _moved(0, 0.25)),
    Change("moved up", "they are moved down", _moved(-0.25, 0)),
    Change("moved down", "they are moved up", _moved(0.25, 0)),
)


def undone(inside: Pictures, outside: Pictures, reconstruct: Reconstruct) -> Undone | None:
    """Return the change that helps a group most and the others not; None where none does.

    A change helps where the mean logarithm of its effect on the squared error of the group's images is below that of
    the others (Welch's t, corrected for the number of changes), takes 5 % of the error or more with its whole
    interval, and takes no more than 2 % from the others.

    Args:
        inside: images of the group, uint8 (M, H, W, C), some tens.
        outside: images that are not of it.
        reconstruct: uint8 (N, H, W, C) -> their reconstructions.
    """
    before = [np.log(_error(images, reconstruct)) for images in (inside, outside)]
    found: list[Undone] = []
    for change in CHANGES:
        if inside.shape[3] == 1 and "colour" in f"{change.done} {change.state}":
            continue
        made = [np.stack([change.apply(image) for image in images]) for images in (inside, outside)]
        own, other = (np.log(_error(m, reconstruct)) - b for m, b in zip(made, before, strict=True))
        reach = NORMAL * float(own.std(ddof=1)) / len(own) ** 0.5
        p = float(stats.ttest_ind(own, other, equal_var=False, alternative="less").pvalue)
        low, middle, high = (float(np.exp(own.mean() + end)) for end in (-reach, 0.0, reach))
        if p * len(CHANGES) < Q_LEVEL and high < 1 - FALL and float(np.exp(other.mean())) > 1 - TOLERATED:
            found.append(Undone(change, middle, low, high, float(np.exp(other.mean()))))
    return min(found, key=lambda u: u.ratio, default=None)


def _error(images: Pictures, reconstruct: Reconstruct) -> npt.NDArray[np.float64]:
    made = reconstruct(images).astype(np.float64)
    error: npt.NDArray[np.float64] = np.maximum(np.square((made - images) / 255).mean((1, 2, 3)), 1e-12)
    return error
