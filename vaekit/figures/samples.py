"""How far each source of images is from the test images, and which part of the real faces it reaches."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from vaekit.artifacts import SAMPLES, SAMPLING_GAP
from vaekit.errors import DataError
from vaekit.figures._style import BLUE, INK, MUTED, ORANGE, VERMILION, canvas, figure_bytes, say_empty, theme
from vaekit.figures.base import Artifacts, Drawn, figure
from vaekit.figures.words import distance, in_sentence, percent, plain, plural

LOOKS = {
    "train": (INK, "D"),
    "blurred": (MUTED, "s"),
    "reconstructions": (BLUE, "o"),
    "interpolations": (BLUE, "^"),
    "aggregate": (ORANGE, "v"),  # from the prior's by shape too: to some eyes their colours are one
    "prior": (VERMILION, "X"),
    "standard": (MUTED, "P"),
}
_DISTANCES = ("fid", "fd_", "kid_")  # how the columns that are distances begin


@figure("sampling_gap", needs=(SAMPLING_GAP, SAMPLES))
def sampling_gap(artifacts: Artifacts) -> Drawn:
    """Draw the distance of every source from the test images, with that of real train images as the floor."""
    table, kinds = artifacts[SAMPLING_GAP].set_index("source"), _kinds(artifacts)
    shown = [
        kind
        for kind in kinds
        if kind.startswith(_DISTANCES) and not kind.endswith("_inf") and kind in table and table[kind].notna().any()
    ]
    if not shown:
        raise DataError("No source of images has a distance from the test images.")
    with theme():
        fig, panels = canvas(8.6, 0.5 + 0.36 * len(table), 1, len(shown))
        for i, (axes, kind) in enumerate(zip(panels, shown, strict=True)):
            _bars(axes, table, kind, kinds[kind]["label"])
            axes.tick_params(left=False, labelleft=i == 0)
    main = shown[0]
    label = in_sentence(kinds[main]["label"])
    caption = f"{_compared(table, main)} The whiskers are 95 % intervals at n = {_counts(table)}"
    caption += "; the dashed line is what real train images have." if _has(table, "train", main) else "."
    ends = [main, f"{main}_low", f"{main}_high"]
    listed = ", ".join(f"{row['label']} {distance(*row[ends])}" for _, row in table.iterrows() if pd.notna(row[main]))
    alt = f"Bars of {plural(len(shown), 'distance')} by source of images. {label}: {listed}."
    return Drawn("Sampling gap", caption, alt, figure_bytes(fig, "svg"), "svg")


@figure("precision_recall", needs=(SAMPLING_GAP, SAMPLES))
def precision_recall(artifacts: Artifacts) -> Drawn:
    """Draw precision against recall, and density against coverage, of every source."""
    table = artifacts[SAMPLING_GAP].set_index("source")
    with theme():
        fig, panels = canvas(8.6, 3.9, 1, 2)
        for axes, x, y in zip(panels, ("recall", "coverage"), ("precision", "density"), strict=True):
            _plane(axes, table, x, y)
        handles, labels = panels[0].get_legend_handles_labels()
        if handles:
            fig.legend(handles, labels, loc="outside lower center", ncols=3)
    if _has(table, "prior", "recall") and _has(table, "train", "recall"):
        prior, floor = table.loc["prior"], table.loc["train"]
        caption = (
            f"Samples from the prior come near {percent(prior['recall'])} of the test images (recall), where real "
            f"train images come near {percent(floor['recall'])}. Of the samples {percent(prior['precision'])} "
            f"are near some test image (precision), of the train images {percent(floor['precision'])}."
        )
        if prior["density_low"] > floor["density_high"]:
            caption += " A density above that of real images is no merit: samples crowd where faces are densest."
    else:
        drawn = int(table["recall"].notna().sum())
        caption = f"{drawn} of {len(table)} sources have a precision and a recall; the table says why others have none."
    alt = f"Two scatter plots of {int(table['recall'].notna().sum())} sources of images. {caption}"
    return Drawn("Precision and recall", caption, alt, figure_bytes(fig, "svg"), "svg")


def _kinds(artifacts: Artifacts) -> dict[str, dict[str, Any]]:
    content = artifacts[SAMPLES]
    if "metrics" not in content:
        raise DataError(content.get("reason", f"{SAMPLES} lacks 'metrics': run `vaekit evaluate` again."))
    kinds: dict[str, dict[str, Any]] = content["metrics"]
    return kinds


def _value(table: pd.DataFrame, source: str, column: str) -> float:
    """Return what the table says of a source; NaN where it says nothing."""
    values: dict[Any, float] = dict(zip(table.index, table[column].to_numpy(float), strict=True))
    return values.get(source, np.nan)


def _has(table: pd.DataFrame, source: str, column: str) -> bool:
    return not np.isnan(_value(table, source, column))


def _bars(axes: Axes, table: pd.DataFrame, kind: str, title: str) -> None:
    axes.set_title(title, fontsize=10)
    places = np.arange(len(table))[::-1]
    for place, (source, row) in zip(places, table.iterrows(), strict=True):
        colour, _ = LOOKS.get(str(source), (MUTED, "o"))
        if pd.isna(row[kind]):
            axes.text(0, place, " not computed", va="center", color=MUTED, fontsize=9)
            continue
        axes.barh(place, row[kind], height=0.62, color=colour, alpha=0.75, linewidth=0)
        if pd.notna(row[f"{kind}_low"]):
            axes.errorbar(row[kind], place, xerr=_whiskers(row, kind), color=INK, linewidth=1.2, capsize=2.5)
    if _has(table, "train", kind):
        axes.axvline(_value(table, "train", kind), color=INK, linewidth=1, linestyle=(0, (3, 2)))
    axes.set(yticks=places, yticklabels=[str(label) for label in table["label"]])
    axes.grid(visible=False, axis="y")
    axes.locator_params(axis="x", nbins=5)


def _whiskers(row: pd.Series, kind: str) -> list[list[float]]:
    """Return how far the interval reaches below and above the value; never less than 0, whatever rounding did."""
    return [[max(row[kind] - row[f"{kind}_low"], 0.0)], [max(row[f"{kind}_high"] - row[kind], 0.0)]]


def _compared(table: pd.DataFrame, kind: str) -> str:
    """Return how many times as far as real train images the main sources are."""
    prior, floor = _value(table, "prior", kind), _value(table, "train", kind)
    if np.isnan(prior):
        return "Prior samples have no distance: the table says why."
    if not floor > 0:
        return f"Samples from the prior are at {distance(prior)} from the test images."
    others = [
        f"{name} {plain(round(_value(table, source, kind) / floor, 1))}"
        for source, name in (("reconstructions", "reconstructions"), ("aggregate", "samples from the fitted aggregate"))
        if _has(table, source, kind)
    ]
    return (
        f"Samples from the prior are {plain(round(prior / floor, 1))} times as far from the test images as real train "
        f"images are{', ' + ', '.join(others) + ' times' if others else ''}."
    )


def _counts(table: pd.DataFrame) -> str:
    counts = sorted({int(n) for n in table["n"] if n > 0})
    return f"{counts[0]:,}" if len(counts) == 1 else f"{counts[0]:,} to {counts[-1]:,}"


def _plane(axes: Axes, table: pd.DataFrame, x: str, y: str) -> None:
    axes.set(xlabel=f"{x} (share of the test images)", ylabel=y)
    rows = table[table[x].notna() & table[y].notna()]
    if not len(rows):
        say_empty(axes, "needs more images")
        return
    for source, row in rows.iterrows():
        colour, marker = LOOKS.get(str(source), (MUTED, "o"))
        across, up = (_whiskers(row, kind) if pd.notna(row[f"{kind}_low"]) else None for kind in (x, y))
        axes.errorbar(
            row[x],
            row[y],
            xerr=across,
            yerr=up,
            color=colour,
            marker=marker,
            markersize=7,
            linewidth=1,
            label=str(row["label"]),
            linestyle="none",
            markeredgewidth=0,
        )
    axes.set(xlim=(-0.03, 1.03))
    axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]), top=max(1.03, axes.get_ylim()[1]))
