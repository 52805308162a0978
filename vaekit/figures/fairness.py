"""The gap of the error between groups of people: as it is, at equal pictures, and in the face alone."""

from typing import Any

import numpy as np

from vaekit.artifacts import FINDINGS
from vaekit.errors import DataError
from vaekit.figures._style import BLUE, INK, MUTED, ORANGE, VERMILION, canvas, figure_bytes, theme
from vaekit.figures.base import Artifacts, Drawn, figure
from vaekit.figures.words import in_sentence, part, plain, plural, readable

_KINDS = (
    ("gap", -0.2, BLUE, "o", "gap"),
    ("adjusted", 0.0, ORANGE, "D", "at equal brightness, contrast, saturation and background"),
    ("face", 0.2, VERMILION, "s", "in the face alone (ratio)"),
)


@figure("fairness", needs=(FINDINGS,))
def fairness(artifacts: Artifacts) -> Drawn:
    """Draw for each group the error of its images against the others', with intervals."""
    content = artifacts[FINDINGS]
    rows: list[dict[str, Any]] = content["fairness"]
    if not rows:
        raise DataError("Not drawn: no group of people could be compared on these data.")
    ratio = rows[0]["ratio"] is not None
    none, at = float(ratio), np.arange(len(rows))
    with theme():
        fig, (axes,) = canvas(8.6, 1.7 + 0.5 * max(len(rows), 2))
        axes.axvline(none, color=MUTED, linewidth=1)
        for kind, shift, colour, marker, label in _KINDS:
            if kind == "face" and not ratio:
                continue
            ends = np.array([_ends(row, kind, ratio) for row in rows], float)
            if np.isnan(ends[:, 0]).all():
                continue
            axes.hlines(at + shift, ends[:, 1], ends[:, 2], color=colour, linewidth=1.8, alpha=0.7)
            axes.scatter(ends[:, 0], at + shift, color=colour, marker=marker, s=28, zorder=3, label=label)
        title = f"{content['label']}: images labelled so {'over' if ratio else 'minus'} the others"
        axes.set_title(title, parse_math=False)
        axes.set_xlabel("ratio, 1 is no gap" if ratio else f"difference, {content['unit']}", parse_math=False)
        names = [
            f"{readable(row['group'])} ({row['n_with']:,} of {row['n_with'] + row['n_without']:,})" for row in rows
        ]
        axes.set_yticks(at, names, parse_math=False)
        axes.tick_params(axis="y", labelcolor=INK, length=0)
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.grid(axis="y", visible=False)
        fig.legend(loc="outside lower center", ncols=3)
    found = [row for row in rows if row["found"]]
    largest = max(rows, key=lambda row: abs(_ends(row, "gap", ratio)[0] - none))
    value, low, high = _ends(largest, "gap", ratio)
    size = f"{plain(value, 3)} times that" if ratio else f"{plain(value, 3, sign=True)} {content['unit']} from that"
    said = (
        f"{part(len(found), len(rows), 'group', 'has', 'have')} a gap (q < .05). The largest difference is that of "
        f"{readable(largest['group'])}: {in_sentence(content['label'])} {size} of the others, [{plain(low, 3)}, "
        f"{plain(high, 3)}]."
    )
    return Drawn(
        "Gaps between groups",
        f"{said} 95 % intervals; groups are the annotators' labels.",
        f"Dot plot of {plural(len(rows), 'group')}. {said}",
        figure_bytes(fig, "svg"),
        "svg",
    )


def _ends(row: dict[str, Any], kind: str, ratio: bool) -> tuple[float, float, float]:
    keys = {"gap": ("ratio", "ratio_low", "ratio_high") if ratio else ("difference", "low", "high")}
    ends = (row[key] for key in keys.get(kind, (kind, f"{kind}_low", f"{kind}_high")))
    value, low, high = (np.nan if end is None else end for end in ends)
    return value, low, high
