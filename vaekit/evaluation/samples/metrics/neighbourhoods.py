"""Which part of the real faces samples reach, and how many of them look real: by nearest neighbours."""

from vaekit.evaluation.samples.base import Column, ImageSet, set_metric
from vaekit.evaluation.samples.manifold import NEIGHBOURS, diversity, manifold
from vaekit.figures.words import short
from vaekit.seeding import numpy_generator
from vaekit.statistics.bootstrap import Estimate

_COLUMNS = (
    Column(
        "precision",
        "Precision",
        "share of the generated images",
        True,
        f"share of generated images nearer to some test image than its {NEIGHBOURS}th neighbour is (Kynkäänniemi "
        "et al. 2019), in {features}",
        most=1.0,
    ),
    Column(
        "recall",
        "Recall",
        "share of the test images",
        True,
        f"share of test images nearer to some generated image than its {NEIGHBOURS}th neighbour is (Kynkäänniemi "
        "et al. 2019), in {features}",
        most=1.0,
    ),
    Column(
        "density",
        "Density",
        "1",
        True,
        f"neighbourhoods of test images that a generated image lies in, over {NEIGHBOURS} (Naeem et al. 2020); "
        "near 1 for equal distributions",
    ),
    Column(
        "coverage",
        "Coverage",
        "share of the test images",
        True,
        "share of test images in whose neighbourhood a generated image lies (Naeem et al. 2020); near "
        f"{short(1 - 2.0**-NEIGHBOURS, 2)} for equal distributions",
        most=1.0,
    ),
    Column(
        "diversity",
        "Diversity",
        "1",
        None,
        "mean distance between two generated images over that between two test images: 1 is as diverse as real "
        "faces, 0 one face for every draw",
    ),
)


@set_metric(*_COLUMNS)
def neighbourhoods(generated: ImageSet, real: ImageSet, paired: bool) -> tuple[Estimate, ...]:
    """Return precision, recall, density, coverage and diversity."""
    if real.balls is None or generated.balls is None:
        reason = f"neighbourhoods need more than {NEIGHBOURS} images a side"
        return (Estimate(None, None, None, len(generated.features), reason),) * len(_COLUMNS)
    near = manifold(real.balls, generated.balls, numpy_generator(real.seed, "jackknife"), paired=paired)
    spread = diversity(generated.balls, real.balls, paired=paired)
    return near.precision, near.recall, near.density, near.coverage, spread
