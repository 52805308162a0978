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
from vaekit.figures.words import ARROWS, HEADLINES, interval, listed, number, plural, unit
from vaekit.quantity import Quantity

_SHOWN = 8  # numbers that a terminal shows unasked


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
        rows = {name: row.record() for name, row in self._rows.items()}
        return pd.DataFrame.from_dict(rows, orient="index").drop(columns="definition")

    @cached_property
    def _rows(self) -> dict[str, Quantity]:
        """The means over all test images, then what is estimated otherwise: from sums, or on a subset."""
        rows = self.summary["metrics"] | self.summary["estimates"]
        return {name: Quantity.from_record(row, name) for name, row in rows.items()}

    def __getitem__(self, metric: str) -> float | None:
        """Return the value of one metric; None where it could not be computed."""
        return self._rows[metric].value

    def __str__(self) -> str:
        return self.text()

    def text(self, *, every: bool = False) -> str:
        """Return the verdict, then the numbers that a reader asks for first, or `every` one; what is missing, and why.

        Each stands by the name that `evaluation[name]` and `vaekit check` know it by.
        """
        run, protocol = self.summary["run"], self.summary["protocol"]
        images = plural(protocol["n"], "image")
        rows = self._rows
        computed = [name for name, row in rows.items() if row.value is not None]
        shown = computed if every else [name for name in HEADLINES if name in computed][:_SHOWN]
        lines = [f"{run['name']} ({run['checkpoint']}) on {protocol['name']}, {images}: {self.folder}"]
        lines += [self.summary["verdict"]]
        for group in dict.fromkeys(row.group for row in rows.values()):
            of_group = [_line(name, rows[name]) for name in shown if rows[name].group == group]
            lines += ["", group, *of_group] if of_group else []
        if not every:
            lines += ["", f"{plural(len(rows) - len(shown), 'more number', 'more numbers')}: --all"]
            return "\n".join(lines)
        missing = {name: row.reason for name, row in rows.items() if row.value is None}
        lines += ["", "Not computed"] if missing else []
        for reason in dict.fromkeys(missing.values()):
            lines += [f"  {listed([name for name in missing if missing[name] == reason])}: {reason}"]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        pictures = artifacts.read_arrays(self.folder / artifacts.PICTURES)
        grid = pair_grid(pictures["x"][:16], pictures["x_hat"][:16], columns=8)
        return self.metrics.to_html() + inline_image(grid, "originals above their reconstructions")


def _line(name: str, row: Quantity) -> str:
    shown = f"{ARROWS[row.higher_is_better]:1} {number(row.value, row.low, row.high):>10}"
    return f"  {name:30} {shown} {interval(row.low, row.high):22} {unit(row.unit)}".rstrip()
