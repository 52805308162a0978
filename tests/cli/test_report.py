"""vaekit report: editions, forms and names of a page, and another page from what was computed."""

import json
import shutil

import pytest

from tests.conftest import Workplace
from vaekit import artifacts
from vaekit.reporting.document import PAPER, SECTIONS, in_order

RUN = "reports/small"


@pytest.fixture
def place(finished, tmp_path):
    """A place with the report of a run, and nothing that could be computed from."""
    shutil.copytree(finished.folder / RUN, tmp_path / RUN)
    return Workplace(tmp_path)


def hashes(folder):
    return {str(path): artifacts.file_hash(path) for path in sorted(folder.rglob("*")) if path.is_file()}


def test_another_report_is_written_without_computing_or_overwriting(place):
    before = hashes(place.folder)
    done = place.vaekit("report", "--from", RUN, "--name", "short.html", "--edition", "paper", "--author", "Ada L.")
    now = hashes(place.folder)
    assert {key: now[key] for key in before} == before
    made = {path.removeprefix(f"{place.folder}/{RUN}/") for path in now.keys() - before}
    assert made == {"short.html", "short.md", "short.json"} and f"{RUN}/short.html" in done.stdout
    page = (place.folder / RUN / "short.html").read_text(encoding="utf-8")
    assert "Ada L." in page and "The worst reconstructions" in page


def test_a_hand_in_is_one_command(place):
    if not any(map(shutil.which, ("chromium", "google-chrome"))):
        pytest.skip("there is no chromium on PATH")
    options = ("--edition", "paper", "--pdf", "--latex", "--json")
    files = json.loads(place.vaekit("report", "--from", RUN, *options).stdout)
    assert {*files} == {"html", "markdown", "data", "pdf", "latex"}
    assert (place.folder / files["pdf"]).read_bytes().startswith(b"%PDF") and files["pdf"].endswith("paper.pdf")
    assert "\\section*{Failures}" in (place.folder / files["latex"] / "paper.tex").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--from", "nowhere"), "nowhere holds no evaluation"),
        (("--from", RUN, "small"), "computes nothing: leave away a checkpoint"),
        (("--from", RUN, "--crop", 148), "computes nothing: leave away --crop"),
        (("--from", RUN, "--name", "a/b.html"), "a file name without a folder that ends in .html"),
        (("--from", RUN, "--name", "short.pdf"), "a file name without a folder that ends in .html"),
    ],
)
def test_what_can_not_be_written_from_artifacts_is_said(place, arguments, said):
    assert said in place.vaekit("report", *arguments, check=None).stderr


def test_of_several_evaluations_one_is_to_be_named(place):
    (folder,) = (place.folder / RUN).glob("*-test")
    shutil.copytree(folder, folder.with_name("other-test"))
    assert "holds 2 evaluations: name one of" in place.vaekit("report", "--from", RUN, check=None).stderr
    place.vaekit("report", "--from", f"{RUN}/other-test", "--name", "other.html")
    assert (place.folder / RUN / "other.html").is_file()


@pytest.mark.parametrize(("edition", "of"), [("full", SECTIONS), ("paper", PAPER)])
def test_sections_are_listed_in_their_order(place, edition, of):
    listed = json.loads(place.vaekit("report", "--list-sections", "--edition", edition, "--json").stdout)
    assert [*listed.items()] == [(name, spec.title) for name, spec in in_order(of)]
