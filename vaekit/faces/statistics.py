"""Base rates and correlations of CelebA's attributes, and the Gaussian copula that reproduces them after `consistent`.

`statistics.json` beside this file holds numbers only, measured from the official list of 202,599 rows. To redo it:

    python -m vaekit.faces.statistics list_attr_celeba.txt
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pandas as pd

from vaekit.faces.attributes import ATTRIBUTES, COLUMN, EXCLUSIVE, consistent

STATISTICS = Path(__file__).with_name("statistics.json")
_PAIRS = np.triu_indices(len(ATTRIBUTES), 1)
_quantile = np.vectorize(NormalDist().inv_cdf)


@dataclass(frozen=True)
class Statistics:
    """What CelebA's list says, and the latent normal whose thresholded draws say the same.

    rates: (k,) share of images with each attribute; correlations: (k, k) phi coefficients; thresholds: (k,) and
    latent: (k, k) a correlation matrix, of the liabilities.
    """

    rates: np.ndarray
    correlations: np.ndarray
    thresholds: np.ndarray
    latent: np.ndarray


def _square(upper: np.ndarray) -> np.ndarray:
    """(k, k) symmetric with a unit diagonal from its k(k-1)/2 values over the diagonal."""
    matrix = np.eye(len(ATTRIBUTES))
    matrix[_PAIRS] = upper
    matrix.T[_PAIRS] = upper
    return matrix


@cache
def load_statistics() -> Statistics:
    """The measured statistics that come with the package."""
    stored = json.loads(STATISTICS.read_text(encoding="utf-8"))
    return Statistics(
        rates=np.array(stored["rates"]),
        correlations=_square(np.array(stored["correlations"])),
        thresholds=np.array(stored["thresholds"]),
        latent=_square(np.array(stored["latent"])),
    )


def _joint(h: np.ndarray, k: np.ndarray, rho: np.ndarray, both: np.ndarray) -> np.ndarray:
    """P(X > h, Y > k) of a standard bivariate normal, by Plackett's identity; `both` is P(X > h) P(Y > k)."""
    nodes, weights = np.polynomial.legendre.leggauss(32)
    angle = np.arcsin(rho)[:, None] * (nodes + 1) / 2
    quadratic = h[:, None] ** 2 + k[:, None] ** 2 - 2 * h[:, None] * k[:, None] * np.sin(angle)
    density = np.exp(-quadratic / (2 * np.cos(angle) ** 2)) / (2 * np.pi)
    result: np.ndarray = both + np.arcsin(rho) / 2 * (density @ weights)
    return result


def tetrachoric(rates: np.ndarray, correlations: np.ndarray) -> np.ndarray:
    """(k, k) latent correlations whose thresholded normals have these rates and phi coefficients."""
    rows, columns = _PAIRS
    thresholds = -_quantile(rates)
    p, q = rates[rows], rates[columns]
    joint = p * q + correlations[rows, columns] * np.sqrt(p * (1 - p) * q * (1 - q))
    low, high = np.full(len(rows), -0.98), np.full(len(rows), 0.98)
    for _ in range(40):
        middle = (low + high) / 2
        under = _joint(thresholds[rows], thresholds[columns], middle, p * q) < joint
        low, high = np.where(under, middle, low), np.where(under, high, middle)
    return _square((low + high) / 2)


def _nearest_correlation(matrix: np.ndarray) -> np.ndarray:
    """The matrix with its eigenvalues floored and its diagonal put back to one."""
    values, vectors = np.linalg.eigh(matrix)
    floored = (vectors * values.clip(2e-3)) @ vectors.T
    scale = 1 / np.sqrt(np.diag(floored))
    result: np.ndarray = floored * scale * scale[:, None]
    return result


def measure(list_attr: Path, *, rounds: int = 60, draws: int = 200_000) -> Statistics:
    """Statistics of an attribute list in CelebA's format, its copula fitted so that what is drawn matches them."""
    table = pd.read_csv(list_attr, sep=r"\s+", skiprows=1)[list(ATTRIBUTES)].to_numpy() > 0
    rates, correlations = table.mean(axis=0), np.asarray(np.corrcoef(table.T))
    # `consistent` makes a group exclusive by itself; asking the normal for it too would leave no room for the rest.
    free = np.ones_like(correlations)
    for group in EXCLUSIVE:
        columns = [COLUMN[name] for name in group]
        free[np.ix_(columns, columns)] = np.eye(len(group))
    thresholds, wanted = -_quantile(rates), tetrachoric(rates, correlations) * free
    latent = _nearest_correlation(wanted)
    normals = np.random.default_rng(0).standard_normal((draws, len(ATTRIBUTES)), dtype=np.float32)
    spread = np.sqrt(rates * (1 - rates))
    density = np.exp(-(thresholds**2) / 2) / np.sqrt(2 * np.pi)
    gain = np.outer(spread / density, spread / density) * 0.3  # d latent / d phi near independence, damped
    # Not every round betters the last: some pairs ask for more than a correlation matrix can hold.
    least, best = np.inf, (thresholds, latent)
    for _ in range(rounds):
        liabilities = normals @ np.linalg.cholesky(latent).T.astype(np.float32)
        shown = consistent(liabilities - thresholds)
        observed = shown.mean(axis=0).clip(1 / draws, 1 - 1 / draws)
        lack = correlations - np.corrcoef(shown.T)
        error = float(np.abs(observed - rates).max() + np.sqrt(((lack * free) ** 2).mean()))
        if error < least:
            least, best = error, (thresholds, latent)
        thresholds = thresholds + _quantile(observed) - _quantile(rates)
        wanted = (wanted + np.clip(gain * lack, -0.05, 0.05) * free).clip(-0.98, 0.98)
        latent = _nearest_correlation(wanted.clip(-0.95, 0.95))
        wanted = 0.7 * wanted + 0.3 * latent  # what no correlation matrix can hold is not asked for ever more strongly
    return Statistics(rates, correlations, *best)


def write_statistics(statistics: Statistics, path: Path = STATISTICS) -> Path:
    """The statistics as JSON: matrices as their values over the diagonal, row by row."""
    numbers = {
        "attributes": list(ATTRIBUTES),
        "rates": statistics.rates.round(5).tolist(),
        "thresholds": statistics.thresholds.round(4).tolist(),
        "correlations": statistics.correlations[_PAIRS].round(4).tolist(),
        "latent": statistics.latent[_PAIRS].round(4).tolist(),
    }
    lines = [f'  "{name}": {json.dumps(values)}' for name, values in numbers.items()]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    return path


if __name__ == "__main__":
    write_statistics(measure(Path(sys.argv[1])))
