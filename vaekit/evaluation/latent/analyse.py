"""The whole analysis of the latent code of one model: tables, arrays, and the verdict."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from vaekit import artifacts
from vaekit.data.loaders import batches
from vaekit.evaluation.collect import Collected
from vaekit.evaluation.eightbit import TrainedLikelihood
from vaekit.evaluation.latent import decoder, wording
from vaekit.evaluation.latent.aggregate import aggregate
from vaekit.evaluation.latent.channels import by_place
from vaekit.evaluation.latent.codes import (
    ACTIVE_VARIANCE,
    INFORMATIVE_SHARE,
    THRESHOLDS,
    active_units,
    per_dim_table,
    sample_correlation,
)
from vaekit.evaluation.latent.facts import Facts, blind_dims, kl_weight, training_facts
from vaekit.evaluation.latent.information import IMAGES, Information, information
from vaekit.evaluation.latent.rows import latent_rows, moved_rows
from vaekit.evaluation.latent.verdict import judge, limit
from vaekit.evaluation.stages import Task
from vaekit.quantity import Quantity
from vaekit.seeding import keyed_normal, numpy_generator, torch_generator
from vaekit.statistics.bootstrap import Estimate, bootstrap_ratio

Array = npt.NDArray[Any]

HISTOGRAMS = 4  # most used and least used dims whose aggregate posterior is kept for the figure
BINS = np.linspace(-5, 5, 81)
DENSITY_AT = np.linspace(-5, 5, 201)


@dataclass(frozen=True)
class Latent:
    """What is known of the latent code.

    Attributes:
        per_dim: one row per dim.
        places: one row per channel, and one per position, of a code that is a small picture; None of a vector.
        rows: numbers about all dims, by name.
        sweep: active units by threshold.
        arrays: correlation of mu, histograms of the aggregate posterior.
        verdict: what it means, as plain data.
    """

    per_dim: pd.DataFrame
    places: tuple[pd.DataFrame, pd.DataFrame] | None
    rows: dict[str, Quantity]
    sweep: dict[str, list[float]]
    arrays: dict[str, Array]
    verdict: dict[str, Any]

    def record(self) -> dict[str, Any]:
        """Return what stands in latent.json."""
        rows = {name: row.record() for name, row in self.rows.items()}
        return {"rows": rows, "active_units": self.sweep, "verdict": self.verdict}

    def write(self, folder: Path) -> None:
        """Write per_dim.csv, latent.json and latent.npz to `folder`, and per_channel.csv and per_position.csv."""
        artifacts.write_table(folder / artifacts.PER_DIM, self.per_dim)
        artifacts.write_arrays(folder / artifacts.LATENT_ARRAYS, **self.arrays)
        artifacts.write_json(folder / artifacts.LATENT, self.record())
        for name, table in zip((artifacts.PER_CHANNEL, artifacts.PER_POSITION), self.places or (), strict=False):
            artifacts.write_table(folder / name, table)


@dataclass(frozen=True)
class _Work:
    """The task and what the pass over its images collected."""

    task: Task
    collected: Collected

    def ids(self, chosen: Array) -> list[str]:
        """Return the ids of the chosen images."""
        return self.collected.per_image["image_id"].iloc[chosen].tolist()

    def some(self, name: str, most: int) -> Array:
        """Return the numbers of at most so many images, drawn by the seed."""
        n = len(self.task.rows)
        return np.sort(numpy_generator(self.task.seed, name).choice(n, min(most, n), replace=False))

    def codes(self, chosen: Array) -> torch.Tensor:
        """Return mu of the chosen images, on the device."""
        return torch.from_numpy(self.collected.mu[chosen]).to(self.task.device)


# An encoder whose numbers are extreme may overflow here: what comes out is not finite, and is said to be so.
@np.errstate(over="ignore", invalid="ignore", divide="ignore")
def analyse(
    task: Task,
    collected: Collected,
    *,
    sigma: float,
    trained: TrainedLikelihood,
    r2: float | None,
    history: pd.DataFrame | None = None,
    known: Mapping[str, Quantity] | None = None,
) -> Latent:
    """Return the analysis of the codes that the pass over the task's images collected.

    Subsets are drawn by the seed and named with their size: 64 images for the decoder's sensitivity, 128 for permuted
    codes, 4 to 32 per dim for interventions, up to 2,000 for the information.

    Args:
        task: the model and the images; its seed is that of subsets, noise and resamples.
        collected: the images' codes and errors.
        sigma: of the calibrated Gaussian.
        trained: the likelihood that the training loss amounts to.
        r2: explained variance; None where it is not computed.
        history: history.csv of the run, for what it tells of training; None or empty where there is none.
        known: rows of the summary, of which those on the probes tell of training.
    """
    work, config = _Work(task, collected), task.checkpoint.config
    table = per_dim_table(collected.mu, collected.logvar)
    moments = aggregate(collected.mu, collected.logvar)
    table["mu_z_correlation"] = sample_correlation(collected.mu, collected.z)
    moved = _moved(work, table, moments.mean)
    permuted, hole = _permuted(work), _hole(work, table, moments.mean)
    parts = _information(work)
    table["mutual_information"], table["marginal_kl"] = parts.mutual, parts.marginal
    table["information_error"] = parts.error
    values = task.prepared.images[:1].size
    facts = replace(
        _facts(table, collected.per_image, permuted, hole, sigma, values),
        r2=r2,
        kl_weight=kl_weight(config, trained, sigma, values),
        training=training_facts(pd.DataFrame() if history is None else history, known or {}),
    )
    sweep = {"thresholds": THRESHOLDS.tolist(), "counts": active_units(table["mu_var"].to_numpy()).tolist()}
    arrays = {"correlation": moments.correlation} | _histograms(collected, table["kl"].to_numpy())
    return Latent(
        table,
        by_place(table, task.model.latent_shape),
        latent_rows(facts, table, moments, parts, permuted, hole) | moved_rows(table, *moved),
        sweep,
        arrays,
        wording.record(judge(facts, config), config),
    )


def _moved(work: _Work, table: pd.DataFrame, mean: Array) -> tuple[decoder.Moved, decoder.Moved]:
    """Put into the table how far each dim moves the decoder's output, by its slope and by replacing it."""
    model, how = work.task.model, {"seed": work.task.seed, "batch_size": work.task.batch_size}
    variance = table["variance"].to_numpy()
    chosen = work.some("sensitivity", decoder.PROJECTED)
    sensitivity = decoder.sensitivity(model, work.codes(chosen), work.ids(chosen), variance, **how)
    chosen = work.some("intervention", decoder.intervened(len(work.task.rows), len(table)))
    intervention = decoder.interventions(model, work.codes(chosen), work.ids(chosen), mean, variance, **how)
    for name, found in (("sensitivity", sensitivity), ("intervention", intervention)):
        table[name], table[f"{name}_error"] = found.value, found.error
    return sensitivity, intervention


