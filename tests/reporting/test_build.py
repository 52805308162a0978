import io
import json
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from markdown_it import MarkdownIt
from PIL import Image

from vaekit import artifacts
from vaekit.errors import DataError
from vaekit.evaluation.evaluate import STAGES
from vaekit.figures import base as figures
from vaekit.figures.base import FIGURES, Drawn
from vaekit.figures.grids import png_bytes
from vaekit.quantity import Quantity
from vaekit.reporting import Edition, Report, build_report
from vaekit.reporting.document import APPENDIX, Metrics, in_order
from vaekit.reporting.drawing import WRITTEN
from vaekit.reporting.fitting import _resized
from vaekit.reporting.tables import Metric

HOSTILE = "<script>alert(1)</script> \"'{{ 7*7 }}\n# h | `c` [l](http://x.y) \u202egnp.exe ${7*7} </style> &amp;"
SHOWN = "{{ 7*7 }}⟨U+000A⟩# h | `c` [l](http://x.y) ⟨U+202E⟩gnp.exe ${7*7} </style> &amp;"
# A code host shows what stands between two such tags; every other tag of the page is escaped.
EMPTY = {"Further figures", "How the checkpoint was read"}  # of this model, and so left out
OWN_TAGS = re.compile(r"</?su[bp]>")


