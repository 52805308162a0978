"""Figures that smell of a bug: better to say so beside the number than to let it be believed."""

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd

from vaekit.figures.words import short
from vaekit.quantity import Quantity

LOWEST_BITS = 4.0  # bits per dim that no compact Gaussian VAE of faces reaches: an error of 1 % of the range costs 6.5
COMPACT = 16  # a code of less than 1/16 of the pixel values is compact
ERRORS = 3.0  # standard errors by which a bound may lie above a tighter one


def warnings_of(
    rows: Mapping[str, Quantity], per_image: pd.DataFrame, weights: pd.DataFrame | None, *, latent_dim: int, values: int
) -> dict[str, str]:
    """Return a warning, by name, for each of the summary's rows that smells of a bug.

    Args:
        rows: metric -> its row.
        per_image: the per-image table.
        weights: the table of importance-weighted bounds, on a subset of its images; None where there is none.
        latent_dim: number of latent dims.
        values: number of pixel values of an image.
    """
    warnings = {}
    for name, row in rows.items():
        low = row.value is not None and row.value < LOWEST_BITS
        if name.startswith("bpd_") and low and COMPACT * latent_dim < values:
            warnings[name] = (
                f"under {LOWEST_BITS:g} bits per dim with {latent_dim:,} latent dims for {values:,} pixel values: look "
                "for a missing 8-bit term, a mean where a sum is meant, or pixels that are not in [0, 1]"
            )
    if (negative := int((per_image["kl"] < -1e-6).sum())) and "kl" in rows:
        warnings["kl"] = f"negative for {negative:,} images, which no KL divergence is: look at its sign"
    if weights is None:
        return warnings
    tightest = next(name for name in reversed(weights.columns) if name.startswith("iwae_"))
    elbo = per_image.set_index("image_id")["elbo"].reindex(weights["image_id"]).to_numpy()
    excess = elbo - weights[tightest].to_numpy()
    if len(excess) > 1 and np.isfinite(excess).all():
        error = excess.std(ddof=1) / math.sqrt(len(excess))
        if excess.mean() > max(ERRORS * error, 1e-6 * abs(elbo.mean())):
            warnings["elbo"] = (
                f"{short(excess.mean(), 4)} nats above {tightest} on the same {len(excess):,} images (standard error "
                f"{short(error, 2)}), and it can not be: one of the two is computed wrongly"
            )
    return warnings
