"""The contract of a per-image metric: one decorated function, and its column, summary row and arrow follow.

    @metric("mae", label="Mean absolute error", unit="pixel value in [0, 1]", higher_is_better=False,
            definition="mean over pixels and channels of |x - x_hat|")
    def mae(batch: Batch) -> Tensor: ...        # (B,)

Averaging happens once, at the end, over all images: a metric that returns anything but (B,) is refused.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from vaekit.models.base import Gaussian, GaussianPosterior, sum_dtype
from vaekit.registry import Registry


@dataclass(frozen=True)
class Batch:
    """What the one pass over the test split knows of B images.

    Attributes:
        x: the images, (B, C, H, W) in [0, 1].
        posterior: q(z|x).
        at_mean: p(x|z) at z = mu(x).
        at_sample: p(x|z) at one z ~ q(z|x), its noise keyed by (seed, image_id).
    """

    x: Tensor
    posterior: GaussianPosterior
    at_mean: Gaussian
    at_sample: Gaussian

    @property
    def x_hat(self) -> Tensor:
        """The reconstruction: the decoder's mean at z = mu(x), (B, C, H, W)."""
        return self.at_mean.mean

    @cached_property
    def sse(self) -> Tensor:
        """Sum of squared errors of each reconstruction, (B,)."""
        return sum_per_image((self.x - self.x_hat).square())

    @property
    def pixels(self) -> int:
        """Number of values of one image, C * H * W."""
        return self.x[0].numel()


def sum_per_image(values: Tensor) -> Tensor:
    """Return the sum over all but the first axis, (B,), accumulated in float64 where the device has it."""
    return values.flatten(1).sum(1, dtype=sum_dtype(values))


@dataclass(frozen=True)
class Metric:
    """A per-image metric and the facts that every table and axis repeats."""

    id: str
    label: str
    unit: str
    higher_is_better: bool | None
    definition: str
    compute: Callable[[Batch], Tensor]

    def __call__(self, batch: Batch) -> Tensor:
        """Return the metric of each image, (B,) float64 on the CPU; ValueError on any other shape."""
        values = self.compute(batch)
        if values.shape != (len(batch.x),):
            raise ValueError(
                f"metric {self.id!r} returned {tuple(values.shape)}, not one value for each of {len(batch.x)} images"
            )
        return values.cpu().to(torch.float64)


METRICS: Registry[Metric] = Registry("metric", "vaekit.evaluation.metrics")


def metric(
    id: str, *, label: str, unit: str, higher_is_better: bool | None, definition: str
) -> Callable[[Callable[[Batch], Tensor]], Callable[[Batch], Tensor]]:
    """Return a decorator that files a function Batch -> (B,) as the metric `id`; it stays callable as it is."""

    def file_it(compute: Callable[[Batch], Tensor]) -> Callable[[Batch], Tensor]:
        METRICS.register(id)(Metric(id, label, unit, higher_is_better, definition, compute))
        return compute

    return file_it
