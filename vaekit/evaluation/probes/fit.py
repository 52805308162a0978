"""Linear probes of every attribute on mu, beside their controls: fitted on train, C chosen on valid, scored on test.

Intervals resample the test images; the probes stay as they were fitted.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vaekit import artifacts
from vaekit.codes import Codes
from vaekit.data import SPLITS
from vaekit.evaluation.probes.directions import Directions, directions
from vaekit.evaluation.probes.disentanglement import Coded, disentanglement
from vaekit.evaluation.probes.kinds import KINDS, SHUFFLES, Fitted, Split, fit_kinds
from vaekit.evaluation.probes.logistic import GRID, Scaling
from vaekit.evaluation.probes.scores import SCORES, Scored, by_chance, interval, score
from vaekit.evaluation.probes.words import estimates, identities, sentences
from vaekit.evaluation.stages import Task
from vaekit.quantity import Quantity
from vaekit.statistics.bootstrap import Estimate

FEWEST = 20  # images with and without an attribute in every split; with fewer it is not probed
COLUMNS = (
    "attribute",
    "kind",
    "n",
    "positives",
    "share",
    "strength",
    "converged",
    *(f"{score}{end}" for score in SCORES for end in ("", "_low", "_high")),
    "lead",
    "lead_low",
    "lead_high",
)


@dataclass(frozen=True)
class Probes:
    """What the probes found.

    Attributes:
        table: one row per attribute and kind of probe (KINDS): the four scores with intervals, C, whether the fit
            converged, and the lead of the probe on mu: its AUROC minus this one's, paired over images.
        record: ready for JSON: rows of the summary, sentences, attributes left out, identities, disentanglement.
        directions: of the attributes that were probed; of none, where there is none.
    """

    table: pd.DataFrame
    record: dict[str, Any]
    directions: Directions

    @property
    def estimates(self) -> dict[str, Quantity]:
        """Rows of the summary: the probes' mean AUROC beside the controls', TAD, DCI, MIG, FactorVAE score."""
        return {name: Quantity.from_record(row, name) for name, row in self.record["rows"].items()}

    def write(self, folder: Path) -> None:
        """Write probes.csv, probes.json and directions.npz to `folder`."""
        artifacts.write_table(folder / artifacts.PROBES, self.table)
        artifacts.write_json(folder / artifacts.PROBES_SUMMARY, self.record)
        artifacts.write_arrays(folder / artifacts.DIRECTIONS, **self.directions.arrays())


def fit_probes(task: Task, train: Codes, valid: Codes, test: Codes) -> Probes:
    """Return the probes on these codes, their controls, directions and disentanglement.

    Args:
        task: the model that made the codes, whose untrained twin is a control; the images; the seed of the shuffled
            labels, the untrained network, the components' images and the resamples.
        train: codes that the probes are fitted to.
        valid: codes that C is chosen on.
        test: codes that everything is scored on.
    """
    prepared, seed, progress = task.prepared, task.seed, task.progress
    codes = (train, valid, test)
    tables = [prepared.attribute_table(part.rows).to_numpy(bool) for part in codes]
    counts = np.array([[table.sum(0), (~table).sum(0)] for table in tables])  # (splits, with and without, attributes)
    enough: np.ndarray = counts.min((0, 1)) >= FEWEST
    names = tuple(name for name, kept in zip(prepared.attributes, enough, strict=True) if kept)
    finite = all(np.isfinite(part.mu).all() and np.isfinite(part.z).all() for part in codes)
    reason = _reason(prepared.attributes, names, finite)
    facts: dict[str, Any] = {
        "images": {split: len(part.rows) for split, part in zip(SPLITS, codes, strict=True)},
        "fewest": FEWEST,
        "grid": list(GRID),
        "kinds": KINDS,
        "attributes": list(names),
        "reason": reason,
        "controls": None,
        "skipped": _skipped(prepared.attributes, enough, counts),
        "identities": identities(prepared, dict(zip(SPLITS, (part.rows for part in codes), strict=True))),
    }
    on_train, on_valid, on_test = (Split(part, table[:, enough]) for part, table in zip(codes, tables, strict=True))
    splits = (on_train, on_valid, on_test)
    train_coded, _, test_coded = (
        Coded(part.codes.mu, part.labels, prepared.factor_table(part.codes.rows)) for part in splits
    )
    means: dict[str, Estimate] = {}
    if reason:
        table, found = pd.DataFrame(columns=list(COLUMNS)), _no_directions(train.mu, finite)
    else:
        fitted = fit_kinds(task, splits)
        table, means, comparisons, auroc = _scores(names, fitted, on_train.labels.mean(0), seed)
        facts["controls"] = fitted.controls | comparisons
        found = directions(names, fitted.latent, fitted.scaling, auroc, train_coded, test_coded)
        progress("probes", 5, 5)
    rows = estimates(means, facts, len(test.rows))
    told = disentanglement(train_coded, test_coded, names, reason or "", "" if finite else reason or "", seed, progress)
    said = sentences(table, facts | {"rows": rows})
    records = {name: of.record() for name, of in (rows | told.rows).items()}
    return Probes(table, facts | {"rows": records, "disentanglement": told.record, "sentences": said}, found)


def _reason(attributes: tuple[str, ...], names: tuple[str, ...], finite: bool) -> str | None:
    """Return why nothing can be probed; None where something can."""
    if not finite:
        return "the encoder gives codes that are not finite"
    if not attributes:
        return "these images have no attributes"
    return None if names else f"no attribute has {FEWEST} images with and without it in every split"


def _scores(
    names: tuple[str, ...], fitted: Fitted, share: np.ndarray, seed: int
) -> tuple[pd.DataFrame, dict[str, Estimate], dict[str, Any], np.ndarray]:
    """Return the table, means over attributes of AUROC and of mu's lead on pixels, comparisons, AUROC on mu (K,)."""
    n, kinds, count = fitted.labels.shape
    scored = score(fitted.probability.reshape(n, -1), fitted.labels.reshape(n, -1), np.tile(share, kinds), seed)
    value, draws = scored.value.reshape(-1, kinds, count), scored.draws.reshape(len(SCORES), -1, kinds, count)
    averages = {
        kind: (value[0, j].mean(), draws[0, :, j].mean(1)) for j, kind in enumerate(KINDS) if kind != "majority"
    }
    lead, gain = (
        tuple(of_mu - of_other for of_mu, of_other in zip(averages["latent"], averages[other], strict=True))
        for other in ("pixels", "random")
    )
    means = {}
    for name, (average, drawn) in (averages | {"lead": lead}).items():
        low, high = interval(drawn)
        means[name] = Estimate(float(average), float(low), float(high), n)
    means["shuffled"], bound = by_chance(*fitted.shuffled)
    comparisons = {
        "trained_minus_untrained": dict(
            zip(("value", "low", "high"), map(float, (gain[0], *interval(gain[1]))), strict=True)
        ),
        "shuffled": {"shuffles": SHUFFLES, "bound": bound},
    }
    return _table(names, fitted, Scored(value, draws)), means, comparisons, value[0, 0]


