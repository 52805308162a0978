"""Straight lines and great circles between codes."""

import numpy as np


def steps(count: int) -> np.ndarray:
    """Return `count` positions from 0 to 1, evenly apart, ends included."""
    return np.linspace(0, 1, count)


def linear(a: np.ndarray, b: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Return (1 - t) a + t b for codes a and b, (D,), at each t, (T,): (T, D)."""
    result: np.ndarray = (1 - t)[:, None] * a + t[:, None] * b
    return result


def spherical(a: np.ndarray, b: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Return codes between a and b, (D,), at each t, (T,), that keep their distance from the prior's mean: (T, D).

    The direction, seen from 0, follows the great circle (slerp, Shoemake 1985) and the length goes linearly from |a|
    to |b|: a straight line between two draws of N(0, I) passes through codes that are shorter than any draw. Where no
    great circle is singled out (parallel or opposite directions, or a code at 0) it is the straight line.
    """
    length_a, length_b = np.linalg.norm(a), np.linalg.norm(b)
    if length_a == 0 or length_b == 0:
        return linear(a, b, t)
    u, v = a / length_a, b / length_b
    angle = 2 * np.arctan2(np.linalg.norm(u - v), np.linalg.norm(u + v))  # accurate near 0 and pi, as arccos is not
    if np.sin(angle) < 1e-7:
        return linear(a, b, t)
    direction = (np.sin((1 - t) * angle)[:, None] * u + np.sin(t * angle)[:, None] * v) / np.sin(angle)
    result: np.ndarray = ((1 - t) * length_a + t * length_b)[:, None] * direction
    return result
