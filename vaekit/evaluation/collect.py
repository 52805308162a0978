"""The one ordered pass over the test split: every image once, each number per image, nothing dropped or padded."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from vaekit import artifacts
from vaekit.data.loaders import batches
from vaekit.data.pixels import to_uint8
from vaekit.errors import VaekitError
from vaekit.evaluation.base import Batch, DoesNotApply, NotComputed
from vaekit.evaluation.divergence import require_finite_rate, require_sound_weights
from vaekit.evaluation.eightbit import TrainedLikelihood
from vaekit.evaluation.stages import Task
from vaekit.models.base import Gaussian
from vaekit.seeding import keyed_normal

DIVERGED = (
    "The model's reconstructions hold NaN pixels, so nothing can be said of them: its weights have diverged. Evaluate "
    "an earlier checkpoint, or train again with a lower learning rate."
)


@dataclass(frozen=True)
class Collected:
    """What the pass brings home: the per-image table, in order; mu, logvar and the sampled z, (N, D) float32.

    A metric in `reasons` has no value for this model: its column is empty.
    """

    per_image: pd.DataFrame
    reasons: dict[str, str]
    mu: np.ndarray
    logvar: np.ndarray
    z: np.ndarray


@torch.inference_mode()
def collect(task: Task, sigma: float, trained: TrainedLikelihood) -> Collected:
    """Run the metrics on the task's images: one encode, a decode of mu and a decode of a sample per image.

    Posterior noise is keyed by (seed, image_id), so values agree across batch sizes and orders to float32 tolerance.
    `sigma` is that of the calibrated Gaussian, `trained` what the training loss says of 8-bit images.
    The reconstructions are written to the task's folder as uint8 (N, H, W, C), in the order of the images.
    """
    model, rows = task.model, task.rows
    require_sound_weights(model)
    columns: dict[str, list[np.ndarray]] = {name: [] for name in task.metrics}
    reasons: dict[str, str] = {}
    shared_sigma = torch.tensor(sigma, device=task.device)
    image_ids: list[str] = []
    mu, logvar, z = [], [], []
    shape = (len(rows), *task.prepared.images.shape[1:])
    with artifacts.array_writer(task.folder / artifacts.RECONSTRUCTIONS, shape, np.uint8) as append:
        for loaded in batches(task.prepared, rows, task.batch_size, task.device):
            posterior = model.encode(loaded.x)
            noise = torch.from_numpy(keyed_normal(task.seed, "posterior", loaded.image_ids, model.latent_dim))
            sample = posterior.sample(noise.to(loaded.x.device))
            at_sample = model.decode(sample)
            calibrated = Gaussian(at_sample.mean, shared_sigma)
            batch = Batch(loaded.x, posterior, model.decode(posterior.mu), at_sample, calibrated, trained)
            if torch.isnan(batch.x_hat).any():
                raise VaekitError(DIVERGED)
            for name in [name for name in columns if name not in reasons]:
                try:
                    columns[name].append(task.metrics[name](batch).numpy())
                except DoesNotApply:
                    del columns[name]
                except NotComputed as reason:
                    reasons[name] = str(reason)
            append(to_uint8(batch.x_hat))
            mu.append(posterior.mu.float().cpu().numpy())
            logvar.append(posterior.logvar.float().cpu().numpy())
            z.append(sample.float().cpu().numpy())
            image_ids += loaded.image_ids
            task.progress("evaluate", len(image_ids), len(rows))
    empty = np.full(len(image_ids), np.nan)
    values = {name: empty if name in reasons else np.concatenate(parts) for name, parts in columns.items()}
    table = pd.DataFrame({"image_id": image_ids, **values})
    require_finite_rate(table["kl"].to_numpy(), math.prod(model.image_shape))
    return Collected(table, reasons, *(np.concatenate(parts) for parts in (mu, logvar, z)))
