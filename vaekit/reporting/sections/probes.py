"""What the code knows: attributes read from it, against baselines and controls."""

from collections.abc import Iterable

from vaekit.reporting.document import Block, section
from vaekit.reporting.material import Material


@section("probes", "Attribute probes", part="Code", place=110)
def probes(material: Material) -> Iterable[Block]:
    """Yield how well each attribute is read from the code."""
    yield material.figure("probes")
    yield material.figure("dims_by_attribute")
