"""Two verbs about more than one number: `compare` sets models side by side, `check` holds one against bounds."""

import glob
import hashlib
import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vaekit import artifacts
from vaekit.api.runs import find_checkpoint, run_name
from vaekit.api.verbs import evaluation_of, exploration_of, failures_of, prepare_data
from vaekit.errors import CheckpointError, ConfigError, DataError
from vaekit.progress import Progress, silent

if TYPE_CHECKING:
    from vaekit.evaluation.results import Evaluation
    from vaekit.reporting.compare import Comparison
    from vaekit.reporting.compare_models import Unlike
    from vaekit.reporting.compare_pictures import Originals
    from vaekit.reporting.gate import Gate
    from vaekit.statistics.differences import Difference

log = logging.getLogger("vaekit")

COMPARISONS = "comparisons"
OWN_LIKELIHOOD = ("recon_nll", "elbo", "iwae_")  # metrics in the units of the model's own likelihood
_LONGEST = 80  # characters of a folder named after its models


def compare(
    checkpoints: Sequence[str | Path],
    *,
    allow_unlike: bool = False,
    title: str | None = None,
    out: str | Path = "reports",
    seed: int = 0,
    progress: Progress = silent,
    **evaluation: Any,
) -> "Comparison":
    """Write <out>/comparisons/<names>/compare.html, compare.md, compare.json and figures/ for two or more models.

    An evaluation or a failure analysis that is missing or stale is computed first, and said so.

    Args:
        checkpoints: as for `evaluate`, at least two; "sweep-*" stands for all runs of such a name, in natural order.
        allow_unlike: show models of unlike protocols beside one another, without paired differences.
        title: headline; None makes one from the names.
        out: the folder that receives the runs' folders and the comparison's.
        seed: of the evaluations and the resamples.
        progress: told how far the work is.
        evaluation: data, crop, image_size, limit, device, batch_size, as for `evaluate`.

    Raises:
        DataError: the models were not tested alike, and `allow_unlike` is not set.
        VaekitError: of the kind that fits: checkpoints, settings, data or output folder.
    """
    from vaekit.reporting.compare import build_comparison
    from vaekit.reporting.compare_models import refuse_unlike

    named = _named(find_checkpoints(checkpoints))
    if len(named) < 2:
        raise ConfigError(f"A comparison takes two models or more, and {len(named)} was named: {', '.join(named)}.")
    options = {"out": out, "seed": seed, "progress": progress, **evaluation}
    found = {name: evaluation_of(path, **options) for name, path in named.items()}
    differences = _unlike(found)
    if not allow_unlike:
        refuse_unlike(differences, "see them side by side, without paired differences, with --allow-unlike")
    device = evaluation.get("device", "auto")
    for name, path in named.items():
        failures_of(found[name], path, **options)
        exploration_of(found[name], path, seed=seed, device=device, progress=progress)
    first = next(iter(found.values()))
    return build_comparison(
        {name: one.folder.parent for name, one in found.items()},
        Path(out) / COMPARISONS / _folder_name(list(named)),
        differences=[] if differences else paired(found, seed),
        originals=_originals(first, progress),
        title=title,
        progress=progress,
    )


