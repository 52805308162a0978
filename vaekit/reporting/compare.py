"""Several models on one page: from the artifacts of each to compare.html, compare.md, compare.json and figures/."""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vaekit import artifacts
from vaekit.progress import Progress, silent
from vaekit.reporting.compare_material import Together
from vaekit.reporting.compare_models import read_model
from vaekit.reporting.compare_page import make_comparison
from vaekit.reporting.compare_pictures import Originals
from vaekit.reporting.document import Picture
from vaekit.reporting.drawing import Drawings, write_figures
from vaekit.reporting.html import render_html
from vaekit.reporting.machine import page_data
from vaekit.reporting.markdown import render_markdown

if TYPE_CHECKING:
    from vaekit.statistics.differences import Difference

COMPARE_HTML, COMPARE_MARKDOWN, COMPARE_JSON = "compare.html", "compare.md", "compare.json"


@dataclass(frozen=True)
class Comparison:
    """The pages of a comparison, the same words and numbers in each: to explore, for a code host, and for machines."""

    html: Path
    markdown: Path
    data: Path

    def __str__(self) -> str:
        return f"Comparison: {self.html} and {self.markdown}"

    def _repr_html_(self) -> str:
        page = html.escape(self.html.read_text(encoding="utf-8"))
        return f'<iframe title="vaekit comparison" width="100%" height="800" srcdoc="{page}"></iframe>'


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
    read = []
    for done, (name, folder) in enumerate(models.items()):
        progress("compare", done, len(models) + 1, name)
        read.append(read_model(name, folder))
    progress("compare", len(models), len(models) + 1, "pages")
    page = make_comparison(Together(read, differences, originals), title)
    comparison = Comparison(out / COMPARE_HTML, out / COMPARE_MARKDOWN, out / COMPARE_JSON)
    pages = render_html(page), render_markdown(page)
    blocks = [block for section in page.sections for block in section.walk()]
    pictures = [block for block in blocks if isinstance(block, Picture)]
    pictures += [block.figure for block in blocks if isinstance(getattr(block, "figure", None), Picture)]
    drawn = {picture.name: picture.drawn for picture in pictures}
    write_figures(out / artifacts.FIGURES, Drawings(drawn, {}, ""))
    for path, text in zip((comparison.html, comparison.markdown), pages, strict=True):
        artifacts.write_text(path, text)
    artifacts.write_json(comparison.data, page_data(page))
    progress("compare", len(models) + 1, len(models) + 1)
    return comparison
