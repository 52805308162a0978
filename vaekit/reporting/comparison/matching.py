"""Dims of several models that say the same: matched by how their codes of the same images correlate."""

from collections.abc import Mapping

import numpy as np
from scipy.optimize import linear_sum_assignment

LEAST = 0.5  # |r| from which two dims are said to tell the same


def matched(
    codes: Mapping[str, tuple[np.ndarray, np.ndarray]], dims: Mapping[str, np.ndarray]
) -> list[list[tuple[str, int, float]]]:
    """Return groups of dims that tell the same, the surest first; each begins with a dim of the first model.

    Args:
        codes: name -> ids of its images (N,), and their mu (N, D).
        dims: name -> the dims among which to look (K,).

    Returns:
        groups of (name, place among the model's `dims`, Pearson's r with the first model's dim, which is 1 for itself):
        of every other model the dim that an assignment gives, where |r| is LEAST or more.
    """
    first, *others = codes
    groups = {k: [(first, k, 1.0)] for k in range(len(dims[first]))}
    for name in others:
        _, here, there = np.intersect1d(codes[first][0], codes[name][0], return_indices=True)
        own, other = codes[first][1][here][:, dims[first]], codes[name][1][there][:, dims[name]]
        with np.errstate(invalid="ignore"):  # a dim that never moves correlates with none
            r = np.nan_to_num(np.corrcoef(own.T, other.T)[: own.shape[1], own.shape[1] :])
        for i, j in zip(*linear_sum_assignment(-np.abs(r)), strict=True):
            if abs(r[i, j]) >= LEAST:
                groups[i].append((name, int(j), float(r[i, j])))
    found = [group for group in groups.values() if len(group) > 1]
    return sorted(found, key=lambda group: (-len(group), -min(abs(r) for *_, r in group)))