def check(
    checkpoint: str | Path | None = None,
    *,
    most: Mapping[str, float] | None = None,
    least: Mapping[str, float] | None = None,
    baseline: str | Path | None = None,
    metrics: Sequence[str] | None = None,
    tolerance: float = 0.0,
    strict: bool = False,
    out: str | Path = "reports",
    seed: int = 0,
    progress: Progress = silent,
    **evaluation: Any,
) -> "Gate":
    """Return whether a checkpoint keeps its bounds and is no worse than a baseline; evaluates what is missing first.

    Args:
        checkpoint: as for `evaluate`.
        most, least: metric -> bound; any metric or estimate of summary.json, any row of latent.json.
        baseline: another checkpoint, compared on the same images.
        metrics: which of them are held against the baseline; None takes mse, ssim and elbo_calibrated.
        tolerance: the loss against the baseline that is allowed, as a share of the baseline's value.
        strict: the whole interval must keep a bound, not only the value.
        out, seed, progress, evaluation: as for `compare`.

    Raises:
        ConfigError: nothing to check, or no such metric.
        DataError: the baseline was not tested alike.
    """
    from vaekit.reporting.compare_models import refuse_unlike
    from vaekit.reporting.gate import COMPARED, Gate, check_baseline, check_bounds

    if not most and not least and baseline is None:
        raise ConfigError(
            "There is nothing to check: give a bound with --max or --min, or another model as --baseline."
        )
    if metrics and baseline is None:
        raise ConfigError("--metrics says what is held against a baseline: give one with --baseline.")
    path = find_checkpoint(checkpoint)
    options = {"out": out, "seed": seed, "progress": progress, **evaluation}
    found = evaluation_of(path, **options)
    rows = found.latent["rows"] | found.summary["metrics"] | found.summary["estimates"]
    checks = check_bounds(rows, most or {}, least or {}, strict=strict)
    other = None
    if baseline is not None:
        other, name = _named([find_checkpoint(baseline), path])
        base = evaluation_of(baseline, **options)
        both = {other: base, name: found}
        refuse_unlike(_unlike(both), "choose a baseline that was tested alike")
        rows_of_base = base.summary["metrics"] | base.summary["estimates"]
        checks += check_baseline(rows, rows_of_base, paired(both, seed), metrics or COMPARED, tolerance)
    return Gate(run_name(path), found.summary["protocol"]["name"], other, tuple(checks))


def find_checkpoints(named: Sequence[str | Path], runs: Path = Path("checkpoints")) -> list[Path]:
    """Return the file of each checkpoint; a pattern such as "sweep-*" stands for all runs or files that it matches.

    Raises:
        CheckpointError: there is none of that name, or none that the pattern matches.
    """
    found: list[Path] = []
    for name in map(str, named):
        if not glob.has_magic(name) or Path(name).exists():
            found.append(find_checkpoint(name, runs))
            continue
        matches = {match for path in (Path(name), runs / name) for match in _matches(path)}
        files = {path if path.suffix == ".pt" else path / artifacts.BEST for path in matches}
        if not (files := {path for path in files if path.is_file()}):
            raise CheckpointError(f"No checkpoint and no run of {runs}/ is called {name}: see `ls {runs}`.")
        found += sorted(files, key=_natural)
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
        columns = dict.fromkeys(column for table in tables.values() for column in table if column in computed)
        differences += paired_differences(tables, list(columns), seed)
    if len({(one.summary["config"]["likelihood"] or {}).get("name") for one in found.values()}) > 1:
        differences = [_own(difference) for difference in differences]
    return with_q(differences)


def _unlike(found: Mapping[str, "Evaluation"]) -> "list[Unlike]":
    from vaekit.reporting.compare_models import unlike

    paths = {name: one.folder / artifacts.SAMPLES for name, one in found.items()}
    samples = {name: artifacts.read_json(path) for name, path in paths.items() if path.is_file()}
    return unlike({name: one.summary for name, one in found.items()}, samples)


def _own(difference: "Difference") -> "Difference":
    """Return the difference without its value where it is one of densities over unlike spaces."""
    if not difference.metric.startswith(OWN_LIKELIHOOD) or difference.metric.endswith("_calibrated"):
        return difference
    reason = "the models' own likelihoods are of different kinds, and their values do not compare"
    return replace(difference, value=None, low=None, high=None, p=None, reason=reason)


def _named(paths: Sequence[Path]) -> dict[str, Path]:
    """Return the checkpoints by the names that their results are kept under.

    Raises:
        ConfigError: a checkpoint is named twice, or two of them would share one folder.
    """
    named: dict[str, Path] = {}
    for path in paths:
        name = run_name(path)
        if name in named and named[name].resolve() == path.resolve():
            raise ConfigError(f"{path} is named twice: compare different checkpoints.")
        if name in named:
            raise ConfigError(
                f"{named[name]} and {path} are both called {name}, so that their results would lie in one folder: "
                "rename the folder of one run."
            )
        named[name] = path
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
        from vaekit.config import DataConfig

        settings = DataConfig.parse(found.summary["protocol"]["settings"], str(found.folder))
        prepared, _ = prepare_data(settings, progress)
        if prepared.fingerprint != found.summary["made_by"]["data_fingerprint"]:
            raise DataError("The images have changed since they were evaluated: run `vaekit evaluate` again.")
        where = {image_id: row for row, image_id in enumerate(prepared.index["image_id"])}
        return prepared.images[[where[image_id] for image_id in image_ids]]

    return read
