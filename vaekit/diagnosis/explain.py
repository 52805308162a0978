"""What explains the error: how much of its variance image properties and attributes predict, and which of them.

Everything is scored on images the model was not fitted on. The model is additive (a parabola in each property, a step
for each attribute, ridge regression): on real CelebA its held-out R2 was that of boosted trees, and permuting a column
of an additive model has a known expectation, so that importances carry no noise of the permutation.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats
from sklearn.covariance import LedoitWolf
from sklearn.linear_model import RidgeCV

from vaekit.diagnosis.outcome import TAILS, Effect, Outcome, estimate_row, interval, percent, resampled_sums
from vaekit.diagnosis.properties import PROPERTIES
from vaekit.figures.words import in_sentence, readable
from vaekit.seeding import numpy_generator

FOLDS = 5
FEWEST = 100  # images: with fewer, a fifth of them says nothing of the others
GAIN = 0.02  # of R2: a property that adds less is not named
NAMED = 3  # properties in the sentence, at most
PENALTIES = np.logspace(-2, 5, 15)


@dataclass(frozen=True)
class Explained:
    """What predicts the error of unseen images.

    Attributes:
        outcomes: the test "explained".
        facts: for findings.json: target, n, r2 (rows of properties, attributes, both, added, named) and importance (one
            row per property and attribute, the largest first: feature, label, kind, value, low, high).
    """

    outcomes: tuple[Outcome, ...]
    facts: dict[str, Any]


def code_distance(mu: np.ndarray) -> np.ndarray:
    """Return how far each posterior mean lies from the aggregate posterior, (N,): Mahalanobis distance of mu (N, D).

    The covariance is shrunk (Ledoit & Wolf 2004), so that it can be inverted when N is near D or below.
    """
    return np.sqrt(LedoitWolf().fit(mu).mahalanobis(mu))
