"""Everything that is measured of samples, from codes and the judge to the artifacts beside the evaluation's others."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vaekit import artifacts
from vaekit.codes import Codes
from vaekit.data import Prepared
from vaekit.errors import VaekitError
from vaekit.evaluation.collect import Collected
from vaekit.evaluation.samples.base import FEWEST, Compared, compare, reals_of
from vaekit.evaluation.samples.blur import blurred, radial_power
from vaekit.evaluation.samples.inception import inception_estimates
from vaekit.evaluation.samples.memorisation import Memorisation, memorisation
from vaekit.evaluation.samples.rates import DECENT, Seen, rate_sentences, rate_table
from vaekit.evaluation.samples.sources import (
    AGGREGATE,
    LABELS,
    MOST,
    PRIOR,
    RECONSTRUCTIONS,
    STANDARD,
    Source,
    definition_of,
    make_sources,
)
from vaekit.evaluation.samples.tables import Rows, all_columns, empty_rows, gap_table, summary_rows
from vaekit.evaluation.samples.temperatures import by_temperature, temperature_sentence
from vaekit.evaluation.samples.verdict import Verdict, blame, modes, prior_sentence
from vaekit.evaluation.stages import Task
from vaekit.figures.words import plural
from vaekit.judge import Judge, Judged, unseen_rows
from vaekit.priors import ChosenMixture, Prior, choose_mixture
from vaekit.quantity import Quantity
from vaekit.seeding import numpy_generator, some_rows

PICTURED = 48  # images kept of each source
NEAREST_AMONG = 10_000  # unseen train images that samples are compared with, drawn by the seed where there are more


@dataclass(frozen=True, eq=False)
class Scored:
    """What was found of samples: the content of every artifact, and rows for summary.json.

    An artifact that could not be made is None or empty; the reason stands in the record.
    """

    record: dict[str, Any]
    estimates: dict[str, Quantity]
    gap: pd.DataFrame | None = None
    rates: pd.DataFrame | None = None
    pictures: dict[str, np.ndarray] = field(default_factory=dict)
    mixture: dict[str, np.ndarray] = field(default_factory=dict)
    judged: dict[str, np.ndarray] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Write what there is to `folder`, and remove what an earlier evaluation left there and this one lacks."""
        for name, table in ((artifacts.SAMPLING_GAP, self.gap), (artifacts.ATTRIBUTE_RATES, self.rates)):
            (folder / name).unlink(missing_ok=True)
            if table is not None:
                artifacts.write_table(folder / name, table)
        for name, arrays in (
            (artifacts.SAMPLE_PICTURES, self.pictures),
            (artifacts.MIXTURE, self.mixture),
            (artifacts.JUDGED, self.judged),
        ):
            (folder / name).unlink(missing_ok=True)
            if arrays:
                artifacts.write_arrays(folder / name, **arrays)
        artifacts.write_json(folder / artifacts.SAMPLES, self.record)


