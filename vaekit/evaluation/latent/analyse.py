"""The whole analysis of the latent code of one model: tables, arrays, and the verdict."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch

from vaekit.config import RunConfig
from vaekit.data import Prepared
from vaekit.data.loaders import batches
from vaekit.evaluation.collect import Collected
from vaekit.evaluation.eightbit import TrainedLikelihood
from vaekit.evaluation.latent import decoder
from vaekit.evaluation.latent.aggregate import Aggregate, aggregate
from vaekit.evaluation.latent.codes import ACTIVE_VARIANCE, THRESHOLDS, active_units, per_dim_table, sample_correlation
from vaekit.evaluation.latent.information import IMAGES, Information, information
from vaekit.evaluation.latent.verdict import Facts, Verdict, judge
from vaekit.models.base import VAE
from vaekit.progress import Progress, silent
from vaekit.seeding import numpy_generator, torch_generator
from vaekit.statistics.bootstrap import Estimate, bootstrap_ratio

HISTOGRAMS = 4  # most used and least used dims whose aggregate posterior is kept for the figure
BINS = np.linspace(-5, 5, 81)
DENSITY_AT = np.linspace(-5, 5, 201)


@dataclass(frozen=True)
class Latent:
    """What is known of the latent code.

    Attributes:
        per_dim: one row per dim.
        rows: numbers about all dims, in the summary's form.
        sweep: active units by threshold.
        arrays: correlation of mu, histograms of the aggregate posterior.
        verdict: what it means.
    """

    per_dim: pd.DataFrame
    rows: dict[str, dict[str, Any]]
    sweep: dict[str, list[float]]
    arrays: dict[str, np.ndarray]
    verdict: Verdict

    def record(self) -> dict[str, Any]:
        """Return what stands in latent.json."""
        return {"rows": self.rows, "active_units": self.sweep, "verdict": self.verdict.record()}


# An encoder that has diverged overflows here: what comes out is not finite, and is said to be so.
@np.errstate(over="ignore", invalid="ignore", divide="ignore")
def analyse(
    model: VAE,
    config: RunConfig,
    prepared: Prepared,
    rows: np.ndarray,
    collected: Collected,
    *,
    sigma: float,
    trained: TrainedLikelihood,
    r2: float | None,
    seed: int,
    device: torch.device | str = "cpu",
    batch_size: int = 256,
    progress: Progress = silent,
) -> Latent:
    """Return the analysis of the codes that the pass over `rows` collected.

    Subsets are drawn by the seed and named with their size: 64 images for the decoder's sensitivity, 128 for permuted
    codes, 4 to 32 per dim for interventions, up to 2,000 for the information.
    """
    model = model.to(device).eval()
    mu, logvar, z = collected.mu, collected.logvar, collected.z
    ids = collected.per_image["image_id"].tolist()
    table = per_dim_table(mu, logvar)
    moments = aggregate(mu, logvar)
    table["mu_z_correlation"] = sample_correlation(mu, z)

    def some(name: str, most: int) -> np.ndarray:
        return np.sort(numpy_generator(seed, name).choice(len(mu), min(most, len(mu)), replace=False))

    def codes(chosen: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(mu[chosen]).to(device)

    chosen = some("sensitivity", decoder.PROJECTED)
    moved = decoder.sensitivity(
        model, codes(chosen), [ids[i] for i in chosen], table["variance"].to_numpy(), seed=seed, batch_size=batch_size
    )
    table["sensitivity"], table["sensitivity_error"] = moved.value, moved.error
    chosen = some("intervention", decoder.intervened(len(mu), mu.shape[1]))
    replaced = decoder.interventions(model, codes(chosen), [ids[i] for i in chosen], seed=seed, batch_size=batch_size)
    table["intervention"], table["intervention_error"] = replaced.value, replaced.error
    permuted = _permuted(model, prepared, rows, collected, some("permuted", decoder.PERMUTED), seed, device, batch_size)
    hole = _hole(model, table, z[some("cycle", decoder.CYCLED)], seed, device, batch_size)
    chosen = some("information", IMAGES)
    parts = information(mu[chosen], logvar[chosen], z[chosen], progress)
    table["mutual_information"], table["marginal_kl"] = parts.mutual, parts.marginal
    table["information_error"] = parts.error

    active = (table["mu_var"] > ACTIVE_VARIANCE).to_numpy()
    noise_cost, noise_due = _noise(collected.per_image, table, model, sigma)
    facts = Facts(
        images=len(mu),
        dims=len(table),
        active_units=int(active.sum()),
        passive=int((table["regime"] == "passive").sum()),
        active=int((table["regime"] == "active").sum()),
        kl=float(table["kl"].sum()),
        kl_per_dim=tuple(table["kl"]),
        permuted=1.0 if permuted.value is None else permuted.value,
        r2=r2,
        sigma2=float(table["sigma2_mean"][active].median()) if active.any() else None,
        noise_cost=noise_cost,
        noise_due=noise_due,
        hole=hole.value,
        sigma_trained=trained.sigma if trained.family else None,
        sigma_calibrated=sigma,
    )
    found = _rows(facts, table, moments, parts, permuted, hole, moved.images, replaced.images)
    sweep = {"thresholds": THRESHOLDS.tolist(), "counts": active_units(table["mu_var"].to_numpy()).tolist()}
    arrays = {"correlation": moments.correlation} | _histograms(mu, logvar, z, table["kl"].to_numpy())
    return Latent(table, found, sweep, arrays, judge(facts, config))


def _permuted(
    model: VAE,
    prepared: Prepared,
    rows: np.ndarray,
    collected: Collected,
    chosen: np.ndarray,
    seed: int,
    device: torch.device | str,
    batch_size: int,
) -> Estimate:
    """Return sse under the neighbour's code / sse, over the chosen images."""
    if len(chosen) < 2:
        return Estimate(None, None, None, len(chosen), "one image has no other image's code to take")
    x = torch.cat([batch.x for batch in batches(prepared, rows[chosen], batch_size, device)])
    sse = decoder.permuted_sse(model, x, torch.from_numpy(collected.mu[chosen]).to(device), batch_size=batch_size)
    return bootstrap_ratio(sse, collected.per_image["sse"].to_numpy()[chosen], seed)