def _table(names: tuple[str, ...], fitted: Fitted, scored: Scored) -> pd.DataFrame:
    """Return one row per attribute and kind of probe, attributes in their order."""
    n, kinds, count = fitted.labels.shape
    ends = interval(scored.draws, axis=1)
    columns: dict[str, Any] = {
        "attribute": np.repeat(names, kinds),
        "kind": list(KINDS) * count,
        "n": n,
        "positives": fitted.labels.sum(0).T.ravel(),
        "share": fitted.labels.mean(0).T.ravel(),
        "strength": fitted.strength.T.ravel(),
        "converged": fitted.converged.T.ravel(),
    }
    for i, name in enumerate(SCORES):
        for end, values in zip(("", "_low", "_high"), (scored.value, *ends), strict=True):
            columns[f"{name}{end}"] = values[i].T.ravel()
    lead = scored.value[0, :1] - scored.value[0], *interval(scored.draws[0, :, :1] - scored.draws[0])
    for end, values in zip(("", "_low", "_high"), lead, strict=True):
        columns[f"lead{end}"] = np.where(np.arange(kinds) == 0, np.nan, values.T).ravel()
    return pd.DataFrame(columns)[list(COLUMNS)]


def _skipped(attributes: tuple[str, ...], enough: np.ndarray, counts: np.ndarray) -> list[dict[str, Any]]:
    """Return the attributes that are not probed, with the numbers of images with and without them in each split."""
    return [
        {
            "attribute": name,
            "with": dict(zip(SPLITS, counts[:, 0, k].tolist(), strict=True)),
            "without": dict(zip(SPLITS, counts[:, 1, k].tolist(), strict=True)),
        }
        for k, name in enumerate(attributes)
        if not enough[k]
    ]


def _no_directions(mu: np.ndarray, finite: bool) -> Directions:
    dims = mu.shape[1]
    scaling = Scaling.of(mu) if finite else Scaling(np.full(dims, np.nan), np.full(dims, np.nan))
    none, nothing = np.zeros((0, dims)), np.zeros(0)
    return Directions((), none, nothing, none, none, scaling.mean, scaling.sd, np.zeros((0, 0)), none, nothing)
