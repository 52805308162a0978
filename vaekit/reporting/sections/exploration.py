"""Walks through the code: between two images, along one dim, along the direction of an attribute."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from vaekit import artifacts
from vaekit.errors import DataError
from vaekit.figures.grids import image_grid, png_bytes
from vaekit.figures.words import count, estimate, fixed, plain, readable, short
from vaekit.reporting.document import Block, Bullets, Details, Gap, Prose, Strip, Strips, closed, section
from vaekit.reporting.material import Material


@section("interpolations", "Interpolations", part="Pictures", place=80)
def interpolations(material: Material) -> Iterable[Block]:
    """Yield walks between the codes of two test images."""
    yield material.figure("interpolations")


@section("traversals", "Traversals", part="Pictures", place=90)
def traversals(material: Material) -> Iterable[Block]:
    """Yield what each of the most used dims does to a face."""
    yield from material.part(
        lambda summary, arrays: _traversals(_part(summary, "traversals"), arrays, material),
        artifacts.EXPLORATION_SUMMARY,
        artifacts.TRAVERSALS,
    )


def _traversals(facts: dict[str, Any], arrays: dict[str, np.ndarray], material: Material) -> Iterable[Block]:
    yield Prose(" ".join(facts["sentences"]))
    low, high = facts["percentiles"]
    yield Strips(
        "traversals",
        "Latent dim",
        "value of z",
        tuple(_dims(facts, arrays)),
        f"From {facts['base']}, one dim is moved from the {low:g} % to the {high:g} % quantile of μ over the "
        f"{count(facts['n'])} test images, the others held.",
        0,
        material.figure("traversals"),
    )


def _dims(facts: dict[str, Any], arrays: dict[str, np.ndarray]) -> Iterable[Strip]:
    for row, dim in enumerate(facts["dims"]):
        said = f"KL {short(facts['kl'][row])} nats; ends apart by {fixed(facts['change'][row], 1)} grey levels"
        values = tuple(fixed(value, 2) for value in arrays["values"][row])
        yield strip(f"Dim {dim}", said, values, arrays["pictures"][row][None])


@section("directions", "Directions and edits", part="Code", place=120)
def directions(material: Material) -> Iterable[Block]:
    """Yield faces edited along the attributes' directions, what else that moved, and how the directions lie."""
    yield from (
        edited := material.part(
            lambda summary, arrays: _edits(_part(summary, "edits"), arrays, material),
            artifacts.EXPLORATION_SUMMARY,
            artifacts.EDITS,
        )
    )
    yield from closed("Side effects of edits", [material.figure("edit_effects")])
    if any(not isinstance(block, Gap) for block in edited):
        yield from closed("How the directions lie to one another", [material.figure("direction_cosines")])


def _edits(facts: dict[str, Any], arrays: dict[str, np.ndarray], material: Material) -> Iterable[Block]:
    rows = facts["attributes"]
    yield Strips(
        "edits",
        "Attribute",
        "steps along its direction",
        tuple(_attributes(facts, arrays)),
        f"Test images {' and '.join(facts['image_ids'])}, decoded from μ + a v: v goes from the mean code of train "
        "images without an attribute to that of those with it, and a counts standard deviations of the codes along it. "
        f"What a step does to the attribute's own probe is measured on {count(facts['n'])} edited test images, encoded "
        "again, in standard deviations of its logit.",
        0,
        material.figure("edits"),
    )
    yield Details("What each edit does, in words", (Bullets(tuple(row["sentence"] for row in rows)),))


def _attributes(facts: dict[str, Any], arrays: dict[str, np.ndarray]) -> Iterable[Strip]:
    steps = tuple(plain(strength, 3, sign=True) for strength in facts["strengths"])
    for row, pictures in zip(facts["attributes"], arrays["pictures"], strict=True):
        own = estimate(row["value"], row["low"], row["high"])
        said = f"a step moves its own probe by {own} standard deviations"
        yield strip(readable(row["attribute"]), said, steps, pictures)


def strip(label: str, detail: str, steps: tuple[str, ...], pictures: np.ndarray) -> Strip:
    """Return a strip of pictures, uint8 (rows, steps, S, S, 3), which touch one another."""
    rows, columns = pictures.shape[:2]
    sheet = image_grid(pictures.reshape(rows * columns, *pictures.shape[2:]), columns, gap=0)
    return Strip(label, detail, steps, rows, png_bytes(sheet), *sheet.size)


def _part(summary: dict[str, Any], name: str) -> dict[str, Any]:
    """Return one part of exploration.json; DataError with the reason where it was not made."""
    if name in summary["absent"]:
        raise DataError(summary["absent"][name])
    part: dict[str, Any] = summary[name]
    return part
