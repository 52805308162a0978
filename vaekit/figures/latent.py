"""What the latent dimensions carry: KL of each, and where posterior and prior part."""

import math

import numpy as np
from matplotlib.ticker import MaxNLocator

from vaekit.artifacts import PER_DIM
from vaekit.figures._style import INK, MUTED, canvas, figure_bytes, say_empty, theme
from vaekit.figures.base import Artifacts, Drawn, figure
from vaekit.figures.latent_use import REGIMES
from vaekit.figures.words import part, plain, plural

ACTIVE_VARIANCE = 0.01  # Burda et al. 2016: a dim is active where Var_x[mu_d] exceeds it


@figure("kl_per_dim", needs=(PER_DIM,))
def kl_per_dim(artifacts: Artifacts) -> Drawn:
    """Draw the KL of every latent dim, largest first."""
    values = artifacts[PER_DIM]["kl"].to_numpy(float)
    order = np.argsort(-values[np.isfinite(values)], kind="stable")
    finite = values[np.isfinite(values)][order]
    regimes = artifacts[PER_DIM]["regime"].to_numpy()[np.isfinite(values)][order]
    dims, total = len(values), float(finite.sum())
    half = int(np.searchsorted(np.cumsum(finite), total / 2)) + 1  # so many dims carry half of the KL
    with theme():
        fig, (axes,) = canvas(8.6, 3.2)
        axes.set(title="KL of each latent dim", xlabel="dims, sorted by KL", ylabel="nats per image")
        if len(finite) == 0:
            say_empty(axes, "no finite values")
        else:
            for regime, colour in REGIMES.items():
                if (here := np.flatnonzero(regimes == regime)).size:
                    axes.bar(here, finite[here], 1.0, align="edge", color=colour, linewidth=0, label=regime)
            axes.legend(loc="upper right")
            axes.set(xlim=(0, len(finite)), ylim=(0, max(finite[0] * 1.08, 1e-3)))
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            axes.grid(axis="x", visible=False)
        if total > 0 and dims > 1:
            axes.axvline(half, color=INK, linewidth=1, linestyle=(0, (3, 2)))
            axes.annotate(
                f"half of the KL in {half}", (half, finite[0]), (6, 0), textcoords="offset points", va="center"
            )
    if total == 0:
        said = f"None of the {plural(dims, 'dim')} carries any KL (total {plain(total)} nats)"
        caption = f"{said}: the posterior equals the prior for every image."
    elif dims == 1:
        said = f"The only latent dim carries {plain(total)} nats per image"
        caption = f"{said}."
    else:
        said = f"Half of the {plain(total)} nats per image lies in {half:,} of {plural(dims, 'dim')}"
        small = part(int((finite < 0.01).sum()), dims, "dim", "has", "have")
        caption = f"{said}; the largest has {plain(finite[0])}, and {small} less than 0.01 nats."
    counted = [f"{int((regimes == regime).sum()):,} {regime}" for regime in REGIMES]
    caption += f" By regime: {', '.join(counted)}."
    if len(finite) < dims:
        caption += f" {plural(dims - len(finite), 'dim is', 'dims are')} not finite and left out."
    if len(finite) == 0:
        caption = said = f"None of the {plural(dims, 'dim')} has a finite KL."
    alt = f"Bars, sorted: {said.removesuffix('.')}."
    return Drawn("KL per latent dim", caption, alt, figure_bytes(fig, "svg"), "svg")


@figure("posterior", needs=(PER_DIM,))
def posterior(artifacts: Artifacts) -> Drawn:
    """Draw the variance of mu against the mean posterior variance, one dot per latent dim."""
    table = artifacts[PER_DIM]
    mu_var, sigma2 = table["mu_var"].to_numpy(float), table["sigma2_mean"].to_numpy(float)
    finite = np.isfinite(mu_var) & np.isfinite(sigma2)
    dims, active = len(table), int((mu_var > ACTIVE_VARIANCE).sum())
    with theme():
        fig, (axes,) = canvas(8.6, 3.4)
        axes.set(title="Each latent dim: spread of its means against its noise", xscale="log")
        axes.set(xlabel="variance of μ over images", ylabel="mean posterior variance")
        if finite.any():
            spread = np.maximum(mu_var[finite], 1e-6)  # a dim that never moves has no place on a log axis
            axes.set_xlim(min(spread.min() / 2, 1e-3), max(spread.max() * 2, 2.0))
            axes.axvline(ACTIVE_VARIANCE, color=MUTED, linewidth=1, linestyle=(0, (3, 2)))
            noise = np.maximum(sigma2[finite], 1e-8)
            for regime, colour in REGIMES.items():
                if (here := (table["regime"] == regime).to_numpy()[finite]).any():
                    axes.scatter(spread[here], noise[here], s=22, color=colour, alpha=0.75, linewidth=0, label=regime)
            axes.legend(loc="upper right")
            axes.set(yscale="log", ylim=(noise.min() / 2, max(2.0, 2 * noise.max())))
            axes.axhline(1, color=MUTED, linewidth=1, linestyle=(0, (3, 2)))
            axes.annotate(
                "active unit →",
                (ACTIVE_VARIANCE, 0.02),
                (5, 4),
                xycoords=("data", "axes fraction"),
                textcoords="offset points",
                color=MUTED,
            )
        else:
            say_empty(axes, "no finite values")
    caption = (
        f"{part(active, dims, 'dim', 'is an active unit', 'are active units')}: the variance of μ exceeds "
        f"{ACTIVE_VARIANCE}. Colours are the regimes, which do not depend on the code's scale. A dim at the top left "
        "repeats the prior, whose variance is 1; one at the bottom right carries the image. The median dim has a mean "
        f"posterior variance of {plain(float(np.median(sigma2[finite])) if finite.any() else math.nan)}."
    )
    alt = f"Scatter plot of {plural(dims, 'latent dim')}, {active:,} of them right of the threshold {ACTIVE_VARIANCE}."
    return Drawn("Spread and noise of each dim", caption, alt, figure_bytes(fig, "svg"), "svg")