class Page(HTMLParser):
    """The tags, attributes and visible text of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text, self.hidden = "", 0
        self.feed(path.read_text(encoding="utf-8"))
        self.text = self.text.replace("\u00a0", " ")

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.hidden += tag in ("style", "script")

    def handle_endtag(self, tag):
        self.hidden -= tag in ("style", "script")

    def handle_data(self, data):
        self.text += "" if self.hidden else data

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attrs for name, attrs in self.tags if name == tag]


def build(stored: tuple[Path, Path], out: Path, **options) -> Report:
    return build_report(*stored, out, exploration=stored[0].parent / artifacts.EXPLORATION, **options)


@pytest.fixture
def quick(monkeypatch):
    """Charts are not drawn, only named: a test that does not look at them need not wait for them."""
    pictures = {"reconstructions", "samples", "temperatures", "gallery_worst"}

    def draw(name, files, missing):
        spec = FIGURES.get(name)
        if name in pictures and set(spec.needs) <= files.keys():
            return figures.draw(name, files, missing)
        if absent := [file for file in spec.needs if file not in files]:
            raise DataError(missing[absent[0]])
        return Drawn(name, f"1 {name}", f"1 {name}", b'<svg viewBox="0 0 1 1"></svg>', "svg")

    monkeypatch.setattr("vaekit.reporting.drawing.draw", draw)


@pytest.fixture(scope="module")
def built(stored, tmp_path_factory) -> Report:
    return build(stored, tmp_path_factory.mktemp("out"))


@pytest.fixture(scope="module")
def small(write_artifacts, tmp_path_factory) -> tuple[Path, Path]:
    return write_artifacts(tmp_path_factory.mktemp("small"), n=30, top=2, dims=8, attributes=["Hat", "Male"])


@pytest.fixture(scope="module")
def hostile(write_artifacts, tmp_path_factory) -> Report:
    root = tmp_path_factory.mktemp("hostile")
    stored = write_artifacts(root, run=HOSTILE, n=40, top=4, dims=8, attributes=[HOSTILE, "Hat"], ids=[HOSTILE])
    summary = artifacts.read_json(stored[0] / artifacts.SUMMARY)
    summary["data"]["notes"] = summary["trimmed"] = summary["data"]["skipped_reasons"] = [HOSTILE]
    summary["metrics"]["lpips"]["reason"] = summary["model"]["likelihood"] = summary["protocol"]["data"] = HOSTILE
    artifacts.write_json(stored[0] / artifacts.SUMMARY, summary)
    notes = {("after", "samples"): HOSTILE, ("before", "start"): f"    {HOSTILE}\n\n- {HOSTILE}"}
    return build(stored, root / "out", edition=Edition(None, HOSTILE, HOSTILE, notes=notes))


def copied(stored, tmp_path: Path) -> tuple[Path, Path]:
    for folder in (*stored, stored[0].parent / artifacts.EXPLORATION):
        shutil.copytree(folder, tmp_path / folder.name)
    return tmp_path / artifacts.EVALUATION, tmp_path / artifacts.FAILURES


def files_of(report: Report) -> dict[str, bytes]:
    paths = [report.html, report.markdown, report.data, *(report.html.parent / artifacts.FIGURES).iterdir()]
    return {path.name: path.read_bytes() for path in paths}


def test_same_artifacts_same_bytes_wherever_they_are_drawn_or_read_back(stored, built, tmp_path, monkeypatch):
    again = build(copied(stored, tmp_path), tmp_path / "other")
    assert files_of(again) == files_of(built)
    monkeypatch.setattr("vaekit.reporting.drawing.draw", None)  # what is drawn already is not drawn again
    assert files_of(build(stored, tmp_path / "other")) == files_of(built)


def test_building_takes_no_torch(small, tmp_path):
    code = (
        "import sys; from pathlib import Path; from vaekit.reporting import build_report; "
        "build_report(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])); "
        "rooms = [f'vaekit.{r}' for r in ('data', 'models', 'training', 'evaluation', 'failure_analysis')]; "
        "heavy = {'torch', *rooms} & set(sys.modules); assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code, *map(str, small), str(tmp_path)], check=True)


def test_every_section_stands_in_order_in_all_three(built):
    titles = [spec.title for _, spec in in_order() if spec.title not in EMPTY]
    assert titles[:4] == ["Faces", "Verdict", "Is that good?", "Metrics"]
    markdown = built.markdown.read_text(encoding="utf-8")
    open_ones = [spec.title for _, spec in in_order() if spec.title in titles and spec.part != APPENDIX]
    assert re.findall(r"^## (.*)$", markdown, re.MULTILINE) == [*open_ones, "Definitions"]
    assert len(markdown.splitlines()) < 500
    assert re.findall(r"<h2[^>]*>(.*?)</h2>", built.html.read_text(encoding="utf-8")) == [
        title.replace("'", "&#39;") for title in titles
    ]
    data = json.loads(built.data.read_text(encoding="utf-8"))
    assert [section["title"] for section in data["sections"]] == titles


def test_every_figure_has_its_place(built):
    drawn = set(json.loads((built.html.parent / artifacts.FIGURES / WRITTEN).read_text())["figures"])
    linked = set(re.findall(r"\(figures/(\w+)\.", built.markdown.read_text(encoding="utf-8")))
    assert drawn == linked and "Further figures" not in built.markdown.read_text(encoding="utf-8")
    assert {"edits", "traversals", "probes", "finding_images"} <= drawn <= set(FIGURES.names())


def test_html_opens_offline_and_is_accessible(built):
    page, raw = Page(built.html), built.html.read_text(encoding="utf-8")
    assert built.html.stat().st_size < 8_000_000
    for tag, attributes in page.tags:
        for name in ("src", "href", "srcset", "action", "poster", "data"):
            if not (tag == "a" and attributes.get("rel") == "noreferrer"):  # a paper: fetched by no one but the reader
                assert re.match(r"data:image/png;base64,|#", attributes.get(name, "#")), attributes[name][:80]
    assert not re.search(r"url\((?!#)|@import", raw)
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = {a["href"] for a in page.all("a") + page.all("use")}
    assert {link[1:] for link in links if link.startswith("#")} <= set(ids)
    assert all(link.startswith(("#", "https://", "http://")) for link in links)
    assert {m for m in re.findall(r"url\(#([^)]+)\)", raw)} <= set(ids)
    assert all(image["alt"] for image in page.all("img"))
    charts = [svg for svg in page.all("svg")]
    assert len(charts) >= 15
    assert all(svg["role"] == "img" and re.search(r"\d", svg["aria-label"]) for svg in charts)
    captions = re.findall(r"<figcaption>(.*?)</figcaption>", raw)
    assert len(captions) >= 18
    assert all(re.search(r"\d", caption) for caption in captions)
    assert page.all("html")[0]["lang"] == "en"


def test_headings_never_skip_a_level(built, hostile):
    for report in (built, hostile):
        levels = [int(tag[1]) for tag, _ in Page(report.html).tags if re.fullmatch(r"h[1-6]", tag)]
        assert levels[0] == 1 and levels.count(1) == 1
        assert all(after <= before + 1 for before, after in pairwise(levels))


def test_cards_carry_what_sorts_and_filters_them(built):
    cards = [li for li in Page(built.html).all("li") if li.get("class") == "card"]
    ranked = [card for card in cards if card["data-has"]]
    assert len(cards) == 38 and len(ranked) == 36  # two belong to a finding
    assert [card["data-rank"] for card in ranked[:3]] == ["1", "2", "3"]
    assert all(len(json.loads(card["data-values"])) == 6 for card in ranked)


def test_sliders_know_their_steps(built):
    page = Page(built.html)
    steps = [json.loads(li["data-steps"]) for li in page.all("li") if "data-steps" in li]
    assert [len(some) for some in steps] == [4, 3, 7, 7, 5, 5]
    assert steps[0] == ["epoch 1", "epoch 2", "epoch 3", "the original"]
    assert steps[2][0] == "−2.00" and steps[-1] == ["−3", "−1.5", "0", "+1.5", "+3"]
    assert [dial["max"] for dial in page.all("input") if dial.get("type") == "range"] == ["3", "6", "4"]


def test_numbers_show_every_digit_on_hover_and_no_unit_without_a_dimension(built):
    raw = built.html.read_text(encoding="utf-8")
    sections = {section["id"]: section for section in json.loads(built.data.read_text(encoding="utf-8"))["sections"]}
    value = sections["metrics"]["blocks"][1]["rows"][0]["value"]
    assert f'title="{value!r}"' in raw and f'data-exact="{value!r}"' in raw
    assert not re.search(r'<td class="unit">1</td>', raw)
    assert "| 1 |" not in built.markdown.read_text(encoding="utf-8").split("## Glossary")[0].split("### ")[1]


def test_markdown_links_exist_and_have_words(built):
    markdown = built.markdown.read_text(encoding="utf-8")
    links = re.findall(r"(!?)\[([^\]]*)\]\((figures/[^)]*)\)", markdown)
    assert len(links) >= 24
    for shown, words, target in links:
        assert re.search(r"\d" if shown else r"\w", words)
        assert (built.markdown.parent / target).is_file()
    rendered = MarkdownIt("commonmark").enable("table").render(markdown)
    assert rendered.count("<table>") == rendered.count("</table>") == len(re.findall(r"^\|[ -:|]*---", markdown, re.M))
    assert "| --" not in rendered


def test_numbers_agree_in_all_three(built):
    html, markdown = Page(built.html).text, built.markdown.read_text(encoding="utf-8").replace("\\", "")
    for number in re.findall(r"\[[−\d.,]+, [−\d.,]+\]", markdown):
        assert number in html
    data = json.loads(built.data.read_text(encoding="utf-8"))
    rows = {
        row["id"]: row for s in data["sections"] for b in s["blocks"] if b["kind"] == "metrics" for row in b["rows"]
    }
    assert rows["mse"]["low"] < rows["mse"]["value"] < rows["mse"]["high"]
    assert rows["lpips"]["value"] is None and "not on this machine" in rows["lpips"]["reason"]


def test_a_metric_without_a_value_gives_its_reason(built):
    for path in (built.html, built.markdown):
        text = path.read_text(encoding="utf-8")
        assert "not computed" in text
        assert "The weights for LPIPS are not on this machine." in text


def test_hostile_text_stays_text_in_html(hostile):
    page = Page(hostile.html)
    assert len(page.all("script")) == 1
    assert len(page.all("style")) == 1
    # run, image, attribute, reason, note, trimmed, likelihood, skipped, author, course, finding, ...
    assert page.text.count(SHOWN) >= 15
    assert "<script>alert(1)</script> \"'{{ 7*7 }}" in page.text
    assert "\u202e" not in hostile.html.read_text(encoding="utf-8")


def test_hostile_text_stays_text_in_markdown(hostile):
    markdown = hostile.markdown.read_text(encoding="utf-8")
    rendered = MarkdownIt("commonmark").enable("table").render(markdown)
    assert "<script" not in rendered
    links = re.findall(r'<a href="([^"]*)"', rendered)
    assert all(link.startswith(("http", "figures/")) for link in links)
    assert [link for link in links if "x.y" in link] == ["http://x.y"] * 3  # the author's own, in running text
    assert "\u202e" not in markdown
    assert len(re.findall(r"<h1>", rendered)) == 1
    plain = re.sub(r"<[^>]*>", "", rendered).replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"')
    assert plain.replace("&amp;", "&").count(SHOWN.replace("&amp;", "&")) >= 15


INDEPENDENT = [
    artifacts.PER_IMAGE,
    artifacts.PER_DIM,
    artifacts.PICTURES,
    artifacts.DRAWS,
    artifacts.LAYERS,
    artifacts.HISTORY,
    artifacts.CONFIG,
    artifacts.BEST_IMAGES,
    artifacts.SLICES,
    artifacts.LATENT,
    artifacts.LATENT_ARRAYS,
    artifacts.KL_PER_DIM,
    artifacts.SAMPLES,
    artifacts.SAMPLING_GAP,
    artifacts.PROBES,
    artifacts.PROBES_SUMMARY,
    artifacts.DIRECTIONS,
    artifacts.TRAVERSALS,
    artifacts.EDITS,
    artifacts.FINDINGS,
]


@pytest.mark.parametrize(
    ("names", "how"), [(INDEPENDENT, "missing"), (INDEPENDENT, "broken"), ([artifacts.GALLERY], "broken")]
)
def test_a_missing_or_broken_file_gives_its_reason_and_the_rest_stands(small, tmp_path, quick, names, how):
    stored = copied(small, tmp_path)
    for name in names:
        path = next(tmp_path.glob(f"*/{name}"))
        path.unlink() if how == "missing" else path.write_bytes(b"\xff\xfe\x00broken")
    report = build(stored, tmp_path / "out")
    text = report.markdown.read_text(encoding="utf-8").replace("\\", "")
    page = Page(report.html).text
    for name in names:
        said = {artifacts.SLICES: "table of attributes", artifacts.KL_PER_DIM: "KL of each dim went during training"}
        reason = said.get(name, name) if how == "missing" else name
        assert reason in text
        assert reason in page
    titles = re.findall(r"^## (.*)$", text, re.MULTILINE)
    open_ones = [s.title for _, s in in_order() if s.title not in EMPTY and s.part != APPENDIX]
    assert titles == [*open_ones, "Definitions"], text.partition("## Further figures")[2][:300]
    assert ("1 kl_per_dim" in text) == (artifacts.PER_DIM not in names)
    assert str(tmp_path) not in text


def test_without_failures_and_exploration_their_sections_say_so(small, tmp_path, quick):
    report = build_report(small[0], None, tmp_path / "out", exploration=tmp_path / "absent")
    text = report.markdown.read_text(encoding="utf-8")
    assert "have not been analysed: run `vaekit failures`." in text
    assert "has not been explored" in text


def test_what_a_stage_could_not_make_has_that_stages_reason_and_no_command_that_can_not_help(small, tmp_path, quick):
    stored = copied(small, tmp_path)
    summary = artifacts.read_json(stored[0] / artifacts.SUMMARY)
    failed = [stage for stage in STAGES if stage.writes and not stage.is_vital]
    summary["absent"] = {file: f"Nothing came of {stage.name}." for stage in failed for file in stage.writes}
    artifacts.write_json(stored[0] / artifacts.SUMMARY, summary)
    for file in summary["absent"]:
        (stored[0] / file).unlink(missing_ok=True)
    shutil.rmtree(tmp_path / artifacts.EXPLORATION)
    text = build(stored, tmp_path / "out").markdown.read_text(encoding="utf-8")
    unread = {"importance", "learned prior", "reference"}  # no section of the report reads their files
    assert {s.name for s in failed if f"Nothing came of {s.name}." not in text} == unread
    assert "run `vaekit evaluate` again" not in text and "has not been explored" not in text


@pytest.mark.parametrize(
    "file",
    [artifacts.LATENT, artifacts.SAMPLES, artifacts.PROBES_SUMMARY, artifacts.FINDINGS, artifacts.FAILURES_SUMMARY],
)
def test_an_artifact_of_an_older_vaekit_that_lacks_a_part_leaves_a_sentence(small, tmp_path, quick, file):
    stored = copied(small, tmp_path)
    (path,) = (folder / file for folder in stored if (folder / file).is_file())
    content = artifacts.read_json(path)
    # Both what stands in it at the top and what its verdict, where it has one, is made of.
    for name, kept in [(file, {}), ("verdict", content | {"verdict": {}} if "verdict" in content else {})]:
        artifacts.write_json(path, kept)
        text = build(stored, tmp_path / name).markdown.read_text(encoding="utf-8")
        assert "again" in text, name


def test_samples_that_were_scored_are_not_called_shown_only(small, tmp_path, quick):
    stored = copied(small, tmp_path)
    scored = build(stored, tmp_path / "out").markdown.read_text(encoding="utf-8")
    (stored[0] / artifacts.SAMPLES).unlink()
    shown = build(stored, tmp_path / "out").markdown.read_text(encoding="utf-8")
    (stored[0] / artifacts.DRAWS).unlink()
    neither = build(stored, tmp_path / "out").markdown.read_text(encoding="utf-8")
    assert ["shown, not scored" in text for text in (scored, shown, neither)] == [False, True, False]


def test_without_a_summary_there_is_no_report(small, tmp_path):
    stored = copied(small, tmp_path)
    (stored[0] / artifacts.SUMMARY).unlink()
    with pytest.raises(DataError, match=r"summary\.json is missing"):
        build(stored, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_stale_figures_go_and_foreign_ones_stay(small, tmp_path, quick):
    stored = copied(small, tmp_path)
    figures = tmp_path / "out" / artifacts.FIGURES
    build(stored, tmp_path / "out")
    (figures / "mine.png").write_bytes(b"mine")
    (figures / "posterior.svg").write_text("edited by hand")
    (stored[0] / artifacts.PER_DIM).unlink()
    build(stored, tmp_path / "out")
    assert not (figures / "kl_per_dim.svg").exists()
    assert (figures / "posterior.svg").read_text() == "edited by hand"
    assert (figures / "mine.png").exists()
    for wrong in ('["../report.html"]', '{"figures": {"../report": 3}, "gaps": {}}', '{"figures": {"a": {}}}', "3"):
        (figures / WRITTEN).write_text(wrong)
        build(stored, tmp_path / "out")
    assert (tmp_path / "out" / artifacts.REPORT_HTML).exists()


def test_one_image_one_dim_one_epoch_no_attributes(write_artifacts, tmp_path):
    stored = write_artifacts(tmp_path, n=1, top=1, dims=1, epochs=1, attributes=[])
    report = build(stored, tmp_path / "out", edition=Edition(title="A title"))
    page = Page(report.html)
    assert "<h1>A title</h1>" in report.html.read_text(encoding="utf-8")
    assert "The only latent dim carries" in page.text
    assert (
        "on the 1 test image of" in page.text and "Over 1 test image," in page.text and "1 test images" not in page.text
    )
    assert "There is no table of attributes" in page.text
    assert "There are no directions: these images have no attributes." in page.text


def test_a_picture_made_smaller_is_as_see_through_as_it_was():
    for mode in ("RGBA", "RGB"):
        with Image.open(io.BytesIO(_resized(png_bytes(Image.new(mode, (8, 8))), 0.5))) as smaller:
            assert smaller.mode == mode and smaller.size == (4, 4)


def test_pictures_of_pure_noise_stay_under_eight_megabytes_unless_all_is_asked_for(write_artifacts, tmp_path, quick):
    stored = write_artifacts(tmp_path, n=60, top=24, size=128, dims=8, attributes=["Hat", "Male"])
    rng = np.random.default_rng(0)
    for path in [*tmp_path.glob("*/*.npz")]:
        arrays = artifacts.read_arrays(path)
        noise = {
            k: rng.integers(0, 256, v.shape, dtype=np.uint8) if v.dtype == np.uint8 else v for k, v in arrays.items()
        }
        artifacts.write_arrays(path, **noise)
    report = build(stored, tmp_path / "out")
    assert report.html.stat().st_size < 8_000_000
    assert "the page holds the first" in Page(report.html).text
    whole = build(stored, tmp_path / "out", edition=Edition(full=True))
    assert whole.html.stat().st_size > 10_000_000
    assert "the page holds the first" not in Page(whole.html).text


def test_values_that_are_not_finite_are_said(small, tmp_path, quick):
    stored = copied(small, tmp_path)
    for path in (stored[0] / artifacts.PER_IMAGE, stored[1] / artifacts.WORST):
        table = artifacts.read_table(path)
        table.loc[0, ["mse", "elbo"]] = [np.nan, -np.inf]
        artifacts.write_table(path, table)
    text = Page(build(stored, tmp_path / "out").html).text
    assert "not finite" in text


def test_a_report_shows_itself(built):
    assert str(built.html) in str(built)
    assert built._repr_html_().startswith("<iframe")
    assert "</iframe>" not in built._repr_html_().removesuffix("</iframe>")


def test_progress_is_told(small, tmp_path, quick):
    seen = []
    build(small, tmp_path, progress=lambda stage, done, total, note="": seen.append((stage, done, total)))
    assert seen[0][1] == 0
    assert seen[-1][1] == seen[-1][2]


@pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not on PATH")
def test_the_page_loads_in_a_browser_without_an_error(built, tmp_path):
    flags = (
        "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
        "--disable-component-update --disable-sync --enable-logging=stderr --v=0 --dump-dom"
    )
    command = ["chromium", *flags.split(), f"--user-data-dir={tmp_path}", built.html.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert not re.search(r"CONSOLE", done.stderr), done.stderr
    assert '<form class="controls">' in done.stdout  # the script has run and shown them
    assert done.stdout.count('class="card"') == 38
    assert done.stdout.count('class="strips live"') == 3


def test_what_was_not_computed_says_why_in_a_sentence():
    def row(name, reason):
        return Metric(name, Quantity(value=None, n=1, label=name, definition="", reason=reason))

    shown = Metrics("", (row("a", "fid is not computed: the weights are missing"), row("b", "it needs factors")))
    assert shown.absent == (("a", "The weights are missing."), ("b", "It needs factors."))
