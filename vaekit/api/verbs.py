"""The four verbs, and `load`: what the command line calls, for Python and notebooks.

Torch is imported by the verbs that need it, so that `import vaekit` and `vaekit.report` stay light.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from vaekit import artifacts
from vaekit.api.opening import located, prepare_data, read_model, reconstructor, settings_of
from vaekit.api.reuse import evaluate_anew, evaluation_of, exploration_of, images_of, is_made_of, log
from vaekit.api.runs import RUNS, AnyModel, find_model, new_run_folder, told_how_to_go_on
from vaekit.errors import CheckpointError, ConfigError, DataError
from vaekit.figures.words import listed
from vaekit.options import EvaluationOptions, Options, PageOptions, ReportOptions, read_options, read_page_options
from vaekit.progress import Progress, silent

if TYPE_CHECKING:
    from vaekit.api.runs import ModelSource
    from vaekit.config import DataConfig
    from vaekit.data import Prepared
    from vaekit.evaluation.results import Evaluation
    from vaekit.failure_analysis.analyse import Asked
    from vaekit.failure_analysis.failures import Failures
    from vaekit.models.base import VAE
    from vaekit.reporting import Report
    from vaekit.training import Training

TOP = 32  # worst, best and random images


def load(checkpoint: AnyModel, **options: Unpack[Options]) -> "VAE":
    """Return the model in a checkpoint, ready for `.encode`, `.decode`, `.reconstruct` and `.sample`.

    Args:
        checkpoint: a .pt file, or a run's folder or name; a checkpoint of another program; a live `nn.Module`.
        options: as for `evaluate`; device is cpu where it is not given.

    Raises:
        CheckpointError: no such file, or one that can not be read.
        ConfigError: an option that does not exist or does not fit.
    """
    read = read_options(load, {"device": "cpu", **options})
    source = find_model(checkpoint, read.model_options)
    from vaekit.device import choose_device

    return read_model(source, choose_device(read.device), read).model


def train(
    recipe: str = "default",
    *,
    data: str | None = None,
    overrides: Mapping[str, Any] | None = None,
    out: str | Path = "checkpoints",
    run: str | None = None,
    overwrite: bool = False,
    suffix: str = "",
    device: str = "auto",
    progress: Progress = silent,
) -> "Training":
    """Train one model and return its folder, checkpoints and history.

    Args:
        recipe: name of a recipe, or the path of a TOML file.
        data: a dataset's name or a folder; None takes the recipe's, else data/celeba if it is there, else drawn faces.
        overrides: settings laid over the recipe's, by dotted key: {"training.epochs": 3}.
        out: the folder that receives <run>/best.pt and the rest.
        run: name of the run; None makes one from the recipe and the data that is not taken yet.
        overwrite: replace a run of that name instead of refusing.
        suffix: what a name made by vaekit ends in.
        device: auto, cpu, cuda or mps.
        progress: told how far training is.

    Raises:
        VaekitError: of the kind that fits: settings, data, output folder, or a loss that is no number any more.
    """
    from vaekit.config import load_config

    config = load_config(recipe, dict(overrides or {}) | ({"data.source": data} if data else {}))
    from vaekit.device import choose_device  # torch: a wrong recipe is told before it is imported
    from vaekit.models.base import build_model
    from vaekit.training import train as run_training

    target = choose_device(device)
    artifacts.refuse_unwritable(Path(out))
    if config.data.channels != 3 or not isinstance(config.data.image_size, int):
        raise ConfigError(
            f"data.channels = {config.data.channels} and data.image_size = {config.data.image_size}: the networks that "
            "vaekit trains see square pictures in colour. Give one number for image_size and leave channels at 3."
        )
    build_model(config.model, config.likelihood, config.data.image_size, seed=0)  # what can not be built says so now
    prepared, settings = prepare_data(config.data, progress)
    for note in prepared.notes:
        log.info(note)
    folder = new_run_folder(Path(out), run, f"{Path(recipe).stem}-{prepared.name}{suffix}", overwrite)
    config = config.model_copy(update={"data": settings})
    with artifacts.alone_in(folder), told_how_to_go_on(folder):
        return run_training(config, prepared, folder, device=target, progress=progress)


def resume(
    run: str | Path,
    *,
    data: str | None = None,
    epochs: int | None = None,
    device: str = "auto",
    progress: Progress = silent,
) -> "Training":
    """Go on with an interrupted run from its last finished epoch, to the weights it would have had uninterrupted.

    Args:
        run: name or folder of the run, or its last.pt.
        data: where its images lie now, if they were moved; they must be the same.
        epochs: train up to this many instead of what the run was told.
        device: auto, cpu, cuda or mps; the weights are the same to the byte on the same CPU only.
        progress: told how far training is.

    Raises:
        CheckpointError: the run has no finished epoch, or its images have changed.
        ConfigError: fewer epochs than are done.
    """
    folder = next((f for f in (Path(run), Path(run).parent, RUNS / run) if (f / artifacts.LAST).is_file()), None)
    if folder is None:
        raise CheckpointError(f"The run {run} has no {artifacts.LAST}: no epoch of it was finished. Train it again.")
    from vaekit.checkpoint import load_checkpoint
    from vaekit.config import RunConfig
    from vaekit.device import choose_device
    from vaekit.training import train as run_training

    target = choose_device(device)
    checkpoint = load_checkpoint(folder / artifacts.LAST)
    config = checkpoint.config
    if epochs is not None:
        if epochs < checkpoint.epoch:
            raise ConfigError(f"{folder} has {checkpoint.epoch} epochs done already, more than --epochs {epochs}.")
        values = config.model_dump()
        config = RunConfig.parse(values | {"training": values["training"] | {"epochs": epochs}}, "The run")
    if config.training is not None and config.training.epochs == checkpoint.epoch:
        log.info("%s has all of its %d epochs: more with --epochs.", folder, checkpoint.epoch)
    settings = located(config.data, folder) if data is None else config.data.model_copy(update={"source": data})
    if data is None:
        prepared = _images_again(settings, checkpoint.data["fingerprint"], progress)
    else:
        prepared, _ = prepare_data(settings, progress)
    if prepared.fingerprint != checkpoint.data["fingerprint"]:
        raise CheckpointError(
            f"The images of {folder} are not those that it was trained on (or an older vaekit trained it, which knew "
            "them by names and sizes alone): name where they lie now with --data, or start a new run with "
            "`vaekit train`."
        )
    with artifacts.alone_in(folder), told_how_to_go_on(folder):
        return run_training(config, prepared, folder, device=target, resume=checkpoint, progress=progress)


def _images_again(settings: "DataConfig", fingerprint: str, progress: Progress) -> "Prepared":
    """Return the images of a run: where its data lay, or, where that is gone, those prepared from it that are kept."""
    from vaekit.data import find_prepared

    try:
        return prepare_data(settings, progress)[0]
    except DataError:
        kept = find_prepared(fingerprint)
        if kept is None:
            raise
        log.info("The data is not where it was (%s): going on with its images in %s.", settings.source, kept.folder)
        return kept


def evaluate(
    checkpoint: AnyModel = None, *, out: str | Path = "reports", progress: Progress = silent, **options: Unpack[Options]
) -> "Evaluation":
    """Evaluate a checkpoint on the test split and write <out>/<run>/<protocol>/evaluation/summary.json and the rest.

    The walks through its latent space that a report shows are written beside it, to exploration/.

    Args:
        checkpoint: a .pt file, or a run's folder or name; None takes the best checkpoint of the newest run. A
            checkpoint of another program with `model=`, or a live `nn.Module`.
        out: the folder that receives the run's folder.
        progress: told how far the pass is.
        options: those of `vaekit.options.Options`: data, crop, image_size, limit, inception_weights, seed, device,
            batch_size; model, adapter and the rest for a model that vaekit did not train.

    Raises:
        VaekitError: of the kind that fits: checkpoint, settings, data or output folder.
    """
    read = read_options(evaluate, options)
    return evaluate_anew(find_model(checkpoint, read.model_options), read, Path(out), progress)


def failures(
    checkpoint: AnyModel = None,
    *,
    top: int = TOP,
    by: str | Sequence[str] | None = None,
    fairness: Sequence[str] | None = None,
    out: str | Path = "reports",
    progress: Progress = silent,
    **options: Unpack[Options],
) -> "Failures":
    """Find where and why the model fails, and write <out>/<run>/<protocol>/failures/findings.json and the rest.

    Uses the evaluation of this checkpoint under `out`; without one, or with a stale one, evaluates first and says so.

    Args:
        checkpoint: as for `evaluate`.
        top: how many worst, best and random images.
        by: the per-image metric, or several, that rank the images; the first is the error of the findings, and
            "<metric>_adjusted" is one at equal contrast, fine detail and brightness. None takes mse and mse_adjusted.
        fairness: attributes between which the error is compared; None takes Male, Young and Pale_Skin.
        out: the folder that receives the run's folder.
        progress: told how far the work is.
        options: as for `evaluate`.

    Raises:
        VaekitError: of the kind that fits: checkpoint, settings, data or output folder.
    """
    read = read_options(failures, options)
    source = find_model(checkpoint, read.model_options)
    from vaekit.failure_analysis.analyse import Asked  # a wrong name is told before this

    asked = Asked(top=top, groups=fairness, seed=read.seed, **({} if by is None else {"by": by}))
    return _analyse(source, read, Path(out), progress, asked)


def report(
    checkpoint: AnyModel = None,
    *,
    computed: str | Path | None = None,
    out: str | Path = "reports",
    progress: Progress = silent,
    **options: Unpack[ReportOptions],
) -> "Report":
    """Write <out>/<run>/report.html, report.md and report.json (or paper.*) from the artifacts of this checkpoint.

    An evaluation or a failure analysis that is missing or stale is computed first, and said so.

    Args:
        checkpoint: as for `evaluate`.
        computed: the folder of a run's report: write another one there, from what was computed, instead.
        out: the folder that receives the run's folder.
        progress: told how far the work is.
        options: as for `evaluate`, and `PageOptions`: edition="paper", name="short.html", title, author, course,
            sections, notes, full, pdf, latex.

    Raises:
        VaekitError: of the kind that fits: checkpoint, settings, data or output folder.
    """
    page, read = read_page_options(report, options)
    if computed is not None:
        return _report_from(Path(computed), checkpoint, page, read, progress)
    source = find_model(checkpoint, read.model_options)
    from vaekit.reporting import build_report, read_edition  # a wrong name is told before this

    edition = read_edition(page)
    found = evaluation_of(source, read, Path(out), progress)
    folder = failures_of(source, found, read, Path(out), progress)
    explored = exploration_of(source, found, read, progress)
    return build_report(
        found.folder, folder, found.folder.parent.parent, exploration=explored, edition=edition, progress=progress
    )


def _report_from(
    folder: Path, checkpoint: AnyModel, page: PageOptions, read: EvaluationOptions, progress: Progress
) -> "Report":
    if checkpoint is not None or read.given():
        named = ["a checkpoint"] * (checkpoint is not None) + [f"--{name}" for name in read.given()]
        raise ConfigError(f"--from writes what {folder} holds and computes nothing: leave away {listed(named)}.")
    from vaekit.reporting import build_report, read_edition
    from vaekit.reporting.collect import Folders

    edition, found = read_edition(page), Folders.within(folder)
    out = found.evaluation.parent.parent
    return build_report(
        found.evaluation, found.failures, out, exploration=found.exploration, edition=edition, progress=progress
    )


def failures_of(
    source: "ModelSource", found: "Evaluation", options: EvaluationOptions, out: Path, progress: Progress
) -> Path:
    """Return the folder of the failure analysis of this evaluation; make one, and say so, where none fits."""
    folder = found.folder.parent / artifacts.FAILURES
    if not is_made_of(folder / artifacts.FAILURES_SUMMARY, found):
        log.info("No failure analysis of this evaluation in %s: making one.", folder)
        from vaekit.failure_analysis.analyse import Asked

        _analyse(source, options, out, progress, Asked(seed=options.seed))
    return folder


def _analyse(
    source: "ModelSource", options: EvaluationOptions, out: Path, progress: Progress, asked: "Asked"
) -> "Failures":
    """Return the failure analysis of the evaluation that fits, made anew."""
    from vaekit.device import choose_device
    from vaekit.failure_analysis.analyse import analyse

    found = evaluation_of(source, options, out, progress)
    prepared = images_of(found, progress)
    if prepared is None:
        found = evaluate_anew(source, options, out, progress)
        prepared, _ = prepare_data(settings_of(found.summary, str(found.folder)), progress)
    return analyse(
        found,
        prepared,
        found.folder.parent / artifacts.FAILURES,
        asked,
        reconstruct=reconstructor(source, options),
        device=str(choose_device(options.device)),
        progress=progress,
    )
