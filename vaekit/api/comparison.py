"""Two verbs about more than one number: `compare` sets models side by side, `check` holds one against bounds."""

import glob
import hashlib
import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

import numpy as np

from vaekit import artifacts
from vaekit.api.reuse import evaluation_of, exploration_of, images_of
from vaekit.api.runs import RUNS, AnyModel, ModelSource, find_model
from vaekit.api.verbs import failures_of
from vaekit.errors import CheckpointError, ConfigError, DataError
from vaekit.options import ModelOptions, Options, read_options
from vaekit.progress import Progress, silent

if TYPE_CHECKING:
    from vaekit.evaluation.results import Evaluation
    from vaekit.reporting.comparison.build import Comparison
    from vaekit.reporting.comparison.same_images import Originals
    from vaekit.reporting.comparison.unlike import Unlike
    from vaekit.reporting.gate import Gate
    from vaekit.statistics.differences import Difference

log = logging.getLogger("vaekit")

COMPARISONS = "comparisons"
OWN_LIKELIHOOD = ("recon_nll", "elbo", "iwae_")  # metrics in the units of the model's own likelihood
_LONGEST = 80  # characters of a folder named after its models


def compare(
    checkpoints: Sequence[AnyModel],
    *,
    allow_unlike: bool = False,
    title: str | None = None,
    out: str | Path = "reports",
    progress: Progress = silent,
    **options: Unpack[Options],
) -> "Comparison":
    """Write <out>/comparisons/<names>/compare.html, compare.md, compare.json and figures/ for two or more models.

    An evaluation or a failure analysis that is missing or stale is computed first, and said so.

    Args:
        checkpoints: as for `evaluate`, at least two; "sweep-*" stands for all runs of such a name, in natural order.
        allow_unlike: show models of unlike protocols beside one another, without paired differences.
        title: headline; None makes one from the names.
        out: the folder that receives the runs' folders and the comparison's.
        progress: told how far the work is.
        options: as for `evaluate`; those of a foreign model hold for every checkpoint that vaekit did not write.

    Raises:
        DataError: the models were not tested alike, and `allow_unlike` is not set.
        VaekitError: of the kind that fits: checkpoints, settings, data or output folder.
    """
    read = read_options(compare, options)
    named = _named(find_models(checkpoints, read.model_options))
    if len(named) < 2:
        raise ConfigError(f"A comparison takes two models or more, and {len(named)} was named: {', '.join(named)}.")
    from vaekit.reporting.comparison.build import build_comparison  # a wrong name is told before this
    from vaekit.reporting.comparison.unlike import refuse_unlike

    found = {name: evaluation_of(source, read, Path(out), progress) for name, source in named.items()}
    differences = _unlike(found)
    if not allow_unlike:
        refuse_unlike(differences, "see them side by side, without paired differences, with --allow-unlike")
    for name, source in named.items():
        failures_of(source, found[name], read, Path(out), progress)
        exploration_of(source, found[name], read, progress)
    first = next(iter(found.values()))
    return build_comparison(
        {name: one.folder.parent for name, one in found.items()},
        Path(out) / COMPARISONS / _folder_name(list(named)),
        differences=[] if differences else paired(found, read.seed),
        originals=_originals(first, progress),
        title=title,
        progress=progress,
    )


def check(
    checkpoint: AnyModel = None,
    *,
    most: Mapping[str, float] | None = None,
    least: Mapping[str, float] | None = None,
    baseline: AnyModel = None,
    metrics: Sequence[str] | None = None,
    tolerance: float = 0.0,
    strict: bool = False,
    out: str | Path = "reports",
    progress: Progress = silent,
    **options: Unpack[Options],
) -> "Gate":
    """Return whether a checkpoint keeps its bounds and is no worse than a baseline; evaluates what is missing first.

    Args:
        checkpoint: as for `evaluate`.
        most, least: metric -> bound; any metric or estimate of summary.json, any row of latent.json.
        baseline: another checkpoint, compared on the same images.
        metrics: which of them are held against the baseline; None takes mse, ssim and elbo_calibrated.
        tolerance: the loss against the baseline that is allowed, as a share of the baseline's value.
        strict: the whole interval must keep a bound, not only the value.
        out, progress, options: as for `compare`.

    Raises:
        ConfigError: nothing to check, or no such metric.
        DataError: the baseline was not tested alike.
    """
    if not most and not least and baseline is None:
        raise ConfigError(
            "There is nothing to check: give a bound with --max or --min, or another model as --baseline."
        )
    if metrics and baseline is None:
        raise ConfigError("--metrics says what is held against a baseline: give one with --baseline.")
    read = read_options(check, options)
    source = find_model(checkpoint, read.model_options, among_others=baseline is not None)
    from vaekit.reporting.comparison.unlike import refuse_unlike
    from vaekit.reporting.gate import COMPARED, Gate, check_baseline, check_bounds

    found = evaluation_of(source, read, Path(out), progress)
    rows = found.latent["rows"] | found.summary["metrics"] | found.summary["estimates"]
    checks = check_bounds(rows, most or {}, least or {}, strict=strict)
    other = None
    if baseline is not None:
        held_against = find_model(baseline, read.model_options, among_others=True)
        other, name = _named([held_against, source])
        base = evaluation_of(held_against, read, Path(out), progress)
        both = {other: base, name: found}
        refuse_unlike(_unlike(both), "choose a baseline that was tested alike")
        rows_of_base = base.summary["metrics"] | base.summary["estimates"]
        checks += check_baseline(rows, rows_of_base, paired(both, read.seed), metrics or COMPARED, tolerance)
    return Gate(source.run, found.summary["protocol"]["name"], other, tuple(checks))


