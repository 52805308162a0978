"""Slices that no label names: look-alikes of the worst images in feature space."""

from dataclasses import dataclass

import numpy as np
from sklearn.cluster import KMeans
from sklearn.covariance import ledoit_wolf

from vaekit.failure_analysis.slices.rules import LEAST, Material

WORST = 0.05  # share of the discovery half that is clustered
MOST = 3  # clusters at most
ROUNDS = 3  # in which worst images leave a group that they do not look like, or join it
LEAST_T = 4.0  # of a cluster against the rest, on the half it is found on
ALIKE = 0.5  # Jaccard overlap from which two clusters are one


@dataclass(frozen=True, eq=False)
class Cluster:
    """Images beyond a plane in the space of features and properties: look-alikes of some of the worst images.

    `mean` and `deviation` (F,) standardise that space, `direction` (F,) points to the look-alikes.
    """

    number: int
    mean: np.ndarray
    deviation: np.ndarray
    direction: np.ndarray
    threshold: float

    kind = "cluster"

    @property
    def title(self) -> str:
        """How sentences call it."""
        return f"look-alikes no. {self.number}"

    def scores(self, material: Material) -> np.ndarray:
        """Return how much each image looks like the cluster, (N,); it knows nothing of the error."""
        result: np.ndarray = (_space(material) - self.mean) / self.deviation @ self.direction
        return result

    def mask(self, material: Material) -> np.ndarray:
        """Return which images are members, bool (N,)."""
        return self.scores(material) > self.threshold


def find_clusters(residual: np.ndarray, material: Material, seed: int) -> list[Cluster]:
    """Return up to three clusters of the worst images by `residual` (N,), the strongest first.

    The worst twentieth is clustered by k-means (1 to 3 groups) in whitened features. Each group's direction from the
    mean of all images is a linear discriminant, under a shrunk covariance (Ledoit & Wolf 2004); the threshold on it is
    where Welch's t is largest. An image's own part in its group's direction is left out of its score, so that the
    threshold also fits images not seen here.
    """
    worst_n = max(LEAST, round(WORST * len(residual)))
    if material.features is None or len(residual) < 5 * worst_n:
        return []
    space = _space(material)
    mean, deviation = space.mean(0), np.maximum(space.std(0), 1e-9)
    standard = (space - mean) / deviation
    values, vectors = np.linalg.eigh(ledoit_wolf(standard)[0])
    whiten = vectors / np.sqrt(np.maximum(values, 1e-6 * values.max()))
    white = standard @ whiten
    worst = np.argsort(-residual, kind="stable")[:worst_n]
    proposals = []
    for k in range(1, MOST + 1):
        groups = KMeans(k, n_init=4, random_state=seed).fit_predict(white[worst])
        for group in range(k):
            if (members := worst[groups == group]).size >= LEAST // 2:
                proposals.append(_settled(white, members, worst, residual))
    found: list[Cluster] = []
    masks: list[np.ndarray] = []
    for t, direction, threshold in sorted(proposals, key=lambda proposal: -proposal[0]):
        mask = white @ direction > threshold
        if t < LEAST_T or any((mask & other).sum() > ALIKE * (mask | other).sum() for other in masks):
            continue
        found.append(Cluster(len(found) + 1, mean, deviation, whiten @ direction, threshold))
        masks.append(mask)
    return found[:MOST]


def _space(material: Material) -> np.ndarray:
    assert material.features is not None
    return np.concatenate([material.features, material.properties.to_numpy()], axis=1, dtype=np.float64)


def _settled(
    white: np.ndarray, members: np.ndarray, worst: np.ndarray, residual: np.ndarray
) -> tuple[float, np.ndarray, float]:
    """Return the proposal of `members` once those of the worst that it would count as members are its members."""
    for _ in range(ROUNDS):
        t, direction, threshold = _proposal(white, members, residual)
        scores = white @ direction
        scores[members] = _scores_of_members(white, members)
        settled = worst[scores[worst] > threshold]
        if set(settled) == set(members) or len(settled) < LEAST // 2:
            return t, direction, threshold
        members = settled
    return _proposal(white, members, residual)


def _scores_of_members(white: np.ndarray, members: np.ndarray) -> np.ndarray:
    """Return each member's score along the direction that the other members make, (M,)."""
    own = white[members]
    result: np.ndarray = ((own.sum(0) - own) * own).sum(1) / (len(members) - 1)
    return result


def _proposal(white: np.ndarray, members: np.ndarray, residual: np.ndarray) -> tuple[float, np.ndarray, float]:
    """Return t, direction and threshold of the slice that the look-alikes of `members` make."""
    n = len(residual)
    direction = white[members].mean(0)
    scores = white @ direction
    scores[members] = _scores_of_members(white, members)
    order = np.argsort(-scores, kind="stable")
    sizes, squares = np.arange(1, n), residual[order] ** 2
    first, second = np.cumsum(residual[order])[:-1], np.cumsum(squares)[:-1]
    mean, rest = first / sizes, (residual.sum() - first) / (n - sizes)
    variance = (second / sizes - mean**2) / np.maximum(sizes - 1, 1)
    variance += ((squares.sum() - second) / (n - sizes) - rest**2) / np.maximum(n - sizes - 1, 1)
    t = (mean - rest) / np.sqrt(np.maximum(variance, 1e-300))
    usable = (sizes >= LEAST) & (sizes <= n // 4)
    best = int(np.argmax(np.where(usable, t, -np.inf)))
    return float(t[best]), direction, float((scores[order[best]] + scores[order[best + 1]]) / 2)
