"""Samples at other temperatures: how near to real faces and how diverse they are when z ~ N(0, t^2 I)."""

from typing import Any

import numpy as np
import torch

from vaekit.errors import VaekitError
from vaekit.evaluation.samples import frechet
from vaekit.evaluation.samples.gap import Reals
from vaekit.evaluation.samples.manifold import NEIGHBOURS, balls_of, diversity
from vaekit.evaluation.samples.sources import decoded, prior_codes
from vaekit.figures.words import plain
from vaekit.judge import Judge
from vaekit.models.base import VAE
from vaekit.statistics.raters import pooled_estimate

TEMPERATURES = (0.2, 0.5, 1.0, 1.5)  # standard deviations of z
MOST = 1000  # samples of each


def by_temperature(
    model: VAE,
    judge: Judge,
    reals: list[Reals],
    prior: np.ndarray | None,
    *,
    seed: int,
    device: torch.device | str,
    batch_size: int,
) -> list[dict[str, Any]]:
    """Return Fréchet distance and diversity of samples at each temperature; the same draws of z, scaled.

    As many samples as test images, at most 1,000: where that is fewer than in the table, the distance is larger.
    `prior` are the features of prior samples, whose first ones are those at temperature 1; None where they diverge.
    """
    n = min(len(reals[0].features), MOST)
    z = prior_codes(n, model.latent_dim, seed)
    rows: list[dict[str, Any]] = []
    for temperature in TEMPERATURES:
        row: dict[str, Any] = {"temperature": temperature, "n": n, "reason": None}
        try:
            if temperature == 1 and prior is not None:
                features = prior[:, :n]
            else:
                images = decoded(model, temperature * z, device=device, batch_size=batch_size)
                features = judge.judge(images, batch_size).features
        except VaekitError as reason:
            rows.append(row | {"reason": str(reason)})
            continue
        by_network = list(zip(features, reals, strict=True))
        far = [frechet.estimate(frechet.moments_of(own, for_interval=True), real.moments) for own, real in by_network]
        row[f"fd_{judge.name}"] = vars(pooled_estimate(far, 0.0))
        if n > NEIGHBOURS:
            diverse = [diversity(balls_of(own - real.centre), real.balls) for own, real in by_network if real.balls]
            row["diversity"] = vars(pooled_estimate(diverse, 0.0))
        rows.append(row)
    return rows


def temperature_sentence(rows: list[dict[str, Any]], judge: str) -> str | None:
    """Return at which temperature samples are nearest to the test images and how diverse they are; None without any."""
    measured = [row for row in rows if f"fd_{judge}" in row]
    if len(measured) < 2:
        return None
    best = min(measured, key=lambda row: row[f"fd_{judge}"]["value"])
    diverse = f", {best['diversity']['value']:.2f} times as diverse as they are" if "diversity" in best else ""
    tried = ", ".join(f"{row['temperature']:g} ({plain(row[f'fd_{judge}']['value'])})" for row in measured)
    return (
        f"Of the temperatures tried, with their distances from the test images in brackets, {tried}, samples at "
        f"t = {best['temperature']:g} are nearest{diverse}."
    )
