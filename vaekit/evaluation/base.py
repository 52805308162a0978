"""The contract of a per-image metric: one decorated function, and its column, summary row and arrow follow.

    @metric("mae", label="Mean absolute error", unit="pixel value in [0, 1]", higher_is_better=False,
            definition="mean over pixels and channels of |x - x_hat|", group="Reconstruction")
    def mae(batch: Batch) -> Tensor: ...        # (B,)

Averaging happens once, at the end, over all images: a metric that returns anything but (B,) is refused. A metric that
has no value for this model raises NotComputed(reason): its column is empty, and its row shows the reason.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from vaekit.evaluation.eightbit import DoesNotApply, Residual, TrainedLikelihood
from vaekit.models.base import Gaussian, GaussianPosterior, Likelihood, sum_dtype
from vaekit.models.likelihoods import NotComputed
from vaekit.quantity import Quantity
from vaekit.registry import Registry
from vaekit.statistics.bootstrap import bootstrap_means

__all__ = ["METRICS", "Batch", "DoesNotApply", "Metric", "NotComputed", "metric", "metric_rows", "sum_per_image"]


@dataclass(frozen=True)
class Batch:
    """What the one pass over the test split knows of B images.

    Attributes:
        x: the images, (B, C, H, W) in [0, 1].
        posterior: q(z|x).
        at_mean: p(x|z) at z = mu(x).
        at_sample: p(x|z) at one z ~ q(z|x), its noise keyed by (seed, image_id).
        calibrated: the Gaussian around the mean of `at_sample`, its sigma fitted on the valid split.
        trained: the likelihood of 8-bit images that the training loss amounts to.
    """

    x: Tensor
    posterior: GaussianPosterior
    at_mean: Likelihood
    at_sample: Likelihood
    calibrated: Gaussian
    trained: TrainedLikelihood

    @property
    def x_hat(self) -> Tensor:
        """The reconstruction: the decoder's mean at z = mu(x), (B, C, H, W)."""
        return self.at_mean.mean

    @cached_property
    def sse(self) -> Tensor:
        """Sum of squared errors of each reconstruction, (B,)."""
        return sum_per_image((self.x - self.x_hat).square())

    @cached_property
    def kl(self) -> Tensor:
        """KL(q(z|x) || p(z)) in nats per image, (B,)."""
        return self.posterior.kl()

    @cached_property
    def residual(self) -> Residual:
        """How far each pixel is from the decoder's mean at the sampled z, for probabilities of 8-bit images."""
        return Residual(self.x, self.at_sample.mean)

    @property
    def pixels(self) -> int:
        """Number of values of one image, C * H * W."""
        return self.x[0].numel()


def sum_per_image(values: Tensor) -> Tensor:
    """Return the sum over all but the first axis, (B,), accumulated in float64 where the device has it."""
    return values.flatten(1).sum(1, dtype=sum_dtype(values))


@dataclass(frozen=True)
class Metric:
    """A per-image metric and the facts that every table and axis repeats.

    `infinite` says what is so of an image whose value is infinite, where that is no mistake.
    """

    id: str
    label: str
    unit: str
    higher_is_better: bool | None
    definition: str
    group: str
    compute: Callable[[Batch], Tensor]
    infinite: str = ""

    def __call__(self, batch: Batch) -> Tensor:
        """Return the metric of each image, (B,) float64 on the CPU.

        Raises:
            NotComputed: it has no value for this model.
            ValueError: any other shape came.
        """
        values = self.compute(batch)
        if values.shape != (len(batch.x),):
            raise ValueError(
                f"metric {self.id!r} returned {tuple(values.shape)}, not one value for each of {len(batch.x)} images"
            )
        return values.cpu().to(torch.float64)


METRICS: Registry[Metric] = Registry("metric", "vaekit.evaluation.metrics")


def metric(
    id: str,
    *,
    label: str,
    unit: str,
    higher_is_better: bool | None,
    definition: str,
    group: str = "Further metrics",
    infinite: str = "",
) -> Callable[[Callable[[Batch], Tensor]], Callable[[Batch], Tensor]]:
    """Return a decorator that files a function Batch -> (B,) as the metric `id`; it stays callable as it is."""

    def file_it(compute: Callable[[Batch], Tensor]) -> Callable[[Batch], Tensor]:
        METRICS.register(id)(Metric(id, label, unit, higher_is_better, definition, group, compute, infinite))
        return compute

    return file_it


def metric_rows(
    per_image: pd.DataFrame, reasons: Mapping[str, str], metrics: Mapping[str, Metric], seed: int
) -> dict[str, Quantity]:
    """Return the mean of every metric over all images of the per-image table, with its interval.

    `reasons` say why a metric has no value for this model.
    """
    ids = list(per_image.columns.drop("image_id"))
    rows = {}
    for name, estimate in zip(ids, bootstrap_means(per_image[ids].to_numpy(), seed), strict=True):
        metric, infinite = metrics[name], int(np.isinf(per_image[name]).sum())
        if name in reasons:
            estimate = replace(estimate, reason=reasons[name])
        elif infinite and metric.infinite:
            estimate = replace(
                estimate, reason=f"infinite for {infinite:,} of {estimate.n:,} images: {metric.infinite}"
            )
        rows[name] = Quantity(
            **vars(estimate),
            unit=metric.unit,
            label=metric.label,
            higher_is_better=metric.higher_is_better,
            definition=metric.definition,
            group=metric.group,
        )
    return rows
