"""What samples lack against the test images: distances of their features, and how often each attribute occurs."""

from collections.abc import Iterable

from vaekit.reporting.document import Block, Heading, section
from vaekit.reporting.material import Material


@section("sampling_gap", "Sampling gap", part="Pictures", place=70)
def sampling_gap(material: Material) -> Iterable[Block]:
    """Yield how far each source of pictures is from the test images."""
    yield material.figure("sampling_gap")
    yield material.figure("precision_recall")
    yield Heading("Attribute rates")
    yield material.figure("attribute_rates")
