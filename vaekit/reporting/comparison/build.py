"""Several models on one page: from the artifacts of each to compare.html, compare.md, compare.json and figures/."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vaekit import artifacts
from vaekit.figures.words import listed, plural
from vaekit.progress import Progress, silent
from vaekit.reporting.build import Pages
from vaekit.reporting.collect import Folders, collect
from vaekit.reporting.comparison.same_images import Originals
from vaekit.reporting.comparison.together import Together
from vaekit.reporting.document import COMPARED, Page, Picture, in_order
from vaekit.reporting.drawing import Drawings
from vaekit.reporting.fitting import fit
from vaekit.reporting.page import write_sections
from vaekit.reporting.protocol import cropped, pixels

if TYPE_CHECKING:
    from vaekit.statistics.differences import Difference

_READ = (
    artifacts.SUMMARY,
    artifacts.PER_IMAGE,
    artifacts.PER_DIM,
    artifacts.LATENT,
    artifacts.LATENTS,
    artifacts.HISTORY,
    artifacts.PICTURES,
    artifacts.DRAWS,
    artifacts.RECONSTRUCTIONS,
    artifacts.SAMPLES,
    artifacts.SAMPLE_PICTURES,
    artifacts.FINDINGS,
    artifacts.EXPLORATION_SUMMARY,
    artifacts.TRAVERSALS,
)


class Comparison(Pages):
    """The pages of several models; in a terminal, what stands first on them."""

    kind = "compare"

    def __str__(self) -> str:
        sections = artifacts.read_json(self.data)["sections"]
        blocks = next(section["blocks"] for section in sections if section["id"] == "overview")
        said = [text for block in blocks for text in (block.get("text"), *block.get("items", ())) if text]
        return "\n".join([*(text.replace("`", "") for text in said), super().__str__()])


def build_comparison(
    models: Mapping[str, Path],
    out: Path,
    *,
    differences: Sequence["Difference"],
    originals: Originals,
    title: str | None = None,
    progress: Progress = silent,
) -> Comparison:
    """Write compare.html, compare.md, compare.json and figures/ to `out` and return where they are.

    Args:
        models: name -> the folder of its protocol, with evaluation/ and, where they are made, failures/ and
            exploration/.
        out: receives the comparison; the same artifacts give the same bytes.
        differences: paired ones, of every two models; none where their protocols are unlike.
        originals: image ids -> uint8 (n, H, W, 3), the test images as the networks saw them.
        title: headline; None makes one from the names.
        progress: told how far the work is.

    Raises:
        DataError: a model has no readable summary.json.
        OutputError: `out` can not be written.
    """
    read = {}
    for done, (name, folder) in enumerate(models.items()):
        progress("compare", done, len(models) + 1, name)
        read[name] = collect(Folders.below(folder), _READ)
    progress("compare", len(models), len(models) + 1, "pages")
    page = _page(
        Together(read, differences, originals, chosen=frozenset(name for name, _ in in_order(COMPARED))), title
    )
    blocks = [block for section in page.sections for block in section.walk()]
    placed = [part for block in blocks for part in (block, getattr(block, "figure", None))]
    pictures = [part for part in placed if isinstance(part, Picture)]
    comparison = Comparison.write(page, out, Drawings({picture.name: picture.drawn for picture in pictures}, {}, ""))
    progress("compare", len(models) + 1, len(models) + 1)
    return comparison


def _page(together: Together, title: str | None) -> Page:
    sections = write_sections(together, COMPARED).values()
    return Page(
        title=title or f"{listed(together.names)} compared",
        subtitle=_subtitle(together),
        byline=(),
        preface=(),
        sections=fit([section for section in sections if section.blocks]),
        made_by={name: model.summary["made_by"] for name, model in together.models.items()},
    )


def _subtitle(together: Together) -> str:
    n = len(together.models)
    if together.unlike:
        return f"{n} models that were not tested alike: their numbers stand side by side and do not compare."
    protocol = together.protocol
    return (
        f"{n} models on the same {plural(protocol['n'], protocol['split'] + ' image')} of {protocol['data']}, "
        f"{cropped(protocol)} at {pixels(protocol)}."
    )
