"""The worst, best and random images by one or several metrics: tables with flags, and pictures on one error scale."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vaekit import artifacts
from vaekit.errors import DataError
from vaekit.failure_analysis.context import Images
from vaekit.failure_analysis.pictures.image_flags import compared, flags
from vaekit.failure_analysis.pictures.ranking import Ranking, rank
from vaekit.figures.grids import gallery, png_bytes, shared_limit
from vaekit.figures.words import in_sentence, number, plural

TABLES = {"worst": artifacts.WORST, "best": artifacts.BEST_IMAGES, "random": artifacts.RANDOM_IMAGES}
PICTURED_ATTRIBUTES = 4  # more would not fit under a picture


@dataclass(frozen=True, eq=False)
class Ranked:
    """The metrics that images are ranked by, the first of which counts, and the per-image table that has them all."""

    by: tuple[str, ...]
    table: pd.DataFrame
    metrics: Mapping[str, Mapping[str, Any]]
    rankings: Mapping[str, Ranking]

    @property
    def first(self) -> Ranking:
        """The ranking by the first metric."""
        return self.rankings[self.by[0]]


def rank_all(
    by: tuple[str, ...], table: pd.DataFrame, metrics: Mapping[str, Mapping[str, Any]], top: int, seed: int
) -> Ranked:
    """Return the rankings by every metric in `by`.

    Raises:
        DataError: no image has a finite value of one of them.
    """
    rankings = {}
    for name in by:
        rankings[name] = rank(table, name, top, higher_is_better=bool(metrics[name]["higher_is_better"]), seed=seed)
        if len(rankings[name].worst) == 0:
            raise DataError(
                f"No image has a finite {name}, so none can be called worst: rank by another metric (--by)."
            )
    return Ranked(by, table, metrics, rankings)


def write_galleries(folder: Path, ranked: Ranked, images: Images, seed: int) -> list[str]:
    """Write tables and pictures of the worst, best and random images, and of the worst by each further metric.

    Returns the sentences that a report must repeat. Every table has the rank by each metric, the metrics, the
    attributes and `flags`: what is odd about the picture itself, "; " between them, empty for nothing.
    """
    sets = {"worst": ranked.first.worst, "best": ranked.first.best, "random": ranked.first.random}
    sets |= {f"worst_{name}": ranked.rankings[name].worst for name in ranked.by[1:]}
    every = np.unique(np.concatenate(list(sets.values())))
    odd = dict(zip(every, flags(every, images, seed), strict=True))
    x = {name: images.x[chosen] for name, chosen in sets.items()}
    x_hat = {name: images.x_hat[chosen] for name, chosen in sets.items()}
    limit = shared_limit(*((x[name], x_hat[name]) for name in TABLES))
    for stale in folder.glob("worst_*"):
        stale.unlink()
    for name, chosen in sets.items():
        by = name.removeprefix("worst_") if name not in TABLES else ranked.by[0]
        table = _table(ranked, by, chosen, images, odd)
        artifacts.write_table(folder / TABLES.get(name, f"{name}.csv"), table)
        labels = [_label(row, by, images.attributes.columns) for _, row in table.iterrows()]
        artifacts.write_bytes(folder / f"{name}.png", png_bytes(gallery(x[name], x_hat[name], labels, limit=limit)))
    pictures = {f"{name}_x": x[name] for name in sets} | {f"{name}_x_hat": x_hat[name] for name in sets}
    artifacts.write_arrays(folder / artifacts.GALLERY, **pictures)
    return [compared([odd[i] for i in sets["worst"]], [odd[i] for i in sets["random"]]), *_shared(ranked)]


def _table(
    ranked: Ranked, by: str, chosen: np.ndarray, images: Images, odd: Mapping[int, tuple[str, ...]]
) -> pd.DataFrame:
    parts = [ranked.table.iloc[chosen].reset_index(drop=True), images.attributes.iloc[chosen].reset_index(drop=True)]
    table = pd.concat(parts, axis=1)
    table.insert(0, "rank", np.arange(1, len(chosen) + 1))
    for place, name in enumerate((name for name in ranked.by if name != by), 2):
        table.insert(place, f"rank_{name}", ranked.rankings[name].place[chosen])
    table.insert(2, "flags", ["; ".join(odd[i]) for i in chosen])
    return table


def _shared(ranked: Ranked) -> list[str]:
    """Return, for each further metric, how many of the worst it has in common with the first."""
    first = set(ranked.first.worst)
    return [
        f"The {len(first)} worst by {ranked.by[0]} and the {len(ranked.rankings[name].worst)} worst by {name} "
        f"({in_sentence(ranked.metrics[name]['label'])}) share "
        f"{plural(len(first & set(ranked.rankings[name].worst)), 'image')}."
        for name in ranked.by[1:]
    ]


def _label(row: pd.Series, by: str, attributes: pd.Index) -> str:
    present = [name.replace("_", " ") for name in attributes if row[name] == 1]
    shown = ", ".join(present[:PICTURED_ATTRIBUTES]) + (
        f" +{len(present) - PICTURED_ATTRIBUTES}" if len(present) > PICTURED_ATTRIBUTES else ""
    )
    lines = [
        f"{row['rank']}. {row['image_id']}   {by} {number(row[by])}",
        shown,
        f"! {row['flags']}" if row["flags"] else "",
    ]
    return "\n".join(line for line in lines if line)
