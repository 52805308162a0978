"""How the error is spread over the test images."""

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from vaekit.artifacts import PER_IMAGE
from vaekit.figures._style import BLUE, INK, VERMILION, canvas, figure_bytes, say_empty, theme
from vaekit.figures.base import Artifacts, Drawn, figure
from vaekit.figures.words import fixed, plain, plural


@figure("error_distribution", needs=(PER_IMAGE,))
def error_distribution(artifacts: Artifacts) -> Drawn:
    """Draw the histogram of the per-image MSE with its mean, median and worst image."""
    table: pd.DataFrame = artifacts[PER_IMAGE]
    values = table["mse"].to_numpy(float)
    finite = values[np.isfinite(values)]
    lost = len(values) - len(finite)
    kept = "has no finite MSE and is" if lost == 1 else "have no finite MSE and are"
    note = f" {lost:,} of {plural(len(values), 'image')} {kept} left out." if lost else ""
    with theme():
        fig, (axes,) = canvas(8.6, 3.2)
        axes.set(title="Error of each test image", xlabel="MSE, mean over pixels in [0, 1]", ylabel="images")
        if len(finite) == 0:
            say_empty(axes, "no finite values")
            caption, alt = "No image has a finite MSE.", f"Empty histogram: 0 of {len(values):,} values are finite."
            return Drawn("Distribution of the error", caption + note, alt, figure_bytes(fig, "svg"), "svg")
        worst, mean, median = float(finite.max()), float(finite.mean()), float(np.median(finite))
        spread = worst - float(finite.min())
        room = (finite.min(), worst) if spread > 0 else (worst - 0.5 * max(worst, 1e-6), worst + 0.5 * max(worst, 1e-6))
        counts, *_ = axes.hist(finite, bins=min(60, max(10, int(len(finite) ** 0.5))), range=room, color=BLUE)
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(axis="x", visible=False)
        top = float(np.max(counts))
        axes.set_ylim(0, 1.32 * top)
        marks = ((median, "median", 1.22, INK), (mean, "mean", 1.09, INK), (worst, "worst", 1.22, VERMILION))
        for value, name, height, colour in marks:
            right = value > sum(room) / 2
            axes.vlines(value, 0, height * top, color=colour, linewidth=1.2, linestyle=(0, (3, 2)))
            axes.annotate(
                f"{name} {plain(value)}",
                (value, height * top),
                (-4 if right else 4, 0),
                textcoords="offset points",
                ha="right" if right else "left",
                va="center",
                color=colour,
            )
    name = table["image_id"].iloc[int(np.nanargmax(np.where(np.isfinite(values), values, np.nan)))]
    caption = f"{plural(len(finite), 'image')}: mean {plain(mean)}, median {plain(median)}."
    if len(finite) > 1 and median > 0:
        caption += f" The worst, {name}, has {plain(worst)}, {fixed(worst / median, 1)} times the median."
    alt = f"Histogram of the MSE of {plural(len(finite), 'image')}, mean {plain(mean)}, worst {plain(worst)}."
    return Drawn("Distribution of the error", caption + note, alt, figure_bytes(fig, "svg"), "svg")
