"""How often the judge sees each attribute in samples and in real faces: which modes are dropped, by name."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from vaekit.evaluation.samples.sources import LABELS
from vaekit.figures.words import in_sentence, readable
from vaekit.statistics.discovery import Q_LEVEL
from vaekit.statistics.proportions import newcombe, wilson

DECENT = 0.8  # test AUROC of the judge from which its count of an attribute means something
RARELY = 0.5  # drawn less than so many times as often as in real faces, or more than 1 / RARELY times: worth naming
NAMED = 5  # attributes that get a sentence


@dataclass(frozen=True, eq=False)
class Seen:
    """What the judge sees in one source and in test images blurred to its spectrum: probabilities (N, A) and (M, A)."""

    samples: np.ndarray
    blurred: np.ndarray


def rate_table(
    attributes: tuple[str, ...],
    thresholds: np.ndarray,
    auroc: np.ndarray,
    labels: np.ndarray,
    real: np.ndarray,
    sources: Mapping[str, Seen],
) -> pd.DataFrame:
    """Return one row per source and attribute that the judge tells apart: shares, differences and what they amount to.

    Args:
        attributes, thresholds, auroc: of the judge, (A,).
        labels: the true attributes of the test images, 0/1 (M, A).
        real: the judge's probabilities for the test images, (M, A).
        sources: what it sees in each source.

    Intervals are Wilson's, of differences Newcombe's; q is Fisher's exact test after Benjamini & Hochberg (1995) over
    the attributes of a source. `finding` is "dropped" where an attribute is drawn less than half as often as in sharp
    and in blurred test images, "lost in blur" where only the sharp ones show it more, "overdrawn" where it is drawn
    more than twice as often as in both, else empty.
    """
    kept = auroc >= DECENT
    if not kept.any() or not sources:
        return pd.DataFrame(columns=["source", "attribute"])
    tables = []
    for source, seen in sources.items():
        n, m = len(seen.samples), len(real)
        count, sharp, dull = (
            (probabilities > thresholds)[:, kept].sum(0) for probabilities in (seen.samples, real, seen.blurred)
        )
        table = pd.DataFrame({"source": source, "attribute": np.array(attributes)[kept], "auroc": auroc[kept]})
        table["n"], table["n_real"], table["labelled"] = n, m, labels[:, kept].mean(0)
        for name, successes, of in (("real", sharp, m), ("blurred", dull, m), ("rate", count, n)):
            table[name] = successes / of
            table[f"{name}_low"], table[f"{name}_high"] = wilson(successes, of)
        for name, successes in (("real", sharp), ("blurred", dull)):
            table[f"minus_{name}"] = count / n - successes / m
            table[f"minus_{name}_low"], table[f"minus_{name}_high"] = newcombe(count, n, successes, m)
            p = [
                stats.fisher_exact([[k, n - k], [s, m - s]]).pvalue
                for k, s in zip(count.tolist(), successes.tolist(), strict=True)
            ]
            table[f"q_{name}"] = stats.false_discovery_control(np.clip(p, 0, 1))
        table["finding"] = _findings(table)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def _findings(table: pd.DataFrame) -> np.ndarray:
    rare = {n: (table[f"q_{n}"] < Q_LEVEL) & (table["rate"] < RARELY * table[n]) for n in ("real", "blurred")}
    often = {n: (table[f"q_{n}"] < Q_LEVEL) & (RARELY * table["rate"] > table[n]) for n in ("real", "blurred")}
    return np.select(
        [rare["real"] & rare["blurred"], rare["real"], often["real"] & often["blurred"]],
        ["dropped", "lost in blur", "overdrawn"],
        "",
    )


def rate_sentences(table: pd.DataFrame, source: str) -> list[str]:
    """Return what the rates of one source say: the attributes it drops, most missed first, and how many there are."""
    rows = table[table["source"] == source]
    what = in_sentence(LABELS[source])
    dropped = rows[rows["finding"] == "dropped"].sort_values("minus_blurred", kind="stable")
    said = [
        f"This VAE {'never' if row.rate == 0 else 'rarely'} draws {readable(row.attribute)}: the judge sees it in "
        f"{_percent(row.rate)} of {row.n:,} {what}, against {_percent(row.real)} of the test images, and "
        f"{_percent(row.blurred)} of them when blurred as much."
        for row in dropped.head(NAMED).itertuples()
    ]
    counts = rows["finding"].value_counts()
    said.append(
        f"Of {len(rows)} attributes that the judge tells apart (AUROC of {DECENT} or more on test), {what} show "
        f"{counts.get('dropped', 0)} less than half as often as test images do, sharp or blurred as much, and "
        f"{counts.get('overdrawn', 0)} more than twice as often; {counts.get('lost in blur', 0)} more fall below half "
        f"of what sharp test images show, which their blur explains (q < {Q_LEVEL})."
    )
    return said


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
