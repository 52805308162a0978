"""The importance-weighted bound (Burda et al. 2016): how much of log p(x) the single-sample bound leaves out."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from scipy.special import logsumexp

from vaekit.data.loaders import batches
from vaekit.evaluation.eightbit import SIGMA_ZERO, Residual, TrainedLikelihood
from vaekit.evaluation.stages import Task
from vaekit.figures.words import plural
from vaekit.models.base import VAE, Gaussian, GaussianPosterior
from vaekit.models.likelihoods import OBJECTIVE_UNKNOWN, Unknown
from vaekit.quantity import Quantity
from vaekit.seeding import keyed_normal, numpy_generator
from vaekit.statistics.bootstrap import bootstrap_means

Floats = npt.NDArray[np.float64]

IMAGES = 256  # test images, drawn by the seed
SAMPLES = 64  # posterior samples of each


@dataclass(frozen=True)
class Importance:
    """Log importance weights of K posterior samples of n images, each (n, K) float64, in nats.

    Attributes:
        image_ids: the n images.
        values: number of pixel values of an image.
        own: log p(x|z) p(z) / q(z|x) with the model's own likelihood; NaN where that is unknown.
        calibrated: the same with the probability of the 8-bit image under the calibrated Gaussian; NaN where its sigma
            is 0.
        trained: the same under the likelihood that the training loss amounts to; NaN where it is none.
        reason: why `trained` is NaN; None where it is not.
    """

    image_ids: list[str]
    values: int
    own: Floats
    calibrated: Floats
    trained: Floats
    reason: str | None

    def table(self) -> pd.DataFrame:
        """Return one row per image: the bounds for k = 1, 8, ... K, effective sample sizes, and bits per dim."""
        most = self.own.shape[1]
        columns: dict[str, Any] = {"image_id": self.image_ids}
        for k in ks(most):
            columns[f"iwae_{k}"] = bound(self.own, k)
        columns[f"ess_{most}"] = effective_size(self.own)
        columns[f"ess_{most}_calibrated"] = effective_size(self.calibrated)
        bits = -1 / (self.values * np.log(2))
        columns[f"bpd_iwae_{most}_calibrated"] = bits * bound(self.calibrated, most)
        columns[f"bpd_iwae_{most}_model"] = bits * bound(self.trained, most)
        return pd.DataFrame(columns)

    def reasons(self) -> dict[str, str]:
        """Return why there is no such column, by its name."""
        most = self.own.shape[1]
        found: dict[str, str] = {}
        if np.isnan(self.own).all():
            found |= dict.fromkeys((*(f"iwae_{k}" for k in ks(most)), f"ess_{most}"), OBJECTIVE_UNKNOWN)
        if np.isnan(self.calibrated).all():
            found |= dict.fromkeys((f"ess_{most}_calibrated", f"bpd_iwae_{most}_calibrated"), SIGMA_ZERO)
        if self.reason is not None:
            found[f"bpd_iwae_{most}_model"] = self.reason
        return found


def ks(most: int) -> list[int]:
    """Return the numbers of samples that are reported: 1, 8, 64, ... that divide `most`, and `most`."""
    return [*(k for k in (8**i for i in range(most.bit_length())) if k < most and most % k == 0), most]


def bound(log_weights: Floats, k: int) -> Floats:
    """Return log (1/k) sum of k weights, averaged over the K / k groups of the (n, K) log weights; (n,)."""
    grouped = log_weights.reshape(len(log_weights), -1, k)
    bounds: Floats = (logsumexp(grouped, axis=2) - np.log(k)).mean(1)
    return bounds


def effective_size(log_weights: Floats) -> Floats:
    """Return (sum w)^2 / sum w^2 of each row of (n, K) log weights, from 1 to K; (n,)."""
    size: Floats = np.exp(2 * logsumexp(log_weights, axis=1) - logsumexp(2 * log_weights, axis=1))
    return size


@torch.inference_mode()
def importance(
    task: Task, sigma: float, trained: TrainedLikelihood, *, images: int = IMAGES, samples: int = SAMPLES
) -> Importance:
    """Return the importance weights of `samples` posterior draws for so many of the task's images, where there are.

    Noise is keyed by (seed, image_id). Memory: a batch of decoded images at a time, whatever the number of samples,
    and 24 bytes for each of images x samples weights.
    """
    count, model = min(images, len(task.rows)), task.model
    chosen = np.sort(numpy_generator(task.seed, "iwae images").choice(task.rows, count, replace=False))
    ids: list[str] = []
    found: list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]] = []
    for loaded in batches(task.prepared, chosen, task.batch_size, task.device):
        posterior = model.encode(loaded.x)
        drawn = torch.from_numpy(keyed_normal(task.seed, "iwae", loaded.image_ids, samples * model.latent_dim))
        noise = drawn.view(-1, samples, model.latent_dim).to(loaded.x.device)
        for image, eps in _chunks(noise, task.batch_size):
            found.append(_log_weights(model, loaded.x[image], _part(posterior, image), eps, sigma, trained))
            task.progress("iwae", len(ids) + int(image[-1]) + 1, count)
        ids += loaded.image_ids
    own, calibrated, by_training = (
        torch.cat(part).cpu().to(torch.float64).numpy().reshape(count, samples) for part in zip(*found, strict=True)
    )
    reason = trained.sentence if trained.family is None else None
    return Importance(ids, math.prod(model.image_shape), own, calibrated, by_training, reason)


def _chunks(noise: torch.Tensor, size: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yield image numbers and noise of `size` (image, sample) pairs at a time; `noise` is (B, K, D)."""
    pairs = torch.arange(noise.shape[0] * noise.shape[1], device=noise.device)
    for chunk in torch.split(pairs, size):
        yield chunk // noise.shape[1], noise.flatten(0, 1)[chunk]


