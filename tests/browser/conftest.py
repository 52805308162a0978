"""A real Chromium with the pages of a real run; where there is none, every test here says so and is skipped."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

AXE = Path(__file__).parents[2] / ".venv/axe/axe.min.js"  # where .ci/run puts it
WINDOW = {"width": 1280, "height": 900}


@dataclass
class Watched:
    """A page in the browser, and what it complained of and asked for meanwhile."""

    page: object
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@pytest.fixture(scope="session")
def browser():
    """Debian's Chromium, headless, driven by playwright."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = os.environ.get("VAEKIT_CHROMIUM") or shutil.which("chromium")
    if path is None:
        pytest.skip("there is no chromium on PATH")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=path)
        yield chromium
        chromium.close()


@pytest.fixture(params=["report", "compare"])
def path(request, pages) -> Path:
    """The page under test: the report of one model, and the comparison of two."""
    return pages[request.param]


@pytest.fixture(scope="session")
def pages(finished, compared) -> dict[str, Path]:
    """The pages that a run on drawn faces leaves."""
    (comparison,) = compared.folder.glob("reports/comparisons/*/compare.html")
    return {"report": finished.folder / "reports/small/report.html", "compare": comparison}


@pytest.fixture
def look(browser) -> Iterator:
    """The function that opens a page of vaekit's, watched; keywords are those of a browser's context."""
    contexts = []

    def look(path: Path, **options) -> Watched:
        context = browser.new_context(**{"viewport": WINDOW, "reduced_motion": "reduce"} | options)
        contexts.append(context)
        watched = Watched(context.new_page())
        watched.page.set_default_timeout(5000)
        watched.page.on("console", lambda said: watched.complaints.append(f"{said.type}: {said.text}"))
        watched.page.on("pageerror", lambda error: watched.complaints.append(str(error)))
        watched.page.on("request", lambda request: watched.requests.append(request.url))
        watched.page.goto(path.as_uri())
        return watched

    yield look
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core, the accessibility checker."""
    path = Path(os.environ.get("VAEKIT_AXE", AXE))
    if not path.is_file():
        pytest.skip("there is no axe-core: .ci/run fetches it, or VAEKIT_AXE names its axe.min.js")
    return path.read_text(encoding="utf-8")
