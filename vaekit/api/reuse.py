"""What is on disk already: the evaluation of a model, its failure analysis, its exploration; made where none fits."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaekit import artifacts
from vaekit.api.opening import Opened, open_model, prepare_data, read_model, settings_of
from vaekit.api.runs import ModelSource
from vaekit.inception_file import NotAvailable, inception_weights
from vaekit.options import EvaluationOptions
from vaekit.progress import Progress
from vaekit.version import __version__

if TYPE_CHECKING:
    from vaekit.data import Prepared
    from vaekit.evaluation.results import Evaluation

log = logging.getLogger("vaekit")


def evaluate_anew(source: ModelSource, options: EvaluationOptions, out: Path, progress: Progress) -> "Evaluation":
    """Evaluate a model, explore its latent space, and return the evaluation."""
    from vaekit.evaluation.evaluate import evaluate
    from vaekit.evaluation.metrics.borrowed import metrics_of
    from vaekit.evaluation.stages import SPLIT, Task
    from vaekit.evaluation.summary import protocol_of

    artifacts.refuse_unwritable(out)
    inception = _inception_file(options)
    metrics = metrics_of(options.metric or ())
    opened = open_model(source, options, progress)
    name = protocol_of(opened.prepared, opened.settings, options.seed)["name"]
    task = Task(
        checkpoint=opened.checkpoint,
        file=source.origin if isinstance(source.origin, Path) else None,
        made_by=made_with(source, options) | {"code": opened.checkpoint.code},
        prepared=opened.prepared,
        rows=opened.prepared.rows(SPLIT),
        settings=opened.settings,
        folder=out / source.run / (f"{name}-quick" if options.quick else name) / artifacts.EVALUATION,
        inception_weights=inception,
        metrics=metrics,
        quick=options.quick,
        seed=options.seed,
        device=opened.device,
        batch_size=options.batch_size,
        progress=progress,
    )
    found = evaluate(task)
    if not options.quick:
        _explore(opened, found, options.seed, progress)
    return found


def evaluation_of(source: ModelSource, options: EvaluationOptions, out: Path, progress: Progress) -> "Evaluation":
    """Return the newest evaluation on disk that was made of this model with these options; make one where none was.

    An option that is not given fits whatever the evaluation was made with; one that is given decides. Of a foreign
    model every file of code that it was made with must be as it was.
    """
    from vaekit.evaluation.results import Evaluation

    wanted, asked = made_with(source, options), options.model_dump(mode="json")
    if wanted["inception_sha256"] is None:
        del wanted["inception_sha256"]  # with FID it is the richer one
    if not options.metric:
        del wanted["metric"]
    if options.quick:
        del wanted["quick"]  # a whole one holds all that a quick one does
    images = {("source" if name == "data" else name): asked[name] for name in ("data", "crop", "image_size", "limit")}
    folder = out / source.run
    summaries = sorted(folder.glob(f"*/{artifacts.EVALUATION}/{artifacts.SUMMARY}"), key=lambda p: -p.stat().st_mtime)
    for summary in filter(artifacts.is_whole, summaries):
        found = Evaluation(summary.parent)
        settings = found.summary["protocol"]["settings"]
        fits = all(value is None or settings.get(name) == value for name, value in images.items())
        made_by = found.summary["made_by"]
        if fits and wanted.items() <= made_by.items() and _is_unchanged(made_by.get("code", {})):
            log.info("Using the evaluation in %s.", found.folder)
            return found
    log.info("No evaluation of %s under %s fits: evaluating first.", source.run, folder)
    return evaluate_anew(source, options, out, progress)


def _is_unchanged(code: dict[str, str]) -> bool:
    return all(Path(file).is_file() and artifacts.file_hash(Path(file)) == known for file, known in code.items())


def images_of(found: "Evaluation", progress: Progress) -> "Prepared | None":
    """Return the images that an evaluation was made on; None, and said so, where they have changed since."""
    prepared, _ = prepare_data(settings_of(found.summary, str(found.folder)), progress)
    if prepared.fingerprint == found.summary["made_by"]["data_fingerprint"]:
        return prepared
    log.info("The images have changed since %s: evaluating again.", found.folder)
    return None


def exploration_of(source: ModelSource, found: "Evaluation", options: EvaluationOptions, progress: Progress) -> Path:
    """Return the folder of the exploration of this evaluation; make one, and say so, where none fits."""
    folder = found.folder.parent / artifacts.EXPLORATION
    if not is_made_of(folder / artifacts.EXPLORATION_SUMMARY, found):
        from vaekit.device import choose_device

        log.info("No exploration of this evaluation in %s: making one.", folder)
        device = choose_device(options.device)
        prepared, settings = prepare_data(settings_of(found.summary, str(found.folder)), progress)
        opened = Opened(source, read_model(source, device, options, progress), prepared, settings, device)
        _explore(opened, found, options.seed, progress)
    return folder


def is_made_of(summary: Path, found: "Evaluation") -> bool:
    """Whether the stage that wrote `summary` was made of this evaluation as it stands."""
    return (
        artifacts.is_whole(summary)
        and found.summary["made_by"].items() <= artifacts.read_json(summary)["made_by"].items()
    )


def made_with(source: ModelSource, options: EvaluationOptions) -> dict[str, Any]:
    """Return every fact that decides the numbers of an evaluation, beside its images."""
    inception = _inception_file(options)
    return {
        "vaekit": __version__,
        "checkpoint_sha256": source.sha256,
        "read_with": source.read_with(),
        "inception_sha256": None if inception is None else artifacts.file_hash(inception),
        "quick": options.quick,
        "seed": options.seed,
        "metric": list(options.metric or ()),
    }


def _inception_file(options: EvaluationOptions) -> Path | None:
    """Return the file of the network behind FID, where there is one."""
    try:
        return inception_weights(options.inception_weights)
    except NotAvailable:
        return None


def _explore(opened: Opened, found: "Evaluation", seed: int, progress: Progress) -> None:
    from vaekit.exploration.explore import explore
    from vaekit.exploration.space import open_space

    if not (found.folder / artifacts.PER_DIM).is_file():  # as of a decoder that decodes no code but its last image's
        log.info("The latent code could not be analysed, and is not explored.")
        return
    model = opened.checkpoint.model.to(opened.device)
    space = open_space(opened.source.run, model, opened.prepared, found.folder)
    explore(space, found.folder.parent / artifacts.EXPLORATION, seed=seed, progress=progress)
