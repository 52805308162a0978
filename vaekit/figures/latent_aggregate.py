"""The aggregate posterior: correlation of the dims, and single dims against the prior."""

import math

import numpy as np
import pandas as pd

from vaekit.artifacts import LATENT_ARRAYS, PER_DIM
from vaekit.figures._style import BLUE, INK, canvas, figure_bytes, theme
from vaekit.figures.base import Artifacts, Drawn, figure
from vaekit.figures.words import plain, plural


@figure("correlation", needs=(LATENT_ARRAYS, PER_DIM))
def correlation(artifacts: Artifacts) -> Drawn:
    """Draw the correlation matrix of mu, dims sorted by kl."""
    matrix: np.ndarray = artifacts[LATENT_ARRAYS]["correlation"]
    order = np.argsort(-artifacts[PER_DIM]["kl"].to_numpy(float), kind="stable")
    matrix = matrix[np.ix_(order, order)]
    dims = len(matrix)
    with theme():
        fig, (axes,) = canvas(8.6, 5.2)
        axes.set(title="Correlation of the latent dims", xlabel="dims, sorted by KL", ylabel="dims, sorted by KL")
        image = axes.imshow(matrix, cmap="RdBu_r", vmin=-1, vmax=1, interpolation="none")
        axes.grid(visible=False)
        axes.set(xticks=[], yticks=[])
        fig.colorbar(image, ax=axes, label="correlation of μ over images")
    away = np.abs(matrix - np.eye(dims))
    if dims == 1:
        said = "There is 1 dim, which correlates with none."
    else:
        first, second = sorted(order[list(np.unravel_index(int(away.argmax()), away.shape))])
        typical = float(away[~np.eye(dims, dtype=bool)].mean())
        said = (
            f"The largest correlation of two dims is {plain(float(away.max()))} (dims {first} and {second}), the mean "
            f"{plain(typical)}."
        )
    alt = f"Heat map of a {dims:,} by {dims:,} correlation matrix. {said}"
    return Drawn("Correlation of the dims", said, alt, figure_bytes(fig, "svg"), "svg")


@figure("aggregate", needs=(LATENT_ARRAYS, PER_DIM))
def aggregate(artifacts: Artifacts) -> Drawn:
    """Draw histograms of sampled codes in the most and the least used dims, with q(z) and the prior."""
    arrays: dict[str, np.ndarray] = artifacts[LATENT_ARRAYS]
    table: pd.DataFrame = artifacts[PER_DIM].set_index("dim")
    dims, edges = arrays["histogram_dims"], arrays["histogram_bins"]
    at = arrays["density_at"]
    prior = np.exp(-0.5 * at**2) / math.sqrt(2 * math.pi)
    columns = min(4, len(dims))
    with theme():
        fig, panels = canvas(8.6, 1.9 * math.ceil(len(dims) / columns), math.ceil(len(dims) / columns), columns)
        for axes in panels[len(dims) :]:
            axes.set_axis_off()
        for axes, dim, counts, density in zip(
            panels, dims, arrays["histogram_counts"], arrays["density"], strict=False
        ):
            axes.set_title(f"dim {dim}: {plain(float(table['kl'][dim]))} nats", fontsize=9.5)
            share = counts / (max(counts.sum(), 1) * np.diff(edges))
            axes.fill_between(edges, [*share, share[-1]], step="post", color=BLUE, alpha=0.45, linewidth=0)
            axes.plot(at, density, color=BLUE, linewidth=1.2)
            axes.plot(at, prior, color=INK, linewidth=1, linestyle=(0, (3, 2)))
            axes.set(yticks=[], xlim=(-4, 4), ylim=(0, 1.15 * min(max(float(density.max()), 0.4), 2.0)))
    first, last = (
        f"dim {dim} has variance {plain(float(table['variance'][dim]))} and kurtosis "
        f"{plain(float(table['kurtosis'][dim]))}"
        for dim in (dims[0], dims[-1])
    )
    caption = (
        "Aggregate posterior of the most used and the least used dims: z ~ q(z|x) of all test images (filled, with its "
        f"exact density) against N(0, 1) (dashed), whose variance is 1 and kurtosis 3; {first}, {last}."
    )
    alt = f"{plural(len(dims), 'histogram')} of latent dims against the standard normal density."
    return Drawn("Aggregate posterior", caption, alt, figure_bytes(fig, "svg"), "svg")
