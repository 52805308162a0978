"""Which attributes survive reconstruction, and which are lost beyond what blur of the same strength takes."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from vaekit.diagnosis.outcome import Outcome
from vaekit.diagnosis.spectrum import RadialSums
from vaekit.progress import Progress, silent


@dataclass(frozen=True)
class Preserved:
    """Attributes kept and lost.

    Attributes:
        outcomes: one test per attribute: lost beyond blur.
        table: one row per attribute, the most lost first (columns in `preserved`'s docstring); skipped ones with reason.
        notes: what could not be tested and why.
    """

    outcomes: tuple[Outcome, ...]
    table: pd.DataFrame
    notes: tuple[str, ...]


def control_probabilities(
    x: np.ndarray,
    sums: RadialSums,
    judge: Callable[[np.ndarray], np.ndarray],
    *,
    progress: Progress = silent,
) -> np.ndarray:
    """Return what the judge sees in x filtered by the reconstructions' own transfer, (N, A): equal blur, no model.

    Args:
        x: uint8 (N, S, S, 3).
        sums: of x and x_hat, for the transfer.
        judge: uint8 images (M, S, S, 3) -> probabilities (M, A); for a `Judge`, lambda i: judge.judge(i).probabilities.
    """
    raise NotImplementedError


def preserved(
    labels: pd.DataFrame,
    attributes: tuple[str, ...],
    thresholds: np.ndarray,
    p_x: np.ndarray,
    p_x_hat: np.ndarray,
    p_control: np.ndarray,
) -> Preserved:
    """Return which attributes survive in x_hat, against the control.

    Args:
        labels: 0/1, (N, K), columns named.
        attributes: those the judge knows, (A,); thresholds: its probability thresholds, (A,).
        p_x, p_x_hat, p_control: the judge's probabilities on x, x_hat and filtered x, (N, A).
    """
    raise NotImplementedError
