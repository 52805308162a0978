"""The failure analysis of one evaluation: galleries of the worst, best and random images, and their attributes."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vaekit import artifacts
from vaekit.data import Prepared
from vaekit.diagnosis.ranking import rank
from vaekit.diagnosis.slices import attribute_slices
from vaekit.errors import ConfigError, DataError, did_you_mean
from vaekit.evaluation.results import Evaluation
from vaekit.figures.grids import gallery, png_bytes, shared_limit
from vaekit.figures.inline import inline_image

TABLES = {"worst": artifacts.WORST, "best": artifacts.BEST_IMAGES, "random": artifacts.RANDOM_IMAGES}
PICTURED_ATTRIBUTES = 4  # more would not fit under a picture


@dataclass(frozen=True)
class Failures:
    """What `vaekit failures` found; every table is read from `folder` when it is first asked for."""

    folder: Path

    @cached_property
    def summary(self) -> dict[str, Any]:
        """The content of failures.json."""
        return artifacts.read_json(self.folder / artifacts.FAILURES_SUMMARY)

    @cached_property
    def worst(self) -> pd.DataFrame:
        """The worst images, the worst first: rank, image_id, every per-image metric, attributes as 0/1."""
        return artifacts.read_table(self.folder / artifacts.WORST)

    @cached_property
    def slices(self) -> pd.DataFrame:
        """One row per attribute: the metric with and without it, and its share among the worst."""
        return artifacts.read_table(self.folder / artifacts.SLICES)

    def __str__(self) -> str:
        s = self.summary
        lines = [f"The {s['top']} worst of {s['n']:,} images by {s['ranked_by']}: {self.folder}", *s["notes"]]
        for row in self.worst.head(5).itertuples():
            lines.append(f"  {row.rank:3}  {row.image_id}  {s['ranked_by']} {getattr(row, s['ranked_by']):.6g}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        arrays = artifacts.read_arrays(self.folder / artifacts.GALLERY)
        labels = [f"{row.rank}. {row.image_id}" for row in self.worst.head(12).itertuples()]
        picture = gallery(arrays["worst_x"][:12], arrays["worst_x_hat"][:12], labels)
        return inline_image(picture, "the worst reconstructions") + self.worst.to_html(index=False)


def analyse(
    evaluation: Evaluation, prepared: Prepared, folder: Path, *, by: str = "mse", top: int = 32, seed: int = 0
) -> Failures:
    """Rank the test images of an evaluation and write tables and galleries to `folder`, failures.json last.

    Raises:
        ConfigError: unknown metric, one without a direction, or `top` under 1.
        DataError: `prepared` is not what was evaluated, or no image has a finite value.
    """
    per_image, metrics = evaluation.per_image, evaluation.summary["metrics"]
    if by not in metrics:
        raise ConfigError(f"--by {by} is no per-image metric.{did_you_mean(by, metrics)}")
    if top < 1:
        raise ConfigError(f"--top {top}: ask for at least one image.")
    rows = prepared.rows("test")
    if prepared.index["image_id"].to_numpy(dtype=str)[rows].tolist() != per_image["image_id"].tolist():
        raise DataError(
            f"The images of {evaluation.folder} are not those of {prepared.folder}: run `vaekit evaluate` again."
        )
    direction = metrics[by]["higher_is_better"]
    ranking = rank(per_image, by, top, higher_is_better=bool(direction), seed=seed)
    if len(ranking.worst) == 0:
        raise DataError(f"No image has a finite {by}, so none can be called worst: rank by another metric with --by.")

    (artifacts.make_folder(folder) / artifacts.FAILURES_SUMMARY).unlink(missing_ok=True)
    attributes = prepared.attribute_table(rows).reset_index(drop=True)
    order = {"worst": ranking.worst, "best": ranking.best, "random": ranking.random}
    x = {name: prepared.images[rows[chosen]] for name, chosen in order.items()}
    x_hat = {name: evaluation.reconstructions[chosen] for name, chosen in order.items()}
    limit = shared_limit(*((x[name], x_hat[name]) for name in order))
    for name, chosen in order.items():
        table = pd.concat(
            [per_image.iloc[chosen].reset_index(drop=True), attributes.iloc[chosen].reset_index(drop=True)], axis=1
        )
        table.insert(0, "rank", np.arange(1, len(chosen) + 1))
        artifacts.write_table(folder / TABLES[name], table)
        labels = [_label(row, by, attributes.columns) for _, row in table.iterrows()]
        picture = gallery(x[name], x_hat[name], labels, limit=limit)
        artifacts.write_bytes(folder / f"{name}.png", png_bytes(picture))
    pictures = {f"{name}_x": x[name] for name in order} | {f"{name}_x_hat": x_hat[name] for name in order}
    artifacts.write_arrays(folder / artifacts.GALLERY, **pictures)

    notes = []
    if direction is None:
        notes.append(f"{by} has no better direction; the highest values are called worst.")
    if ranking.not_finite:
        notes.append(f"{ranking.not_finite:,} of {len(per_image):,} images have no finite {by} and are not ranked.")
    if len(ranking.worst) < top:
        notes.append(f"{top} images were asked for; {len(ranking.worst)} can be ranked.")
    if attributes.columns.empty:
        notes.append("The data has no attributes, so errors are not compared between attributes.")
        (folder / artifacts.SLICES).unlink(missing_ok=True)
    else:
        table = attribute_slices(per_image[by].to_numpy(), attributes, ranking.worst, seed)
        artifacts.write_table(folder / artifacts.SLICES, table)
    artifacts.write_json(
        folder / artifacts.FAILURES_SUMMARY,
        {
            "ranked_by": by,
            **{key: metrics[by][key] for key in ("label", "unit", "higher_is_better")},
            "top": len(ranking.worst),
            "n": len(per_image),
            "not_finite": ranking.not_finite,
            "notes": notes,
            "made_by": evaluation.summary["made_by"] | {"ranked_by": by, "top": top, "ranking_seed": seed},
        },
    )
    return Failures(folder)


def _label(row: pd.Series, by: str, attributes: pd.Index) -> str:
    present = [name.replace("_", " ") for name in attributes if row[name] == 1]
    shown = ", ".join(present[:PICTURED_ATTRIBUTES]) + (
        f" +{len(present) - PICTURED_ATTRIBUTES}" if len(present) > PICTURED_ATTRIBUTES else ""
    )
    return f"{row['rank']}. {row['image_id']}   {by} {row[by]:.5g}\n{shown}"