def _hole(
    model: VAE, table: pd.DataFrame, z: np.ndarray, seed: int, device: torch.device | str, batch_size: int
) -> Estimate:
    """Return the mean cycle error of prior draws / that of as many sampled codes of test images, over active dims."""
    active = (table["mu_var"] > ACTIVE_VARIANCE).to_numpy()
    if not active.any():
        return Estimate(None, None, None, len(z), "no dim is active")
    scale = np.where(active, table["variance"].to_numpy(), 0.0)
    prior = torch.randn(z.shape, generator=torch_generator(seed, "prior hole"))
    drawn, coded = (
        decoder.cycle_error(model, codes.to(device), scale, batch_size=batch_size)
        for codes in (prior, torch.from_numpy(z))
    )
    return bootstrap_ratio(drawn, coded, seed)


def _noise(per_image: pd.DataFrame, table: pd.DataFrame, model: VAE, sigma: float) -> tuple[float, float]:
    """Return the nats that posterior noise costs under the calibrated Gaussian, and what it would at the optimum.

    At the optimum of a Gaussian bound each dim widens until more noise costs as much as it saves in kl: its noise then
    costs (1 - sigma_d^2) / 2 nats, to first order in sigma_d^2.
    """
    values = 3 * model.image_size**2
    excess = float(per_image["mse_sampled"].mean() - per_image["mse"].mean())
    return values * excess / (2 * sigma**2), float(0.5 * (1 - table["sigma2_mean"]).clip(lower=0).sum())


def _histograms(mu: np.ndarray, logvar: np.ndarray, z: np.ndarray, kl: np.ndarray) -> dict[str, np.ndarray]:
    """Return for the most and the least used dims counts of the sampled z in BINS, and the exact mixture density."""
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


