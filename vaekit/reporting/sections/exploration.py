"""Walks through the code: between two images, along one dim, along the direction of an attribute."""

from collections.abc import Iterable

from vaekit.reporting.document import Block, section
from vaekit.reporting.material import Material


@section("interpolations", "Interpolations", part="Pictures", place=80)
def interpolations(material: Material) -> Iterable[Block]:
    """Yield walks between the codes of two test images."""
    yield material.figure("interpolations")


@section("traversals", "Traversals", part="Pictures", place=90)
def traversals(material: Material) -> Iterable[Block]:
    """Yield what each of the most used dims does to a face."""
    yield material.figure("traversals")


@section("directions", "Directions and edits", part="Code", place=120)
def directions(material: Material) -> Iterable[Block]:
    """Yield how the attributes' directions lie to one another, and faces edited along them."""
    yield material.figure("direction_cosines")
    yield material.figure("edits")
