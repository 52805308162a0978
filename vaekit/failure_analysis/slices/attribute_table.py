"""Every attribute's share in the error: a description of this test split, not yet a finding."""

import numpy as np
import pandas as pd
from scipy import stats

from vaekit.statistics.differences import mean_difference

COLUMNS = [
    "attribute",
    "n_with",
    "n_without",
    "mean_with",
    "mean_without",
    "difference",
    "low",
    "high",
    "auc",
    "worst_with",
    "worst_n",
    "odds_ratio",
    "p_value",
]


def attribute_slices(
    values: np.ndarray, attributes: pd.DataFrame, worst: np.ndarray, persons: np.ndarray | None = None
) -> pd.DataFrame:
    """Return one row per attribute, the largest absolute difference first, those without an interval last.

    Values that are not finite are left out.

    difference = mean of the metric with the attribute minus without, [low, high] its 95 % interval (`mean_difference`;
    empty where there are too few images or people); auc = chance that an image with it has the larger value;
    odds_ratio and p_value (Fisher's exact test, two-sided) of the attribute among the `worst` rows. An attribute that
    all or none of the images have is left out. `persons` (N,) are codes of who is pictured.
    """
    usable = np.isfinite(values)
    is_worst = np.zeros(len(values), dtype=bool)
    is_worst[worst] = True
    values, is_worst = values[usable], is_worst[usable]
    codes = None if persons is None else persons[usable]
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
        told = mean_difference(values, has, codes)
        low, high = (np.nan, np.nan) if told is None else (told.low, told.high)
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
    rows.sort(key=lambda row: (np.isnan(row["low"]), -abs(row["difference"])))
    return pd.DataFrame(rows, columns=COLUMNS)
