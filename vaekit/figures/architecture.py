"""The network from image to image: what each step's output is like, and how many parameters make it."""

from itertools import groupby
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from vaekit.artifacts import LAYERS
from vaekit.errors import DataError
from vaekit.figures._style import BLUE, MUTED, ORANGE, canvas, figure_bytes, theme
from vaekit.figures.base import Artifacts, Drawn, figure
from vaekit.figures.words import count, plural

_BOXES = 14  # in a row, at most


@figure("architecture", needs=(LAYERS,))
def architecture(artifacts: Artifacts) -> Drawn:
    """Draw one box for every shape that the image takes on its way, encoder in blue, the rest in orange."""
    layers = artifacts[LAYERS].to_dict("records")
    steps = [
        (part, shape, [str(row["kind"]) for row in rows], sum(int(row["parameters"]) for row in rows))
        for (part, shape), group in groupby(layers, key=lambda row: (str(row["part"]), str(row["output_shape"])))
        for rows in [list(group)]
    ]
    if not steps:
        raise DataError("Not drawn: the table of layers is empty.")
    lines = -(-len(steps) // _BOXES)
    row = -(-len(steps) // lines)
    with theme():
        fig, panels = canvas(8.6, 1.5 * lines, lines)
        for line, axes in enumerate(panels):
            axes.set_axis_off()
            axes.set(xlim=(-0.6, row - 0.4), ylim=(-1.75, 1.15))
            for at, step in enumerate(steps[line * row : (line + 1) * row]):
                _box(axes, at, step)
    total = sum(parameters for *_, parameters in steps)
    caption = (
        f"{plural(len(layers), 'layer')} in {plural(len(steps), 'step')} of one shape each (channels × height × width, "
        f"or the length of a vector), {count(total)} parameters in all: the encoder in blue, what follows in orange. "
        "Height goes with the logarithm of the side, width with that of the channels."
    )
    alt = f"Row of {plural(len(steps), 'box', 'boxes')}: {', '.join(shape for _, shape, _, _ in steps)}."
    return Drawn("Architecture", caption, alt, figure_bytes(fig, "svg"), "svg")


def _box(axes: Axes, at: int, step: tuple[str, str, list[str], int]) -> None:
    part, shape, kinds, parameters = step
    sizes = [int(size) for size in shape.split(" x ")] if shape.replace(" x ", "").isdigit() else [1]
    side = sizes[-1] if len(sizes) == 3 else 1
    height, width = 0.18 + 0.25 * np.log2(side), 0.12 + 0.07 * np.log2(sizes[0] + 1)
    colour = BLUE if part == "encoder" else ORANGE
    axes.add_patch(Rectangle((at - width / 2, -height / 2), width, height, facecolor=colour, edgecolor="none"))
    main: dict[str, Any] = {"ha": "center", "va": "top", "parse_math": False}
    axes.text(at, -0.95, shape.replace(" x ", "×"), fontsize=8, **main)
    heaviest = next((kind for kind in kinds if kind.startswith(("Conv", "Linear"))), kinds[0])
    axes.text(
        at,
        -1.22,
        heaviest.replace("ConvTranspose2d", "ConvT").replace("Conv2d", "Conv"),
        fontsize=7.5,
        color=MUTED,
        **main,
    )
    axes.text(at, -1.47, count(parameters) if parameters else "", fontsize=7, color=MUTED, **main)
