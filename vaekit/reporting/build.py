"""From artifacts to the finished pages and their figures."""

import hashlib
import html
from dataclasses import dataclass
from pathlib import Path

from vaekit import artifacts
from vaekit.errors import DataError
from vaekit.figures.base import FIGURES, Drawn, draw
from vaekit.progress import Progress, silent
from vaekit.reporting.collect import collect
from vaekit.reporting.context import make_context
from vaekit.reporting.html import render_html
from vaekit.reporting.markdown import render_markdown

_WRITTEN = "written.json"  # which figures are vaekit's, with their hashes, so that a later report can clear them away


@dataclass(frozen=True)
class Report:
    """The two pages of a report; the same words and numbers in both."""

    html: Path
    markdown: Path

    def __str__(self) -> str:
        return f"Report: {self.html} and {self.markdown}"

    def _repr_html_(self) -> str:
        page = html.escape(self.html.read_text(encoding="utf-8"))
        return f'<iframe title="vaekit report" width="100%" height="800" srcdoc="{page}"></iframe>'


def build_report(
    evaluation: Path, failures: Path | None, out: Path, *, title: str | None = None, progress: Progress = silent
) -> Report:
    """Write report.html, report.md and figures/ to `out` and return where they are.

    Args:
        evaluation: the folder that `vaekit evaluate` wrote.
        failures: the folder that `vaekit failures` wrote; None or an absent folder: that section says so.
        out: receives the report; the same artifacts give the same bytes.
        title: headline; None makes one from the run.
        progress: told how far the work is.

    Raises:
        DataError: there is no readable summary.json.
        OutputError: `out` can not be written.
    """
    found = collect(evaluation, failures)
    names = FIGURES.names()
    figures: dict[str, Drawn] = {}
    gaps: dict[str, str] = {}
    for done, name in enumerate(names):
        progress("report", done, len(names) + 1, name)
        try:
            figures[name] = draw(name, found.files, found.missing)
        except DataError as error:
            gaps[name] = str(error)
    progress("report", len(names), len(names) + 1, "pages")
    context = make_context(found, figures, gaps, title)
    report = Report(out / artifacts.REPORT_HTML, out / artifacts.REPORT_MARKDOWN)
    pages = render_html(context), render_markdown(context)
    _write_figures(out / artifacts.FIGURES, figures)
    for path, page in zip((report.html, report.markdown), pages, strict=True):
        artifacts.write_text(path, page)
    progress("report", len(names) + 1, len(names) + 1)
    return report


def _write_figures(folder: Path, figures: dict[str, Drawn]) -> None:
    """Write the figures and remove those of an earlier report; a file that someone changed since stays."""
    files = {f"{name}.{drawn.suffix}": drawn.data for name, drawn in figures.items()}
    for name, digest in _written(folder / _WRITTEN).items():
        path = folder / name
        if name not in files and path.parent == folder and path.is_file() and artifacts.file_hash(path) == digest:
            path.unlink()
    for name, data in files.items():
        artifacts.write_bytes(folder / name, data)
    artifacts.write_json(
        folder / _WRITTEN, {name: hashlib.sha256(data).hexdigest() for name, data in sorted(files.items())}
    )


def _written(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    try:
        return dict(artifacts.read_json(path))
    except (DataError, TypeError, ValueError):
        return {}  # not our list: then nothing there is ours to remove
