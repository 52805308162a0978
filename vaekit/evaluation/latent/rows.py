"""Every number about the latent code as a whole, defined where it is made."""

import numpy as np
import pandas as pd

from vaekit.evaluation.latent.aggregate import Aggregate
from vaekit.evaluation.latent.codes import ACTIVE_VARIANCE, INFORMATIVE_SHARE, NEARLY_ALL, UNUSED_SIGMA2
from vaekit.evaluation.latent.decoder import Moved
from vaekit.evaluation.latent.facts import Facts
from vaekit.evaluation.latent.information import Information
from vaekit.figures.words import percent, short
from vaekit.quantity import Quantity
from vaekit.statistics.bootstrap import Estimate

GROUP = "The code as a whole"
_UNUSED = f"whose posterior variance exceeds {UNUSED_SIGMA2:g} of the dim's whole variance"


def latent_rows(
    facts: Facts, table: pd.DataFrame, moments: Aggregate, parts: Information, permuted: Estimate, hole: Estimate
) -> dict[str, Quantity]:
    """Return the rows on dims and on what the decoder does with the code, by name."""
    return _of_dims(facts, table, moments) | _of_the_prior(facts, moments, parts) | _of_use(facts, permuted, hole)


def moved_rows(table: pd.DataFrame, sensitivity: Moved, intervention: Moved) -> dict[str, Quantity]:
    """Return the rows on how far single dims move the decoder's output."""
    return {
        "largest_sensitivity": _row(
            float(table["sensitivity"].max()),
            sensitivity.images,
            "Largest decoder sensitivity of a dim",
            "E_x |d x_hat / d z_d|^2 Var[z_d] at mu(x), summed over pixels, one random projection per image",
            unit="squared pixel value",
        ),
        "largest_intervention": _row(
            float(table["intervention"].max()),
            intervention.images,
            "Largest change by replacing one dim",
            "mean |x_hat' - x_hat|^2, summed over pixels, when z_d of mu(x) is drawn anew from a normal of the dim's "
            "own mean and variance",
            unit="squared pixel value",
        ),
    }


def _of_dims(f: Facts, table: pd.DataFrame, moments: Aggregate) -> dict[str, Quantity]:
    n, correlation = moments.n, np.abs(moments.correlation - np.eye(f.dims))
    single = "there is one dim only" if f.dims == 1 else None
    return {
        "active_units": _row(
            f.active_units,
            n,
            "Active units",
            f"dims with Var_x[mu_d] > {ACTIVE_VARIANCE} (Burda et al. 2016), of {f.dims:,}; depends on the "
            "scale of the code",
            unit="dims",
        ),
        "informative_dims": _row(
            f.informative,
            n,
            "Informative dims",
            f"dims with Var_x[mu_d] / (Var_x[mu_d] + mean sigma_d^2) > {INFORMATIVE_SHARE}, of {f.dims:,}: the same "
            "threshold at any scale of the code",
            unit="dims",
        ),
        "active_dims": _row(
            f.active,
            n,
            "Dims in the active regime",
            f"informative dims that at most {percent(1 - NEARLY_ALL)} of the images leave unused, {_UNUSED}",
            unit="dims",
        ),
        "passive_dims": _row(
            f.passive,
            n,
            "Dims in the passive regime",
            f"dims that are not informative and that at least {percent(NEARLY_ALL)} of the images leave unused, "
            f"{_UNUSED}; the rest is mixed",
            unit="dims",
        ),
        "effective_dimension": _row(
            moments.effective_dimension,
            n,
            "Effective dimension of the code",
            "participation ratio (sum l)^2 / sum l^2 of the eigenvalues l of Cov[mu]",
            unit="dims",
        ),
        "largest_correlation": _row(
            None if single else float(correlation.max()),
            n,
            "Largest correlation of two dims",
            "largest |correlation| of mu between two dims",
            reason=single,
        ),
        "code_scale": _row(
            float(np.exp(0.5 * np.log(table["variance"]).mean())),
            n,
            "Scale of the code",
            "geometric mean over dims of the standard deviation of z ~ q(z|x) over images: 1 is that of N(0, I), which "
            "samples are drawn from; a rescaled code changes this, the kl, the active units and the rows on the prior, "
            "and nothing else",
        ),
    }


