"""How well probabilities tell images with an attribute from those without, under any weights of the images.

One method gives the scores and their bootstrap: a resample is a weight, the number of times that each image is drawn.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from scipy import stats
from scipy.stats import rankdata

from vaekit.seeding import numpy_generator
from vaekit.statistics.bootstrap import NORMAL, RESAMPLES, TAILS, Estimate

SCORES = ("auroc", "average_precision", "balanced_accuracy", "brier")
LEAK = 1e-3  # probability of a leak alarm without a leak
AT_ONCE = 500_000  # weights held at a time: more would leave the processor's cache


@dataclass(frozen=True)
class Scored:
    """SCORES of K probes, and the same under 1,000 resamples of the test images that all probes share.

    Attributes:
        value: (4, K).
        draws: (4, 1000, K).
    """

    value: np.ndarray
    draws: np.ndarray


def score(probability: np.ndarray, labels: np.ndarray, threshold: np.ndarray, seed: int) -> Scored:
    """Return the scores of K probes on N images, with their bootstrap.

    auroc is the probability that an image with the attribute scores above one without, ties counting half;
    average_precision the sum over thresholds of precision times gained recall; balanced_accuracy the mean of the rates
    of right calls among images with and without it; brier the mean of (p - y)^2. NaN where one class is missing.

    Args:
        probability: of the attribute, (N, K).
        labels: whether an image has it, (N, K) bool.
        threshold: an image is called positive above it, (K,).
        seed: of the resamples.
    """
    n = len(labels)
    calls = _Calls(probability, labels, threshold)
    parts = [calls.under(counts) for counts in resamples(n, seed, max(1, AT_ONCE // max(n, 1)))]
    return Scored(calls.under(np.ones((n, 1)))[:, 0], np.concatenate(parts, axis=1))


def resamples(n: int, seed: int, most: int = RESAMPLES) -> Iterator[np.ndarray]:
    """Yield the 1,000 bootstrap resamples of n images as counts, (n, up to `most`); every caller sees the same ones."""
    generator = numpy_generator(seed, "bootstrap")
    for start in range(0, RESAMPLES, most):
        drawn = (generator.integers(0, n, n) for _ in range(min(most, RESAMPLES - start)))
        yield np.stack([np.bincount(rows, minlength=n) for rows in drawn], axis=1)


def interval(draws: np.ndarray, axis: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of the 95 % percentile interval of bootstrap draws along an axis; NaN where a draw is NaN."""
    low, high = np.quantile(draws, TAILS, axis=axis)
    return low, high


def auroc_matrix(codes: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the AUROC of every dim alone for every label, (K, D), from codes (N, D) and labels (N, K) bool.

    Above 0.5 more of the dim goes with the label; ties count half. NaN for a label that all images have, or none.
    """
    positive = labels.sum(0)[:, None].astype(np.float64)
    negative = len(labels) - positive
    with np.errstate(divide="ignore", invalid="ignore"):
        result: np.ndarray = (labels.T @ rankdata(codes, axis=0) - positive * (positive + 1) / 2) / (
            positive * negative
        )
        return result


def by_chance(probability: np.ndarray, labels: np.ndarray) -> tuple[Estimate, float]:
    """Return the mean AUROC of K probes of shuffled labels, and how far chance takes it from 0.5 once in 1,000 times.

    Given the probabilities (N, K), the order of each column of labels is chance alone: the AUROC then has variance
    (N + 1) / (12 P (N - P)) with P positives (Mann & Whitney 1947), independent of the other columns'.
    """
    n, positives = len(labels), labels.sum(0).astype(np.float64)
    error = float(np.sqrt(((n + 1) / (12 * positives * (n - positives))).sum()) / len(positives))
    value = float(
        np.mean([auroc_matrix(p[:, None], y[:, None])[0, 0] for p, y in zip(probability.T, labels.T, strict=True)])
    )
    return Estimate(value, value - NORMAL * error, value + NORMAL * error, n), float(stats.norm.isf(LEAK / 2)) * error


class _Calls:
    """The probabilities of K probes on N images, sorted once, to be scored under many weightings."""

    def __init__(self, probability: np.ndarray, labels: np.ndarray, threshold: np.ndarray) -> None:
        called = probability > threshold
        self.labels, self.hits, self.alarms = labels, called & labels, called & ~labels
        self.errors = np.square(probability - labels)
        self.rankings = [_Ranking(probability[:, k], labels[:, k]) for k in range(labels.shape[1])]

    @np.errstate(divide="ignore", invalid="ignore")
    def under(self, weights: np.ndarray) -> np.ndarray:
        """Return the SCORES of K probes under each of R weightings (N, R) by small whole numbers, (4, R, K)."""
        light, weights = weights.astype(np.float32), weights.astype(np.float64)
        total, positive = weights.sum(0)[:, None], weights.T @ self.labels
        hit, false_alarm = (weights.T @ self.hits) / positive, (weights.T @ self.alarms) / (total - positive)
        with ThreadPoolExecutor() as pool:
            ranked = list(pool.map(lambda ranking: ranking.under(light), self.rankings))
        return np.stack([*np.stack(ranked, axis=2), (hit + 1 - false_alarm) / 2, weights.T @ self.errors / total])


class _Ranking:
    """The images in the order of one probe's probability."""

    def __init__(self, probability: np.ndarray, labels: np.ndarray) -> None:
        self.order = np.argsort(probability, kind="stable")
        sorted_probability = probability[self.order]
        at = np.flatnonzero(labels[self.order])  # places of the images with the attribute
        self.own = self.order[at]
        # Where those of the same probability begin and end: among all images, and among those with the attribute.
        self.first = np.searchsorted(sorted_probability, sorted_probability[at], "left")
        self.last = np.searchsorted(sorted_probability, sorted_probability[at], "right")
        self.first_own, self.last_own = np.searchsorted(at, self.first), np.searchsorted(at, self.last)

    @np.errstate(divide="ignore", invalid="ignore")  # per thread
    def under(self, weights: np.ndarray) -> np.ndarray:
        """Return AUROC and average precision under R weightings (N, R) float32, whose sums of counts are exact."""
        every, own_sums = _sums_before(weights, self.order), _sums_before(weights, self.own)
        own = np.diff(own_sums, axis=0).astype(np.float64)
        below, upto = every[self.first] - own_sums[self.first_own], every[self.last] - own_sums[self.last_own]
        positive = own_sums[-1].astype(np.float64)
        auroc = (own * (below + upto)).sum(0) / (2 * positive * (every[-1] - positive))
        found, called = own_sums[-1] - own_sums[self.first_own], every[-1] - every[self.first]
        precision = np.divide(found, called, out=np.zeros(found.shape), where=called > 0, dtype=np.float64)
        return np.stack([auroc, (own * precision).sum(0) / positive])


def _sums_before(weights: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Return the sum of the rows of (N, R) weights before each place of an order, and at the end of all, (M + 1, R)."""
    side = int(np.sqrt(len(order))) + 1  # sums inside blocks of so many rows, all blocks at once: thrice cumsum's speed
    sums = np.zeros((1 + side * side, weights.shape[1]), weights.dtype)
    np.take(weights, order, axis=0, out=sums[1 : len(order) + 1], mode="clip")
    blocks = sums[1:].reshape(side, side, -1)
    for i in range(1, side):
        blocks[:, i] += blocks[:, i - 1]
    blocks[1:] += np.cumsum(blocks[:-1, -1], axis=0)[:, None]
    return sums[: len(order) + 1]
