"""The evaluation of one checkpoint: a list of stages, from the pass over the test split to the summary on disk."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from vaekit import artifacts
from vaekit.calibration import calibrated_sigma
from vaekit.checkpoint import Checkpoint
from vaekit.codes import Codes, encode_train_and_valid
from vaekit.data.pixels import to_uint8
from vaekit.errors import DataError, VaekitError
from vaekit.evaluation.base import metric_rows
from vaekit.evaluation.collect import DIVERGED, Collected, collect
from vaekit.evaluation.eightbit import TrainedLikelihood, trained_likelihood
from vaekit.evaluation.importance import importance, rows_of
from vaekit.evaluation.latent.analyse import analyse
from vaekit.evaluation.layers import layer_table
from vaekit.evaluation.learned_prior import learned_bounds
from vaekit.evaluation.probes import fit_probes
from vaekit.evaluation.reference import reference
from vaekit.evaluation.references import r2
from vaekit.evaluation.results import Evaluation
from vaekit.evaluation.samples.score import score_samples
from vaekit.evaluation.samples.temperatures import TEMPERATURES
from vaekit.evaluation.stages import Result, Task, run_stages, stage
from vaekit.evaluation.summary import CALIBRATED_ON, summary_of
from vaekit.judge import Judge, open_judge
from vaekit.priors import Posteriors
from vaekit.quantity import Quantity
from vaekit.seeding import numpy_generator

PICTURED = 32  # test images kept as pictures, drawn by the seed
SAMPLES = 64  # draws from the prior kept as pictures


@stage(
    "making",
    quick=True,
    writes=(artifacts.LAYERS, artifacts.CONFIG, artifacts.HISTORY, artifacts.KL_PER_DIM, artifacts.LEARNED),
)
def making(task: Task) -> Result:
    """Write how the model is built and how it was trained, as far as that is known."""
    artifacts.write_table(task.folder / artifacts.LAYERS, layer_table(task.model))
    artifacts.write_text(task.folder / artifacts.CONFIG, task.checkpoint.config.to_toml())
    history = _whole_history(task.checkpoint, task.file)
    if not history.empty:  # another program's training is not known
        artifacts.write_table(task.folder / artifacts.HISTORY, history)
    _write_kl_per_dim(task.folder, task.checkpoint)
    learned = task.file and task.file.with_name(artifacts.LEARNED)
    if learned and not history.empty and learned.is_file():
        artifacts.write_arrays(task.folder / artifacts.LEARNED, **artifacts.read_arrays(learned))
    return Result(history)


@stage("likelihoods", vital=True)
def likelihoods(task: Task) -> Result:
    """Return sigma of the calibrated Gaussian, fitted on valid images, and what the training loss says of 8 bits."""
    sigma = calibrated_sigma(task.model, task.prepared, seed=task.seed, device=task.device, most=CALIBRATED_ON)
    if not math.isfinite(sigma):
        raise VaekitError(DIVERGED)
    return Result((sigma, trained_likelihood(task.model, task.checkpoint.config)))


@stage(
    "one pass",
    needs=("likelihoods",),
    writes=(artifacts.PER_IMAGE, artifacts.LATENTS, artifacts.RECONSTRUCTIONS),
    vital=True,
)
def one_pass(task: Task, likelihoods: tuple[float, TrainedLikelihood]) -> Result:
    """Run every per-image metric on every test image, once."""
    sigma, trained = likelihoods
    collected = collect(task, sigma, trained)
    artifacts.write_table(task.folder / artifacts.PER_IMAGE, collected.per_image)
    artifacts.write_arrays(
        task.folder / artifacts.LATENTS,
        image_id=collected.per_image["image_id"].to_numpy(dtype=str),
        mu=collected.mu,
        logvar=collected.logvar,
    )
    return Result(collected, metric_rows(collected.per_image, collected.reasons, task.metrics, task.seed))


@stage("pictures", quick=True, needs=("one pass",), writes=(artifacts.PICTURES,))
def pictures(task: Task, one_pass: Collected) -> Result:
    """Keep some test images with their reconstructions."""
    count = min(PICTURED, len(task.rows))
    chosen = np.sort(numpy_generator(task.seed, "pictures").choice(len(task.rows), count, replace=False))
    artifacts.write_arrays(
        task.folder / artifacts.PICTURES,
        image_id=task.prepared.index["image_id"].to_numpy(dtype=str)[task.rows[chosen]],
        x=task.prepared.images[task.rows[chosen]],
        x_hat=artifacts.read_array(task.folder / artifacts.RECONSTRUCTIONS)[chosen],
    )
    return Result()


@stage("draws", quick=True, writes=(artifacts.DRAWS,))
@torch.inference_mode()
def draws(task: Task) -> Result:
    """Keep some samples of the prior, and some at several temperatures."""
    samples = task.model.sample(SAMPLES, seed=task.seed)
    by_temperature = [task.model.sample(8, seed=task.seed, temperature=t) for t in TEMPERATURES]
    if any(images.isnan().any() for images in (samples, *by_temperature)):
        raise VaekitError("At random codes the decoder gives values that are no numbers: it has diverged there.")
    artifacts.write_arrays(
        task.folder / artifacts.DRAWS,
        prior=np.array(task.model.prior.said),
        samples=to_uint8(samples),
        temperature=np.array(TEMPERATURES),
        by_temperature=np.stack([to_uint8(images) for images in by_temperature]),
    )
    return Result()


@stage("explained variance", quick=True, needs=("one pass",))
def explained_variance(task: Task, one_pass: Collected) -> Result:
    """Hold the error against that of the mean face."""
    found = r2(one_pass.per_image["sse"].to_numpy(), task.prepared, task.rows, task.seed)
    return Result(found.value, {"r2": found})


@stage("importance", needs=("likelihoods",), writes=(artifacts.IWAE,))
def importance_weighting(task: Task, likelihoods: tuple[float, TrainedLikelihood]) -> Result:
    """Tighten the bound on the likelihood on a subset of the test images."""
    sigma, trained = likelihoods
    weights = importance(task, sigma, trained)
    artifacts.write_table(task.folder / artifacts.IWAE, weights.table())
    return Result(weights.table(), rows_of(weights, task.seed))


@stage("learned prior", quick=True, needs=("one pass",), writes=(artifacts.LEARNED_PRIOR,))
def learned_prior(task: Task, one_pass: Collected) -> Result:
    """Give the bounds under the learned prior too, where the model has one."""
    prior = task.model.learned_prior
    if prior is None:
        return Result()
    posteriors = Posteriors(one_pass.mu, np.exp(0.5 * one_pass.logvar), one_pass.z)
    values = math.prod(task.model.image_shape)
    found = learned_bounds(one_pass.per_image, posteriors, prior, seed=task.seed, values=values)
    artifacts.write_table(task.folder / artifacts.LEARNED_PRIOR, found.table)
    return Result(rows=found.rows(task.seed))


@stage("codes")
def codes(task: Task) -> Result:
    """Encode some train and valid images: what others are fitted to."""
    return Result(encode_train_and_valid(task.model, task.prepared, **task.how))


@stage("probes", needs=("one pass", "codes"), writes=(artifacts.PROBES, artifacts.PROBES_SUMMARY, artifacts.DIRECTIONS))
def probes(task: Task, one_pass: Collected, codes: tuple[Codes, Codes]) -> Result:
    """Ask the codes for the attributes of the images."""
    ids = one_pass.per_image["image_id"].tolist()
    test = Codes(task.rows, ids, one_pass.mu, one_pass.logvar, one_pass.z)
    found = fit_probes(task, *codes, test)
    found.write(task.folder)
    return Result(rows=found.estimates)


@stage(
    "latent code",
    quick=True,
    needs=("one pass", "likelihoods", "explained variance", "making"),
    writes=(
        artifacts.PER_DIM,
        artifacts.LATENT_ARRAYS,
        artifacts.LATENT,
        artifacts.PER_CHANNEL,
        artifacts.PER_POSITION,
    ),
)
def latent_code(
    task: Task,
    one_pass: Collected,
    likelihoods: tuple[float, TrainedLikelihood],
    r2: float | None,
    history: pd.DataFrame,
) -> Result:
    """Say what the code carries and what the decoder uses of it, the history and the probes heard where there are."""
    probed = task.folder / artifacts.PROBES_SUMMARY
    rows = artifacts.read_json(probed)["rows"] if probed.is_file() else {}
    sigma, trained = likelihoods
    known = {name: Quantity.from_record(row, str(probed)) for name, row in rows.items()}
    found = analyse(task, one_pass, sigma=sigma, trained=trained, r2=r2, history=history, known=known)
    found.write(task.folder)
    return Result(found.verdict["sentence"])


@stage("judge")
def judge(task: Task) -> Result:
    """Open the network that looks at faces of every source, or say why these images have none."""
    try:
        return Result(open_judge(task.prepared, device=task.device, progress=task.progress))
    except DataError as reason:
        return Result(reason)


@stage("reference", needs=("codes", "judge"), writes=(artifacts.REFERENCE,))
def ordinary_images(task: Task, codes: tuple[Codes, Codes], judge: Judge | DataError) -> Result:
    """Keep some train and valid images as the model and the judge see them: what a test image is held against."""
    artifacts.write_arrays(task.folder / artifacts.REFERENCE, **reference(task, *codes, judge))
    return Result()


@stage(
    "samples",
    needs=("one pass", "codes", "judge"),
    writes=(
        artifacts.SAMPLES,
        artifacts.SAMPLING_GAP,
        artifacts.ATTRIBUTE_RATES,
        artifacts.SAMPLE_PICTURES,
        artifacts.MIXTURE,
        artifacts.JUDGED,
    ),
)
def samples(task: Task, one_pass: Collected, codes: tuple[Codes, Codes], judge: Judge | DataError) -> Result:
    """Compare sets of samples with sets of test images."""
    found = score_samples(task, one_pass, *codes, judge)
    found.write(task.folder)
    return Result(rows=found.estimates)


STAGES = (
    making,
    likelihoods,
    one_pass,
    pictures,
    draws,
    explained_variance,
    importance_weighting,
    learned_prior,
    codes,
    probes,
    latent_code,
    judge,
    ordinary_images,
    samples,
)


def evaluate(task: Task) -> Evaluation:
    """Evaluate a model on the test split and write every artifact to the task's folder, summary.json last.

    Raises:
        DataError: no valid image.
        VaekitError: the weights have diverged.
    """
    with artifacts.whole_stage(task.folder / artifacts.SUMMARY) as finish:
        finish(summary_of(task, run_stages(STAGES, task)))
    return Evaluation(task.folder)


def _whole_history(checkpoint: Checkpoint, file: Path | None) -> pd.DataFrame:
    """Return the history of the run: best.pt ends at its own epoch, and history.csv beside it knows the later ones."""
    own = pd.DataFrame(checkpoint.history)
    if file is None or own.empty or not (beside := file.with_name(artifacts.HISTORY)).is_file():
        return own
    run = artifacts.read_table(beside)
    is_same_run = len(run) >= len(own) and np.allclose(run["valid_loss"].head(len(own)), own["valid_loss"])
    return run if is_same_run else own


def _write_kl_per_dim(folder: Path, checkpoint: Checkpoint) -> None:
    """Write the kl of each dim on valid after each epoch, where the trainer kept it: epoch, dim, kl."""
    if not checkpoint.kl_per_dim:
        return
    table = pd.DataFrame(checkpoint.kl_per_dim, index=[record["epoch"] for record in checkpoint.history])
    table = table.melt(ignore_index=False, var_name="dim", value_name="kl").rename_axis("epoch").reset_index()
    artifacts.write_table(folder / artifacts.KL_PER_DIM, table.sort_values(["epoch", "dim"]))
