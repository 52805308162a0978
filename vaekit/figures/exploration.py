"""Walks through the code: along dims, between images, along the directions of attributes; and the map of the code."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image

from vaekit.artifacts import EDITS, EXPLORATION_SUMMARY, INTERPOLATIONS, LATENT_MAP, TRAVERSALS
from vaekit.errors import DataError
from vaekit.figures._style import MUTED, ORANGE, canvas, figure_bytes, theme
from vaekit.figures.base import Artifacts, Drawn, figure
from vaekit.figures.strips import BLANK, Options, sheet, strips
from vaekit.figures.words import abbreviated, fixed, percent, plain, plural, readable, visible

_PIXELS = (
    96 * 64 * 64
)  # at most so many pixels of pictures in one figure, so that a page of 128-pixel images stays light
_PROBES = 18  # the probes that moved most, in the table of side effects
_RASTERISED = 3000  # points above which a scatter plot is a picture inside its chart


def traversal_sheet(
    pictures: np.ndarray, rows: Sequence[Mapping[str, Any]], percentiles: Sequence[float], *, by_run: bool = False
) -> Image.Image:
    """Return walks along single dims, uint8 (R, steps, S, S, 3); a row knows its run, dim, kl, low, high, change."""
    labels, options = _traversal_words(pictures.shape[1], rows, percentiles, by_run=by_run)
    return strips(pictures, labels, **options)


def _traversal_words(
    steps: int, rows: Sequence[Mapping[str, Any]], percentiles: Sequence[float], *, by_run: bool = False
) -> tuple[list[str], Options]:
    kl = ["KL " + (plain(row["kl"], 3) if row["kl"] >= 0.01 else "< 0.01") + " nats" for row in rows]
    labels = [f"dim {row['dim']}\n{nats}" for row, nats in zip(rows, kl, strict=True)]
    apart = []
    if by_run:
        labels = [f"{visible(row['run'])}\n{label}" for row, label in zip(rows, labels, strict=True)]
        apart = [i for i in range(1, len(rows)) if rows[i]["run"] == rows[0]["run"]]
    heads = [f"{percentiles[0]:g} %", *[""] * (steps - 2), f"{percentiles[1]:g} %"]
    ends = [f"{fixed(row['low'], 2)} to {fixed(row['high'], 2)}" for row in rows]
    notes = [f"{fixed(row['change'], 1)} grey levels\n{reach}" for row, reach in zip(rows, ends, strict=True)]
    return labels, {"heads": heads, "notes": notes, "rows_apart": apart}


def interpolation_sheet(
    pairs: Sequence[Sequence[str]], ends: np.ndarray, pictures: Mapping[str, np.ndarray]
) -> Image.Image:
    """Return the pictures between P pairs, path -> (P, steps, S, S, 3), with the originals (P, 2, ...) at both ends."""
    walked, labels, options = _interpolated(pairs, ends, pictures)
    return strips(walked, labels, **options)


def _interpolated(
    pairs: Sequence[Sequence[str]], ends: np.ndarray, pictures: Mapping[str, np.ndarray]
) -> tuple[np.ndarray, list[str], Options]:
    rows, labels = [], []
    for p, (first, second) in enumerate(pairs):
        for k, (path, walked) in enumerate(pictures.items()):
            start, end = ends[p] if k == 0 else np.full_like(ends[p], BLANK)
            rows.append(np.concatenate([start[None], walked[p], end[None]]))
            labels.append(f"{path}\n{visible(first)} to\n{visible(second)}" if k == 0 else path)
    steps = len(rows[0]) - 2
    heads = ["original", "decoded", *[""] * (steps - 1), "original"]
    apart = range(len(pictures), len(rows), len(pictures))
    return np.stack(rows), labels, {"heads": heads, "rows_apart": apart, "columns_apart": (1, steps + 1)}


def edit_sheet(original: np.ndarray, pictures: np.ndarray, strengths: np.ndarray, label: str) -> Image.Image:
    """Return an image, uint8 (S, S, 3), and its edits, (T, S, S, 3), in one row."""
    heads = ["original", *map(_strength, strengths)]
    row = np.concatenate([original[None], pictures])[None]
    return strips(row, [label], heads=heads, columns_apart=(1,), scale=max(1, 128 // len(original)))


def _strength(value: float) -> str:
    return plain(value, 3, sign=True)


def _rows_that_fit(pictures: np.ndarray) -> int:
    """Return how many rows of pictures, (R, ..., S, S, 3), stay within the bound on pixels: at least one."""
    return max(1, min(len(pictures), _PIXELS // max(1, int(pictures[0].size) // 3)))


def _facts(artifacts: Artifacts, part: str) -> dict[str, Any]:
    """Return one part of exploration.json; DataError with the reason where it was not made."""
    summary = artifacts[EXPLORATION_SUMMARY]
    if part in summary["absent"]:
        raise DataError(summary["absent"][part])
    facts: dict[str, Any] = summary[part]
    return facts


@figure("traversals", needs=(EXPLORATION_SUMMARY, TRAVERSALS))
def traversals(artifacts: Artifacts) -> Drawn:
    """Draw what the dims with the most KL do to the mean face, one row each."""
    facts, pictures = _facts(artifacts, "traversals"), artifacts[TRAVERSALS]["pictures"]
    n = _rows_that_fit(pictures)
    columns = zip(*(facts[key] for key in ("dims", "kl", "low", "high", "change")), strict=True)
    rows = [dict(zip(("dim", "kl", "low", "high", "change"), row, strict=True)) for row in columns][:n]
    low, high = facts["percentiles"]
    caption = (
        f"The {plural(n, 'dim')} with the most KL, one row each: from {facts['base']}, one dim is moved from the "
        f"{low:g} % to "
        f"the {high:g} % quantile of μ over the {facts['n']:,} test images, the others held. At the right: how far the "
        f"ends of a row are apart (mean |difference| of a pixel), and the dim's values there. {facts['sentences'][0]}"
    )
    alt = (
        f"{plural(n, 'row')} of {pictures.shape[1]} faces, each changing along one latent dim. {facts['sentences'][0]}"
    )
    labels, options = _traversal_words(pictures.shape[1], rows, (low, high))
    return Drawn("Traversals of single dims", caption, alt, sheet(pictures[:n], labels, **options), "svg")


@figure("interpolations", needs=(EXPLORATION_SUMMARY, INTERPOLATIONS))
def interpolations(artifacts: Artifacts) -> Drawn:
    """Draw the way between pairs of test images on a straight line and on a great circle."""
    facts, arrays = _facts(artifacts, "interpolations"), artifacts[INTERPOLATIONS]
    paths = list(facts["middle_norm"])
    n = _rows_that_fit(np.stack([arrays[path] for path in paths], axis=1))
    pairs = facts["pairs"][:n]
    caption = (
        f"{plural(n, 'pair')} of test images drawn by seed, originals at both ends, decoded codes between them: on the "
        "straight "
        "line, and below it on the great circle around 0, on which the code keeps its length. Detail is "
        f"the mean difference of neighbouring pixels. {facts['sentences'][0]}"
    )
    alt = f"{plural(n, 'pair')} of rows of faces, each changing from one test image to another. {facts['sentences'][0]}"
    walked, labels, options = _interpolated(pairs, arrays["ends"][:n], {path: arrays[path][:n] for path in paths})
    return Drawn("Interpolations", caption, alt, sheet(walked, labels, **options), "svg")


@figure("edits", needs=(EXPLORATION_SUMMARY, EDITS))
def edits(artifacts: Artifacts) -> Drawn:
    """Draw test images moved along the directions of the attributes that the probes read best."""
    facts, arrays = _facts(artifacts, "edits"), artifacts[EDITS]
    pictures, strengths = arrays["pictures"], arrays["strengths"]  # (E, images, T, S, S, 3)
    n = _rows_that_fit(pictures)
    rows = facts["attributes"][:n]
    images, count = pictures.shape[1:3]
    drawn = sheet(
        pictures[:n].reshape(n, images * count, *pictures.shape[3:]),
        [f"{readable(row['attribute'])}\n{fixed(row['value'], 2, sign=True)} per step" for row in rows],
        heads=[*map(_strength, strengths)] * images,
        columns_apart=range(count, images * count, count),
    )
    best, worst = max(rows, key=lambda row: row["value"]), min(rows, key=lambda row: row["value"])
    obeyed = (
        f"The decoder follows {readable(best['attribute'])} best, with {fixed(best['value'], 2, sign=True)} per step"
    )
    obeyed += (
        f", {readable(worst['attribute'])} least, with {fixed(worst['value'], 2, sign=True)}." if len(rows) > 1 else "."
    )
    ids = " and ".join(visible(name) for name in facts["image_ids"])
    caption = (
        f"Test images {ids}, decoded from μ + a v: v goes from the mean code of train images without an attribute to "
        "that of those with it, a (above the columns) counts standard deviations of the codes along it. At the left: "
        "what a step does to the attribute's own probe on the edited picture, encoded again, in standard deviations "
        f"of its logit (mean of {facts['n']:,} test images). {obeyed}"
    )
    alt = f"{plural(n, 'row')} of {images * count} faces, each row edited along the direction of one attribute."
    return Drawn("Edits along attributes", caption, alt, drawn, "svg")


@figure("edit_effects", needs=(EXPLORATION_SUMMARY, EDITS))
def edit_effects(artifacts: Artifacts) -> Drawn:
    """Draw what an edit along each direction does to every probe, as a table of numbers on colours."""
    facts, arrays = _facts(artifacts, "edits"), artifacts[EDITS]
    edited, probes, effect = arrays["attributes"].astype(str), arrays["probes"].astype(str), arrays["effect"]
    order = np.argsort(-np.abs(effect).max(0), kind="stable")[:_PROBES]
    shown, limit = effect[:, order].T, max(0.1, float(np.abs(effect).max()))
    with theme():
        fig, (axes,) = canvas(8.6, 1.1 + 0.27 * len(order))
        image = axes.imshow(shown, cmap="RdBu_r", vmin=-limit, vmax=limit, aspect="auto", interpolation="none")
        axes.set(title="What a step along a direction does to every probe", yticks=range(len(order)))
        axes.set_xticks(
            range(len(edited)), [abbreviated(name).replace(" ", "\n", 1) for name in edited], parse_math=False
        )
        axes.set_yticks(range(len(order)), [abbreviated(name) for name in probes[order]], parse_math=False)
        axes.tick_params(length=0)
        axes.grid(visible=False)
        for (i, j), value in np.ndenumerate(shown):
            own = probes[order][i] == edited[j]
            ink = "#ffffff" if abs(value) > 0.65 * limit else "#111111"  # not the page's ink, which turns at night
            text = axes.text(j, i, fixed(value, 2, sign=True), ha="center", va="center", color=ink, fontsize=8.5)
            text.set(fontweight="bold" if own else "normal", in_layout=False)  # inside its cell, whatever the layout
        fig.colorbar(image, ax=axes, label="standard deviations per step", pad=0.02)
    others = np.where(probes[None, :] == edited[:, None], 0, np.abs(effect))
    strongest = np.unravel_index(int(others.argmax()), others.shape)
    said = (
        f"The strongest side effect: {readable(edited[strongest[0]])} moves {readable(probes[strongest[1]])} by "
        f"{fixed(effect[strongest], 2, sign=True)}."
    )
    caption = (
        f"Columns: the edited attribute (its own probe in bold). Rows: the {len(order)} of "
        f"{plural(len(probes), 'probe')} that "
        "moved most. Each number is the change of a probe's logit on the edited picture, encoded again, per step, in "
        f"its standard deviations over the test images: mean of {facts['n']:,} test images moved two steps to either "
        f"side. A clean edit would leave a column with one number. {said}"
    )
    alt = f"Table of {plural(len(order), 'probe')} by {len(edited)} edited attributes. {said}"
    return Drawn("Side effects of edits", caption, alt, figure_bytes(fig, "svg"), "svg")


@figure("latent_map", needs=(EXPLORATION_SUMMARY, LATENT_MAP))
def latent_map(artifacts: Artifacts) -> Drawn:
    """Draw the codes of test images on a plane, once for each of the attributes that the code knows best."""
    facts, table = _facts(artifacts, "latent_map"), artifacts[LATENT_MAP]
    rows = facts["attributes"] or [None]
    x, y = table["x"].to_numpy(), table["y"].to_numpy()
    columns = min(2, len(rows))
    lines = -(-len(rows) // columns)
    is_picture = len(table) * len(rows) > _RASTERISED
    with theme():
        fig, panels = canvas(8.6, 3.5 * lines, lines, columns)
        for axes in panels[len(rows) :]:
            axes.set_axis_off()
        for axes, row in zip(panels, rows, strict=False):
            has = np.zeros(len(table), bool) if row is None else table[row["attribute"]].to_numpy() == 1
            for chosen, colour, alpha in ((~has, MUTED, 0.35), (has, ORANGE, 0.9)):
                axes.scatter(x[chosen], y[chosen], s=9, color=colour, alpha=alpha, linewidth=0, rasterized=is_picture)
            axes.set(aspect="equal")
            axes.set_axis_off()  # the axes of such a map mean nothing
            if row is not None:
                title = f"{abbreviated(row['attribute'])}: {percent(row['rate'])} of the images"
                axes.set_title(title, fontsize=9.5, parse_math=False)
    said = [
        f"{readable(row['attribute'])} {percent(row['near'])} (of all images {percent(row['rate'])})"
        for row in facts["attributes"]
    ]
    caption = f"The codes of {facts['n']:,} test images, laid out by {facts['method']}, which sees no label. "
    if said:
        caption += (
            f"Orange: images with the attribute. Of the {facts['neighbours']} nearest to such an image on the map, so "
            f"many have it too: {', '.join(said)}. "
        )
    caption += (
        f"{facts['sentences'][0]} Neighbours mean something, the axes, far distances and the size of gaps do not."
    )
    colours = ", ".join(readable(row["attribute"]) for row in facts["attributes"])
    alt = f"Scatter plots of {facts['n']:,} codes, coloured by {colours or 'nothing'}."
    return Drawn("Map of the code", caption, alt, figure_bytes(fig, "svg"), "svg")
