"""What training and the model show: curves, reconstructions, and samples from the prior and by temperature."""

from collections.abc import Iterable

from vaekit import artifacts
from vaekit.reporting.document import Block, Prose, section
from vaekit.reporting.material import Material


@section("curves", "Training curves", part="Results", place=40)
def curves(material: Material) -> Iterable[Block]:
    """Yield the history of the run."""
    yield material.figure("training")


@section("reconstructions", "Reconstructions", part="Pictures", place=50)
def reconstructions(material: Material) -> Iterable[Block]:
    """Yield test images above what the model makes of them."""
    yield material.figure("reconstructions")


@section("samples", "Samples", part="Pictures", place=60)
def samples(material: Material) -> Iterable[Block]:
    """Yield draws from the prior, the same draws by temperature, draws from the codes' own density, and neighbours."""
    verdict = material.files.get(artifacts.SAMPLES, {}).get("verdict")
    if verdict:
        yield Prose(verdict["sentence"], "strong")
    for name in ("samples", "temperatures", "samples_aggregate", "neighbours"):
        yield material.figure(name)
