"""How well probabilities tell images with an attribute from those without, under any weights of the images.

One function gives the scores and their bootstrap: a resample is a weight, the number of times that each image is drawn.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from vaekit.evaluation.uncertainty import LEVEL, RESAMPLES
from vaekit.seeding import numpy_generator

SCORES = ("auroc", "average_precision", "balanced_accuracy", "brier")
AT_ONCE = 1_000_000  # weights held at a time: more would leave the processor's cache


def weighted_scores(
    probability: np.ndarray, labels: np.ndarray, threshold: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """Return the SCORES of K probes under each of R weightings of N images, (4, R, K) float64.

    auroc is the probability that an image with the attribute scores above one without, ties counting half;
    average_precision the sum over thresholds of precision times gained recall; balanced_accuracy the mean of the rates
    of right calls among images with and without it; brier the mean of (p - y)^2. NaN where a weighting has one class.

    Args:
        probability: of the attribute, (N, K).
        labels: whether an image has it, (N, K) bool.
        threshold: an image is called positive above it, (K,).
        weights: (N, R), such as ones, or how often each image is drawn.
    """
    light, weights = weights.astype(np.float32), weights.astype(np.float64)
    total, positive = weights.sum(0)[:, None], weights.T @ labels
    with np.errstate(divide="ignore", invalid="ignore"):
        called = probability > threshold
        hits, alarms = weights.T @ (called & labels), weights.T @ (called & ~labels)
        balanced = 0.5 * (hits / positive + 1 - alarms / (total - positive))
        brier = weights.T @ np.square(probability - labels) / total
        ranked = [_ranked(probability[:, k], labels[:, k], light) for k in range(labels.shape[1])]
    return np.stack([*np.stack(ranked, axis=2), balanced, brier])


def _ranked(probability: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return AUROC and average precision of one probe under R weightings, (2, R); float32 sums of counts are exact."""
    order = np.argsort(probability, kind="stable")
    p, y = probability[order], labels[order]
    at = np.flatnonzero(y)
    # Sums of weights of all images, and of those with the attribute, that come before each place.
    every = _sums_before(np.take(weights, order, axis=0))
    own = np.take(weights, order[at], axis=0).astype(np.float64)
    with_it = _sums_before(own)
    first, last = np.searchsorted(p, p[at], "left"), np.searchsorted(p, p[at], "right")  # of those with the same score
    first_with, last_with = np.searchsorted(at, first), np.searchsorted(at, last)
    below, upto = every[first] - with_it[first_with], every[last] - with_it[last_with]
    pairs = with_it[-1] * (every[-1] - with_it[-1])
    auroc = (own * (below + upto)).sum(0) / (2 * pairs)
    found, called = with_it[-1] - with_it[first_with], every[-1] - every[first]
    precision = np.divide(found, called, out=np.zeros_like(found), where=called > 0)
    return np.stack([auroc, (own * precision).sum(0) / with_it[-1]])


def _sums_before(weights: np.ndarray) -> np.ndarray:
    """Return the sum of the rows before each row and of all rows, (N + 1, R)."""
    sums = np.zeros((len(weights) + 1, weights.shape[1]), weights.dtype)
    np.cumsum(weights, axis=0, out=sums[1:])
    return sums


def resamples(n: int, seed: int, most: int) -> Iterator[np.ndarray]:
    """Yield the 1,000 bootstrap resamples of n images as counts, (n, up to `most`); every caller sees the same ones."""
    generator = numpy_generator(seed, "bootstrap")
    for start in range(0, RESAMPLES, most):
        drawn = (generator.integers(0, n, n) for _ in range(min(most, RESAMPLES - start)))
        yield np.stack([np.bincount(rows, minlength=n) for rows in drawn], axis=1)


@dataclass(frozen=True)
class Scored:
    """SCORES of K probes, and the same under 1,000 resamples of the test images that all probes share.

    Attributes:
        value: (4, K).
        draws: (4, 1000, K).
    """

    value: np.ndarray
    draws: np.ndarray

    def interval(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the ends of the 95 % percentile intervals, (4, K) each."""
        return interval(self.draws, axis=1)


def interval(draws: np.ndarray, axis: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of the 95 % percentile interval of bootstrap draws along an axis; NaN where a draw has none."""
    low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=axis)
    return low, high


def score(probability: np.ndarray, labels: np.ndarray, threshold: np.ndarray, seed: int) -> Scored:
    """Return the scores of K probes on N images with their resamples; arguments as in `weighted_scores`."""
    n = len(labels)
    value = weighted_scores(probability, labels, threshold, np.ones((n, 1)))[:, 0]
    parts = [
        weighted_scores(probability, labels, threshold, counts)
        for counts in resamples(n, seed, max(1, AT_ONCE // max(n, 1)))
    ]
    return Scored(value, np.concatenate(parts, axis=1))


def auroc_matrix(codes: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the AUROC of every dim alone for every label, (K, D), from codes (N, D) and labels (N, K) bool.

    Above 0.5 more of the dim goes with the label; ties count half. NaN for a label that all or no image has.
    """
    positive = labels.sum(0)[:, None].astype(np.float64)
    negative = len(labels) - positive
    with np.errstate(divide="ignore", invalid="ignore"):
        return (labels.T @ rankdata(codes, axis=0) - positive * (positive + 1) / 2) / (positive * negative)
