"""The contract of a metric of sets of images: one decorated function, and its columns, intervals and rows follow.

    @set_metric(Column("kid_{judge}", "Kernel distance", "squared discrepancy", False, "unbiased squared MMD ..."))
    def kernel_distance(generated: ImageSet, real: ImageSet, paired: bool) -> tuple[Estimate, ...]: ...

A function sees both sets through one of the judge's networks and returns an estimate per column, with the interval of
the images; `compare` pools those of all networks. Ids, labels and definitions may name {judge}, {features} and {dims}.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from vaekit.evaluation.samples import frechet
from vaekit.evaluation.samples.kernel import Kernel, kernel_of
from vaekit.evaluation.samples.manifold import NEIGHBOURS, Balls, balls_of
from vaekit.quantity import Quantity
from vaekit.registry import Registry
from vaekit.statistics.bootstrap import Estimate
from vaekit.statistics.raters import pooled_estimate

GROUP = "Samples"  # heading of these numbers
FEWEST = 2  # images of a set: with fewer there is no covariance


@dataclass(frozen=True)
class Column:
    """One column of the table, the facts that every axis repeats, and the values that it can not pass."""

    id: str
    label: str
    unit: str
    higher_is_better: bool | None
    definition: str
    least: float = 0.0
    most: float = math.inf

    def of(self, judge: str, dims: int) -> "Column":
        """Return the column by a judge of that name, whose features have so many dims."""
        names = {
            "judge": judge,
            "Judge": judge.capitalize(),
            "dims": f"{dims:,}",
            "features": f"features of the {judge} judge",
        }
        said = {name: getattr(self, name).format(**names) for name in ("id", "label", "unit", "definition")}
        return replace(self, **said)

    def quantity(self, estimate: Estimate, label: str, definition: str) -> Quantity:
        """Return an estimate as a row of the summary."""
        return Quantity(
            **vars(estimate),
            label=label,
            unit=self.unit,
            higher_is_better=self.higher_is_better,
            definition=definition,
            group=GROUP,
        )


@dataclass(frozen=True, eq=False)
class ImageSet:
    """A set of images as one network sees it, (N, F), and what metrics make of it, once each.

    Attributes:
        centre: what features are taken from before distances, so that these lose fewer digits; (F,).
        seed: of everything drawn.
    """

    features: npt.NDArray[np.float32]
    centre: npt.NDArray[np.float64]
    seed: int

    @cached_property
    def moments(self) -> frechet.Moments:
        """Mean and covariance."""
        return frechet.moments_of(self.features, for_interval=True)

    @cached_property
    def kernel(self) -> Kernel:
        """The kernel of the set with itself."""
        return kernel_of(self.features)

    @cached_property
    def balls(self) -> Balls | None:
        """Balls around the images; None where they are too few."""
        return balls_of(self.features - self.centre) if len(self.features) > NEIGHBOURS else None


@dataclass(frozen=True)
class SetMetric:
    """A metric of two sets of images and its columns."""

    columns: tuple[Column, ...]
    compute: Callable[[ImageSet, ImageSet, bool], tuple[Estimate, ...]]


SET_METRICS: Registry[SetMetric] = Registry("set_metric", "vaekit.evaluation.samples.metrics")
Compute = Callable[[ImageSet, ImageSet, bool], tuple[Estimate, ...]]


def set_metric(*columns: Column) -> Callable[[Compute], Compute]:
    """Return a decorator that files a function (generated, real, paired) -> an estimate per column."""

    def file_it(compute: Compute) -> Compute:
        SET_METRICS.register(columns[0].id)(SetMetric(columns, compute))
        return compute

    return file_it


def columns_of(judge: str, dims: int) -> dict[str, Column]:
    """Return the columns of every set metric by id, by a judge of that name."""
    found = (column.of(judge, dims) for _, metric in SET_METRICS.items() for column in metric.columns)
    return {column.id: column for column in found}


@dataclass(frozen=True)
class Compared:
    """One row of the table: estimates by column, and those of each network that they are pooled from."""

    estimates: dict[str, Estimate]
    by_network: list[dict[str, Estimate]]


def reals_of(features: npt.NDArray[np.float32], seed: int) -> list[ImageSet]:
    """Return the test images as each network sees them, from features (J, N, F)."""
    return [ImageSet(own, own.mean(0, dtype=np.float64), seed) for own in features]


def compare(features: npt.NDArray[np.float32], reals: list[ImageSet], judge: str, *, paired: bool = False) -> Compared:
    """Return one source's row: features (J, M, F) of the judge called `judge`, M >= 2, against the test images'.

    With M, N = 10,000 and F = 128 it holds 0.3 GB at most: blocks of distances and kernels, and features in float64.
    """
    by_network = []
    for own, real in zip(features, reals, strict=True):
        generated = ImageSet(own, real.centre, real.seed)
        row: dict[str, Estimate] = {}
        for _, metric in SET_METRICS.items():
            ids = (column.of(judge, own.shape[1]).id for column in metric.columns)
            row |= dict(zip(ids, metric.compute(generated, real, paired), strict=True))
        by_network.append(row)
    found = {
        id: pooled_estimate([row[id] for row in by_network], column.least, column.most)
        for id, column in columns_of(judge, features.shape[2]).items()
    }
    return Compared(found, by_network)
