"""The one number that is called FID: the Fréchet distance in InceptionV3's features, where its weights are at hand."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from vaekit.evaluation.samples import frechet
from vaekit.evaluation.samples.gap import FEWEST
from vaekit.evaluation.samples.sources import Source
from vaekit.evaluation.uncertainty import Estimate
from vaekit.progress import Progress


def fid_estimates(
    sources: Mapping[str, Source],
    test: np.ndarray,
    weights: Path | None,
    *,
    device: torch.device | str,
    batch_size: int,
    progress: Progress,
) -> dict[str, Estimate]:
    """Return the FID of every source against the test images, uint8; without the weights, why there is none.

    On a processor an Inception takes a tenth of a second an image, so that this takes minutes where weights are given.
    """
    from vaekit.judge.inception import NotAvailable, inception_features

    def features(images: np.ndarray) -> np.ndarray:
        return inception_features(images, weights, device=device, batch_size=batch_size)

    drawn = {name: source.images for name, source in sources.items() if source.images is not None}
    counts = {name: len(images) for name, images in drawn.items()}
    try:
        real = frechet.moments_of(features(test))
        found = {}
        for done, (name, images) in enumerate(drawn.items(), 1):
            if counts[name] < FEWEST:
                found[name] = Estimate(None, None, None, counts[name], f"a set of images needs {FEWEST}")
            else:
                moments = frechet.moments_of(features(images))
                found[name] = frechet.estimate(moments, real, paired=sources[name].paired)
            progress("inception", done, len(drawn))
    except NotAvailable as reason:
        return {name: Estimate(None, None, None, count, str(reason)) for name, count in counts.items()}
    return found
