"""What training and the model show: a strip of faces, the history of the run, and reconstructions."""

from collections.abc import Iterable

from vaekit.reporting.document import Block, section
from vaekit.reporting.material import Material


@section("faces", "Faces", part="Results", place=5)
def faces(material: Material) -> Iterable[Block]:
    """Yield test images, reconstructions and samples in one strip: what all numbers below are about."""
    yield material.figure("faces")


@section("curves", "Training curves", part="Results", place=40)
def curves(material: Material) -> Iterable[Block]:
    """Yield the history of the run."""
    yield material.figure("training")


@section("reconstructions", "Reconstructions", part="Pictures", place=50)
def reconstructions(material: Material) -> Iterable[Block]:
    """Yield test images above what the model makes of them."""
    yield material.figure("reconstructions")
