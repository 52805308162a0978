"""The edition that is handed in: its sections, its slots, its scale, and what it is as LaTeX and PDF."""

import re
import shutil
import subprocess
from dataclasses import replace

import pytest

from vaekit import artifacts
from vaekit.errors import ConfigError
from vaekit.options import PageOptions
from vaekit.quantity import Quantity
from vaekit.reporting import Edition, build_report, read_edition
from vaekit.reporting.collect import Folders, collect
from vaekit.reporting.document import PAPER, SECTIONS, Grid, Prose, in_order
from vaekit.reporting.latex import escape
from vaekit.reporting.material import Material
from vaekit.reporting.pdf import find_browser, print_pdf
from vaekit.reporting.sections.scale import scale

HOSTILE = "50 % of $x_1$ & {a}\\input{/etc/passwd} ~^#\"'`<|> μ² x̂ ≤ 日本 é – \u202e --"


@pytest.fixture(scope="module")
def stored(write_artifacts, tmp_path_factory):
    return write_artifacts(tmp_path_factory.mktemp("paper"), n=30, top=3, dims=8, attributes=["Hat", "Male"])


def build(stored, out, **words):
    return build_report(*stored, out, exploration=stored[0].parent / artifacts.EXPLORATION, edition=Edition(**words))


@pytest.fixture(scope="module")
def paper(stored, tmp_path_factory):
    return build(stored, tmp_path_factory.mktemp("out"), kind="paper", latex=True, author=HOSTILE)


def test_the_paper_stands_beside_the_whole_report_under_its_own_name(stored, paper):
    whole = build(stored, paper.html.parent)
    assert (paper.html.name, paper.markdown.name, whole.html.name) == ("paper.html", "paper.md", "report.html")
    titles = re.findall(r"<h2[^>]*>(.*?)</h2>", paper.html.read_text(encoding="utf-8"))
    assert titles == [spec.title for _, spec in in_order(PAPER)] and titles[0] == "Faces"
    assert {*titles} < {*re.findall(r"<h2[^>]*>(.*?)</h2>", whole.html.read_text(encoding="utf-8")), *titles}
    assert len(paper.html.read_text(encoding="utf-8")) < len(whole.html.read_text(encoding="utf-8"))


def test_a_slot_waits_for_the_authors_words_and_goes_when_they_come(stored, paper, tmp_path):
    asked = "Your own words: What did you expect"
    assert asked in paper.html.read_text(encoding="utf-8") and asked in paper.markdown.read_text(encoding="utf-8")
    (tmp_path / "notes.md").write_text("## after: discussion\nI expected **less** blur.", encoding="utf-8")
    read = read_edition(PageOptions(edition="paper", notes=tmp_path / "notes.md"))
    own = build_report(*stored, tmp_path / "out", edition=read).html.read_text(encoding="utf-8")
    assert "<strong>less</strong>" in own and asked not in own
    assert "Which of these failures" in own  # the slot of another section waits on


def test_notes_and_choices_know_the_sections_of_their_edition(tmp_path):
    path = tmp_path / "s.toml"
    path.write_text('sections = ["discussion"]', encoding="utf-8")
    assert read_edition(PageOptions(edition="paper", sections=path)).sections == ("discussion",)
    assert "discussion" not in dict(in_order(SECTIONS))
    with pytest.raises(ConfigError, match="there is no section 'discussion'"):
        read_edition(PageOptions(sections=path))


@pytest.mark.parametrize(
    ("pca", "said"),
    [
        (0.010, "does about as well"),
        (0.004, "error is 2.50 times as large"),
        (0.02, "has 2.00 times the model's error"),
        (None, "too few"),
    ],
)
def test_each_place_on_the_scale_has_its_own_sentence(stored, pca, said):
    found = collect(Folders(*stored))
    summary = found.files[artifacts.SUMMARY]
    row = Quantity.from_record(summary["metrics"]["mse"], "mse")
    known = {"mean face": {"mse": 0.08, "ssim": 0.3, "n": 99}}
    known |= {"pca": {"mse": pca, "ssim": 0.6, "n": 99}} if pca else {}
    changed = summary | {
        "references": known,
        "metrics": summary["metrics"] | {"mse": replace(row, value=0.010, low=0.009, high=0.011).record()},
    }
    material = Material(dict(found.files) | {artifacts.SUMMARY: changed}, found.missing)
    blocks = list(scale(material))
    text = " ".join(block.text for block in blocks if isinstance(block, Prose))
    assert said in text and "12 % of the mean face" in text.replace("12.5", "12")
    assert sum(other in text for other in ("about as well", "does better", "times the model", "too few")) == 1
    (table, *_) = [block.table for block in blocks if isinstance(block, Grid)]
    assert [row[0][:3] for row in table.rows] == ["The", *(["PCA"] if pca else []), "Thi"]


def test_an_evaluation_without_a_scale_shows_none(stored):
    found = collect(Folders(*stored))
    summary = found.files[artifacts.SUMMARY] | {"references": {"uniform pixels": {"bpd": 8.0}}}
    assert list(scale(Material(dict(found.files) | {artifacts.SUMMARY: summary}, found.missing))) == []


def test_any_text_is_set_as_it_is_in_latex():
    assert escape("a_b & 5 % {x} \\ $") == r"a\_b \& 5 \% \{x\} \textbackslash{} \$"
    assert escape("μ ≤ σ², x̂ – 日") == r"$\mu$ $\le$ $\sigma$$^2$, $\hat{x}$ -- [U+65E5]"
    assert "--" not in escape("--top") and escape("é") == "é" and "\u202e" not in escape("\u202e")


def test_latex_names_its_figures_and_lets_no_text_out(paper):
    text = (paper.latex / "paper.tex").read_text(encoding="utf-8")
    named = re.findall(r"\\includegraphics\[[^]]*\]\{([^}]*)\}", text)
    assert {"figures/faces.png", "figures/kl_per_dim.pdf", "figures/worst-1.png"} <= {*named}, named
    assert all((paper.latex / name).read_bytes()[:4] in (b"%PDF", b"\x89PNG") for name in named)
    opened, closed = (re.findall(rf"(?<!\\)\{c}", text) for c in "{}")
    assert len(opened) == len(closed)
    assert [*re.findall(r"\\begin\{(\w+)", text)].count("longtable") == text.count(r"\end{longtable}") > 2
    assert r"\input" not in text and "日" not in text and r"50 \% of \$x\_1\$" in text


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not on PATH")
def test_pdflatex_compiles_it(paper):
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    done = subprocess.run(command, cwd=paper.latex, capture_output=True, text=True, errors="replace", check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert (paper.latex / "paper.pdf").read_bytes().startswith(b"%PDF")


def test_without_a_browser_a_pdf_is_refused_before_anything_is_computed(monkeypatch):
    monkeypatch.setenv("VAEKIT_CHROMIUM", "no-such-program")
    with pytest.raises(ConfigError, match="VAEKIT_CHROMIUM names no-such-program, which is no program"):
        read_edition(PageOptions(pdf=True))
    assert not read_edition(PageOptions()).pdf


def test_a_pdf_is_tagged_and_the_same_page_gives_the_same_bytes(paper, tmp_path):
    try:
        find_browser()
    except ConfigError as reason:
        pytest.skip(str(reason))
    for name in ("one.pdf", "two.pdf"):
        print_pdf(paper.html, tmp_path / name)
    data = (tmp_path / "one.pdf").read_bytes()
    assert data == (tmp_path / "two.pdf").read_bytes()
    assert b"/MarkInfo" in data and b"/StructTreeRoot" in data
