"""How often a judge sees each attribute in samples and in real faces."""

from typing import Any

import numpy as np
import pandas as pd

from vaekit.artifacts import ATTRIBUTE_RATES
from vaekit.errors import DataError
from vaekit.figures._style import INK, MUTED, ORANGE, PAPER, RULE, VERMILION, canvas, figure_bytes, theme
from vaekit.figures.base import Artifacts, Drawn, figure
from vaekit.figures.words import percent, plural, readable

MOST = 24  # attributes, those that differ most from equally blurred test images
# Told apart by shape and by being filled too: to some eyes their colours are one.
_LOOKS: dict[str, dict[str, Any]] = {
    "prior": {"color": VERMILION, "marker": "o"},
    "aggregate": {"color": ORANGE, "marker": "v", "markerfacecolor": PAPER},
}
_NAMES = {"prior": "samples from the prior", "aggregate": "samples from the aggregate posterior"}


@figure("attribute_rates", needs=(ATTRIBUTE_RATES,))
def attribute_rates(artifacts: Artifacts) -> Drawn:
    """Draw for each attribute its share of the test images, sharp and blurred, and of samples."""
    table: pd.DataFrame = artifacts[ATTRIBUTE_RATES]
    sources = [name for name in _NAMES if (table["source"] == name).any()]
    if not sources:
        raise DataError("There are no samples whose attributes could be counted.")
    first = table[table["source"] == sources[0]].set_index("attribute")
    order = (first["rate"] - first["blurred"]).abs().sort_values(ascending=False, kind="stable").index[:MOST]
    order = (first["rate"] - first["blurred"])[order].sort_values(kind="stable").index
    places = np.arange(len(order))[::-1].astype(float)
    with theme():
        fig, (axes,) = canvas(8.6, 1.3 + 0.24 * len(order))
        real = first.loc[order]
        span = 100 * real[["real", "blurred", "rate"]]
        axes.hlines(places, span.min(axis=1), span.max(axis=1), color=RULE, linewidth=3, zorder=1)
        axes.plot(100 * real["real"], places, "D", color=INK, markersize=5, linestyle="none", label="test images")
        axes.plot(
            100 * real["blurred"],
            places,
            "s",
            color=MUTED,
            markersize=5,
            linestyle="none",
            label="test images, blurred as much",
        )
        for i, source in enumerate(sources):
            rows = table[table["source"] == source].set_index("attribute").loc[order]
            ends = 100 * np.stack([rows["rate"] - rows["rate_low"], rows["rate_high"] - rows["rate"]])
            axes.errorbar(
                100 * rows["rate"],
                places - 0.16 * i,
                xerr=np.maximum(ends, 0),
                **_LOOKS[source],
                linestyle="none",
                markersize=5,
                elinewidth=1.2,
                label=_NAMES[source],
            )
        axes.set(yticks=places, yticklabels=[readable(str(name)) for name in order], xlabel="share of the images, %")
        axes.set(xlim=(-1, None), ylim=(-0.8, len(order) - 0.2))
        for label, finding in zip(axes.get_yticklabels(), real["finding"], strict=True):
            if isinstance(finding, str) and finding in ("dropped", "overdrawn"):
                label.set_fontweight("bold")
        axes.grid(visible=False, axis="y")
        fig.legend(loc="outside upper center", ncols=2)
    caption = _caption(first, order, sources[0])
    alt = f"Dot plot of the shares of {plural(len(order), 'attribute')} in test images and in samples. {caption}"
    return Drawn("Attribute rates", caption, alt, figure_bytes(fig, "svg"), "svg")


def _caption(first: pd.DataFrame, order: pd.Index, source: str) -> str:
    some = f"{len(order)} of " if len(order) < len(first) else ""
    said = f"The {some}{plural(len(first), 'attribute')} by how far {_NAMES[source]} are from "
    said += "test images that are as blurred. "
    dropped = first[first["finding"] == "dropped"].sort_values("minus_blurred", kind="stable")
    overdrawn = int((first["finding"] == "overdrawn").sum())
    if len(dropped):
        worst = dropped.iloc[0]
        said += (
            f"{len(dropped)} (bold) {'is' if len(dropped) == 1 else 'are'} drawn less than half as often as in test "
            "images, sharp or blurred, most of all "
            f"{readable(str(dropped.index[0]))}: {percent(worst['rate'])} against {percent(worst['real'])} and "
            f"{percent(worst['blurred'])}"
        )
    else:
        said += "None is drawn less than half as often as in test images, sharp or blurred"
    said += f"; {overdrawn} more than twice as often." if overdrawn else "."
    return f"{said} Whiskers are 95 % intervals."
