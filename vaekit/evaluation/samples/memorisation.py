"""Are samples copies of train images? Nearest neighbours in feature space, against what test images have."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from vaekit.evaluation.samples.manifold import nearest
from vaekit.figures.words import percent, plural
from vaekit.statistics.bootstrap import Estimate
from vaekit.statistics.jackknife import around, influence_variance
from vaekit.statistics.proportions import wilson
from vaekit.statistics.raters import pooled_estimate

CLOSE = 0.01  # quantile of the distances of test images below which a sample counts as close to a train image
PAIRS = 12  # train images that samples come closest to, kept as pictures
PERMUTATIONS = 1000
FEWEST = 20  # images of each set: with fewer a quantile says nothing


@dataclass(frozen=True, eq=False)
class Memorisation:
    """What nearest neighbours say, and the closest pairs.

    Attributes:
        close: share of samples nearer to a train image than all but 1 % of test images are; 0.01 is what test has.
        nearer: probability that a sample is nearer to the train images than a test image is; 0.5 for equal ones.
        train_share: of the samples' nearest neighbours among equal numbers of train and test images, the share that
            are train images. Blur moves samples nearer to every face, but to train no more than to test.
        chance: 95 % of the values of `train_share` when the labels train and test are permuted.
        copies: whether samples are copies: closer than test images, and closer to train than to test.
        rows: (P, 2) the train images that samples come closest to, each with its closest sample: sample and train row,
            closest first; `distances` (P,).
        sentence: what it amounts to.
    """

    close: Estimate
    nearer: Estimate
    train_share: float
    chance: tuple[float, float]
    copies: bool
    rows: np.ndarray
    distances: np.ndarray
    sentence: str

    def record(self) -> dict[str, Any]:
        """Return the numbers as plain data."""
        return {
            "close": vars(self.close),
            "nearer": vars(self.nearer),
            "train_share": self.train_share,
            "chance": list(self.chance),
            "copies": self.copies,
            "sentence": self.sentence,
        }


def memorisation(
    samples: np.ndarray, test: np.ndarray, train: np.ndarray, generator: np.random.Generator
) -> Memorisation | str:
    """Return whether samples (J, N, F) copy train images (J, T, F), by test images (J, M, F); or why it is not known.

    The train images should be those that the judge has not seen, whose features are made as those of test images are.
    Each of J networks judges alone; samples are copies where all of them say so. The pairs are the first one's.
    """
    few = min(samples.shape[1], test.shape[1], train.shape[1])
    if few < FEWEST:
        return f"Memorisation is not judged: it needs {FEWEST} images of each set, and one has {few}."
    by_network = [_by_one(*sets, generator) for sets in zip(samples, test, train, strict=True)]
    close, nearer = (
        pooled_estimate([getattr(one, name) for one in by_network], 0.0, 1.0) for name in ("close", "nearer")
    )
    share = float(np.mean([one.train_share for one in by_network]))
    low, high = np.mean([one.chance for one in by_network], axis=0).tolist()
    copies = all(one.copies for one in by_network)
    sentence = _sentence(close, share, (low, high), copies, train.shape[1])
    return replace(
        by_network[0],
        close=close,
        nearer=nearer,
        train_share=share,
        chance=(low, high),
        copies=copies,
        sentence=sentence,
    )


def _by_one(samples: np.ndarray, test: np.ndarray, train: np.ndarray, generator: np.random.Generator) -> Memorisation:
    of_samples, neighbours = nearest(samples, train)
    of_test, _ = nearest(test, train)
    bound = float(np.quantile(of_test, CLOSE))
    within = int((of_samples < bound).sum())
    low, high = wilson(within, len(samples))
    close = Estimate(within / len(samples), float(low), float(high), len(samples))
    share, chance = _train_share(samples, test, train, generator)
    copies = close.low is not None and close.low > CLOSE and share > chance[1]
    order = np.argsort(of_samples, kind="stable")
    # One picture per train image: it may be the nearest of many samples.
    rows = order[np.sort(np.unique(neighbours[order], return_index=True)[1])[:PAIRS]]
    return Memorisation(
        close,
        _nearer(of_samples, of_test),
        share,
        chance,
        copies,
        np.stack([rows, neighbours[rows]], axis=1),
        of_samples[rows],
        "",
    )


def _nearer(samples: np.ndarray, test: np.ndarray) -> Estimate:
    """Return P(sample < test) + P(equal) / 2 with the interval of DeLong et al. (1988), which is the jackknife's."""
    ordered_test, ordered = np.sort(test), np.sort(samples)
    below = (len(test) - _rank(ordered_test, samples)) / len(test)
    above = _rank(ordered, test) / len(samples)
    return around(float(below.mean()), influence_variance(below, above), len(samples), 0.0, 1.0)


def _rank(ordered: np.ndarray, values: np.ndarray) -> np.ndarray:
    return (np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")) / 2


def _train_share(
    samples: np.ndarray, test: np.ndarray, train: np.ndarray, generator: np.random.Generator
) -> tuple[float, tuple[float, float]]:
    """Return the share of nearest neighbours that are train images, and 95 % of it under permuted labels.

    Permuting labels, not samples: many samples may share one neighbour, and are then not independent.
    """
    size = min(len(test), len(train))
    pool = np.concatenate(
        [
            train[np.sort(generator.choice(len(train), size, replace=False))],
            test[np.sort(generator.choice(len(test), size, replace=False))],
        ]
    )
    _, rows = nearest(samples, pool)
    counts = np.bincount(rows, minlength=2 * size) / len(samples)
    shares = [counts[generator.permutation(2 * size)[:size]].sum() for _ in range(PERMUTATIONS)]
    low, high = np.quantile(shares, [0.025, 0.975])
    return float(counts[:size].sum()), (float(low), float(high))


def _sentence(close: Estimate, share: float, chance: tuple[float, float], copies: bool, n: int) -> str:
    assert close.value is not None
    verdict = "Some samples look like copies of train images" if copies else "No sign of memorised train images"
    by_chance = f"{percent(chance[0])} to {percent(chance[1])} by chance"
    return (
        f"{verdict}: {percent(close.value, close.low, close.high)} of {plural(close.n, 'prior sample')} are nearer to "
        f"one of {plural(n, 'train image')} than all but {percent(CLOSE)} of the test images are, and among equal "
        f"numbers of train and test images the nearest one is a train image for {percent(share)} ({by_chance})."
    )
