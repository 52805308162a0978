"""The result of an evaluation: a folder of artifacts, and an object that reads and shows them."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vaekit import artifacts
from vaekit.figures.grids import pair_grid
from vaekit.figures.inline import inline_image


@dataclass(frozen=True)
class Evaluation:
    """What `vaekit evaluate` found of one checkpoint; every table is read from `folder` when it is first asked for."""

    folder: Path

    @cached_property
    def summary(self) -> dict[str, Any]:
        """The content of summary.json: run, protocol, metrics, config, data and what made it."""
        summary: dict[str, Any] = artifacts.read_json(self.folder / artifacts.SUMMARY)
        return summary

    @cached_property
    def per_image(self) -> pd.DataFrame:
        """One row per test image: image_id and every per-image metric."""
        return artifacts.read_table(self.folder / artifacts.PER_IMAGE)

    @cached_property
    def per_dim(self) -> pd.DataFrame:
        """One row per latent dim: kl and its parts, variances, regime, what the decoder does with it."""
        return artifacts.read_table(self.folder / artifacts.PER_DIM)

    @cached_property
    def latent(self) -> dict[str, Any]:
        """The content of latent.json: rows about the whole code, active units by threshold, the verdict."""
        latent: dict[str, Any] = artifacts.read_json(self.folder / artifacts.LATENT)
        return latent

    @cached_property
    def probes(self) -> pd.DataFrame:
        """One row per attribute and kind of probe: its scores on test with intervals, and the lead of mu on it."""
        return artifacts.read_table(self.folder / artifacts.PROBES)

    @cached_property
    def reconstructions(self) -> np.ndarray:
        """The decoder's means at z = mu(x), uint8 (N, H, W, C), in the order of `per_image`; mapped, not loaded."""
        return artifacts.read_array(self.folder / artifacts.RECONSTRUCTIONS)

    @property
    def metrics(self) -> pd.DataFrame:
        """One row per metric and estimate: value, low, high (95 %), n, unit, label, higher_is_better, reason."""
        return pd.DataFrame.from_dict(self._rows, orient="index").drop(columns="definition")

    @property
    def _rows(self) -> dict[str, dict[str, Any]]:
        """The means over all test images, then what is estimated otherwise: from sums, or on a subset."""
        return {**self.summary["metrics"], **self.summary["estimates"]}

    def __getitem__(self, metric: str) -> float | None:
        """Return the value of one metric; None where it could not be computed."""
        value: float | None = self._rows[metric]["value"]
        return value

    def __str__(self) -> str:
        run, protocol = self.summary["run"], self.summary["protocol"]
        lines = [f"{run['name']} ({run['checkpoint']}) on {protocol['name']}, {protocol['n']:,} images: {self.folder}"]
        for name, m in self._rows.items():
            shown = m["reason"] if m["value"] is None else f"{m['value']:.6g}"
            interval = "" if m["low"] is None else f"  [{m['low']:.6g}, {m['high']:.6g}]"
            lines.append(f"  {name:24} {shown:>12}{interval}  {m['unit']}")
        return "\n".join([*lines, f"  {self.summary['verdict']}"])

    def _repr_html_(self) -> str:
        pictures = artifacts.read_arrays(self.folder / artifacts.PICTURES)
        grid = pair_grid(pictures["x"][:16], pictures["x_hat"][:16], columns=8)
        return self.metrics.to_html() + inline_image(grid, "originals above their reconstructions")
