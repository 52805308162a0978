"""Attributes in the code: which dims go with them, and which directions they share."""

import numpy as np
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform

from vaekit.artifacts import DIRECTIONS, PER_DIM, PROBES_SUMMARY
from vaekit.errors import DataError
from vaekit.figures._style import INK, canvas, figure_bytes, theme
from vaekit.figures.base import Artifacts, Drawn, figure
from vaekit.figures.words import abbreviated, fixed, plural, readable

_DIMS = 32  # of largest kl that the heat map shows
_LIMIT = 0.3  # of AUROC from 0.5, at the ends of the colours


@figure("dims_by_attribute", needs=(DIRECTIONS, PER_DIM, PROBES_SUMMARY))
def dims_by_attribute(artifacts: Artifacts) -> Drawn:
    """Draw the AUROC of single dims for every attribute, as a heat map; dims sorted by kl."""
    arrays = _arrays(artifacts)
    names = arrays["attributes"].tolist()
    away = arrays["single_dim_auroc"] - 0.5
    order = np.argsort(-artifacts[PER_DIM]["kl"].to_numpy(float), kind="stable")
    dims = order[:_DIMS]
    length = np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-12)
    rows = _clustered(away @ away.T / (length * length.T))
    with theme():
        fig, (axes,) = canvas(8.6, 1.7 + 0.19 * max(len(names), 4))
        axes.set(title="Single dims as attribute detectors", xlabel="latent dims, sorted by KL")
        image = axes.imshow(
            away[np.ix_(rows, dims)], cmap="RdBu_r", vmin=-_LIMIT, vmax=_LIMIT, aspect="auto", interpolation="none"
        )
        axes.grid(visible=False)
        axes.set_yticks(range(len(names)), [abbreviated(names[k]) for k in rows], parse_math=False, fontsize=8.5)
        axes.set_xticks(range(len(dims)), dims, fontsize=7.5, rotation=90)
        axes.tick_params(axis="y", labelcolor=INK)
        axes.tick_params(length=0)
        fig.colorbar(image, ax=axes, label="AUROC − 0.5; red: more of the dim, more often", extend="both", aspect=40)
    k, d = np.unravel_index(int(np.abs(away).argmax()), away.shape)
    single = float(0.5 + abs(away[k, d]))
    strongest = np.abs(away).max(1)
    said = (
        f"The strongest single dim is {d} for {readable(names[k])}: AUROC {fixed(single, 2)} alone, where the probe on "
        "all "
        f"dims reaches {fixed(float(arrays['auroc'][k]), 2)}"
    )
    caption = (
        f"{said}. For {int((strongest >= 0.25).sum())} of {plural(len(names), 'attribute')} one dim alone reaches "
        "0.75. "
        f"The {len(dims)} of {plural(away.shape[1], 'dim')} with the largest KL are drawn; attributes that use dims "
        "alike "
        "stand together."
    )
    alt = f"Heat map of {plural(len(names), 'attribute')} by {plural(len(dims), 'latent dim')}. {said}."
    return Drawn("Which dim carries what", caption, alt, figure_bytes(fig, "svg"), "svg")


@figure("direction_cosines", needs=(DIRECTIONS, PROBES_SUMMARY))
def direction_cosines(artifacts: Artifacts) -> Drawn:
    """Draw the cosines between the probes' directions, attributes ordered so that like stands by like."""
    arrays = _arrays(artifacts)
    names, cosine = arrays["attributes"].tolist(), arrays["cosine"]
    rows = _clustered(cosine)
    with theme():
        fig, (axes,) = canvas(8.6, 2.0 + 0.165 * max(len(names), 6))
        axes.set(title="Directions that attributes share")
        image = axes.imshow(cosine[np.ix_(rows, rows)], cmap="RdBu_r", vmin=-1, vmax=1, interpolation="none")
        axes.grid(visible=False)
        labels = [abbreviated(names[k]) for k in rows]
        axes.set_yticks(range(len(names)), labels, parse_math=False, fontsize=7.5)
        axes.set_xticks(range(len(names)), labels, parse_math=False, fontsize=7.5, rotation=90)
        axes.tick_params(labelcolor=INK, length=0)
        fig.colorbar(image, ax=axes, label="cosine of the probes' normals", aspect=30, shrink=0.75)
    if len(names) == 1:
        said = f"{readable(names[0])} is the only attribute that was probed"
        caption = f"{said}."
    else:
        apart = np.where(np.eye(len(names), dtype=bool), 0.0, cosine)
        (a, b), (c, d) = (np.unravel_index(place, apart.shape) for place in (apart.argmax(), apart.argmin()))
        said = (
            f"{readable(names[a])} and {readable(names[b])} share most of a direction (cosine "
            f"{fixed(apart[a, b], 2)}); "
            f"{readable(names[c])} and {readable(names[d])} are the most opposed ({fixed(apart[c, d], 2)})"
        )
        caption = (
            f"{said}. A step along one direction also moves the probes of what is red beside it; 0 would be two "
            "attributes that can be edited apart."
        )
    alt = f"Heat map of a {len(names)} by {len(names)} matrix of cosines. {said}."
    return Drawn("Directions of attributes", caption, alt, figure_bytes(fig, "svg"), "svg")


def _arrays(artifacts: Artifacts) -> dict[str, np.ndarray]:
    if reason := artifacts[PROBES_SUMMARY]["reason"]:
        raise DataError(f"Not drawn: {reason}.")
    arrays: dict[str, np.ndarray] = artifacts[DIRECTIONS]
    return arrays


def _clustered(likeness: np.ndarray) -> np.ndarray:
    """Return the order of the leaves of an average-linkage tree in which a likeness of 1 is no distance."""
    if len(likeness) < 3:
        return np.arange(len(likeness))
    distance = np.clip(1 - np.nan_to_num((likeness + likeness.T) / 2), 0, 2)
    np.fill_diagonal(distance, 0)
    result: np.ndarray = leaves_list(linkage(squareform(distance), "average", optimal_ordering=True))
    return result
