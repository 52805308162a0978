"""Every attribute's share in the error: a description of this test split, not yet a finding."""

import numpy as np
import pandas as pd
from scipy import stats

from vaekit.seeding import numpy_generator

COLUMNS = [
    "attribute", "n_with", "n_without", "mean_with", "mean_without", "difference", "low", "high", "auc",
    "worst_with", "worst_n", "odds_ratio", "p_value",
]  # fmt: skip
RESAMPLES = 1000


def attribute_slices(values: np.ndarray, attributes: pd.DataFrame, worst: np.ndarray, seed: int) -> pd.DataFrame:
    """Return one row per attribute, the largest absolute difference first; rows with a non-finite value are left out.

    difference = mean of the metric with the attribute minus without, [low, high] its 95 % percentile bootstrap
    interval; auc = chance that an image with it has the larger value; odds_ratio and p_value (Fisher's exact test,
    two-sided) of the attribute among the `worst` rows. An attribute that all or none of the images have is left out.
    """
    usable = np.isfinite(values)
    is_worst = np.zeros(len(values), dtype=bool)
    is_worst[worst] = True
    values, is_worst = values[usable], is_worst[usable]
    generator = numpy_generator(seed, "attribute slices")
    ranks = stats.rankdata(values)
    rows = []
    for name in attributes.columns:
        has = attributes[name].to_numpy()[usable] == 1
        n_with, n_without = int(has.sum()), int((~has).sum())
        if not n_with or not n_without:
            continue
        with_it, without = values[has], values[~has]
        table = [[np.sum(is_worst & has), np.sum(is_worst & ~has)], [np.sum(~is_worst & has), np.sum(~is_worst & ~has)]]
        fisher = stats.fisher_exact(table)
        resampled = _resampled_means(with_it, generator) - _resampled_means(without, generator)
        low, high = np.quantile(resampled, [0.025, 0.975])
        rows.append(
            {
                "attribute": name,
                "n_with": n_with,
                "n_without": n_without,
                "mean_with": with_it.mean(),
                "mean_without": without.mean(),
                "difference": with_it.mean() - without.mean(),
                "low": low,
                "high": high,
                "auc": (ranks[has].sum() - n_with * (n_with + 1) / 2) / (n_with * n_without),
                "worst_with": int(table[0][0]),
                "worst_n": int(is_worst.sum()),
                "odds_ratio": fisher.statistic,
                "p_value": fisher.pvalue,
            }
        )
    rows.sort(key=lambda row: -abs(row["difference"]))
    return pd.DataFrame(rows, columns=COLUMNS)


def _resampled_means(values: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    n = len(values)
    return np.array([np.bincount(generator.integers(0, n, n), minlength=n) @ values / n for _ in range(RESAMPLES)])
