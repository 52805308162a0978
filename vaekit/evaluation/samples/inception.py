"""The one number that is called FID: the Fréchet distance in InceptionV3's features, where its weights are at hand."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from vaekit.errors import VaekitError
from vaekit.evaluation.samples import frechet
from vaekit.evaluation.samples.base import Column
from vaekit.evaluation.samples.sources import Source
from vaekit.inception_file import inception_weights
from vaekit.judge.inception import are_published, inception_features
from vaekit.progress import Progress
from vaekit.statistics.bootstrap import Estimate

FID, OTHER = "fid", "fd_inception"  # with the published weights, and with any others
COLUMNS = (
    Column(
        FID,
        "FID",
        "squared distance in InceptionV3 features",
        False,
        "Fréchet distance between Gaussians fitted to 2,048 InceptionV3 features (Heusel et al. 2017)",
    ),
    Column(
        OTHER,
        "Inception Fréchet distance, other weights",
        "squared distance in InceptionV3 features",
        False,
        "as FID, but with weights that are not the published ones: not comparable to any FID",
    ),
)


def inception_estimates(
    sources: Mapping[str, Source],
    test: np.ndarray,
    weights: Path | None,
    *,
    device: torch.device | str,
    progress: Progress,
) -> dict[str, dict[str, Estimate]]:
    """Return of every source with images its columns "fid" and, where the weights are not FID's own, "fd_inception".

    Without usable weights the FID says why. On a CPU, Inception takes a tenth of a second per image, so that this takes
    minutes where weights are given; the distances themselves some seconds each.
    """
    images = {name: source.images for name, source in sources.items() if source.images is not None}
    none = {name: {FID: Estimate(None, None, None, len(drawn))} for name, drawn in images.items()}
    try:
        path = inception_weights(weights)
        features = {
            name: inception_features(drawn, path, device=device, progress=progress) for name, drawn in images.items()
        }
        real = frechet.moments_of(inception_features(test, path, device=device, progress=progress), for_interval=True)
    except VaekitError as error:
        return {name: _because(row, str(error)) for name, row in none.items()}
    found = {
        name: frechet.estimate(frechet.moments_of(own, for_interval=True), real, paired=sources[name].paired)
        for name, own in features.items()
    }
    if are_published(path):
        return {name: {FID: estimate} for name, estimate in found.items()}
    reason = f"{path.name} does not hold the weights that published FIDs rest on; see the Fréchet distance beside it"
    return {name: _because(none[name], reason) | {OTHER: estimate} for name, estimate in found.items()}


def _because(row: dict[str, Estimate], reason: str) -> dict[str, Estimate]:
    return {name: Estimate(None, None, None, estimate.n, reason) for name, estimate in row.items()}