def _rows(
    f: Facts,
    table: pd.DataFrame,
    moments: Aggregate,
    parts: Information,
    permuted: Estimate,
    hole: Estimate,
    projected: int,
    intervened: int,
) -> dict[str, dict[str, Any]]:
    """Return the summary's rows: value, interval, n, unit, label, direction, definition."""
    n = moments.n

    def row(
        value: float | None,
        unit: str,
        label: str,
        definition: str,
        better: bool | None = None,
        count: int = n,
        reason: str | None = None,
    ) -> Mapping[str, Any]:
        if value is not None and not np.isfinite(value):
            value, reason = None, "it is not finite"
        return vars(Estimate(value, None, None, count, reason)) | _facts(unit, label, better, definition)

    correlation = np.abs(moments.correlation - np.eye(f.dims))
    rows: dict[str, Any] = {
        "active_units": row(
            f.active_units,
            "dims",
            "Active units",
            f"dims with Var_x[mu_d] > {ACTIVE_VARIANCE} (Burda et al. 2016), of {f.dims:,}",
        ),
        "active_dims": row(
            f.active,
            "dims",
            "Dims in the active regime",
            "dims with that variance whose posterior variance is below 0.9 on 95 % of the images",
        ),
        "passive_dims": row(
            f.passive,
            "dims",
            "Dims in the passive regime",
            "dims without that variance whose posterior variance is above 0.9 on 95 % of the images; the rest is mixed",
        ),
        "effective_dimension": row(
            moments.effective_dimension,
            "dims",
            "Effective dimension of the code",
            "participation ratio (sum l)^2 / sum l^2 of the eigenvalues l of Cov[mu]",
        ),
        "permuted_ratio": vars(permuted)
        | _facts(
            "1",
            "Error with other images' codes / error",
            None,
            f"sum of squared errors with z = mu of another image / with its own, on {permuted.n:,} images; 1 means "
            "that the decoder ignores z",
        ),
        "prior_hole": vars(hole)
        | _facts(
            "1",
            "Prior hole",
            False,
            f"mean of (mu(x_hat(z)) - z)^2 / Var[z] over active dims for {hole.n:,} draws z from the prior / for as "
            "many z ~ q(z|x) of test images; 1 means that prior draws lie where the decoder was trained",
        ),
        "aggregate_kl": row(
            moments.kl_to_prior,
            "nats",
            "Aggregate posterior's moments against the prior",
            f"KL(N(m, C) || N(0, I)), m and C mean and covariance of z ~ q(z|x) over images; for lack of images "
            f"a perfect match would give {moments.kl_floor:.3g} on average",
            better=False,
        ),
        "total_correlation": row(
            moments.total_correlation,
            "nats",
            "Gaussian total correlation",
            "KL(N(0, C) || N(0, diag C)), C = Cov[mu] + mean diag sigma^2; independent dims would give "
            f"{moments.total_correlation_floor:.3g} on average",
        ),
        "largest_correlation": row(
            float(correlation.max()) if f.dims > 1 else None,
            "1",
            "Largest correlation of two dims",
            "largest |correlation| of mu between two dims",
            reason=None if f.dims > 1 else "there is one dim only",
        ),
        "dimwise_information": row(
            float(parts.mutual.sum()),
            "nats",
            "Mutual information, sum over dims",
            "sum over dims of I(x; z_d) for the mixture of the posteriors of n images; the dims' shares overlap where "
            "they depend on one another",
            count=parts.n,
        ),
        "dimwise_marginal_kl": row(
            float(parts.marginal.sum()),
            "nats",
            "Marginal kl, sum over dims",
            "sum over dims of KL(q(z_d) || p(z_d)); with the mutual information it adds up to the kl",
            count=parts.n,
            better=False,
        ),
        "mutual_information": row(
            parts.joint if parts.joint_reason is None else None,
            "nats",
            "Mutual information of image and code",
            "I(x; z) for the mixture of the posteriors of n images, at most log n",
            count=parts.n,
            reason=parts.joint_reason,
        ),
        "noise_cost": row(
            f.noise_cost,
            "nats per image",
            "Cost of posterior noise",
            f"(sse at a sampled z - sse at mu) / 2 sigma^2, calibrated sigma; at the bound's optimum "
            f"{f.noise_due:.3g}: half a nat for each fully used dim",
        ),
        "largest_sensitivity": row(
            float(table["sensitivity"].max()),
            "squared pixel value",
            "Largest decoder sensitivity of a dim",
            "E_x |d x_hat / d z_d|^2 Var[z_d] at mu(x), summed over pixels, one random projection per image",
            None,
            projected,
        ),
        "largest_intervention": row(
            float(table["intervention"].max()),
            "squared pixel value",
            "Largest change by replacing one dim",
            "mean |x_hat' - x_hat|^2, summed over pixels, when z_d of mu(x) becomes a draw from the prior",
            None,
            intervened,
        ),
    }
    return rows


def _facts(unit: str, label: str, better: bool | None, definition: str) -> dict[str, Any]:
    return {"unit": unit, "label": label, "higher_is_better": better, "definition": definition}
