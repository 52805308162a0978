"""What explains the error: how much of its variance image properties and attributes predict, and which of them."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from vaekit.diagnosis.outcome import Outcome


@dataclass(frozen=True)
class Explained:
    """What predicts the error of unseen images.

    Attributes:
        outcomes: the test "explained".
        facts: for findings.json: r2 rows (properties, attributes, both, added), importance rows (feature, kind, value,
            low, high), n, target.
        arrays: none of its own; the figure reads the facts.
    """

    outcomes: tuple[Outcome, ...]
    facts: dict


def explain(
    error: np.ndarray, properties: pd.DataFrame, attributes: pd.DataFrame, *, label: str, seed: int = 0
) -> Explained:
    """Return how much of the variance of the error is predicted on held-out images, and by what.

    Args:
        error: (N,) per-image values; its logarithm is explained where all are positive. Not finite: left out, counted.
        properties: numbers per image (N, P): brightness, contrast, ..., distance of mu from the aggregate posterior.
        attributes: 0/1 (N, K); no columns where the data has none.
        label: of the error, such as "mean squared error".
    """
    raise NotImplementedError