def _of_the_prior(f: Facts, moments: Aggregate, parts: Information) -> dict[str, Quantity]:
    n = moments.n
    return {
        "kl_fitted": _row(
            f.kl_fitted,
            n,
            "KL to the fitted prior",
            "mean KL(q(z|x) || g), g the normal with the code's own mean and variance in each dim: the kl less what "
            "the prior's fixed moments cost, and the most that the dims can tell of the image",
            unit="nats per image",
        ),
        "aggregate_kl": _row(
            moments.kl_to_prior,
            n,
            "Aggregate posterior's moments against the prior",
            "KL(N(m, C) || N(0, I)), m and C mean and covariance of z ~ q(z|x) over images; for lack of images "
            f"a perfect match would give {short(moments.kl_floor)} on average",
            unit="nats",
            better=False,
        ),
        "total_correlation": _row(
            moments.total_correlation,
            n,
            "Gaussian total correlation",
            "KL(N(0, C) || N(0, diag C)), C = Cov[mu] + mean diag sigma^2; independent dims would give "
            f"{short(moments.total_correlation_floor)} on average",
            unit="nats",
        ),
        "dimwise_information": _row(
            float(parts.mutual.sum()) if parts.reason is None else None,
            parts.n,
            "Mutual information, sum over dims",
            "sum over dims of I(x; z_d) for the mixture of the posteriors of n images; the dims' shares overlap where "
            "they depend on one another",
            unit="nats",
            reason=parts.reason,
        ),
        "dimwise_marginal_kl": _row(
            float(parts.marginal.sum()) if parts.reason is None else None,
            parts.n,
            "Marginal kl, sum over dims",
            "sum over dims of KL(q(z_d) || p(z_d)); with the mutual information it adds up to the kl",
            unit="nats",
            better=False,
            reason=parts.reason,
        ),
        "mutual_information": _row(
            parts.joint if parts.joint_reason is None else None,
            parts.n,
            "Mutual information of image and code",
            "I(x; z) for the mixture of the posteriors of n images, at most log n",
            unit="nats",
            reason=parts.joint_reason,
        ),
    }


def _of_use(f: Facts, permuted: Estimate, hole: Estimate) -> dict[str, Quantity]:
    return {
        "permuted_ratio": Quantity(
            **vars(permuted),
            label="Error with other images' codes / error",
            definition=f"sum of squared errors with z = mu of another image / with its own, on {permuted.n:,} images; "
            "1 means that the decoder ignores z",
            group=GROUP,
        ),
        "prior_hole": Quantity(
            **vars(hole),
            label="Prior hole",
            higher_is_better=False,
            definition="mean of (mu(x_hat(z)) - z)^2 / Var[z] over informative dims for "
            f"{hole.n:,} draws z from a normal of the code's own mean and variance in each dim / for as many "
            "z ~ q(z|x) of test images; 1 means that normal draws lie where the decoder was trained",
            group=GROUP,
        ),
        "noise_cost": _row(
            f.noise_cost,
            f.images,
            "Cost of posterior noise",
            f"(sse at a sampled z - sse at mu) / 2 sigma^2, calibrated sigma; at the bound's optimum "
            f"{short(f.noise_due)}: half a nat for each fully used dim. Under 0 where sampled codes reconstruct better",
            unit="nats per image",
            reason=None if f.noise_cost is not None else "the calibrated sigma is exactly 0",
        ),
    }


def _row(
    value: float | None,
    n: int,
    label: str,
    definition: str,
    *,
    unit: str = "1",
    better: bool | None = None,
    reason: str | None = None,
) -> Quantity:
    if value is not None and not np.isfinite(value):
        value, reason = None, "it is not finite"
    return Quantity(
        value=value,
        n=n,
        label=label,
        unit=unit,
        higher_is_better=better,
        definition=definition,
        group=GROUP,
        reason=reason,
    )
