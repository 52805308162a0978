"""Disentanglement, completeness, informativeness (Eastwood & Williams 2018), as disentanglement_lib computes them.

What a dim contributes to telling a factor is its share of the gain of boosted trees of depth 3. Where
disentanglement_lib fits 100 trees at rate 0.1 to 10,000 images, 50 at rate 0.2 are fitted here, to at most 4,000
images, on binned codes, in a hundredth of the time; a continuous factor is told by its value (R^2), not by its class.
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import entropy
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits

from vaekit.evaluation.probes.scores import auroc_matrix
from vaekit.progress import Progress, silent

TRAINED_ON, TESTED_ON = 4_000, 4_000  # most images
TREES = {"max_iter": 50, "learning_rate": 0.2, "max_depth": 3, "max_bins": 63, "early_stopping": False}
NOTHING = 1e-11  # added to importances, so that a dim or factor without any has the entropy of all alike


@dataclass(frozen=True)
class DCI:
    """The three scores, each in [0, 1], and what they come from.

    Attributes:
        disentanglement: how far each dim tells one factor only, mean over dims weighted by their importance.
        completeness: how far each factor is told by one dim only, mean over factors.
        informativeness: how well the trees tell the factors of held-out images: mean AUROC of binary ones, mean R^2 of
            others (not below 0).
        importance: share of each dim in the trees' gain, (D, K), columns adding up to 1, or 0 without any split.
        images: number of images that the trees were fitted to, and tested on.
    """

    disentanglement: float
    completeness: float
    informativeness: float
    importance: np.ndarray
    images: tuple[int, int]


def dci(
    train: np.ndarray,
    train_factors: np.ndarray,
    test: np.ndarray,
    test_factors: np.ndarray,
    progress: Progress = silent,
) -> DCI:
    """Return the DCI scores of codes (N, D) and (M, D) for K factors, (N, K) and (M, K): bool, or numbers.

    The first 4,000 rows of each are used.
    """
    train, train_factors = train[:TRAINED_ON], train_factors[:TRAINED_ON]
    test, test_factors = test[:TESTED_ON], test_factors[:TESTED_ON]
    importance = np.zeros((train.shape[1], train_factors.shape[1]))
    told = []
    with threadpool_limits(1, "openmp"):  # trees so small gain nothing from threads, which lose much on a busy machine
        for k in range(train_factors.shape[1]):
            importance[:, k], quality = _tell(train, train_factors[:, k], test, test_factors[:, k])
            told.append(quality)
            progress("disentanglement", k + 1, train_factors.shape[1])
    return DCI(
        disentanglement(importance), completeness(importance), float(np.mean(told)), importance, (len(train), len(test))
    )


def disentanglement(importance: np.ndarray) -> float:
    """Return 1 - entropy over factors of each dim's importances (D, K), in base K, weighted by the dims' importance."""
    return _one_minus_entropy(importance.T)


def completeness(importance: np.ndarray) -> float:
    """Return 1 - entropy over dims of each factor's importances (D, K), in base D, weighted by the factors' sums."""
    return _one_minus_entropy(importance)


def _one_minus_entropy(importance: np.ndarray) -> float:
    """Return the weighted mean over columns; 0 where nothing has any importance, or rows are one alone."""
    total = importance.sum()
    if total == 0 or len(importance) < 2:
        return 0.0
    alone = 1 - entropy(importance + NOTHING, base=len(importance), axis=0)
    return float((alone * importance.sum(0)).sum() / total)


def _tell(train: np.ndarray, factor: np.ndarray, test: np.ndarray, test_factor: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the dims' shares of the gain, (D,), and how well held-out images are told."""
    if factor.dtype == bool:
        trees = HistGradientBoostingClassifier(**TREES, random_state=0).fit(train, factor)
        quality = auroc_matrix(trees.decision_function(test)[:, None], test_factor[:, None])[0, 0]
    else:
        trees = HistGradientBoostingRegressor(**TREES, random_state=0).fit(train, factor)
        quality = max(0.0, trees.score(test, test_factor))
    gain = np.zeros(train.shape[1])
    for (tree,) in trees._predictors:  # scikit-learn keeps the gains, and has no public name for them
        splits = tree.nodes[tree.nodes["is_leaf"] == 0]
        np.add.at(gain, splits["feature_idx"], splits["gain"])
    return gain / max(gain.sum(), np.finfo(float).tiny), float(quality)
