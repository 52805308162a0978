"""The four verbs, and `load`: what the command line calls, for Python and notebooks.

Torch is imported by the verbs that need it, so that `import vaekit` and `vaekit.report` stay light.
"""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaekit import artifacts
from vaekit.api.runs import find_checkpoint, new_run_folder, run_name
from vaekit.errors import CheckpointError
from vaekit.progress import Progress, silent
from vaekit.version import __version__

if TYPE_CHECKING:
    from vaekit.config import DataConfig
    from vaekit.data import Prepared
    from vaekit.evaluation.results import Evaluation
    from vaekit.failure_analysis.analyse import Failures
    from vaekit.models.base import VAE
    from vaekit.reporting import Report
    from vaekit.training import Training

log = logging.getLogger("vaekit")


def load(checkpoint: str | Path, device: str = "cpu") -> "VAE":
    """Return the model in a checkpoint, ready for `.encode`, `.decode`, `.reconstruct` and `.sample`.

    Raises:
        CheckpointError: no such file, or not a vaekit checkpoint.
    """
    from vaekit.checkpoint import load_checkpoint

    return load_checkpoint(find_checkpoint(checkpoint), device).model


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
    from vaekit.device import choose_device
    from vaekit.models.base import build_model
    from vaekit.training import train as run_training

    config = load_config(recipe, dict(overrides or {}) | ({"data.source": data} if data else {}))
    target = choose_device(device)
    artifacts.refuse_unwritable(Path(out))
    build_model(config.model, config.likelihood, config.data.image_size, seed=0)  # what can not be built says so now
    prepared, settings = prepare_data(config.data, progress)
    folder = new_run_folder(Path(out), run, f"{Path(recipe).stem}-{prepared.name}{suffix}", overwrite)
    config = config.model_copy(update={"data": settings})
    return run_training(config, prepared, folder, device=target, progress=progress)


def resume(
    run: str | Path, *, epochs: int | None = None, device: str = "auto", progress: Progress = silent
) -> "Training":
    """Go on with an interrupted run from its last finished epoch, to the weights it would have had uninterrupted.

    Args:
        run: name or folder of the run, or its last.pt.
        epochs: train up to this many instead of what the run was told.
        device: auto, cpu, cuda or mps; the weights are the same to the byte on the same CPU only.
        progress: told how far training is.

    Raises:
        CheckpointError: the run has no finished epoch, or its images have changed.
    """
    from vaekit.checkpoint import load_checkpoint
    from vaekit.config import RunConfig
    from vaekit.device import choose_device
    from vaekit.training import train as run_training

    folder = next(
        (f for f in (Path(run), Path(run).parent, Path("checkpoints") / run) if (f / artifacts.LAST).is_file()), None
    )
    if folder is None:
        raise CheckpointError(f"The run {run} has no {artifacts.LAST}: no epoch of it was finished. Train it again.")
    target = choose_device(device)
    checkpoint = load_checkpoint(folder / artifacts.LAST)
    config = checkpoint.config
    if epochs is not None:
        values = config.model_dump()
        config = RunConfig.parse(values | {"training": values["training"] | {"epochs": epochs}}, "The run")
    prepared, _ = prepare_data(config.data, progress)
    if prepared.fingerprint != checkpoint.data["fingerprint"]:
        raise CheckpointError(
            f"The images of {folder} have changed since it was trained: start a new run with `vaekit train`."
        )
    return run_training(config, prepared, folder, device=target, resume=checkpoint, progress=progress)


