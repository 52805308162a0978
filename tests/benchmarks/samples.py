"""What the set metrics cost, against other tools on the same features, and the whole of it with a table of sources."""

import warnings

import numpy as np
import torch
from scipy import linalg
from scipy.spatial.distance import cdist
from torchmetrics.image.kid import poly_mmd

from tests.benchmarks.timing import Row, least
from tests.evaluation.samples.gaussians import moments_from
from vaekit.evaluation.samples.base import compare, reals_of
from vaekit.evaluation.samples.frechet import distance, estimate, frechet_distance, moments_of
from vaekit.evaluation.samples.kernel import kernel_of, kid
from vaekit.evaluation.samples.manifold import balls_of, prdc
from vaekit.priors import Posteriors, choose_mixture

IMAGES, DIMS, INCEPTION = 2000, 128, 2048  # of the judge's features; Inception's have 2,048
BUDGET = 20.0  # seconds for the mixture of 16,000 codes of 128 dims


def features(n: int, dims: int, seed: int) -> np.ndarray:
    """Return skewed, correlated features (n, dims)."""
    generator = np.random.default_rng(seed)
    return np.maximum(generator.normal(size=(n, dims)), -1) @ generator.normal(size=(dims, dims))


def by_matrix_root(mean: np.ndarray, covariance: np.ndarray, other: np.ndarray, covariances: np.ndarray) -> float:
    """Return the Fréchet distance by scipy's general matrix square root, as pytorch-fid takes it."""
    root = linalg.sqrtm(covariance @ covariances)
    apart = np.square(mean - other).sum()
    return float(apart + np.trace(covariance + covariances) - 2 * np.trace(root).real)


def neighbours_by_cdist(real: np.ndarray, generated: np.ndarray, k: int = 5) -> float:
    """Return the sum of prdc's four numbers from full distance matrices."""
    radii = [np.partition(cdist(s, s), k, axis=1)[:, k] for s in (real, generated)]
    far = cdist(real, generated)
    inside = far <= radii[0][:, None]
    return float(inside.any(0).mean() + (far <= radii[1]).any(1).mean() + inside.mean() + inside.any(1).mean())


def rows() -> list[Row]:
    """Return every measurement."""
    a, b = features(3000, INCEPTION, 0), features(3000, INCEPTION, 1)
    given = (a.mean(0), np.cov(a.T), b.mean(0), np.cov(b.T))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scipys = least(lambda: by_matrix_root(*given), 1)
    few, small = (a[:1000], b[:1000]), (features(IMAGES, DIMS, 2), features(IMAGES, DIMS, 3))
    tensors = [torch.from_numpy(s) for s in small]
    reals = reals_of(small[0][None], seed=0)
    codes = features(17_000, DIMS, 5)
    root = "scipy's sqrtm, same moments"
    return [
        (
            f"Fréchet distance of moments, {INCEPTION} dims",
            least(lambda: distance(moments_from(*given[:2]), moments_from(*given[2:])), 2),
            scipys,
            root,
        ),
        (f"the same from 3,000 images, {INCEPTION} dims", least(lambda: frechet_distance(a, b), 1), scipys, root),
        (f"the same from 1,000 images, {INCEPTION} dims", least(lambda: frechet_distance(*few), 2), scipys, root),
        (
            f"its interval too, 1,000 images, {INCEPTION} dims",
            least(lambda: estimate(*(moments_of(s, for_interval=True) for s in few)), 2),
            scipys,
            root,
        ),
        (
            f"KID of {IMAGES:,} images with interval",
            least(lambda: kid(kernel_of(small[0]), kernel_of(small[1]))),
            least(lambda: poly_mmd(*tensors)),
            "torchmetrics' kernel, one value of all images",
        ),
        (
            f"precision, recall, density, coverage of {IMAGES:,} images",
            least(lambda: prdc(balls_of(small[0]), balls_of(small[1]))),
            least(lambda: neighbours_by_cdist(*small), 1),
            "scipy's cdist, full matrices",
        ),
        (
            f"one row of the sampling-gap table, {IMAGES:,} images",
            least(lambda: compare(small[1][None], reals, "attributes"), 2),
            5.0,
            "5 s",
        ),
        (
            "the mixture of 16,000 codes of 128 dims",
            least(lambda: choose_mixture(Posteriors(*3 * [codes[:16_000]]), Posteriors(*3 * [codes[16_000:]]), 0), 1),
            BUDGET,
            f"a budget of {BUDGET:.0f} s",
        ),
    ]


if __name__ == "__main__":
    for name, ours, reference, against in rows():
        print(f"{name:60} {ours:8.3f} s {reference:8.3f} s  {reference / ours:6.1f} times as fast as {against}")