def score_samples(task: Task, collected: Collected, train: Codes, valid: Codes, judge: Judge | VaekitError) -> Scored:
    """Return the sampling-gap table, attribute rates, memorisation, temperatures and the verdict on the model's parts.

    Args:
        task: the model and the test images, whose reconstructions lie in its folder.
        collected: their codes.
        train: codes of train images, to which the aggregate posterior is fitted; `valid` choose its components.
        judge: the network whose features are compared, or why there is none.

    What can not be computed is in the record with its reason, and the rest stands. Memory: the images of six sources,
    0.7 GB at 10,000 of 64 pixels, and as much again for distances in blocks.
    """
    try:
        mixture: ChosenMixture | VaekitError = choose_mixture(train.posteriors, valid.posteriors, task.seed)
    except VaekitError as reason:
        mixture = reason
    if isinstance(judge, VaekitError):
        return _nothing(str(judge), mixture)
    if len(task.rows) < FEWEST:
        return _nothing(f"Sets are compared from {FEWEST} test images on, and there is {len(task.rows)}.", mixture)
    test = np.asarray(task.prepared.images[task.rows])
    x_hat = artifacts.read_array(task.folder / artifacts.RECONSTRUCTIONS)
    whole = {"x": judge.judge(test, task.batch_size), "x_hat": judge.judge(x_hat, task.batch_size)}
    chosen = some_rows(np.arange(len(test)), MOST, task.seed, "set metrics")
    test, real = test[chosen], whole["x"].of(chosen)
    sources = make_sources(task, test, collected.mu[chosen], np.asarray(x_hat[chosen]), mixture)
    seen = _seen(task, judge, sources, {RECONSTRUCTIONS: whole["x_hat"].of(chosen)})
    reasons = {name: str(source.reason) for name, source in sources.items() if name not in seen}
    reals = reals_of(real.features, task.seed)
    compared = {
        name: compare(judged.features, reals, judge.name, paired=sources[name].paired) for name, judged in seen.items()
    }
    inception = inception_estimates(sources, test, task.inception_weights, device=task.device, progress=task.progress)
    estimates = {name: inception[name] | row.estimates for name, row in compared.items()}
    rates, rates_record = _rates(task, judge, chosen, test, sources, seen, real)
    copied, among = _memorisation(task, judge, seen, real)
    temperatures = by_temperature(task, judge, reals, seen[PRIOR].features if PRIOR in seen else None)
    record = _record_of_sets(judge, estimates, compared, reasons, task.model.prior) | {
        "attribute_rates": rates_record,
        "memorisation": copied.record() if isinstance(copied, Memorisation) else {"sentence": copied},
        "temperatures": {"rows": temperatures, "sentence": temperature_sentence(temperatures, judge.name)},
        "mixture": {"sentence": mixture.sentence() if isinstance(mixture, ChosenMixture) else str(mixture)},
        "prior": {"sentence": prior_sentence(task.model.prior, estimates, f"fd_{judge.name}")},
        "warnings": _warnings(len(test), judge.feature_dim, judge.name),
    }
    return Scored(
        record=record,
        estimates=summary_rows(estimates, reasons, judge.name, judge.feature_dim),
        gap=gap_table(estimates, reasons, judge.name),
        rates=rates,
        pictures=_pictures(task.prepared, sources, copied, among),
        mixture=mixture.arrays() if isinstance(mixture, ChosenMixture) else {},
        judged={
            "image_id": collected.per_image["image_id"].to_numpy(dtype=str),
            "attributes": np.array(judge.attributes, dtype=str),
            "thresholds": np.asarray(judge.thresholds, np.float64),
            "features_x": whole["x"].features,
            "probabilities_x": whole["x"].probabilities,
            "probabilities_x_hat": whole["x_hat"].probabilities,
        },
    )


def _record_of_sets(
    judge: Judge, estimates: Rows, compared: Mapping[str, Compared], reasons: Mapping[str, str], prior: Prior
) -> dict[str, Any]:
    """Return what the record says of the judge, and of every source as it sees it."""
    found = modes(estimates)
    networks = [{name: row.by_network[j] for name, row in compared.items()} for j in range(len(judge.networks))]
    return {
        "judge": {
            "name": judge.name,
            "identity": judge.identity,
            "networks": len(judge.networks),
            "feature_dim": judge.feature_dim,
            "sentence": judge.sentence,
        },
        "metrics": {
            name: {"label": c.label, "unit": c.unit, "higher_is_better": c.higher_is_better, "definition": c.definition}
            for name, c in all_columns(judge.name, judge.feature_dim).items()
        },
        "sources": {
            name: {"label": label, "definition": definition_of(name, prior), "reason": reasons.get(name)}
            for name, label in LABELS.items()
            if name in compared or name in reasons
        },
        "rows": {name: {kind: vars(e) for kind, e in row.items()} for name, row in estimates.items()},
        "by_network": {
            name: [{kind: e.value for kind, e in one.items()} for one in row.by_network]
            for name, row in compared.items()
        },
        "verdict": blame(networks, judge.name, reasons).record(),
        "modes": dict(zip(("name", "sentence"), found, strict=True)) if found else None,
    }


def _nothing(reason: str, mixture: ChosenMixture | VaekitError) -> Scored:
    """Return the outcome where no set can be compared: the reason in every place, and the mixture all the same."""
    record = {
        "reason": reason,
        "verdict": Verdict("not judged", reason).record(),
        "mixture": {"sentence": mixture.sentence() if isinstance(mixture, ChosenMixture) else str(mixture)},
    }
    return Scored(record, empty_rows(reason), mixture=mixture.arrays() if isinstance(mixture, ChosenMixture) else {})