def evaluate(
    checkpoint: str | Path | None = None,
    *,
    data: str | None = None,
    crop: int | str | None = None,
    image_size: int | None = None,
    limit: Mapping[str, int] | None = None,
    out: str | Path = "reports",
    inception_weights: str | Path | None = None,
    seed: int = 0,
    device: str = "auto",
    batch_size: int = 256,
    progress: Progress = silent,
) -> "Evaluation":
    """Evaluate a checkpoint on the test split and write <out>/<run>/<protocol>/evaluation/summary.json and the rest.

    The walks through its latent space that a report shows are written beside it, to exploration/.

    Args:
        checkpoint: a .pt file, or a run's folder or name; None takes the best checkpoint of the newest run.
        data, crop, image_size, limit: the images; None takes what the model was trained with.
        out: the folder that receives the run's folder.
        inception_weights: file of the network behind FID; None looks where other tools keep it, and does without.
        seed: of posterior noise, samples, pictures and bootstrap.
        device: auto, cpu, cuda or mps.
        batch_size: images at a time; results depend on it only by float32 rounding.
        progress: told how far the pass is.

    Raises:
        VaekitError: of the kind that fits: checkpoint, settings, data or output folder.
    """
    from vaekit.checkpoint import load_checkpoint
    from vaekit.device import choose_device
    from vaekit.evaluation.evaluate import evaluate as run_evaluation
    from vaekit.evaluation.evaluate import protocol_of
    from vaekit.exploration.explore import explore

    path = find_checkpoint(checkpoint)
    target = choose_device(device)
    artifacts.refuse_unwritable(Path(out))
    loaded = load_checkpoint(path, target)
    settings = _with(loaded.config.data, source=data, crop=crop, image_size=image_size, limit=limit)
    prepared, settings = prepare_data(settings, progress)
    name = protocol_of(prepared, settings, seed)["name"]
    found = run_evaluation(
        loaded,
        path,
        prepared,
        Path(out) / run_name(path) / name / artifacts.EVALUATION,
        settings=settings,
        inception_weights=None if inception_weights is None else Path(inception_weights),
        seed=seed,
        device=target,
        batch_size=batch_size,
        progress=progress,
    )
    explore(
        run_name(path),
        loaded.model,
        prepared,
        found.folder,
        found.folder.parent / artifacts.EXPLORATION,
        seed=seed,
        device=target,
        progress=progress,
    )
    return found


def failures(
    checkpoint: str | Path | None = None,
    *,
    top: int = 32,
    by: str | Sequence[str] | None = None,
    fairness: Sequence[str] | None = None,
    out: str | Path = "reports",
    seed: int = 0,
    progress: Progress = silent,
    **evaluation: Any,
) -> "Failures":
    """Find where and why the model fails, and write <out>/<run>/<protocol>/failures/findings.json and the rest.

    Uses the evaluation of this checkpoint under `out`; without one, or with a stale one, evaluates first and says so.

    Args:
        checkpoint: as for `evaluate`.
        top: how many worst, best and random images.
        by: the per-image metric, or several, that rank the images; the first is the error of the findings, and
            "<metric>_adjusted" is one at equal complexity. None takes mse and mse_adjusted.
        fairness: attributes between which the error is compared; None takes Male, Young and Pale_Skin.
        out: the folder that receives the run's folder.
        seed: of the evaluation, the random images and the bootstrap.
        progress: told how far the work is.
        evaluation: data, crop, image_size, limit, device, batch_size, as for `evaluate`.

    Raises:
        VaekitError: of the kind that fits: checkpoint, settings, data or output folder.
    """
    from vaekit.config import DataConfig
    from vaekit.device import choose_device
    from vaekit.failure_analysis.analyse import DEFAULT_BY, analyse

    found = evaluation_of(checkpoint, out=out, seed=seed, progress=progress, **evaluation)
    prepared, _ = prepare_data(DataConfig.parse(found.summary["protocol"]["settings"], str(found.folder)), progress)
    if prepared.fingerprint != found.summary["made_by"]["data_fingerprint"]:
        log.info("The images have changed since %s: evaluating again.", found.folder)
        found = evaluate(checkpoint, out=out, seed=seed, progress=progress, **evaluation)
    return analyse(
        found,
        prepared,
        found.folder.parent / artifacts.FAILURES,
        by=DEFAULT_BY if by is None else by,
        top=top,
        groups=fairness,
        seed=seed,
        device=str(choose_device(evaluation.get("device", "auto"))),
        progress=progress,
    )


def report(
    checkpoint: str | Path | None = None,
    *,
    title: str | None = None,
    author: str | None = None,
    course: str | None = None,
    sections: str | Path | None = None,
    notes: str | Path | None = None,
    full: bool = False,
    out: str | Path = "reports",
    seed: int = 0,
    progress: Progress = silent,
    **evaluation: Any,
) -> "Report":
    """Write <out>/<run>/report.html, report.md and report.json from the artifacts of this checkpoint.

    An evaluation or a failure analysis that is missing or stale is computed first, and said so.

    Args:
        checkpoint: as for `evaluate`.
        title: headline of the report; None makes one from the run.
        author, course: stand below the headline.
        sections: a TOML file that chooses and orders the sections; None takes all.
        notes: a Markdown file whose parts are merged in below headings such as "## after: samples".
        full: every picture at its own size, however large the page becomes; otherwise it stays under 8 MB.
        out: the folder that receives the run's folder.
        seed: of the evaluation and the failure analysis.
        progress: told how far the work is.
        evaluation: data, crop, image_size, limit, device, batch_size, as for `evaluate`.

    Raises:
        VaekitError: of the kind that fits: checkpoint, settings, data or output folder.
    """
    from vaekit.reporting import build_report, read_edition

    edition = read_edition(
        title=title,
        author=author,
        course=course,
        sections=sections and Path(sections),
        notes=notes and Path(notes),
        full=full,
    )
    found = evaluation_of(checkpoint, out=out, seed=seed, progress=progress, **evaluation)
    folder = failures_of(found, checkpoint, out=out, seed=seed, progress=progress, **evaluation)
    explored = exploration_of(found, checkpoint, seed=seed, progress=progress, device=evaluation.get("device", "auto"))
    return build_report(
        found.folder, folder, found.folder.parent.parent, exploration=explored, edition=edition, progress=progress
    )


