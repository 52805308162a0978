"""Every slice that was tested: the effect of each with its interval, those that became findings first."""

from typing import Any

import numpy as np

from vaekit.artifacts import FINDINGS
from vaekit.errors import DataError
from vaekit.figures._style import BLUE, INK, MUTED, ORANGE, canvas, figure_bytes, theme
from vaekit.figures.base import Artifacts, Drawn, figure
from vaekit.figures.words import in_sentence, plain, plural, visible

_MOST, _WIDEST = 24, 52  # candidates drawn; letters of a name
_FATES = (
    ("finding", BLUE, ("finding",)),
    ("confirmed, and folded into a finding", ORANGE, ("folded", "confirmed")),
    ("not confirmed, not stable or too small", MUTED, ("not ", "too ")),
)


@figure("findings_overview", needs=(FINDINGS,))
def findings_overview(artifacts: Artifacts) -> Drawn:
    """Draw mean error inside over outside (inside minus outside, without a zero) of every candidate, with intervals."""
    content: dict[str, Any] = artifacts[FINDINGS]
    rows = [row for row in content["tested"] if row["value"] is not None]
    if not rows:
        raise DataError("Not drawn: there were too few images to test any slice.")
    found = [row for row in rows if row["became"] == "finding"]
    found.sort(key=lambda row: -(row["share"] or 0.0))
    rest = [row for row in rows if row["became"] != "finding"]
    shown = [*found, *rest][:_MOST]
    ratio = all(row["ratio"] is not None for row in shown)
    keys = ("ratio", "ratio_low", "ratio_high") if ratio else ("value", "low", "high")
    values, low, high = (np.array([row[key] for row in shown], float) for key in keys)
    at, fates = np.arange(len(shown)), [row["became"] for row in shown]
    with theme():
        fig, (axes,) = canvas(8.6, 1.6 + 0.26 * max(len(shown), 3))
        axes.axvline(1.0 if ratio else 0.0, color=MUTED, linewidth=1)
        for label, colour, starts in _FATES:
            own = np.array([fate.startswith(starts) for fate in fates])
            if own.any():
                axes.hlines(at[own], low[own], high[own], colors=colour, linewidth=1.8)
                axes.scatter(values[own], at[own], color=colour, s=28, zorder=3, label=label)
        difference = f"mean of the slice minus mean of all others, {content['unit']}"
        axes.set_xlabel("mean of the slice over mean of all others" if ratio else difference, parse_math=False)
        axes.set_yticks(at, [f"{_short(row['slice'])} ({row['n']:,})" for row in shown], parse_math=False)
        axes.tick_params(axis="y", labelcolor=INK, length=0)
        axes.set_ylim(len(shown) - 0.4, -0.6)
        axes.grid(axis="y", visible=False)
        fig.legend(loc="outside lower center", ncols=3)
    said = (
        f"{len(found)} of {plural(len(rows), 'slice')} tested on {content['n_confirmation']:,} images became findings."
    )
    if found:
        first = found[0]
        size = f"{plain(first['ratio'], 3)} times" if ratio else f"{plain(first['value'])} {content['unit']} off"
        said += (
            f" Most of the error: {visible(first['slice'])}, {size} the {in_sentence(content['label'])} of the others."
        )
    more = f" {len(rows) - len(shown)} more are in candidates.csv." if len(rows) > len(shown) else ""
    intervals = "95 % intervals, each on images that were not searched then"
    caption = f"{said} {intervals}; the number of images behind each name.{more}"
    alt = f"Dot plot of {plural(len(shown), 'slice')}. {said}"
    return Drawn("Slices tested", caption, alt, figure_bytes(fig, "svg"), "svg")


def _short(name: str) -> str:
    name = visible(name)
    return name if len(name) <= _WIDEST else f"{name[: _WIDEST - 1]}…"