def find_models(named: Sequence[AnyModel], options: ModelOptions, runs: Path = RUNS) -> list[ModelSource]:
    """Return the source of each model; a pattern such as "sweep-*" stands for all runs or files that it matches.

    Raises:
        CheckpointError: there is none of that name, or none that the pattern matches.
    """
    found: list[ModelSource] = []
    for name in named:
        if not isinstance(name, str | Path) or not glob.has_magic(str(name)) or Path(name).exists():
            found.append(find_model(name, options, runs, among_others=True))
            continue
        matches = {match for path in (Path(name), runs / name) for match in _matches(path)}
        files = {path / artifacts.BEST if path.is_dir() else path for path in matches}
        if not (files := {path for path in files if path.is_file()}):
            raise CheckpointError(f"No checkpoint and no run of {runs}/ is called {name}: see `ls {runs}`.")
        found += [find_model(file, options, runs, among_others=True) for file in sorted(files, key=_natural)]
    return found


def paired(found: Mapping[str, "Evaluation"], seed: int) -> list["Difference"]:
    """Return the paired difference of every metric that has a value for each image, for every two models."""
    from vaekit.statistics.differences import paired_differences, with_q

    subset = {name: artifacts.read_table(one.folder / artifacts.IWAE) for name, one in found.items()}
    computed = {
        metric
        for one in found.values()
        for metric, row in (one.summary["metrics"] | one.summary["estimates"]).items()
        if row["value"] is not None
    }
    differences = []
    for tables in ({name: one.per_image for name, one in found.items()}, subset):
        columns = dict.fromkeys(str(column) for table in tables.values() for column in table if column in computed)
        differences += paired_differences(tables, list(columns), seed)
    if len({(one.summary["config"]["likelihood"] or {}).get("name") for one in found.values()}) > 1:
        differences = [_own(difference) for difference in differences]
    return with_q(differences)


def _unlike(found: Mapping[str, "Evaluation"]) -> "list[Unlike]":
    from vaekit.reporting.collect import Folders, collect
    from vaekit.reporting.comparison.unlike import unlike

    read = (artifacts.SUMMARY, artifacts.SAMPLES)
    return unlike({name: collect(Folders(one.folder), read) for name, one in found.items()})


def _own(difference: "Difference") -> "Difference":
    """Return the difference without its value where it is one of densities over unlike spaces."""
    if not difference.metric.startswith(OWN_LIKELIHOOD) or difference.metric.endswith("_calibrated"):
        return difference
    reason = "the models' own likelihoods are of different kinds, and their values do not compare"
    return replace(difference, value=None, low=None, high=None, p=None, reason=reason)


def _named(sources: Sequence[ModelSource]) -> dict[str, ModelSource]:
    """Return the models by the names that their results are kept under.

    Raises:
        ConfigError: a model is named twice, or two of them would share one folder.
    """
    named: dict[str, ModelSource] = {}
    for source in sources:
        other = named.setdefault(source.run, source)
        if other is source:
            continue
        if other.sha256 == source.sha256:
            raise ConfigError(f"{source} is named twice: compare different checkpoints.")
        raise ConfigError(
            f"{other} and {source} are both called {source.run}, so that their results would lie in one folder: "
            "rename the folder of one run."
        )
    return named


def _matches(pattern: Path) -> Iterable[Path]:
    return Path(pattern.anchor).glob(str(pattern.relative_to(pattern.anchor)))


def _folder_name(names: Sequence[str]) -> str:
    name = "-vs-".join(names)
    if len(name) <= _LONGEST:
        return name
    return f"{names[0][:40]}-and-{len(names) - 1}-more-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _natural(path: Path) -> list[tuple[int, str]]:
    """Return a key by which beta4 comes before beta10."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", str(path))]


def _originals(found: "Evaluation", progress: Progress) -> "Originals":
    """Return the function from image ids to the images as the network saw them, uint8 (n, H, W, 3)."""

    def read(image_ids: Sequence[str]) -> np.ndarray:
        prepared = images_of(found, progress)
        if prepared is None:
            raise DataError("The images have changed since they were evaluated: run `vaekit evaluate` again.")
        where = {image_id: row for row, image_id in enumerate(prepared.index["image_id"])}
        return prepared.images[[where[image_id] for image_id in image_ids]]

    return read