def evaluation_of(
    checkpoint: str | Path | None, *, out: str | Path, seed: int, progress: Progress, **options: Any
) -> "Evaluation":
    """Return the newest evaluation on disk that fits the checkpoint and the options; make one where none does."""
    from vaekit.evaluation.results import Evaluation

    path = find_checkpoint(checkpoint)
    folder = Path(out) / run_name(path)
    wanted = {"checkpoint_sha256": artifacts.file_hash(path), "seed": seed, "vaekit": __version__}
    asked = {"source": options.get("data"), **{k: options.get(k) for k in ("crop", "image_size", "limit")}}
    asked = {key: value for key, value in asked.items() if value is not None}
    summaries = sorted(folder.glob(f"*/{artifacts.EVALUATION}/{artifacts.SUMMARY}"), key=lambda p: -p.stat().st_mtime)
    for summary in summaries:
        found = Evaluation(summary.parent)
        settings = found.summary["protocol"]["settings"]
        if wanted.items() <= found.summary["made_by"].items() and asked.items() <= settings.items():
            log.info("Using the evaluation in %s.", found.folder)
            return found
    log.info("No evaluation of %s under %s fits: evaluating first.", path, folder)
    return evaluate(path, out=out, seed=seed, progress=progress, **options)


def failures_of(found: "Evaluation", checkpoint: str | Path | None, **options: Any) -> Path:
    """Return the folder of the failure analysis of this evaluation; make one, and say so, where none fits."""
    folder = found.folder.parent / artifacts.FAILURES
    if not found.summary["made_by"].items() <= _made_by(folder / artifacts.FAILURES_SUMMARY).items():
        log.info("No failure analysis of this evaluation in %s: making one.", folder)
        failures(checkpoint, **options)
    return folder


def exploration_of(
    found: "Evaluation", checkpoint: str | Path | None, *, seed: int, device: str, progress: Progress
) -> Path:
    """Return the folder of the exploration of this evaluation; make one, and say so, where none fits."""
    folder = found.folder.parent / artifacts.EXPLORATION
    if not found.summary["made_by"].items() <= _made_by(folder / artifacts.EXPLORATION_SUMMARY).items():
        from vaekit.checkpoint import load_checkpoint
        from vaekit.config import DataConfig
        from vaekit.device import choose_device
        from vaekit.exploration.explore import explore

        log.info("No exploration of this evaluation in %s: making one.", folder)
        path, target = find_checkpoint(checkpoint), choose_device(device)
        prepared, _ = prepare_data(DataConfig.parse(found.summary["protocol"]["settings"], str(found.folder)), progress)
        explore(
            run_name(path),
            load_checkpoint(path, target).model,
            prepared,
            found.folder,
            folder,
            seed=seed,
            device=target,
            progress=progress,
        )
    return folder


def _made_by(path: Path) -> dict[str, Any]:
    return artifacts.read_json(path)["made_by"] if path.is_file() else {}


def _with(settings: "DataConfig", **changes: Any) -> "DataConfig":
    """Return the settings with every change that is not None, checked."""
    given = {key: value for key, value in changes.items() if value is not None}
    return type(settings).parse(settings.model_dump() | given, "The data options")


def prepare_data(settings: "DataConfig", progress: Progress) -> tuple["Prepared", "DataConfig"]:
    """Return the prepared images, and the settings with the source that was used in place of none."""
    from vaekit.data import Protocol, open_source, prepare

    source = open_source(settings.source, seed=settings.seed, progress=progress)
    prepared = prepare(
        source,
        Protocol(settings.crop, settings.image_size, settings.channels),
        limit=settings.limit,
        on_bad_file=settings.on_bad_file,
        seed=settings.seed,
        progress=progress,
    )
    return prepared, settings.model_copy(update={"source": settings.source or source.name})
