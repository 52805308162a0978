"""The sampling-gap table: every source of images against the same test images, by the same numbers."""

import math
from dataclasses import dataclass, field

import numpy as np

from vaekit.evaluation.samples import frechet
from vaekit.evaluation.samples.kernel import SUBSETS, Kernel, kernel_of, kid
from vaekit.evaluation.samples.manifold import NEIGHBOURS, Balls, balls_of, diversity, manifold
from vaekit.seeding import numpy_generator
from vaekit.statistics.bootstrap import Estimate
from vaekit.statistics.raters import pooled_estimate

FEWEST = 2  # images of a set: with fewer there is no covariance


@dataclass(frozen=True)
class Kind:
    """One column of the table, and the facts that every axis repeats."""

    label: str
    unit: str
    higher_is_better: bool | None
    definition: str


def kinds(judge: str, dims: int) -> dict[str, Kind]:
    """Return the columns in their order; `judge` names the network whose features, of `dims` numbers, are compared."""
    features = f"features of the {judge} judge"
    return {
        "fid": Kind(
            "FID",
            "squared distance in InceptionV3 features",
            False,
            "Fréchet distance between Gaussians fitted to 2,048 InceptionV3 features (Heusel et al. 2017)",
        ),
        "fd_inception": Kind(
            "Inception Fréchet distance, other weights",
            "squared distance in InceptionV3 features",
            False,
            "as FID, but with weights that are not the published ones: not comparable to any FID",
        ),
        f"fd_{judge}": Kind(
            f"{judge.capitalize()}-judge Fréchet distance",
            f"squared distance in {features}",
            False,
            f"|m1 - m2|^2 + Tr(C1 + C2 - 2 (C1 C2)^(1/2)) of the {dims:,} {features}; not comparable to a published "
            "FID. Few images raise it: compare it at equal n, and with real train images",
        ),
        f"fd_{judge}_inf": Kind(
            f"{judge.capitalize()}-judge Fréchet distance, N → ∞",
            f"squared distance in {features}",
            False,
            "the Fréchet distance extrapolated to infinitely many images along 1 / n, over ten sizes (Chong & Forsyth "
            "2020)",
        ),
        f"kid_{judge}": Kind(
            f"{judge.capitalize()}-judge kernel distance",
            f"squared discrepancy in {features}",
            False,
            "unbiased squared maximum mean discrepancy under (x'y / F + 1)^3 (Binkowski et al. 2018); 0 on average for "
            "equal distributions, so it may be negative",
        ),
        "precision": Kind(
            "Precision",
            "share of the generated images",
            True,
            f"share of generated images nearer to some test image than its {NEIGHBOURS}th neighbour is (Kynkäänniemi "
            f"et al. 2019), in {features}",
        ),
        "recall": Kind(
            "Recall",
            "share of the test images",
            True,
            f"share of test images nearer to some generated image than its {NEIGHBOURS}th neighbour is (Kynkäänniemi "
            f"et al. 2019), in {features}",
        ),
        "density": Kind(
            "Density",
            "1",
            True,
            f"neighbourhoods of test images that a generated image lies in, over {NEIGHBOURS} (Naeem et al. 2020); "
            "near 1 for equal distributions",
        ),
        "coverage": Kind(
            "Coverage",
            "share of the test images",
            True,
            f"share of test images in whose neighbourhood a generated image lies (Naeem et al. 2020); near "
            f"{1 - 2.0**-NEIGHBOURS:.2f} for equal distributions",
        ),
        "diversity": Kind(
            "Diversity",
            "1",
            None,
            "mean distance between two generated images over that between two test images: 1 is as diverse as real "
            "faces, 0 one face for every draw",
        ),
    }


@dataclass(frozen=True, eq=False)
class Reals:
    """What every comparison needs of the test images: features (N, F) and all that is computed of them once."""

    features: np.ndarray
    moments: frechet.Moments
    kernel: Kernel
    balls: Balls | None
    centre: np.ndarray
    seed: int

    @classmethod
    def of(cls, features: np.ndarray, seed: int) -> "Reals":
        """Return the reals of features (N, F), N >= 2; with too few for neighbourhoods these are left out."""
        centre = features.mean(0, dtype=np.float64)
        enough = len(features) > NEIGHBOURS
        return cls(
            features,
            frechet.moments_of(features, for_interval=True),
            kernel_of(features, numpy_generator(seed, "kid", "subsets")),
            balls_of(features - centre) if enough else None,
            centre,
            seed,
        )


@dataclass(frozen=True)
class Compared:
    """One row of the table: estimates by column, and mean, sd and size of KID over subsets, as papers print it.

    `by_network` are the estimates of each network that they are pooled from.
    """

    estimates: dict[str, Estimate]
    kid_subsets: dict[str, float]
    by_network: list[dict[str, Estimate]] = field(default_factory=list)


SHARES = ("precision", "recall", "coverage")


def compare(features: np.ndarray, reals: list[Reals], judge: str, *, paired: bool = False) -> Compared:
    """Return one source's row: features (J, M, F) of the judge called `judge`, M >= 2, against the test images'."""
    by_network = [compare_by_one(own, real, judge, paired=paired) for own, real in zip(features, reals, strict=True)]
    found = {
        kind: pooled_estimate(
            [row.estimates[kind] for row in by_network],
            -math.inf if kind.startswith("kid") or kind.endswith("_inf") else 0.0,
            1.0 if kind in SHARES else math.inf,
        )
        for kind in by_network[0].estimates
    }
    subsets = {key: float(np.mean([row.kid_subsets[key] for row in by_network])) for key in by_network[0].kid_subsets}
    return Compared(found, subsets, [row.estimates for row in by_network])


def compare_by_one(features: np.ndarray, reals: Reals, judge: str, *, paired: bool = False) -> Compared:
    """Return the row by one network: features (M, F).

    With M, N = 10,000 and F = 128 it holds 0.3 GB at most: blocks of distances and kernels, and features in float64.
    """
    n = len(features)
    moments = frechet.moments_of(features, for_interval=True)
    found = {
        f"fd_{judge}": frechet.estimate(moments, reals.moments, paired=paired),
        f"fd_{judge}_inf": frechet.without_bias(
            features, reals.features, numpy_generator(reals.seed, "extrapolation"), paired=paired
        ),
    }
    # Paired sets are subsampled together: the same stream draws the same subsets.
    subsets = numpy_generator(reals.seed, "kid", "subsets" if paired else "generated")
    discrepancy = kid(kernel_of(features, subsets), reals.kernel, paired=paired)
    found[f"kid_{judge}"] = discrepancy.estimate
    if reals.balls is None or n <= NEIGHBOURS:
        names = ("precision", "recall", "density", "coverage", "diversity")
        reason = f"neighbourhoods need more than {NEIGHBOURS} images a side"
        found |= {name: Estimate(None, None, None, n, reason) for name in names}
    else:
        balls = balls_of(features - reals.centre)
        near = manifold(reals.balls, balls, numpy_generator(reals.seed, "jackknife"), paired=paired)
        found |= vars(near) | {"diversity": diversity(balls, reals.balls, paired=paired)}
    facts = {
        "mean": discrepancy.subset_mean,
        "sd": discrepancy.subset_sd,
        "size": discrepancy.subset_size,
        "count": SUBSETS,
    }
    return Compared(found, facts)
