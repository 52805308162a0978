"""What a judge is, and what it says of images: features for set distances, probabilities of attributes."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from vaekit.errors import DataError
from vaekit.judge.networks import JudgeNetwork, at_judged_size


@dataclass(frozen=True, eq=False)
class Judged:
    """What the judge sees in N images: features (N, F) and the probability of each attribute (N, A), both float32."""

    features: np.ndarray
    probabilities: np.ndarray


@dataclass(frozen=True, eq=False)
class Judge:
    """A network that looks at images of every source in the same way.

    Attributes:
        name: "attributes", or "random" where the data have too few attributes or images to learn from.
        network: uint8 (B, 3, 64, 64) -> features (B, F), standardised, and logits (B, A).
        attributes: those it can judge, in the order of the data; none for a random network.
        thresholds: (A,) probability above which it says yes: on valid it then does so as often as is true.
        scores: one row per attribute of the data: attribute, judged, auroc on test with n and positives,
            threshold, true and judged rate on test, and the reason where it is not judged.
        sentence: how it was made, for the report.
        notes: sentences a report must repeat, such as that a stale judge was replaced.
    """

    name: str
    network: JudgeNetwork
    attributes: tuple[str, ...]
    thresholds: np.ndarray
    scores: pd.DataFrame
    sentence: str
    notes: tuple[str, ...] = ()

    @property
    def feature_dim(self) -> int:
        """Length F of a feature vector."""
        return self.network.feature_dim

    @torch.inference_mode()
    def judge(self, images: np.ndarray, batch_size: int = 512) -> Judged:
        """Return features and probabilities of uint8 images (N, S, S, 3), N >= 2, in their order.

        Values agree across batch sizes and orders to float32 tolerance: a few 1e-4 of a feature's standard deviation.

        Raises:
            DataError: fewer than 2 images, another type or another shape.
        """
        refuse_unusable(images)
        device = self.network.mean.device
        features = np.empty((len(images), self.feature_dim), np.float32)
        probabilities = np.empty((len(images), len(self.attributes)), np.float32)
        self.network.eval()
        for start in range(0, len(images), batch_size):
            part = slice(start, start + batch_size)
            pixels = torch.from_numpy(np.array(images[part])).to(device)  # a copy: mapped files are read-only
            found, logits = self.network(at_judged_size(pixels))
            features[part], probabilities[part] = found.cpu().numpy(), logits.sigmoid().cpu().numpy()
        return Judged(features, probabilities)


def refuse_unusable(images: np.ndarray) -> None:
    """Raise DataError unless `images` is uint8 (N, S, S, 3) with N >= 2."""
    if images.dtype != np.uint8:
        raise DataError(
            f"The judge looks at uint8 images and got {images.dtype}: round pixels in [0, 1] with "
            "vaekit.data.pixels.to_uint8, which refuses NaN."
        )
    if images.ndim != 4 or images.shape[3] != 3 or images.shape[1] != images.shape[2]:
        raise DataError(f"The judge looks at square colour images (N, S, S, 3) and got the shape {images.shape}.")
    if len(images) < 2:
        raise DataError(f"Set metrics compare sets of images and got {len(images)}: give at least 2.")
