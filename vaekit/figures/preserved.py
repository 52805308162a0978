"""Attributes kept and made up by reconstruction, against blur of equal strength."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from vaekit.artifacts import FINDINGS
from vaekit.errors import DataError
from vaekit.figures._style import BLUE, INK, MUTED, ORANGE, RULE, VERMILION, canvas, figure_bytes, theme
from vaekit.figures.base import Artifacts, Drawn, figure
from vaekit.figures.words import percent, plural, readable

_PANELS = (
    ("n", "kept", "control", "lost", "still seen, of the images that had it"),
    ("n_without", "appears", "appears_control", "made_up", "seen, of the images that lacked it"),
)


@figure("preserved", needs=(FINDINGS,))
def preserved(artifacts: Artifacts) -> Drawn:
    """Draw for each attribute the share of images where it survives, and appears, in x_hat and under equal blur."""
    rows: list[dict[str, Any]] = [row for row in artifacts[FINDINGS]["preserved"] if row["reason"] is None]
    if not rows:
        raise DataError("Not drawn: no attribute could be followed through the reconstructions.")
    at = np.arange(len(rows))
    with theme():
        fig, (left, right) = canvas(8.6, 1.7 + 0.235 * max(len(rows), 3), 1, 2)
        for axes, (_, made, control, verdict, title) in zip((left, right), _PANELS, strict=True):
            _panel(axes, rows, at, made, control, verdict)
            axes.set_title(title, fontsize=10)
            axes.set(xlim=(-0.02, 1.02), ylim=(len(rows) - 0.4, -0.6))
            axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "25", "50", "75", "100 %"])
            axes.tick_params(axis="y", labelcolor=INK, length=0)
            axes.grid(axis="y", color=RULE, linewidth=0.4)
        names = [f"{_short(row['attribute'])} ({row['n']:,})" for row in rows]
        left.set_yticks(at, names, parse_math=False)
        right.set_yticks(at, [f"{row['n_without']:,}" for row in rows])
        handles, labels = left.get_legend_handles_labels()
        fig.legend(handles, labels, loc="outside lower center", ncols=3)
    lost, made_up = ([row for row in rows if row[key]] for key in ("lost", "made_up"))
    caption = (
        f"{_listed(lost, 'kept', 'control', 'lost beyond blur: still seen in', 'keeps')} "
        f"{_listed(made_up, 'appears', 'appears_control', 'made up: seen in', 'shows')} Blue: the judge on "
        "reconstructions; orange: on originals under equal blur; 95 % intervals; the number of images beside each name."
    )
    alt = (
        f"Two dot plots of {plural(len(rows), 'attribute')}; {len(lost)} are lost beyond blur and {len(made_up)} made "
        "up."
    )
    return Drawn("Attributes kept, lost and made up", caption, alt, figure_bytes(fig, "svg"), "svg")


def _short(attribute: str) -> str:
    name = readable(attribute)
    return name if len(name) <= 24 else f"{name[:23]}…"


def _panel(axes: Axes, rows: list[dict[str, Any]], at: np.ndarray, made: str, control: str, verdict: str) -> None:
    """Draw one panel: two dots with intervals per attribute, joined; black where the verdict fell."""
    values = {
        key: np.array([np.nan if row[key] is None else row[key] for row in rows], float)
        for key in (name + end for name in (made, control) for end in ("", "_low", "_high"))
    }
    fell = np.array([bool(row[verdict]) for row in rows])
    axes.hlines(at, values[made], values[control], color=np.where(fell, VERMILION, MUTED), linewidth=1.2)
    for name, colour, marker, shift, label in (
        (control, ORANGE, "D", 0.16, "originals under equal blur"),
        (made, BLUE, "o", -0.16, "reconstructions"),
    ):
        axes.hlines(at + shift, values[f"{name}_low"], values[f"{name}_high"], color=colour, linewidth=2, alpha=0.4)
        axes.scatter(
            values[name], at, color=colour, marker=marker, s=24 if marker == "o" else 18, zorder=3, label=label
        )
    axes.hlines([], [], [], color=VERMILION, linewidth=1.2, label="differ by 10 points or more, q < .05")


def _listed(rows: list[dict[str, Any]], made: str, control: str, words: str, verb: str) -> str:
    if not rows:
        return f"None is {words.split(':')[0]}."
    first = rows if made == "kept" else sorted(rows, key=lambda row: -row["added"])
    row = first[0]
    return (
        f"{len(rows)} {'is' if len(rows) == 1 else 'are'} {words.split(':')[0]}, first {readable(row['attribute'])}:"
        f"{words.split(':')[1]} {percent(row[made])}, where equal blur {verb} it in {percent(row[control])}."
    )
