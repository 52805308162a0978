"""The Fréchet distance in the judge's features, and its extrapolation to infinitely many images."""

import math

from vaekit.evaluation.samples import frechet
from vaekit.evaluation.samples.base import Column, ImageSet, set_metric
from vaekit.seeding import numpy_generator
from vaekit.statistics.bootstrap import Estimate


@set_metric(
    Column(
        "fd_{judge}",
        "{Judge}-judge Fréchet distance",
        "squared distance in {features}",
        False,
        "|m1 - m2|^2 + Tr(C1 + C2 - 2 (C1 C2)^(1/2)) of the {dims} {features}; not comparable to a published FID. Few "
        "images raise it: compare it at equal n, and with real train images",
    ),
    Column(
        "fd_{judge}_inf",
        "{Judge}-judge Fréchet distance, N → ∞",
        "squared distance in {features}",
        False,
        "the Fréchet distance extrapolated to infinitely many images along 1 / n, over ten sizes (Chong & Forsyth "
        "2020)",
        least=-math.inf,
    ),
)
def frechet_distance(generated: ImageSet, real: ImageSet, paired: bool) -> tuple[Estimate, ...]:
    """Return the distance at this number of images, and without its bias."""
    generator = numpy_generator(real.seed, "extrapolation")
    return (
        frechet.estimate(generated.moments, real.moments, paired=paired),
        frechet.without_bias(generated.features, real.features, generator, paired=paired),
    )
