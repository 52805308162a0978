"""Which images are worst, best and typical by a per-image metric."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from vaekit.seeding import numpy_generator


@dataclass(frozen=True)
class Ranking:
    """Rows of the per-image table: `worst` and `best` first things first, `random` drawn by the seed.

    `not_finite` counts the images whose value can not be ordered; they are in none of the three.
    """

    worst: np.ndarray
    best: np.ndarray
    random: np.ndarray
    not_finite: int


def rank(per_image: pd.DataFrame, metric: str, top: int, *, higher_is_better: bool, seed: int) -> Ranking:
    """Return the `top` worst, best and random rows of `per_image` by `metric`; equal values are ordered by image_id."""
    values = per_image[metric].to_numpy(dtype=np.float64)
    usable = np.flatnonzero(np.isfinite(values))
    ids = per_image["image_id"].to_numpy(dtype=str)[usable]
    badness = -values[usable] if higher_is_better else values[usable]
    worst_first = usable[np.lexsort((ids, -badness))]
    best_first = usable[np.lexsort((ids, badness))]
    count = min(top, len(usable))
    random = np.sort(numpy_generator(seed, "random images").choice(len(usable), count, replace=False))
    return Ranking(worst_first[:count], best_first[:count], usable[random], len(values) - len(usable))
