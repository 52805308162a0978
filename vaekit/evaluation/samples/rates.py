"""How often the judge sees each attribute in samples and in real faces: which modes are dropped, by name."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from vaekit.evaluation.probes.scores import auroc_matrix
from vaekit.evaluation.samples.sources import LABELS
from vaekit.figures.words import in_sentence, percent, plural, readable
from vaekit.statistics.bootstrap import LEAST
from vaekit.statistics.discovery import Q_LEVEL
from vaekit.statistics.proportions import newcombe, wilson
from vaekit.statistics.raters import pooled

DECENT = 0.8  # test AUROC of the judge from which its count of an attribute means something
RARELY = 0.5  # drawn less than so many times as often as in real faces, or more than 1 / RARELY times: worth naming
NAMED = 5  # attributes that get a sentence


@dataclass(frozen=True, eq=False)
class Seen:
    """What the judge sees in one source and in test images of its spectrum: probabilities (J, N, A) and (J, M, A)."""

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
        attributes, thresholds, auroc: of the judge, (A,), (J, A) and (A,).
        labels: the true attributes of the test images, 0/1 (M, A).
        real: the judge's probabilities for the test images, (J, M, A).
        sources: what it sees in each source.

    Intervals are Wilson's, of differences Newcombe's, pooled over the judge's networks; q is 1.5 times the median over
    three networks of Fisher's exact test, after Benjamini & Hochberg (1995) over the attributes of a source. A finding
    needs q and an interval of the difference beside 0, and that the judge tells the attribute in blurred test images
    too, `auroc_blurred`, which are else "not judged": "dropped" where an attribute is drawn less than half as often as
    in sharp and in blurred test images, "lost in blur" where only the sharp ones show it more, "overdrawn" where it is
    drawn more than twice as often as in both, else empty.
    """
    kept = auroc >= DECENT
    if not kept.any() or not sources:
        return pd.DataFrame(columns=["source", "attribute"])
    tables = []
    for source, seen in sources.items():
        n, m = seen.samples.shape[1], real.shape[1]
        count, sharp, dull = (
            (probabilities > thresholds[:, None])[..., kept].sum(1)
            for probabilities in (seen.samples, real, seen.blurred)
        )
        table = pd.DataFrame({"source": source, "attribute": np.array(attributes)[kept], "auroc": auroc[kept]})
        table["auroc_blurred"] = auroc_of(seen.blurred[..., kept], labels[:, kept])
        table["n"], table["n_real"], table["labelled"] = n, m, labels[:, kept].mean(0)
        for name, successes, of in (("real", sharp, m), ("blurred", dull, m), ("rate", count, n)):
            ends = pooled(successes / of, *wilson(successes, of), 0.0, 1.0)
            table[name], table[f"{name}_low"], table[f"{name}_high"] = ends
        for name, successes in (("real", sharp), ("blurred", dull)):
            ends = pooled(count / n - successes / m, *newcombe(count, n, successes, m), -1.0, 1.0)
            table[f"minus_{name}"], table[f"minus_{name}_low"], table[f"minus_{name}_high"] = ends
            p = [
                [stats.fisher_exact([[k, n - k], [s, m - s]]).pvalue for k, s in zip(*one, strict=True)]
                for one in zip(count.tolist(), successes.tolist(), strict=True)
            ]
            table[f"q_{name}"] = stats.false_discovery_control(np.clip(_combined(np.array(p)), 0, 1))
        table["finding"] = _findings(table)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def auroc_of(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the AUROC of each attribute, mean over networks, (A,): (J, M, A) against 0/1 (M, A); NaN of one class."""
    result: np.ndarray = np.mean(
        [np.diag(auroc_matrix(of_one, labels.astype(bool))) for of_one in probabilities], axis=0
    )
    return result


def _combined(p: np.ndarray) -> np.ndarray:
    """Return one p-value from those of J networks, (J, A), on the same images.

    J / k times the k-th smallest, k the median's rank: valid however the networks agree (Rüger 1978).
    """
    k = (len(p) + 1) // 2
    result: np.ndarray = np.sort(p, axis=0)[k - 1] * len(p) / k
    return result


def _findings(table: pd.DataFrame) -> np.ndarray:
    rare, often = {}, {}
    for n in ("real", "blurred"):
        sure = table[f"q_{n}"] < Q_LEVEL
        rare[n] = sure & (table[f"minus_{n}_high"] < 0) & (table["rate"] < RARELY * table[n])
        often[n] = sure & (table[f"minus_{n}_low"] > 0) & (RARELY * table["rate"] > table[n])
    unsure = ~(table["auroc_blurred"] >= DECENT)
    return np.select(
        [unsure, rare["real"] & rare["blurred"], rare["real"], often["real"] & often["blurred"]],
        ["not judged", "dropped", "lost in blur", "overdrawn"],
        "",
    )


def rate_sentences(table: pd.DataFrame, source: str) -> list[str]:
    """Return what the rates of one source say: the attributes it drops, most missed first, and how many there are."""
    rows = table[table["source"] == source]
    if rows.empty or rows["n_real"].min() < LEAST:
        return []
    what = in_sentence(LABELS[source])
    dropped = rows[rows["finding"] == "dropped"].sort_values("minus_blurred", kind="stable")
    said = [
        f"This VAE draws {readable(row['attribute'])} too rarely: the judge sees it in {percent(row['rate'])} of "
        f"{row['n']:,} {what}, against {percent(row['real'])} of the test images, and "
        f"{percent(row['blurred'])} of them when blurred as much."
        for row in dropped.head(NAMED).to_dict("records")
    ]
    counts = rows["finding"].value_counts()
    told = len(rows) - counts.get("not judged", 0)
    if told:
        said.append(
            f"Of {plural(told, 'attribute')} that the judge tells apart in sharp and in blurred test images (AUROC of "
            f"{DECENT} or more), {what} show {counts.get('dropped', 0)} less than half as often as either, and "
            f"{counts.get('overdrawn', 0)} more than twice as often; {counts.get('lost in blur', 0)} more fall below "
            f"half of what sharp test images show, which their blur explains (q < {Q_LEVEL})."
        )
    if unsure := [readable(name) for name in rows.loc[rows["finding"] == "not judged", "attribute"]]:
        some = f"{', '.join(unsure[:NAMED])}{f' and {len(unsure) - NAMED} more' if len(unsure) > NAMED else ''}"
        said.append(f"Not judged, as the judge no longer tells them under that blur (AUROC under {DECENT}): {some}.")
    return said