def _permuted(work: _Work) -> Estimate:
    """Return sse under the neighbour's code / sse, over the chosen images."""
    chosen = work.some("permuted", decoder.PERMUTED)
    if len(chosen) < 2:
        return Estimate(None, None, None, len(chosen), "one image has no other image's code to take")
    task = work.task
    x = torch.cat([batch.x for batch in batches(task.prepared, task.rows[chosen], task.batch_size, task.device)])
    sse = decoder.permuted_sse(task.model, x, work.codes(chosen), batch_size=task.batch_size)
    return bootstrap_ratio(sse, work.collected.per_image["sse"].to_numpy()[chosen], task.seed)


def _hole(work: _Work, table: pd.DataFrame, mean: Array) -> Estimate:
    """Return the mean cycle error of normal draws / that of as many sampled codes, over informative dims."""
    task, z = work.task, work.collected.z[work.some("cycle", decoder.CYCLED)]
    informative = (table["mu_share"] > INFORMATIVE_SHARE).to_numpy()
    if not informative.any():
        return Estimate(None, None, None, len(z), "no dim tells images apart")
    variance = table["variance"].to_numpy()
    normal = torch.randn(z.shape, generator=torch_generator(task.seed, "prior hole")).double().numpy()
    scale = np.where(informative, variance, 0.0)
    drawn, coded = (
        decoder.cycle_error(
            task.model, torch.from_numpy(codes.astype(np.float32)).to(task.device), scale, batch_size=task.batch_size
        )
        for codes in (mean + np.sqrt(variance) * normal, z)
    )
    return bootstrap_ratio(drawn, coded, task.seed)


def _information(work: _Work) -> Information:
    chosen = work.some("information", IMAGES)
    # The noise that gave z, in full precision: a float32 z has lost the noise of a very sharp code.
    noise = keyed_normal(work.task.seed, "posterior", work.ids(chosen), work.task.model.latent_dim)
    return information(work.collected.mu[chosen], work.collected.logvar[chosen], noise, work.task.progress)


def _facts(
    table: pd.DataFrame, per_image: pd.DataFrame, permuted: Estimate, hole: Estimate, sigma: float, values: int
) -> Facts:
    """Return the facts that the codes and errors give.

    At the optimum of a Gaussian bound each dim widens until more noise costs as much as it saves in kl: its noise then
    costs (1 - sigma_d^2 / Var[z_d]) / 2 nats, to first order, Var[z_d] being the variance of the fitted prior.
    """
    informative = table["mu_share"] > INFORMATIVE_SHARE
    excess = float(per_image["mse_sampled"].mean() - per_image["mse"].mean())
    narrowness = 1 - table["mu_share"]
    return Facts(
        images=len(per_image),
        dims=len(table),
        active_units=int((table["mu_var"] > ACTIVE_VARIANCE).sum()),
        informative=int(informative.sum()),
        passive=int((table["regime"] == "passive").sum()),
        active=int((table["regime"] == "active").sum()),
        blind=blind_dims(table, limit("blind")),
        kl=float(table["kl"].sum()),
        kl_fitted=float(table["kl_fitted"].sum()),
        kl_per_dim=tuple(table["kl"]),
        permuted=permuted.value,
        permuted_reason=permuted.reason,
        narrowness=float(narrowness[informative].median()) if informative.any() else None,
        noise_cost=values * excess / (2 * sigma**2) if sigma > 0 else None,
        noise_due=float(0.5 * table["mu_share"].sum()),
        hole=hole.value,
    )


def _histograms(collected: Collected, kl: Array) -> dict[str, Array]:
    """Return for the most and the least used dims counts of the sampled z in BINS, and the exact mixture density."""
    mu, logvar, z = collected.mu, collected.logvar, collected.z
    order = np.argsort(-kl, kind="stable")
    dims = np.unique(np.concatenate([order[:HISTOGRAMS], order[-HISTOGRAMS:]]))
    dims = dims[np.argsort(-kl[dims], kind="stable")]
    counts = [np.histogram(np.clip(z[:, d], BINS[0], BINS[-1]), BINS)[0] for d in dims]
    sd = np.exp(0.5 * logvar[:, dims].astype(np.float64))
    density = [(np.exp(-0.5 * ((at - mu[:, dims]) / sd) ** 2) / (sd * np.sqrt(2 * np.pi))).mean(0) for at in DENSITY_AT]
    return {
        "histogram_dims": dims,
        "histogram_bins": BINS,
        "histogram_counts": np.array(counts),
        "density_at": DENSITY_AT,
        "density": np.array(density).T,
    }
