"""Disentanglement of the code: against attributes on any data, against the true factors where they are known."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from vaekit.evaluation.probes import factors as known
from vaekit.evaluation.probes.dci import DCI, TESTED_ON, TRAINED_ON, dci
from vaekit.evaluation.probes.rows import jackknife, none, row
from vaekit.evaluation.probes.tad import DEFINITION, tad
from vaekit.figures.words import plural, short
from vaekit.progress import Progress, silent
from vaekit.quantity import Quantity
from vaekit.statistics.bootstrap import Estimate

FEWEST = 100  # images of a split; below, trees and bins say nothing
UNKNOWN = "it needs the true factors, drawn independently: `vaekit data faces --factors independent`"
_DCI = (
    "DCI (Eastwood & Williams 2018) as in disentanglement_lib; importance of a dim: its share of the gain of 50 "
    f"boosted trees of depth 3, fitted to at most {TRAINED_ON:,} train images, tested on at most {TESTED_ON:,} of test"
)


@dataclass(frozen=True)
class Disentanglement:
    """Rows of the summary, and what else is worth keeping, ready for JSON."""

    rows: dict[str, Quantity]
    record: dict[str, Any]


@dataclass(frozen=True)
class Coded:
    """Codes (N, D) with what is known of their images: attributes (N, K) bool, factors (N, F) or None."""

    mu: np.ndarray
    labels: np.ndarray
    factors: pd.DataFrame | None


def disentanglement(
    train: Coded,
    test: Coded,
    attributes: tuple[str, ...],
    reason: str,
    broken: str,
    seed: int,
    progress: Progress = silent,
) -> Disentanglement:
    """Return TAD and DCI on the attributes, MIG, DCI and FactorVAE score on the true factors.

    Args:
        train: codes of train images.
        test: codes of test images.
        attributes: names of the columns of `labels`.
        reason: why there are none, where there are none.
        broken: what is wrong with the codes, where something is.
        seed: of groups of images.
        progress: told how far the trees are.
    """
    on_attributes = _on_attributes(train, test, attributes, reason, seed, progress)
    on_factors = _on_factors(train, test, broken, seed, progress)
    return Disentanglement(on_attributes.rows | on_factors.rows, on_attributes.record | on_factors.record)


def _on_attributes(
    train: Coded, test: Coded, attributes: tuple[str, ...], reason: str, seed: int, progress: Progress
) -> Disentanglement:
    n = len(test.mu)
    if not reason and len(attributes) < 2:
        reason = "one attribute alone says nothing of how attributes share dims"
    if not reason and min(len(train.mu), n) < FEWEST:
        reason = f"fewer than {FEWEST} images in a split"
    total = none(n, reason)
    record: dict[str, Any] = {"tad": None, "dci": None}
    scores: DCI | str = reason
    if not reason:
        found = tad(test.mu, test.labels)
        kept = [
            {"attribute": attributes[k], "dim": int(found.best[k]), "gap": float(found.gap[k])}
            for k in np.flatnonzero(found.captured)
        ]
        total = jackknife(found.value, n, seed, lambda rows: tad(test.mu[rows], test.labels[rows]).value)
        scores = dci(train.mu, train.labels, test.mu, test.labels, progress)
        record = {"tad": kept, "dci": _facts(scores, attributes)}
    rows = {"tad": row(total, "Total AUROC difference (TAD)", DEFINITION)}
    return Disentanglement(rows | _dci_rows("dci", "attributes", scores, n, len(attributes)), record)


def _on_factors(train: Coded, test: Coded, broken: str, seed: int, progress: Progress) -> Disentanglement:
    n, reason = len(train.mu), broken
    if train.factors is None or test.factors is None:
        reason = UNKNOWN
    if not reason and min(n, len(test.mu)) < FEWEST:
        reason = f"fewer than {FEWEST} images in a split"
    if not reason and train.mu.shape[1] < 2:
        reason = "a code of one dim has no second dim to compare with"
    mig = vote = none(n, reason)
    scores: DCI | str = reason
    record: dict[str, Any] = {"factors": None}
    if not reason and train.factors is not None and test.factors is not None:
        names = tuple(train.factors.columns)
        mu, values = train.mu[: known.MOST], train.factors.to_numpy(np.float64)[: known.MOST]
        bins = known.bins_of(values)
        each = known.gaps(mu, bins)
        mig = jackknife(float(each.mean()), len(mu), seed, lambda rows: float(known.gaps(mu[rows], bins[rows]).mean()))
        vote = _vote(mu, bins, seed)
        scores = dci(train.mu, train.factors.to_numpy(np.float64), test.mu, test.factors.to_numpy(np.float64), progress)
        record["factors"] = {
            "names": list(names),
            "gap": dict(zip(names, map(float, each), strict=True)),
            "dci": _facts(scores, names),
            "chance": 1 / len(names),
        }
    count = len(train.factors.columns) if train.factors is not None else 0
    binned = f"{count} factors in {known.FACTOR_BINS} bins of equally many train images"
    rows = {
        "mig": row(
            mig,
            "Mutual information gap (MIG)",
            "mean over factors of the information on the factor in the dim that has most minus that in the second, "
            f"over the factor's entropy; {binned}, dims in {known.CODE_BINS} bins of equal width (Chen et al. 2018)",
        ),
        "factor_vae_score": row(
            vote,
            "FactorVAE score",
            f"share of groups of up to {known.GROUP} images that share a factor's bin whose factor is named by the dim "
            f"of least normed variance, by majority vote of groups from the other half of the images; {binned} "
            f"(Kim & Mnih 2018); chance is {short(1 / max(count, 1))}",
        ),
    }
    return Disentanglement(rows | _dci_rows("dci_factors", "true factors", scores, n, count), record)


def _vote(mu: np.ndarray, bins: np.ndarray, seed: int) -> Estimate:
    size = known.group_size(bins, known.halves_of(len(mu), seed))
    if size < known.SMALLEST:
        return none(
            len(mu),
            f"only {plural(size, 'image shares', 'images share')} a bin of some factor, {known.SMALLEST} are needed: "
            "draw more faces",
        )
    return Estimate(known.factor_vae(mu, bins, seed), None, None, len(mu))


def _dci_rows(name: str, what: str, scores: DCI | str, n: int, count: int) -> dict[str, Quantity]:
    told = "mean test AUROC of the trees" if what == "attributes" else "mean test R^2 of the trees, not below 0"
    parts = {
        "disentanglement": f"1 - entropy over {count} {what} of each dim's importances, weighted by importance",
        "completeness": f"1 - entropy over dims of the importances for each of {count} {what}",
        "informativeness": told,
    }
    return {
        f"{name}_{part}": row(
            none(n, scores)
            if isinstance(scores, str)
            else Estimate(getattr(scores, part), None, None, scores.images[0 if part != "informativeness" else 1]),
            f"DCI {part}, {what}",
            f"{definition}; {_DCI}",
        )
        for part, definition in parts.items()
    }


def _facts(scores: DCI, names: tuple[str, ...]) -> dict[str, Any]:
    """Return which dim tells each attribute or factor best, and by which share of the trees' gain."""
    return {
        "images": list(scores.images),
        "best": [
            {"name": name, "dim": int(column.argmax()), "share": float(column.max())}
            for name, column in zip(names, scores.importance.T, strict=True)
        ],
    }
