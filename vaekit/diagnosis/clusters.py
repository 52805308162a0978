"""Slices that no label names: look-alikes of the worst images in feature space."""

from dataclasses import dataclass

import numpy as np
from sklearn.cluster import KMeans

from vaekit.diagnosis.conditions import LEAST, Material

WORST = 0.05  # share of the discovery half that is clustered
MOST = 3  # clusters at most
DIMS = 32  # principal directions of the features that are kept, fewer for few images
LEAST_T = 4.0  # of a cluster against the rest, on the half it is found on
ALIKE = 0.5  # Jaccard overlap from which two clusters are one


@dataclass(frozen=True, eq=False)
class Cluster:
    """Images on one side of a plane in feature space, beyond which lie look-alikes of some of the worst images.

    `whiten` (F, D) and `centre` (F,) standardise features, `direction` (D,) points to the look-alikes.
    """

    number: int
    centre: np.ndarray
    whiten: np.ndarray
    direction: np.ndarray
    threshold: float

    kind = "cluster"

    @property
    def title(self) -> str:
        """How sentences call it."""
        return f"look-alikes no. {self.number}"

    def scores(self, material: Material) -> np.ndarray:
        """Return how much each image looks like the cluster, (N,); it knows nothing of the error."""
        assert material.features is not None
        return (material.features - self.centre) @ self.whiten @ self.direction

    def mask(self, material: Material) -> np.ndarray:
        """Return which images are members, bool (N,)."""
        return self.scores(material) > self.threshold


def find_clusters(residual: np.ndarray, material: Material, seed: int) -> list[Cluster]:
    """Return up to three clusters of the worst images by `residual` (N,), the strongest first.

    The worst twentieth is clustered by k-means (1 to 3 groups) in whitened features. Each group's direction from the
    centre of all images is a linear discriminant; the threshold on it is where Welch's t is largest. A member's own
    share in its group's direction is left out of its score, so that the threshold also fits images not seen here.
    """
    worst_n = max(LEAST, round(WORST * len(residual)))
    if material.features is None or len(residual) < 5 * worst_n:
        return []
    features = material.features.astype(np.float64)
    centre = features.mean(0)
    whiten = _whitening(features - centre, min(DIMS, len(features) // 20))
    white = (features - centre) @ whiten
    worst = np.argsort(-residual, kind="stable")[:worst_n]
    proposals = []
    for k in range(1, MOST + 1):
        groups = KMeans(k, n_init=4, random_state=seed).fit_predict(white[worst])
        for group in range(k):
            members = worst[groups == group]
            if len(members) >= LEAST // 3:
                proposals.append(_proposal(white, members, residual))
    proposals.sort(key=lambda proposal: -proposal[0])
    found: list[Cluster] = []
    masks: list[np.ndarray] = []
    for t, direction, threshold in proposals:
        mask = white @ direction > threshold
        if t < LEAST_T or any((mask & other).sum() > ALIKE * (mask | other).sum() for other in masks):
            continue
        found.append(Cluster(len(found) + 1, centre, whiten, direction, threshold))
        masks.append(mask)
    return found[:MOST]


def _whitening(centred: np.ndarray, dims: int) -> np.ndarray:
    """Return the (F, D) matrix to principal components of variance 1."""
    values, vectors = np.linalg.eigh(centred.T @ centred / len(centred))
    keep = [i for i in np.argsort(-values, kind="stable")[:dims] if values[i] > 1e-9 * values.max()]
    return vectors[:, keep] / np.sqrt(values[keep])


def _proposal(white: np.ndarray, members: np.ndarray, residual: np.ndarray) -> tuple[float, np.ndarray, float]:
    """Return t, direction and threshold of the slice that the look-alikes of `members` make."""
    n, m = len(residual), len(members)
    total = white[members].sum(0)
    direction = total / m
    scores = white @ direction
    own = white[members]
    scores[members] = ((total - own) * own).sum(1) / max(m - 1, 1)
    order = np.argsort(-scores, kind="stable")
    sizes = np.arange(1, n)
    first, second = np.cumsum(residual[order])[:-1], np.cumsum(residual[order] ** 2)[:-1]
    mean, rest = first / sizes, (residual.sum() - first) / (n - sizes)
    variance = (second / sizes - mean**2) / np.maximum(sizes - 1, 1)
    variance += ((residual**2).sum() - second) / (n - sizes) / (n - sizes) - rest**2 / (n - sizes)
    t = (mean - rest) / np.sqrt(np.maximum(variance, 1e-300))
    usable = (sizes >= LEAST) & (sizes <= n // 4)
    best = int(np.argmax(np.where(usable, t, -np.inf)))
    return float(t[best]), direction, float((scores[order[best]] + scores[order[best + 1]]) / 2)
