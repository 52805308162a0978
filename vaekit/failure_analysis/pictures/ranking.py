"""Which images are worst, best and typical by a per-image metric."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from vaekit.seeding import numpy_generator


@dataclass(frozen=True, eq=False)
class Ranking:
    """Rows of the per-image table: `worst` and `best` first things first, `random` drawn by the seed.

    `place` is the rank of each row, 1 for the worst (N,), 0 where the value can not be ordered: such images are in none
    of the three, and `not_finite` counts them.
    """

    worst: np.ndarray
    best: np.ndarray
    random: np.ndarray
    place: np.ndarray
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
    place = np.zeros(len(values), dtype=np.int64)
    place[worst_first] = np.arange(1, len(usable) + 1)
    return Ranking(worst_first[:count], best_first[:count], usable[random], place, len(values) - len(usable))
