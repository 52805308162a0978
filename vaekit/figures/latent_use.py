"""Which latent dims are in use: active units by threshold, what the decoder does with each dim, kl over training."""

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from vaekit.artifacts import KL_PER_DIM, LATENT, PER_DIM
from vaekit.figures._style import BLUE, MUTED, ORANGE, canvas, figure_bytes, say_empty, theme
from vaekit.figures.base import Artifacts, Drawn, figure
from vaekit.figures.words import change, part, plain, plural

REGIMES = {"active": BLUE, "mixed": ORANGE, "passive": MUTED}
_FAINT = 1e-9  # of a logarithmic axis: what lies below is drawn at its end


@figure("active_units", needs=(LATENT,))
def active_units(artifacts: Artifacts) -> Drawn:
    """Draw how many dims have a variance of mu above each threshold."""
    sweep, rows = artifacts[LATENT]["active_units"], artifacts[LATENT]["rows"]
    thresholds, counts = np.array(sweep["thresholds"], float), np.array(sweep["counts"], float)
    at_burda = int(rows["active_units"]["value"])
    with theme():
        fig, (axes,) = canvas(8.6, 2.9)
        axes.set(
            title="Active units by threshold", xscale="log", ylabel="dims", xlabel="threshold on Var[μ] over images"
        )
        axes.step(thresholds, counts, where="post", color=BLUE)
        axes.axvline(0.01, color=MUTED, linewidth=1, linestyle=(0, (3, 2)))
        axes.set(ylim=(0, max(1.0, 1.08 * counts.max())), xlim=(thresholds[0], thresholds[-1]))
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    low, high = (int(np.interp(np.log(t), np.log(thresholds), counts)) for t in (0.001, 0.1))
    caption = (
        f"{plural(at_burda, 'active unit')} at the usual threshold 0.01, {low:,} at 0.001 and {high:,} at 0.1. "
        + (
            "A flat line: the count hardly depends on the threshold."
            if low - high <= 0.1 * max(low, 1)
            else "A slope: many dims are used a little, and the count depends on the threshold."
        )
    )
    alt = f"Falling step line of active units against the threshold, {at_burda:,} at 0.01."
    return Drawn("Active units by threshold", caption, alt, figure_bytes(fig, "svg"), "svg")


@figure("sensitivity", needs=(PER_DIM,))
def sensitivity(artifacts: Artifacts) -> Drawn:
    """Draw the decoder's sensitivity to each dim against the dim's kl."""
    table: pd.DataFrame = artifacts[PER_DIM]
    kl, moved = table["kl"].to_numpy(float), table["sensitivity"].to_numpy(float)
    finite = np.isfinite(kl) & np.isfinite(moved)
    with theme():
        fig, (axes,) = canvas(8.6, 3.4)
        axes.set(title="What a dim says, and what the decoder makes of it", xlabel="KL of the dim, nats per image")
        axes.set(ylabel="sensitivity, squared pixels")
        if finite.any() and moved[finite].max() > 0:
            axes.set(xscale="log", yscale="log")
            floors = [max(_FAINT, 1e-6 * values[finite].max()) for values in (kl, moved)]
            for regime, colour in REGIMES.items():
                here = finite & (table["regime"] == regime).to_numpy()
                if here.any():
                    axes.scatter(
                        np.maximum(kl[here], floors[0]),
                        np.maximum(moved[here], floors[1]),
                        s=22,
                        color=colour,
                        alpha=0.75,
                        linewidth=0,
                        label=regime,
                    )
            axes.legend(loc="best")
        else:
            say_empty(axes, "the decoder moves with no dim")
    most = float(moved[finite].max(initial=0))
    typical = f"{plain(most)}, median {plain(float(np.median(moved[finite])))}" if finite.any() else "not finite"
    unheard = int((finite & (kl > 0.1) & (moved < 0.01 * most)).sum())
    caption = (
        "Expected squared change of all pixels per unit of a dim, times its variance: "
        f"largest {typical}. "
        f"{part(unheard, len(table), 'dim', 'carries', 'carry')} over 0.1 nats and can move pixels by less than 1 % of "
        "the largest."
    )
    alt = (
        f"Scatter plot of {plural(len(table), 'dim')}, KL against decoder sensitivity; {unheard:,} with KL and without "
        "effect."
    )
    return Drawn("Decoder sensitivity", caption, alt, figure_bytes(fig, "svg"), "svg")


@figure("kl_over_training", needs=(KL_PER_DIM,))
def kl_over_training(artifacts: Artifacts) -> Drawn:
    """Draw the kl of each dim on valid, epoch by epoch, as a heat map; dims sorted by their last kl."""
    table: pd.DataFrame = artifacts[KL_PER_DIM]
    grid = table.pivot(index="dim", columns="epoch", values="kl").sort_index()
    order = np.argsort(-grid.to_numpy()[:, -1], kind="stable")
    values, epochs = grid.to_numpy()[order], grid.columns.to_numpy()
    with theme():
        fig, (axes,) = canvas(8.6, 3.4)
        axes.set(title="KL of each latent dim over training, on valid", xlabel="epoch", ylabel="dims, sorted by KL")
        top = max(float(np.nanmax(values, initial=0)), 1e-3)
        edges = (epochs[0] - 0.5, epochs[-1] + 0.5, len(values), 0)
        image = axes.imshow(values, aspect="auto", cmap="magma", vmin=0, vmax=top, extent=edges, interpolation="none")
        axes.grid(visible=False)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        fig.colorbar(image, ax=axes, label="nats per image")
    used = (values > 0.01).sum(0)
    of = f"{used[-1]:,} of {len(values):,}"
    went = f"are {of} at both ends" if used[0] == used[-1] else f"become {of}, from {used[0]:,} after the first"
    kl = change(float(values[:, 0].sum()), float(values[:, -1].sum()))
    caption = (
        f"Over {plural(len(epochs), 'epoch')} the dims with more than 0.01 nats {went}; the KL {kl} nats per image."
    )
    alt = (
        f"Heat map of {plural(len(values), 'dim')} by {plural(len(epochs), 'epoch')}; {plural(used[-1], 'dim')} in use "
        "at the end."
    )
    return Drawn("KL per dim over training", caption, alt, figure_bytes(fig, "svg"), "svg")
