"""Whether the error differs between groups of people, in plain words, and what that can not say."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from vaekit.diagnosis.outcome import Outcome

GROUPS = ("Male", "Young", "Pale_Skin")


@dataclass(frozen=True)
class Fairness:
    """The gap of the error between groups.

    Attributes:
        outcomes: one test per group.
        rows: for findings.json's "fairness": group, n_with, n_without, mean_with, mean_without, difference, ratio (each with
            low, high), p, q, adjusted (same after adjusting for image properties), face (same in the face alone).
        notes: what the gaps can not say; groups that could not be tested.
    """

    outcomes: tuple[Outcome, ...]
    rows: list[dict]
    notes: tuple[str, ...]


def fairness(
    error: np.ndarray,
    attributes: pd.DataFrame,
    properties: pd.DataFrame,
    *,
    label: str,
    unit: str,
    higher_is_better: bool,
    groups: tuple[str, ...] = GROUPS,
    face_error: np.ndarray | None = None,
) -> Fairness:
    """Return the gap of the error between images with and without each attribute in `groups`.

    Args:
        error: (N,) per-image values of the metric that `label` and `unit` name.
        attributes: 0/1 (N, K).
        properties: numbers per image (N, P) that the adjusted gap holds equal.
        face_error: (N,) the error in the face alone (`Regions.per_image["face_mse"]`).

    Raises:
        ConfigError: a group that is no attribute.
    """
    raise NotImplementedError
