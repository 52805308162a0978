"""Samples in pictures: prior beside aggregate posterior, and the train images that samples come closest to."""

import numpy as np
import pandas as pd

from vaekit.artifacts import SAMPLE_PICTURES, SAMPLES, SAMPLING_GAP
from vaekit.errors import DataError
from vaekit.figures.base import Artifacts, Drawn, figure
from vaekit.figures.strips import in_rows, sheet
from vaekit.figures.words import distance, in_sentence, plain, plural

_SIDE = 6  # images in a row of either half, and rows of it
_PIXELS = 36 * 64 * 64  # at most so many pixels of each kind, so that a page of 128-pixel images still loads on a phone


@figure("samples_aggregate", needs=(SAMPLE_PICTURES,))
def samples_aggregate(artifacts: Artifacts) -> Drawn:
    """Draw samples from N(0, I) beside samples from the learned prior or, where there is none, the fitted mixture."""
    kept = artifacts[SAMPLE_PICTURES]
    sides = ("standard", "prior") if "standard" in kept else ("prior", "aggregate")
    assumed, fitted = (kept[side] for side in sides)
    side = max(1, min(_SIDE, int(np.sqrt(_PIXELS) // assumed.shape[2])))
    n = min(len(assumed), len(fitted), side**2)
    columns = min(side, n)
    halves = [in_rows(images[:n], columns) for images in (assumed, fitted)]
    right = "from the learned prior" if "standard" in kept else "from a density fitted to the codes"
    heads = ["from N(0, I)", *[""] * (columns - 1), right, *[""] * (columns - 1)]
    drawn = sheet(np.concatenate(halves, axis=1), [""] * len(halves[0]), heads=heads, columns_apart=(columns,))
    caption = (
        f"{plural(n, 'unselected sample')} each: on the left z ~ N(0, I), on the right z {right}"
        f"{' of this model' if 'standard' in kept else ', a Gaussian mixture'}; both are decoded alike."
    )
    caption += _nearer(artifacts, sides)
    alt = f"Two grids of {plural(n, 'decoded face')}: from N(0, I) on the left, {right} on the right."
    return Drawn("Samples from N(0, I) and from what the codes are like", caption, alt, drawn, "svg")


def _nearer(artifacts: Artifacts, sides: tuple[str, str]) -> str:
    """Return which side is nearer to the test images, where the table of distances is there and says so."""
    table: pd.DataFrame | None = artifacts.get(SAMPLING_GAP)
    metrics = artifacts.get(SAMPLES, {}).get("metrics", {})
    kinds = [kind for kind in metrics if kind.startswith(("fid", "fd_")) and table is not None and kind in table]
    if table is None or not kinds:
        return ""
    rows = table.set_index("source")
    kind = next((kind for kind in kinds if rows.loc[list(sides), kind].notna().all()), None)
    if kind is None:
        return ""
    left, right = (rows.loc[side, [kind, f"{kind}_low", f"{kind}_high"]] for side in sides)
    if right[f"{kind}_high"] < left[f"{kind}_low"]:
        what = "The right ones are nearer to the test images"
    elif left[f"{kind}_high"] < right[f"{kind}_low"]:
        what = "The left ones are nearer to the test images"
    else:
        what = "Neither side is clearly nearer to the test images"
    label = in_sentence(metrics[kind]["label"])
    here, there = distance(*left), distance(*right)
    return f" {what}: {label} {here} on the left, {there} on the right."


@figure("neighbours", needs=(SAMPLE_PICTURES,))
def neighbours(artifacts: Artifacts) -> Drawn:
    """Draw the prior samples that come closest to a train image, each above that image."""
    kept = artifacts[SAMPLE_PICTURES]
    said = artifacts.get(SAMPLES, {}).get("memorisation", {}).get("sentence")
    if "neighbour_samples" not in kept:
        raise DataError(said or "No samples were compared with train images.")
    samples, train, distances = (kept[f"neighbour_{name}"] for name in ("samples", "train", "distance"))
    caption = (
        f"The {plural(len(samples), 'train image')} (below) that samples from the prior come closest to in the judge's "
        "features, "
        f"each under its closest sample, closest first (distances {plain(distances[0])} to {plain(distances[-1])})."
    )
    alt = f"{plural(len(samples), 'decoded face')}, each above the train image nearest to it."
    grid = sheet(np.stack([samples, train]), ["samples", "train images"])
    return Drawn("Nearest train images", f"{caption} {said}" if said else caption, alt, grid, "svg")