def _seen(task: Task, judge: Judge, sources: Mapping[str, Source], known: dict[str, Judged]) -> dict[str, Judged]:
    """Return what the judge sees in every source that has images, in their order; `known` are judged already."""
    seen = {}
    for done, (name, source) in enumerate(sources.items(), 1):
        if source.images is not None:
            seen[name] = known[name] if name in known else judge.judge(source.images, task.batch_size)
        task.progress("judge samples", done, len(sources))
    return seen


def _rates(
    task: Task,
    judge: Judge,
    chosen: np.ndarray,
    test: np.ndarray,
    sources: Mapping[str, Source],
    seen: Mapping[str, Judged],
    real: Judged,
) -> tuple[pd.DataFrame | None, dict[str, Any]]:
    """Return the table of attribute rates, or None, and what the record says of them; `test` are the chosen images."""
    if not judge.attributes:
        return None, {"reason": f"Attribute rates are not computed: {judge.sentence}", "sentences": {}}
    drawn = {}
    for name in (PRIOR, AGGREGATE):
        images = sources[name].images
        if name in seen and images is not None:
            dull = blurred(test, radial_power(images))
            drawn[name] = Seen(seen[name].probabilities, judge.judge(dull, task.batch_size).probabilities)
    auroc = judge.scores.set_index("attribute")["auroc"].reindex(list(judge.attributes)).to_numpy(float)
    labels = task.prepared.attribute_table(task.rows[chosen])[list(judge.attributes)].to_numpy()
    table = rate_table(judge.attributes, np.asarray(judge.thresholds), auroc, labels, real.probabilities, drawn)
    if not len(table):
        what = f"no attributes that the judge tells apart (AUROC of {DECENT} or more)" if drawn else "no samples"
        return None, {"reason": f"Attribute rates are not computed: there are {what}.", "sentences": {}}
    unsure = [name for name, value in zip(judge.attributes, auroc, strict=True) if not value >= DECENT]
    return table, {
        "reason": None,
        "sentences": {name: rate_sentences(table, name) for name in drawn},
        "not_told_apart": unsure,
    }


def _memorisation(
    task: Task, judge: Judge, seen: Mapping[str, Judged], real: Judged
) -> tuple[Memorisation | str, np.ndarray]:
    """Return whether prior samples are copies, or why that is not known, and the train rows they were held against."""
    among = some_rows(unseen_rows(task.prepared), NEAREST_AMONG, task.seed, "neighbours")
    if PRIOR not in seen or len(among) < FEWEST:
        what = "prior samples" if PRIOR not in seen else "train images that the judge has not seen"
        return f"Memorisation is not judged: there are no {what}.", among
    train = judge.judge(np.asarray(task.prepared.images[among]), task.batch_size)
    generator = numpy_generator(task.seed, "memorisation")
    return memorisation(seen[PRIOR].features, real.features, train.features, generator), among


def _warnings(n: int, dims: int, judge: str) -> list[str]:
    """Return what the reader must know of the number of images."""
    if n >= dims:
        return []
    return [
        f"{plural(n, 'image')} for {dims:,} feature dims of the {judge} judge: Fréchet distances are mostly bias, to "
        "be read beside that of real train images only."
    ]


def _pictures(
    prepared: Prepared, sources: Mapping[str, Source], copied: Memorisation | str, among: np.ndarray
) -> dict[str, np.ndarray]:
    """Return pictures of prior and aggregate, and the prior samples closest to train images with these."""
    drawn = {name: sources[name].images for name in (PRIOR, AGGREGATE, STANDARD) if name in sources}
    kept = {name: images[:PICTURED] for name, images in drawn.items() if images is not None}
    if isinstance(copied, Memorisation) and (samples := drawn[PRIOR]) is not None:
        rows = among[copied.rows[:, 1]]
        kept |= {
            "neighbour_samples": samples[copied.rows[:, 0]],
            "neighbour_train": prepared.images[rows],
            "neighbour_image_id": prepared.index["image_id"].to_numpy(dtype=str)[rows],
            "neighbour_distance": copied.distances,
        }
    return kept
