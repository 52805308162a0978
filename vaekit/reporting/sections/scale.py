"""Is that good? The error of this model between that of models without a network."""

from collections.abc import Iterable

from vaekit.figures.words import count, fixed, number, percent, plural
from vaekit.quantity import Quantity
from vaekit.reporting.document import Block, Grid, Prose, section
from vaekit.reporting.material import Material
from vaekit.reporting.tables import Column, estimates, table_of, words

_PLACES = {
    "fd_attributes_train": "real train images",
    "fd_attributes_reconstructions": "reconstructions",
    "fd_attributes_aggregate": "samples of a density fitted to the codes",
    "fd_attributes": "samples from the prior",
}


@section("scale", "Is that good?", part="Results", place=15)
def scale(material: Material) -> Iterable[Block]:
    """Yield the mean face, PCA of the code's size and this model in one table, and what follows from it."""
    known = material.summary["references"]
    mean, pca, mse = known.get("mean face"), known.get("pca"), material.value("mse")
    if mean is None or mse is None:
        return
    dims = material.summary["model"]["latent_dim"]
    rows = [("The mean face for every image", mean)]
    if pca:
        rows.append((f"PCA with {plural(dims, 'component')}, fitted to {count(pca['n'])} train images", pca))
    own = material.rows
    yield Grid(
        "The error on a scale",
        table_of(
            words("Model", (*(name for name, _ in rows), "This model")),
            _scaled("MSE ↓", (row["mse"] for _, row in rows), own["mse"]),
            _scaled("R² ↑", (1 - row["mse"] / mean["mse"] if mean["mse"] else None for _, row in rows), own.get("r2")),
            _scaled("SSIM ↑", (row["ssim"] for _, row in rows), own.get("ssim")),
        ),
    )
    if mean["mse"]:
        yield Prose(" ".join(_said(material, mse, mean["mse"], pca["mse"] if pca else None, dims)))
    yield from _distances(material)


def _scaled(heading: str, references: Iterable[float | None], own: Quantity | None) -> Column:
    """Return a column of what the references reach, with this model's number, as its tile shows it, at the end."""
    values = [*references, own.value if own else None]
    ends = (own.low, own.high) if own else (None, None)
    shown = (*map(number, values[:-1]), number(values[-1], *ends))
    return Column(heading, shown, tuple(values))


def _said(material: Material, mse: float, mean: float, pca: float | None, dims: int) -> Iterable[str]:
    yield f"The model leaves {percent(mse / mean)} of the mean face's squared error."
    if pca is None:
        yield f"There are too few train images for a PCA with {plural(dims, 'component')}."
        return
    low, high = material.rows["mse"].low, material.rows["mse"].high
    if low is None or high is None or low <= pca <= high:
        yield "PCA of the same size, which is linear and pays nothing for its code, does about as well."
    elif pca < low:
        yield (
            f"PCA of the same size, which is linear and pays nothing for its code, does better: the model's error is "
            f"{fixed(mse / pca, 2)} times as large."
        )
    else:
        yield (
            f"PCA of the same size, which is linear and pays nothing for its code, has {fixed(pca / mse, 2)} times the "
            "model's error."
        )


def _distances(material: Material) -> Iterable[Block]:
    """Yield how far samples are from the test images, from the floor that real images set upwards."""
    found = {name: material.rows[name] for name in _PLACES if name in material.rows}
    found = {name: row for name, row in found.items() if row.value is not None}
    if {"fd_attributes_train", "fd_attributes"} <= {*found}:
        table = table_of(
            words("Set of images", (_PLACES[name].capitalize() for name in found)),
            estimates(
                "Distance from the test images ↓",
                *zip(*((q.value, q.low, q.high) for q in found.values()), strict=True),
            ),
        )
        yield Grid("Samples on a scale", table)
