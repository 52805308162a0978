"""Samples at other temperatures: how near to real faces and how diverse they are when z spreads more or less."""

import math
from typing import Any

import numpy as np

from vaekit.errors import VaekitError
from vaekit.evaluation.samples import frechet
from vaekit.evaluation.samples.base import ImageSet
from vaekit.evaluation.samples.manifold import NEIGHBOURS, balls_of, diversity
from vaekit.evaluation.samples.sources import decoded
from vaekit.evaluation.stages import Task
from vaekit.figures.words import distance, short
from vaekit.judge import Judge
from vaekit.statistics.bootstrap import LEAST
from vaekit.statistics.raters import pooled_estimate

TEMPERATURES = (0.2, 0.5, 1.0, 1.5)  # of the prior: the spread of z, 1 its own
MOST_STEPS = 4  # beyond the grid, until the nearest samples lie inside it
MOST = 1000  # samples of each


def by_temperature(task: Task, judge: Judge, reals: list[ImageSet], prior: np.ndarray | None) -> list[dict[str, Any]]:
    """Return Fréchet distance and diversity of samples at each temperature; the same draws of z, scaled.

    The grid grows beyond its end until the nearest samples lie inside it.

    As many samples as test images, at most 1,000: where that is fewer than in the table, the distance is larger.
    `prior` are the features of prior samples, whose first ones are those at temperature 1; None where they diverge.
    """
    n = min(len(reals[0].features), MOST)

    def measured(temperature: float) -> dict[str, Any]:
        row: dict[str, Any] = {"temperature": temperature, "n": n, "reason": None}
        try:
            if temperature == 1 and prior is not None:
                features = prior[:, :n]
            else:
                z = task.model.prior.sample(n, seed=task.seed, temperature=temperature)
                images = decoded(task.model, z, device=task.device, batch_size=task.batch_size)
                features = judge.judge(images, task.batch_size).features
        except VaekitError as reason:
            return row | {"reason": str(reason)}
        by_network = list(zip(features, reals, strict=True))
        far = [frechet.estimate(frechet.moments_of(own, for_interval=True), real.moments) for own, real in by_network]
        row[f"fd_{judge.name}"] = vars(pooled_estimate(far, 0.0))
        if n > NEIGHBOURS:
            diverse = [diversity(balls_of(own - real.centre), real.balls) for own, real in by_network if real.balls]
            row["diversity"] = vars(pooled_estimate(diverse, 0.0))
        return row

    rows = [measured(temperature) for temperature in TEMPERATURES]
    for _ in range(MOST_STEPS):
        further = _further(rows, f"fd_{judge.name}")
        if further is None:
            break
        rows = sorted([*rows, measured(further)], key=lambda row: row["temperature"])
    return rows


def _further(rows: list[dict[str, Any]], column: str) -> float | None:
    """Return the temperature to try next: beyond the end of the grid where samples are nearest; None once inside."""
    far: dict[float, float] = {row["temperature"]: row[column]["value"] if column in row else math.inf for row in rows}
    best = min(far, key=lambda temperature: far[temperature])
    if far[best] == math.inf or min(far) < best < max(far):
        return None
    return 1.5 * best if best == max(far) else best / 2


def temperature_sentence(rows: list[dict[str, Any]], judge: str) -> str | None:
    """Return at which temperature samples are nearest to the test images and how diverse they are; None without any."""
    measured = [row for row in rows if f"fd_{judge}" in row]
    if len(measured) < 2 or measured[0]["n"] < LEAST:
        return None
    best = min(measured, key=lambda row: row[f"fd_{judge}"]["value"])
    diverse = f", {short(best['diversity']['value'])} times as diverse as they are" if "diversity" in best else ""
    tried = ", ".join(
        f"{row['temperature']:g} ({distance(*(row[f'fd_{judge}'][end] for end in ('value', 'low', 'high')))})"
        for row in measured
    )
    where = ", the end of the grid," if best in (measured[0], measured[-1]) else ""
    return (
        f"Of the temperatures tried, with their distances from the test images in brackets, {tried}, samples at "
        f"t = {best['temperature']:g}{where} are nearest{diverse}."
    )
