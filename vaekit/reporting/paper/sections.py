"""The edition that one hands in: eight pages at most, pictures first. Each section is a choice of what `full` shows."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from vaekit import artifacts
from vaekit.reporting.document import PAPER, Block, Cards, Gap, Grid, Heading, Metrics, Prose, Scale, Slot, section
from vaekit.reporting.material import Material
from vaekit.reporting.sections.appendix import references
from vaekit.reporting.sections.failures import galleries
from vaekit.reporting.sections.findings import diagnoses
from vaekit.reporting.sections.scale import scale
from vaekit.reporting.sections.setting import data, limits
from vaekit.reporting.sections.theory import theory
from vaekit.reporting.sections.verdict import verdict
from vaekit.reporting.tables import metrics_of, table_of, words

_WORST, _DIAGNOSES = 3, 4
_NUMBERS = ("mse", "sse", "psnr", "ssim", "r2", "kl", "elbo", "bpd_calibrated", "fid", "fd_attributes", "probe_auroc")
_PARTS = ("data", "model", "likelihood", "objective", "training")


@section("faces", "Faces", part="Results", place=10, of=PAPER)
def faces(material: Material) -> Iterable[Block]:
    """Yield test images, reconstructions and samples, and the worst reconstructions."""
    yield material.figure("faces")
    yield Heading("The worst reconstructions")
    for block in galleries(material):
        if isinstance(block, Cards) and block.name == "worst":
            yield replace(block, cards=block.cards[:_WORST])
        elif isinstance(block, Scale | Gap):
            yield block


section("verdict", "Summary", part="Results", place=20, of=PAPER)(verdict)


@section("curves", "Training", part="Results", place=30, of=PAPER)
def curves(material: Material) -> Iterable[Block]:
    """Yield the history of the run."""
    yield material.figure("training")


@section("numbers", "Numbers", part="Results", place=40, of=PAPER)
def numbers(material: Material) -> Iterable[Block]:
    """Yield the error on a scale, and the numbers that a reader asks for."""
    yield from scale(material)
    yield Metrics("On the test images", metrics_of(material.rows, _NUMBERS))


@section("samples", "Samples", part="Results", place=50, of=PAPER)
def samples(material: Material) -> Iterable[Block]:
    """Yield samples from the prior and from the codes' own density, and which part of the model is at fault."""
    yield material.figure("samples_aggregate")
    content: dict[str, Any] = material.files.get(artifacts.SAMPLES, {})
    for part in ("prior", "verdict", "modes", "memorisation"):
        if said := (content.get(part) or {}).get("sentence"):
            yield Prose(said)


@section("failures", "Failures", part="Results", place=60, of=PAPER)
def failures(material: Material) -> Iterable[Block]:
    """Yield the first findings with the images that show them, and where the error lies."""
    yield from material.part(
        lambda content: diagnoses(content, material, content["findings"][:_DIAGNOSES]), artifacts.FINDINGS
    )
    yield material.figure("error_map")
    yield Slot("Which of these failures matters most for your purpose, and which did you expect?")


@section("latent", "The latent code", part="Results", place=70, of=PAPER)
def latent(material: Material) -> Iterable[Block]:
    """Yield whether the code has collapsed, what its dims carry, and what they do to a face."""
    yield from material.part(lambda content: [Prose(content["verdict"]["sentence"])], artifacts.LATENT)
    yield material.figure("kl_per_dim")
    yield material.figure("traversals")


@section("discussion", "Discussion", part="Discussion", place=80, of=PAPER)
def discussion(material: Material) -> Iterable[Block]:
    """Yield the theory with this run's numbers, and the place for the author's own words."""
    yield from theory(material)
    yield Slot(
        "What did you expect, and what came out otherwise? Which decision of yours do these numbers speak for or "
        "against? What would you do with another week?"
    )


@section("method", "Model, data and hyperparameters", part="Method", place=90, of=PAPER)
def method(material: Material) -> Iterable[Block]:
    """Yield the network as a figure, every setting as a table, and the data."""
    yield material.figure("architecture")
    settings = dict(_flat({part: material.summary["config"].get(part) for part in _PARTS}))
    half = -(-len(settings) // 2)
    left, right = list(settings.items())[:half], [*list(settings.items())[half:], ("", "")][:half]
    columns = [words(head, (cell[i] for cell in side)) for side in (left, right) for i, head in enumerate(_HEADS)]
    yield Grid("Hyperparameters", table_of(*columns))
    yield from data(material)


_HEADS = ("Setting", "Value")


def _flat(settings: Mapping[str, Any], above: str = "") -> Iterable[tuple[str, str]]:
    """Yield "objective.beta", "1" and the like for every setting that is set."""
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{name}.")
        elif value not in (None, ""):
            yield f"{above}{name}", f"{value:g}" if isinstance(value, float) else str(value)


section("limits", "Limits", part="Method", place=100, of=PAPER)(limits)
section("references", "References", part="Sources", place=110, of=PAPER)(references)
