"""From artifacts to the finished pages and their figures."""

import html
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Self

from vaekit import artifacts
from vaekit.progress import Progress, silent
from vaekit.reporting.collect import Folders, collect
from vaekit.reporting.document import Page
from vaekit.reporting.drawing import Drawings, draw_all, write_figures
from vaekit.reporting.edition import Edition
from vaekit.reporting.html import render_html
from vaekit.reporting.latex import write_latex
from vaekit.reporting.machine import page_data
from vaekit.reporting.markdown import render_markdown
from vaekit.reporting.material import Material
from vaekit.reporting.page import make_page
from vaekit.reporting.pdf import print_pdf


@dataclass(frozen=True)
class Pages:
    """The pages of one kind, the same words and numbers in each: to explore, for a code host, and for machines."""

    kind: ClassVar[str]
    html: Path
    markdown: Path
    data: Path
    pdf: Path | None = None
    latex: Path | None = None

    @property
    def files(self) -> dict[str, Path]:
        """What was written, by name."""
        return {name: path for name, path in vars(self).items() if path is not None}

    @classmethod
    def write(cls, page: Page, out: Path, drawings: Drawings, name: str | None = None) -> Self:
        """Write <name or kind>.html, .md, .json and figures/ to `out`; all are rendered before the first is written."""
        pages = cls(*(out / f"{name or cls.kind}.{suffix}" for suffix in ("html", "md", "json")))
        texts = {pages.html: render_html(page), pages.markdown: render_markdown(page)}
        with artifacts.alone_in(out):
            write_figures(out / artifacts.FIGURES, drawings)
            for path, text in texts.items():
                artifacts.write_text(path, text)
            artifacts.write_json(pages.data, page_data(page))
        return pages

    def __str__(self) -> str:
        html, *others = (str(path) for name, path in self.files.items() if name != "data")
        return f"{type(self).__name__}: {html} and {', '.join(others)}"

    def _repr_html_(self) -> str:
        page = html.escape(self.html.read_text(encoding="utf-8"))
        return f'<iframe title="vaekit {self.kind}" width="100%" height="800" srcdoc="{page}"></iframe>'


class Report(Pages):
    """The pages of one model."""

    kind = "report"


class Paper(Report):
    """The same in eight pages, to be handed in."""

    kind = "paper"


def build_report(
    evaluation: Path,
    failures: Path | None,
    out: Path,
    *,
    exploration: Path | None = None,
    edition: Edition | None = None,
    progress: Progress = silent,
) -> Report:
    """Write report.html, report.md, report.json and figures/ to `out` and return where they are.

    Args:
        evaluation: the folder that `vaekit evaluate` wrote.
        failures: the folder that `vaekit failures` wrote; None or an absent folder: that section says so.
        out: receives the report; the same artifacts give the same bytes.
        exploration: the folder that `vaekit explore` wrote; likewise.
        edition: title, author, sections and notes; None makes the whole page under a title of its own.
        progress: told how far the work is.

    Raises:
        DataError: there is no readable summary.json.
        OutputError: `out` can not be written.
    """
    found = collect(Folders(evaluation, failures, exploration))
    drawings = draw_all(found, out / artifacts.FIGURES, progress)
    progress("report", len(drawings.figures), len(drawings.figures) + 1, "pages")
    material = Material(**vars(found), figures=drawings.figures, gaps=drawings.gaps)
    edition = edition or Edition()
    page = make_page(material, edition)
    report = (Paper if edition.kind == "paper" else Report).write(page, out, drawings, edition.name)
    if edition.latex:
        report = replace(report, latex=write_latex(page, out, report.html.stem, found.files))
    if edition.pdf:
        report = replace(report, pdf=report.html.with_suffix(".pdf"))
        print_pdf(report.html, report.html.with_suffix(".pdf"))
    progress("report", len(drawings.figures) + 1, len(drawings.figures) + 1)
    return report
