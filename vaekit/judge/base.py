"""What a judge is, and what it says of images: features for set distances, probabilities of attributes."""

import hashlib
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from vaekit.errors import DataError
from vaekit.judge.networks import JudgeNetwork, at_judged_size


@dataclass(frozen=True, eq=False)
class Judged:
    """What J networks see in N images: features (J, N, F) and probabilities of attributes (J, N, A), float32."""

    features: npt.NDArray[np.float32]
    probabilities: npt.NDArray[np.float32]

    def of(self, rows: npt.NDArray[np.int64] | slice) -> Self:
        """Return what is seen in some of the images."""
        return type(self)(self.features[:, rows], self.probabilities[:, rows])


@dataclass(frozen=True, eq=False)
class Judge:
    """J networks of other seeds that look at images of every source in the same way: three opinions, and their spread.

    A number is the mean of what it is by each network, with the interval of `statistics.raters.pooled`.

    Attributes:
        name: "attributes", or "random" where the data have too few attributes or images to learn from.
        networks: J, each uint8 (B, 3, 64, 64) -> features (B, F), standardised, and logits (B, A).
        attributes: those it can judge, in the order of the data; none for random networks.
        thresholds: (J, A) probability above which a network says yes: on valid it does so as often as is true.
        scores: one row per attribute of the data: attribute, judged, auroc on test (mean over networks) with n and
            positives, true and judged rate on test, and the reason where it is not judged.
        sentence: how it was made, for the report.
        notes: sentences a report must repeat, such as that a stale judge was replaced.
    """

    name: str
    networks: tuple[JudgeNetwork, ...]
    attributes: tuple[str, ...]
    thresholds: npt.NDArray[np.float64]
    scores: pd.DataFrame
    sentence: str
    notes: tuple[str, ...] = ()

    @property
    def feature_dim(self) -> int:
        """Length F of a feature vector."""
        return self.networks[0].feature_dim

    @property
    def identity(self) -> str:
        """Twelve hex digits of the weights' hash: numbers of two judges are not on one scale."""
        digest = hashlib.sha256()
        for network in self.networks:
            for name, tensor in sorted(network.state_dict().items()):
                digest.update(name.encode() + tensor.cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()[:12]

    @torch.inference_mode()
    def judge(self, images: npt.NDArray[np.uint8], batch_size: int = 512) -> Judged:
        """Return features and probabilities of uint8 images (N, H, W, C), N >= 2, C 1 or 3, in their order.

        Values agree across batch sizes and orders to float32 tolerance: a few 1e-4 of a feature's standard deviation.

        Raises:
            DataError: fewer than 2 images, another type or another shape.
        """
        refuse_unusable(images)
        features = np.empty((len(self.networks), len(images), self.feature_dim), np.float32)
        probabilities = np.empty((len(self.networks), len(images), len(self.attributes)), np.float32)
        for start in range(0, len(images), batch_size):
            part = slice(start, start + batch_size)
            pixels = at_judged_size(torch.from_numpy(np.array(images[part])))  # a copy: mapped files are read-only
            for j, network in enumerate(self.networks):
                found, logits = network.eval()(pixels.to(network.mean.device))
                features[j, part], probabilities[j, part] = found.cpu().numpy(), logits.sigmoid().cpu().numpy()
        return Judged(features, probabilities)


def refuse_unusable(images: npt.NDArray[np.uint8]) -> None:
    """Raise DataError unless `images` is uint8 (N, H, W, C) with N >= 2 and C 1 or 3."""
    if images.dtype != np.uint8:
        raise DataError(
            f"The judge looks at uint8 images and got {images.dtype}: round pixels in [0, 1] with "
            "vaekit.data.pixels.to_uint8, which refuses NaN."
        )
    if images.ndim != 4 or images.shape[3] not in (1, 3):
        raise DataError(f"The judge looks at grey or colour images (N, H, W, C) and got the shape {images.shape}.")
    if len(images) < 2:
        raise DataError(f"Set metrics compare sets of images and got {len(images)}: give at least 2.")
