"""Samples at other temperatures: how near to real faces and how diverse they are when z ~ N(0, t^2 I)."""

from typing import Any

import torch

from vaekit.errors import VaekitError
from vaekit.evaluation.samples import frechet
from vaekit.evaluation.samples.gap import Reals
from vaekit.evaluation.samples.manifold import NEIGHBOURS, balls_of, diversity
from vaekit.evaluation.samples.sources import decoded, prior_codes
from vaekit.judge import Judge
from vaekit.models.base import VAE

TEMPERATURES = (0.2, 0.5, 1.0, 1.5)  # standard deviations of z
MOST = 1000  # samples of each


def by_temperature(
    model: VAE, judge: Judge, reals: Reals, *, seed: int, device: torch.device | str, batch_size: int
) -> list[dict[str, Any]]:
    """Return Fréchet distance and diversity of samples at each temperature; the same draws of z, scaled.

    As many samples as test images, at most 1,000: fewer than in the table, which raises the distance.
    """
    n = min(len(reals.features), MOST)
    z = prior_codes(n, model.latent_dim, seed)
    rows: list[dict[str, Any]] = []
    for temperature in TEMPERATURES:
        row: dict[str, Any] = {"temperature": temperature, "n": n, "reason": None}
        try:
            images = decoded(model, temperature * z, device=device, batch_size=batch_size)
        except VaekitError as reason:
            rows.append(row | {"reason": str(reason)})
            continue
        features = judge.judge(images, batch_size).features
        row[f"fd_{judge.name}"] = vars(frechet.estimate(frechet.moments_of(features), reals.moments))
        if reals.balls is not None and n > NEIGHBOURS:
            row["diversity"] = vars(diversity(balls_of(features - reals.centre), reals.balls))
        rows.append(row)
    return rows
