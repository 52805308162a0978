"""The kernel distance in the judge's features."""

import math

from vaekit.evaluation.samples.base import Column, ImageSet, set_metric
from vaekit.evaluation.samples.kernel import kid
from vaekit.statistics.bootstrap import Estimate


@set_metric(
    Column(
        "kid_{judge}",
        "{Judge}-judge kernel distance",
        "squared discrepancy in {features}",
        False,
        "unbiased squared maximum mean discrepancy under (x'y / F + 1)^3 (Binkowski et al. 2018); 0 on average for "
        "equal distributions, so it may be negative",
        least=-math.inf,
    )
)
def kernel_distance(generated: ImageSet, real: ImageSet, paired: bool) -> tuple[Estimate, ...]:
    """Return KID from all images."""
    return (kid(generated.kernel, real.kernel, paired=paired),)
