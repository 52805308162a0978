"""The test images' codes laid out on a plane."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from vaekit.errors import DataError
from vaekit.exploration.space import Space

MOST = 1000  # codes on the map, drawn by the seed: t-SNE takes seconds for these and minutes for all of CelebA
METHOD = "t-SNE (van der Maaten & Hinton 2008)"
FEWEST = 12  # fewer codes make no map
NEIGHBOURS = 10  # of each code, in the space and on the map: how many stay neighbours says how far to trust the map
PERPLEXITY = 30
ITERATIONS = 500  # as many neighbours are kept as after 1,000, in half of the time


@dataclass(frozen=True)
class LatentMap:
    """Where each of n codes lies on the map.

    Attributes:
        image_ids: of the images, (n,).
        xy: places, (n, 2), without a unit.
        kept: share of the 10 nearest codes that are also among the 10 nearest on the map, mean over the images.
        plane: share of the codes' variance that the best flat map (the first two principal components) would show.
    """

    image_ids: np.ndarray
    xy: np.ndarray
    kept: float
    plane: float

    def table(self, attributes: pd.DataFrame) -> pd.DataFrame:
        """Return image_id, x, y and the images' attributes, (n, 3 + K)."""
        places = pd.DataFrame({"image_id": self.image_ids, "x": self.xy[:, 0], "y": self.xy[:, 1]})
        return pd.concat([places, attributes.reset_index(drop=True)], axis=1)


def latent_map(space: Space, seed: int) -> LatentMap:
    """Return a map of at most 1,000 test codes by t-SNE (van der Maaten & Hinton 2008), which labels play no part in.

    It keeps neighbours together; distances between far groups, and the axes, mean nothing.

    Raises:
        DataError: too few images, or a code that is the same for all.
    """
    if space.says_nothing:
        raise DataError("There is no map of the code: none of its dims tells images apart.")
    rows = np.flatnonzero(np.isin(space.image_ids, space.some(MOST, seed, "map")))
    if len(rows) < FEWEST:
        raise DataError(f"There is no map of the code: {len(rows)} test images are fewer than {FEWEST}.")
    codes = space.mu[rows]
    xy = _tsne(codes)
    variances = np.linalg.eigvalsh(np.cov(codes.T, ddof=0).reshape(space.dims, space.dims))
    return LatentMap(
        space.image_ids[rows], xy, neighbours_kept(codes, xy), float(variances[-2:].sum() / variances.sum())
    )


def neighbours_kept(codes: np.ndarray, xy: np.ndarray, count: int = NEIGHBOURS) -> float:
    """Return the mean share of each point's `count` nearest codes, (n, D), that are among its nearest of `xy` too."""
    from sklearn.neighbors import NearestNeighbors

    count = min(count, len(codes) - 1)
    near, shown = (
        NearestNeighbors(n_neighbors=count).fit(points).kneighbors(return_distance=False) for points in (codes, xy)
    )
    return float(np.mean([len(set(a) & set(b)) / count for a, b in zip(near, shown, strict=True)]))


def gathered(xy: np.ndarray, has: np.ndarray) -> float:
    """Return the share of the 10 nearest of each image with an attribute, `has` (n,) 0/1, that have it as well."""
    from sklearn.neighbors import NearestNeighbors

    count = min(NEIGHBOURS, len(xy) - 1)
    near = NearestNeighbors(n_neighbors=count).fit(xy).kneighbors(return_distance=False)
    has = np.asarray(has) == 1
    return float(has[near[has]].mean())


def _tsne(codes: np.ndarray) -> np.ndarray:
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    start = 1e-4 * _first_two(codes)
    perplexity = min(PERPLEXITY, (len(codes) - 1) / 3)
    with threadpool_limits(1):  # sums over threads come in any order, and t-SNE magnifies the last digit
        fitted = TSNE(2, init=start.astype(np.float32), perplexity=perplexity, max_iter=ITERATIONS, random_state=0)
        result: np.ndarray = fitted.fit_transform(codes.astype(np.float32)).astype(np.float64)
        return result


def _first_two(codes: np.ndarray) -> np.ndarray:
    """Return the first two principal components, (n, 2), of standard deviation 1 along the first, signs fixed."""
    centred = codes - codes.mean(0)
    if codes.shape[1] == 1:
        centred = np.column_stack([centred, np.zeros(len(centred))])
    left, scale, right = np.linalg.svd(centred, full_matrices=False)
    signs = np.sign(right[np.arange(2), np.abs(right[:2]).argmax(1)])
    scores = left[:, :2] * scale[:2] * signs
    result: np.ndarray = scores / scores[:, 0].std()
    return result
