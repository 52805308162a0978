"""What explains the error: the importance of image properties and attributes on held-out images."""

from typing import Any

import numpy as np

from vaekit.artifacts import FINDINGS
from vaekit.errors import DataError
from vaekit.figures._style import BLUE, INK, ORANGE, canvas, figure_bytes, theme
from vaekit.figures.base import Artifacts, Drawn, figure
from vaekit.figures.words import fixed, percent, plural, readable

_MOST = 16


@figure("explained", needs=(FINDINGS,))
def explained(artifacts: Artifacts) -> Drawn:
    """Draw how much held-out R2 is lost when a property or an attribute is shuffled, the largest loss first."""
    facts: dict[str, Any] = artifacts[FINDINGS]["explained"]
    if not facts or not facts["importance"]:
        raise DataError("Not drawn: too few images to say what explains the error.")
    rows = facts["importance"][:_MOST]
    at = np.arange(len(rows))
    values, low, high = (np.array([row[key] for row in rows], float) for key in ("value", "low", "high"))
    is_property = np.array([row["kind"] == "property" for row in rows])
    r2 = {name: _said(row) for name, row in facts["r2"].items()}
    with theme():
        fig, (axes,) = canvas(8.6, 1.3 + 0.24 * max(len(rows), 3))
        for kind, colour, label in ((is_property, BLUE, "property of the image"), (~is_property, ORANGE, "attribute")):
            if kind.any():
                axes.barh(at[kind], values[kind], color=colour, height=0.62, label=label)
        axes.hlines(at, low, high, color=INK, linewidth=1.2)
        axes.set_title("R2 lost when a column is shuffled among held-out images")
        axes.set_xlabel("loss of R2")
        axes.set_yticks(at, [readable(row["label"]) for row in rows], parse_math=False)
        axes.tick_params(axis="y", labelcolor=INK, length=0)
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.grid(axis="y", visible=False)
        axes.legend(loc="lower right")
    first = rows[0]
    said = (
        f"Shuffling {readable(first['label'])} costs most, {fixed(first['value'], 2)} of R2. Held out, properties "
        "predict "
        f"{r2['properties']} of the variance of {facts['target']} over {facts['n']:,} images, attributes alone "
        f"{r2['attributes']}, both {r2['both']}."
    )
    caption = f"{said} The {len(rows)} largest of {len(facts['importance'])} are drawn, with 95 % intervals."
    return Drawn(
        "What explains the error",
        caption,
        f"Bar chart of {plural(len(rows), 'importance')}. {said}",
        figure_bytes(fig, "svg"),
        "svg",
    )


def _said(row: dict[str, Any]) -> str:
    return percent(row["value"], row["low"], row["high"])