def _part(posterior: GaussianPosterior, image: torch.Tensor) -> GaussianPosterior:
    return GaussianPosterior(posterior.mu[image], posterior.logvar[image])


def _log_weights(
    model: VAE,
    x: torch.Tensor,
    posterior: GaussianPosterior,
    noise: torch.Tensor,
    sigma: float,
    trained: TrainedLikelihood,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return the three log weights of each pair, each (B,) float64; the last is NaN where there is no such thing."""
    z = posterior.sample(noise)
    likelihood = model.decode(z)
    residual = Residual(x, likelihood.mean)
    # log p(z) - log q(z|x): the constants of the two Gaussians cancel.
    ratio = 0.5 * (noise.double().square() - z.double().square() + posterior.logvar.double()).sum(1)
    if isinstance(likelihood, Unknown):
        own = torch.full_like(ratio, torch.nan)
    elif isinstance(likelihood, Gaussian):
        own = residual.log_density(likelihood.sigma.item())
    else:
        own = likelihood.log_prob(x)
    none = torch.full_like(ratio, torch.nan)
    calibrated = residual.log_mass(Gaussian(likelihood.mean, torch.tensor(sigma))) if sigma > 0 else none
    by_training = none if trained.family is None else residual.log_mass(trained.around(likelihood.mean))
    return own + ratio, calibrated + ratio, by_training + ratio


def rows_of(found: Importance, seed: int) -> dict[str, Quantity]:
    """Return the summary's rows of these bounds, with intervals over the images of the subset."""
    table = found.table()
    n, k = found.own.shape
    facts = _definitions(n, k)
    estimates = bootstrap_means(table[list(facts)].to_numpy(), seed)
    reasons = found.reasons()
    return {
        name: replace(fact, **vars(estimate) | ({"reason": reasons[name]} if name in reasons else {}))
        for (name, fact), estimate in zip(facts.items(), estimates, strict=True)
    }


def _definitions(n: int, k: int) -> dict[str, Quantity]:
    """Return every row without its value: bounds of `n` images, up to `k` samples each."""
    subset = f"on {n:,} test images drawn by the seed"
    size = f"(sum w)^2 / sum w^2 of the {k} importance weights w, from 1 to {k}, {subset}"
    facts = {
        f"iwae_{j}": rate_row(
            f"Importance-weighted bound, k = {j}",
            "nats per image",
            f"log (1/k) sum of p(x|z) p(z) / q(z|x) over {plural(j, 'posterior sample')}, the model's own likelihood, "
            + subset
            + (f", mean over {k // j} such groups" if j < k else "")
            + ("; k = 1 is the elbo" if j == 1 else ""),
            better=True,
        )
        for j in ks(k)
    }
    facts[f"ess_{k}"] = rate_row("Effective sample size", "samples", f"{size}: near 1, one sample decides the bound")
    facts[f"ess_{k}_calibrated"] = rate_row(
        "Effective sample size, calibrated", "samples", f"{size}, weights of the calibrated likelihood"
    )
    for name, label, which in (
        ("calibrated", "calibrated", "the calibrated Gaussian"),
        ("model", "as trained", "the likelihood that the training loss amounts to"),
    ):
        facts[f"bpd_iwae_{k}_{name}"] = rate_row(
            f"Bits per dim from k = {k}, {label}",
            "bits per pixel value",
            f"-log2 of the k = {k} bound on P(8-bit image) / D with {which}, {subset}",
            better=False,
        )
    return facts


def rate_row(label: str, unit: str, definition: str, better: bool | None = None) -> Quantity:
    """Return a row on rate and likelihood without its value."""
    return Quantity(
        value=None,
        n=0,
        label=label,
        unit=unit,
        higher_is_better=better,
        definition=definition,
        group="Rate and likelihood",
    )
