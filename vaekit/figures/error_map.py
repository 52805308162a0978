"""Where the error lies: mean error maps over the test images, the face outlined."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.image import AxesImage

from vaekit.artifacts import DIAGNOSIS_ARRAYS
from vaekit.figures._style import canvas, figure_bytes, theme
from vaekit.figures.base import Artifacts, Drawn, figure
from vaekit.figures.words import percent, plain, readable

_MOST = 4  # slices that get a map of their own


@figure("error_map", needs=(DIAGNOSIS_ARRAYS,))
def error_map(artifacts: Artifacts) -> Drawn:
    """Draw the mean absolute and the mean signed error per pixel, and what the first slices add to the former."""
    arrays: dict[str, np.ndarray] = artifacts[DIAGNOSIS_ARRAYS]
    absolute, signed, face = arrays["regions_absolute"], arrays["regions_signed"], arrays["regions_face"]
    names, maps = arrays["regions_slices"][:_MOST], arrays["regions_slice_maps"][:_MOST]
    panels = 2 + len(names)
    columns = panels if panels <= 3 else -(-panels // 2)
    added = [each - absolute for each in maps]  # beside one another the maps themselves look alike
    limit = float(absolute.max()) or 1.0
    most = max([float(np.abs(each).max()) for each in added], default=0.0) or 1.0
    reach = float(np.abs(signed).max()) or 1.0
    with theme():
        rows = -(-panels // columns)
        fig, axes = canvas(2.9 * columns, 2.75 * rows, rows, columns)
        for unused in axes[panels:]:
            unused.set_axis_off()
        shown = _map(axes[0], absolute, face, "all images", cmap="magma", vmin=0, vmax=limit)
        tilted = _map(axes[1], signed, face, "all images, signed", cmap="RdBu_r", vmin=-reach, vmax=reach)
        for place, name, each in zip(axes[2:], names, added, strict=False):
            title = readable(str(name))
            title = title if len(title) <= 32 else f"{title[:31]}…"
            beside = _map(place, each, face, title, cmap="PuOr_r", vmin=-most, vmax=most)
        if added:
            fig.colorbar(beside, ax=axes[2 : 2 + len(added)], shrink=0.8, label="minus all images")
        fig.colorbar(tilted, ax=axes[1], shrink=0.8, label="too dark · too bright")
        fig.colorbar(shown, ax=axes[0], shrink=0.8, label="mean |x − x̂|")
    inside, outside = float(absolute[face].mean()), float(absolute[~face].mean())
    row, column = np.unravel_index(int(absolute.argmax()), absolute.shape)
    share = absolute[~face].sum() / absolute.sum() if absolute.any() else 0.0
    said = (
        f"Mean absolute error per pixel, in units of the pixel range: {plain(inside)} in the face (outlined), "
        f"{plain(outside)} around it, which holds {percent((~face).mean())} of the area and {percent(share)} of "
        f"the absolute error. The largest, {plain(float(absolute.max()))}, is "
        f"{_place(int(row), int(column), *face.shape)}; the largest mean shift of brightness is {plain(reach)}."
    )
    if added:
        said += f" Groups of images are drawn by what they add to it: from {plain(-most)} to {plain(most)}."
    alt = f"{panels} error maps. {said}"
    return Drawn("Where the error lies", said, alt, figure_bytes(fig, "svg"), "svg")


def _map(axes: Axes, values: np.ndarray, face: np.ndarray, title: str, **style: Any) -> AxesImage:
    axes.set_title(title, fontsize=9.5, parse_math=False)
    axes.set(xticks=[], yticks=[])
    axes.grid(visible=False)
    drawn = axes.imshow(values, interpolation="none", **style)
    colour = "white" if style["cmap"] == "magma" else "#22262c"  # the maps' colours stay at night, and so does this
    axes.contour(face, levels=[0.5], colors=[colour], linewidths=1)
    return drawn


def _place(row: int, column: int, height: int, width: int) -> str:
    """Return where a pixel lies, in thirds of the picture."""
    down = ("at the top", "half way down", "at the bottom")[min(3 * row // height, 2)]
    across = ("left", "in the middle", "right")[min(3 * column // width, 2)]
    return f"{down}, {across}"
