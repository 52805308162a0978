"""Intervals of shares, which hold their width where a normal one would have none."""

import numpy as np

from vaekit.statistics.bootstrap import NORMAL


def wilson(successes: np.ndarray | float, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of Wilson's 95 % interval of shares of n, elementwise; for 0 and n of n it still has a width."""
    share, z2 = np.asarray(successes, np.float64) / n, NORMAL**2
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = NORMAL / (1 + z2 / n) * np.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return np.maximum(centre - half, 0.0), np.minimum(centre + half, 1.0)


def newcombe(a: np.ndarray, n: int, b: np.ndarray, m: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of the 95 % interval of the difference of shares a/n - b/m (Newcombe 1998, method 10).

    `a` and `b` count successes, elementwise, in independent sets.
    """
    p, q = np.asarray(a, np.float64) / n, np.asarray(b, np.float64) / m
    (low_p, high_p), (low_q, high_q) = wilson(a, n), wilson(b, m)
    below = np.sqrt((p - low_p) ** 2 + (high_q - q) ** 2)
    above = np.sqrt((high_p - p) ** 2 + (q - low_q) ** 2)
    return p - q - below, p - q + above


def paired_difference(both: int, first: int, second: int, neither: int) -> tuple[float, float]:
    """Return the 95 % interval of the difference of two shares seen on the same n images.

    `first` and `second` count the images where only the first, only the second is true. Newcombe's hybrid of two
    Wilson intervals and the correlation between them (Statistics in Medicine 17, 1998, method 10).
    """
    n = both + first + second + neither
    p1, p2 = (both + first) / n, (both + second) / n
    (low1, low2), (high1, high2) = (ends.tolist() for ends in wilson(np.array([both + first, both + second]), n))
    margins = (both + first) * (second + neither) * (both + second) * (first + neither)
    product = both * neither - first * second
    correlation = (max(product - n / 2, 0) if product > 0 else product) / margins**0.5 if margins else 0.0
    down, up = (
        (a**2 - 2 * correlation * a * b + b**2) ** 0.5 for a, b in ((p1 - low1, high2 - p2), (high1 - p1, p2 - low2))
    )
    return p1 - p2 - down, p1 - p2 + up
