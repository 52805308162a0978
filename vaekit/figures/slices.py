"""Mean error with and without each attribute: a descriptive picture, not yet a finding."""

import numpy as np
import pandas as pd

from vaekit.artifacts import FAILURES_SUMMARY, SLICES
from vaekit.figures._style import BLUE, INK, MUTED, canvas, figure_bytes, theme
from vaekit.figures.base import Artifacts, Drawn, figure
from vaekit.figures.words import plain, plural, readable

_MOST = 20


@figure("attributes", needs=(SLICES, FAILURES_SUMMARY))
def attributes(artifacts: Artifacts) -> Drawn:
    """Draw the difference of the mean error between images with and without each attribute, largest first."""
    ranked = artifacts[FAILURES_SUMMARY]
    table: pd.DataFrame = artifacts[SLICES]
    known = table.dropna(subset="difference")
    shown = known.reindex(known["difference"].abs().sort_values(ascending=False, kind="stable").index).head(_MOST)
    rows = np.arange(len(shown))
    away = ((shown["low"] > 0) | (shown["high"] < 0)).to_numpy()
    with theme():
        fig, (axes,) = canvas(8.6, 1.1 + 0.24 * max(len(shown), 2))
        unit = f", {ranked['unit']}" if ranked["unit"] else ""
        axes.set_title(f"{ranked['label']}: mean with the attribute minus mean without", parse_math=False)
        axes.set_xlabel(f"difference{unit}", parse_math=False)
        axes.axvline(0, color=MUTED, linewidth=1)
        colours = [BLUE if one else MUTED for one in away]
        axes.hlines(rows, shown["low"], shown["high"], colors=colours, linewidth=1.6)
        axes.scatter(shown["difference"], rows, color=colours, s=26, zorder=3)
        names = [name if len(name) <= 32 else f"{name[:31]}…" for name in map(readable, shown["attribute"].astype(str))]
        axes.set_yticks(rows, names, parse_math=False)  # a dollar sign in a name is no formula
        axes.tick_params(axis="y", labelcolor=INK, length=0)
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.grid(axis="y", visible=False)
    if shown.empty:
        said = f"None of {plural(len(table), 'attribute')} has a difference that could be computed."
    else:
        first = shown.iloc[0]
        said = (
            f"{readable(str(first['attribute']))} has the largest difference, {plain(first['difference'])}: "
            f"mean {plain(first['mean_with'])} on {plural(int(first['n_with']), 'image')} with it, "
            f"{plain(first['mean_without'])} on {int(first['n_without']):,} without."
        )
    caption = (
        f"{said} The {len(shown)} largest of {len(table)} are drawn with 95 % intervals; grey intervals contain 0."
    )
    alt = f"Dot plot of {plural(len(shown), 'attribute')}; {int(away.sum())} intervals lie off 0. {said}"
    return Drawn("Error by attribute", caption, alt, figure_bytes(fig, "svg"), "svg")
