"""Which attributes can be judged, where the judge says yes, and how well it does on test."""

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

FEWEST = 20  # positives, and negatives, of an attribute in the seen half: with fewer there is nothing to learn


def reasons_against(seen: np.ndarray, valid: np.ndarray, test: np.ndarray) -> list[str]:
    """Return for each attribute why it can not be judged, or ""; labels 0/1 (N, A) of the three sets of images."""
    reasons = []
    for k in range(seen.shape[1]):
        positives, n = int(seen[:, k].sum()), len(seen)
        if min(positives, n - positives) < FEWEST:
            word = "positives" if positives < n - positives else "negatives"
            reasons.append(
                f"{min(positives, n - positives)} {word} among the {n:,} images that the judge sees; "
                f"at least {FEWEST} are needed"
            )
        else:
            without = [name for name, y in (("valid", valid), ("test", test)) if len(np.unique(y[:, k])) < 2]
            reasons.append(f"only one class among the {' and the '.join(without)} images" if without else "")
    return reasons


def rate_matching_thresholds(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return a threshold per attribute so that as many probabilities lie above it as there are positives, (A,) float64.

    Both (N, A). A threshold at 0.5 says too rarely what is rare, so that rates of samples would be held against a
    biased one; here false alarms and misses cancel on real images. It lies midway between two probabilities.
    """
    n, count = probabilities.shape
    descending = -np.sort(-probabilities.astype(np.float64), axis=0)
    positives = labels.sum(0).astype(np.int64)
    attribute = np.arange(count)
    above = descending[np.maximum(positives - 1, 0), attribute]
    below = descending[np.minimum(positives, n - 1), attribute]
    result: np.ndarray = (above + below) / 2
    return result


def score_table(
    attributes: tuple[str, ...],
    reasons: list[str],
    probabilities: np.ndarray,
    thresholds: np.ndarray,
    labels: np.ndarray,
) -> pd.DataFrame:
    """Return the judge's own scores on test, one row per attribute of the data in their order.

    Args:
        attributes: of the data, K.
        reasons: K, why an attribute is not judged or "".
        probabilities: (J, N, A) of the judged ones, by each network.
        thresholds: (J, A) of the judged ones.
        labels: (N, K) 0/1.
    """
    rows, judged = [], 0
    for k, (name, reason) in enumerate(zip(attributes, reasons, strict=True)):
        y = labels[:, k]
        row = {"attribute": name, "judged": not reason, "reason": reason, "n": len(y), "positives": int(y.sum())}
        if not reason:
            p, threshold = probabilities[..., judged], thresholds[:, judged]
            row |= {
                "auroc": float(np.mean([roc_auc_score(y, of_one) for of_one in p])),
                "rate": float(y.mean()),
                "judged_rate": float((p > threshold[:, None]).mean()),
            }
            judged += 1
        rows.append(row)
    columns = ["attribute", "judged", "auroc", "n", "positives", "rate", "judged_rate", "reason"]
    return pd.DataFrame(rows, columns=columns)
