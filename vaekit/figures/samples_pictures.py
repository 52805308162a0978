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
    """Draw samples from the prior beside samples from the fitted aggregate posterior."""
    kept = artifacts[SAMPLE_PICTURES]
    prior, aggregate = kept["prior"], kept["aggregate"]
    side = max(1, min(_SIDE, int(np.sqrt(_PIXELS) // prior.shape[2])))
    n = min(len(prior), len(aggregate), side**2)
    columns = min(side, n)
    halves = [in_rows(images[:n], columns) for images in (prior, aggregate)]
    heads = ["from the prior", *[""] * (columns - 1), "from a density fitted to the codes", *[""] * (columns - 1)]
    drawn = sheet(np.concatenate(halves, axis=1), [""] * len(halves[0]), heads=heads, columns_apart=(columns,))
    caption = (
        f"{plural(n, 'unselected sample')} each: on the left z ~ N(0, I), on the right z from a Gaussian mixture "
        "fitted to the "
        "codes of train images, the same decoder."
    )
    caption += _nearer(artifacts)
    alt = (
        f"Two grids of {plural(n, 'decoded face')}: from the prior on the left, from the aggregate posterior on the "
        "right."
    )
    return Drawn("Prior and aggregate posterior", caption, alt, drawn, "svg")


def _nearer(artifacts: Artifacts) -> str:
    """Return which side is nearer to the test images, where the table of distances is there and says so."""
    table: pd.DataFrame | None = artifacts.get(SAMPLING_GAP)
    metrics = artifacts.get(SAMPLES, {}).get("metrics", {})
    kinds = [kind for kind in metrics if kind.startswith(("fid", "fd_")) and table is not None and kind in table]
    if table is None or not kinds:
        return ""
    rows = table.set_index("source")
    kind = next((kind for kind in kinds if rows.loc[["prior", "aggregate"], kind].notna().all()), None)
    if kind is None:
        return ""
    prior, aggregate = (rows.loc[source, [kind, f"{kind}_low", f"{kind}_high"]] for source in ("prior", "aggregate"))
    if aggregate[f"{kind}_high"] < prior[f"{kind}_low"]:
        what = "The right ones are nearer to the test images"
    elif prior[f"{kind}_high"] < aggregate[f"{kind}_low"]:
        what = "The left ones are nearer to the test images"
    else:
        what = "Neither side is clearly nearer to the test images"
    label = in_sentence(metrics[kind]["label"])
    left, right = (distance(*row) for row in (prior, aggregate))
    return f" {what}: {label} {left} on the left, {right} on the right."


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
