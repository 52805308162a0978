import json
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from markdown_it import MarkdownIt

from vaekit import artifacts
from vaekit.errors import DataError
from vaekit.reporting import Report, build_report

HOSTILE = "<script>alert(1)</script> \"'{{ 7*7 }}\n# h | `c` [l](http://x.y) \u202egnp.exe ${7*7} </style> &amp;"
SHOWN = "{{ 7*7 }}⟨U+000A⟩# h | `c` [l](http://x.y) ⟨U+202E⟩gnp.exe ${7*7} </style> &amp;"
SECTIONS = [
    "At a glance", "Metrics", "Likelihood", "Reconstructions", "Samples from the prior", "Training curves", "Failures",
    "Latent code", "Model", "Data and protocol", "Limits", "How to reproduce",
]  # fmt: skip


class Page(HTMLParser):
    """The tags, attributes and visible text of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text, self.hidden = "", 0
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.hidden += tag in ("style", "script")

    def handle_endtag(self, tag):
        self.hidden -= tag in ("style", "script")

    def handle_data(self, data):
        self.text += "" if self.hidden else data

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attrs for name, attrs in self.tags if name == tag]


@pytest.fixture(scope="module")
def built(stored, tmp_path_factory) -> Report:
    return build_report(*stored, tmp_path_factory.mktemp("out"))


@pytest.fixture(scope="module")
def small(write_artifacts, tmp_path_factory) -> tuple[Path, Path]:
    return write_artifacts(tmp_path_factory.mktemp("small"), n=30, top=2, dims=8, attributes=["Hat", "Male"])


@pytest.fixture(scope="module")
def hostile(write_artifacts, tmp_path_factory) -> Report:
    root = tmp_path_factory.mktemp("hostile")
    evaluation, failures = write_artifacts(root, run=HOSTILE, n=40, top=4, attributes=[HOSTILE, "Hat"], ids=[HOSTILE])
    summary = artifacts.read_json(evaluation / artifacts.SUMMARY)
    summary["data"]["notes"] = summary["trimmed"] = summary["data"]["skipped_reasons"] = [HOSTILE]
    summary["metrics"]["lpips"]["reason"] = summary["model"]["likelihood"] = summary["protocol"]["data"] = HOSTILE
    artifacts.write_json(evaluation / artifacts.SUMMARY, summary)
    return build_report(evaluation, failures, root / "out")


def copied(stored, tmp_path: Path) -> tuple[Path, Path]:
    for folder in stored:
        shutil.copytree(folder, tmp_path / folder.name)
    return tmp_path / artifacts.EVALUATION, tmp_path / artifacts.FAILURES


def test_same_artifacts_same_bytes_wherever_they_are(stored, built, tmp_path):
    again = build_report(*copied(stored, tmp_path), tmp_path / "other")
    assert again.html.read_bytes() == built.html.read_bytes()
    assert again.markdown.read_bytes() == built.markdown.read_bytes()
    names = sorted(p.name for p in (built.html.parent / artifacts.FIGURES).iterdir())
    assert names == sorted(p.name for p in (again.html.parent / artifacts.FIGURES).iterdir())
    for name in names:
        assert (built.html.parent / artifacts.FIGURES / name).read_bytes() == (
            again.html.parent / artifacts.FIGURES / name
        ).read_bytes()


def test_building_takes_no_torch(stored, tmp_path):
    code = (
        "import sys; from pathlib import Path; from vaekit.reporting import build_report; "
        "build_report(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])); "
        "rooms = [f'vaekit.{r}' for r in ('data', 'models', 'training', 'evaluation', 'diagnosis')]; "
        "heavy = {'torch', *rooms} & set(sys.modules); assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code, *map(str, stored), str(tmp_path)], check=True)


def test_sections_stand_in_order_in_both(built):
    markdown = built.markdown.read_text(encoding="utf-8")
    assert re.findall(r"^## (.*)$", markdown, re.MULTILINE) == SECTIONS
    assert re.findall(r"<h2[^>]*>(.*?)</h2>", built.html.read_text(encoding="utf-8")) == SECTIONS


def test_html_opens_offline_and_is_accessible(built):
    page, raw = Page(built.html), built.html.read_text(encoding="utf-8")
    assert built.html.stat().st_size < 8_000_000
    for _, attributes in page.tags:
        for name in ("src", "href", "srcset", "action", "poster", "data"):
            assert re.match(r"data:image/png;base64,|#", attributes.get(name, "#")), attributes[name][:80]
    assert not re.search(r"url\((?!#)|@import", raw)
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {a["href"][1:] for a in page.all("a") + page.all("use")} <= set(ids)
    assert {m for m in re.findall(r"url\(#([^)]+)\)", raw)} <= set(ids)
    assert all(image["alt"] for image in page.all("img"))
    charts = [svg for svg in page.all("svg")]
    assert len(charts) == 10
    assert all(svg["role"] == "img" and re.search(r"\d", svg["aria-label"]) for svg in charts)
    captions = re.findall(r"<figcaption>(.*?)</figcaption>", raw)
    assert len(captions) == 13
    assert all(re.search(r"\d", caption) for caption in captions)
    assert page.all("html")[0]["lang"] == "en"


def test_cards_carry_what_sorts_and_filters_them(built):
    cards = [li for li in Page(built.html).all("li") if li.get("class") == "card"]
    assert len(cards) == 96
    assert [card["data-rank"] for card in cards[:3]] == ["1", "2", "3"]
    assert all(len(json.loads(card["data-values"])) == 6 for card in cards)


def test_markdown_links_exist_and_have_words(built):
    markdown = built.markdown.read_text(encoding="utf-8")
    links = re.findall(r"!\[([^\]]*)\]\(([^)]*)\)", markdown)
    assert len(links) == 16
    for alt, target in links:
        assert re.search(r"\d", alt)
        assert (built.markdown.parent / target).is_file()
    rendered = MarkdownIt("commonmark").enable("table").render(markdown)
    assert rendered.count("<table>") == rendered.count("</table>") == 8
    assert "| --" not in rendered


def test_numbers_agree_in_both_pages(built):
    html, markdown = Page(built.html).text, built.markdown.read_text(encoding="utf-8").replace("\\", "")
    for number in re.findall(r"\[[−\d.,]+, [−\d.,]+\]", markdown):
        assert number in html


def test_a_metric_without_a_value_gives_its_reason(built):
    for path in (built.html, built.markdown):
        text = path.read_text(encoding="utf-8")
        assert "not computed" in text
        assert "The weights for LPIPS are not on this machine." in text


def test_hostile_text_stays_text_in_html(hostile):
    page = Page(hostile.html)
    assert len(page.all("script")) == 1
    assert len(page.all("style")) == 1
    assert page.text.count(SHOWN) >= 8  # run, image, attribute, reason, note, trimmed, likelihood, skipped
    assert "<script>alert(1)</script> \"'{{ 7*7 }}" in page.text
    assert "\u202e" not in hostile.html.read_text(encoding="utf-8")


def test_hostile_text_stays_text_in_markdown(hostile):
    markdown = hostile.markdown.read_text(encoding="utf-8")
    rendered = MarkdownIt("commonmark").enable("table").render(markdown)
    assert "<script" not in rendered
    assert "<a " not in rendered
    assert "\u202e" not in markdown
    assert re.findall(r"^## (.*)$", markdown, re.MULTILINE) == SECTIONS
    assert len(re.findall(r"<h1>", rendered)) == 1
    plain = re.sub(r"<[^>]*>", "", rendered).replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"')
    assert plain.replace("&amp;", "&").count(SHOWN.replace("&amp;", "&")) >= 8


INDEPENDENT = [
    artifacts.PER_IMAGE, artifacts.PER_DIM, artifacts.PICTURES, artifacts.LAYERS, artifacts.HISTORY, artifacts.CONFIG,
    artifacts.BEST_IMAGES, artifacts.SLICES, artifacts.LATENT, artifacts.LATENT_ARRAYS, artifacts.KL_PER_DIM,
]  # fmt: skip


@pytest.mark.parametrize(
    ("names", "how"),
    [
        (INDEPENDENT, "missing"), (INDEPENDENT, "broken"), ([artifacts.WORST], "missing"),
        ([artifacts.GALLERY], "broken"), ([artifacts.FAILURES_SUMMARY], "missing"),
    ],
)  # fmt: skip
def test_a_missing_or_broken_file_gives_its_reason_and_the_rest_stands(small, tmp_path, names, how):
    evaluation, failures = copied(small, tmp_path)
    for name in names:
        path = next(folder / name for folder in (evaluation, failures) if (folder / name).is_file())
        path.unlink() if how == "missing" else path.write_bytes(b"\xff\xfe\x00broken")
    report = build_report(evaluation, failures, tmp_path / "out")
    text = report.markdown.read_text(encoding="utf-8").replace("\\", "")
    page = Page(report.html).text
    for name in names:
        said = {artifacts.SLICES: "table of attributes", artifacts.KL_PER_DIM: "KL of each dim went during training"}
        reason = said.get(name, name) if how == "missing" else name
        assert reason in text
        assert reason in page
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == SECTIONS
    assert ("Of 8 dims" in text) == (artifacts.PER_DIM not in names)
    assert str(tmp_path) not in text


@pytest.mark.parametrize("folder", ["None", "absent"])
def test_without_failures_the_section_says_so(small, tmp_path, folder):
    report = build_report(small[0], None if folder == "None" else tmp_path / "absent", tmp_path / "out")
    assert "have not been analysed: run `vaekit failures`." in report.markdown.read_text(encoding="utf-8")


def test_without_a_summary_there_is_no_report(small, tmp_path):
    evaluation, failures = copied(small, tmp_path)
    (evaluation / artifacts.SUMMARY).unlink()
    with pytest.raises(DataError, match=r"summary\.json is missing"):
        build_report(evaluation, failures, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_stale_figures_go_and_foreign_ones_stay(small, tmp_path):
    evaluation, failures = copied(small, tmp_path)
    figures = tmp_path / "out" / artifacts.FIGURES
    build_report(evaluation, failures, tmp_path / "out")
    (figures / "mine.png").write_bytes(b"mine")
    (figures / "posterior.svg").write_text("edited by hand")
    (evaluation / artifacts.PER_DIM).unlink()
    build_report(evaluation, failures, tmp_path / "out")
    assert not (figures / "kl_per_dim.svg").exists()
    assert (figures / "posterior.svg").read_text() == "edited by hand"
    assert (figures / "mine.png").exists()
    (figures / "written.json").write_text('["../report.html"]')
    build_report(evaluation, failures, tmp_path / "out")
    assert (tmp_path / "out" / artifacts.REPORT_HTML).exists()


def test_one_image_one_dim_one_epoch_no_attributes(write_artifacts, tmp_path):
    stored = write_artifacts(tmp_path, n=1, top=1, dims=1, epochs=1, attributes=[])
    report = build_report(*stored, tmp_path / "out", title="A title")
    page = Page(report.html)
    assert "<h1>A title</h1>" in report.html.read_text(encoding="utf-8")
    assert "The only latent dim carries" in page.text
    assert "There is no table of attributes" in page.text


@pytest.mark.parametrize(
    ("objective", "said"),
    [
        ({"beta": 1.0}, "sum over pixels of −log p(x|z), plus 1 × KL: the negative ELBO"),
        ({"beta": 1.0, "pixels": "mean", "free_bits": 0.5, "kl_warmup_epochs": 2.0},
         "mean over pixels of −log p(x|z), plus 1 × KL above 0.5 nats per dim, its weight growing from 0"),
    ],
)  # fmt: skip
def test_the_objective_is_named_for_what_it_is(small, tmp_path, objective, said):
    evaluation, failures = copied(small, tmp_path)
    summary = artifacts.read_json(evaluation / artifacts.SUMMARY)
    summary["config"]["objective"] = objective
    artifacts.write_json(evaluation / artifacts.SUMMARY, summary)
    assert said in Page(build_report(evaluation, failures, tmp_path / "out").html).text


def test_pictures_of_pure_noise_stay_under_eight_megabytes(write_artifacts, tmp_path):
    evaluation, failures = write_artifacts(tmp_path, n=60, top=40, size=128, dims=512)
    rng = np.random.default_rng(0)
    for path in (evaluation / artifacts.PICTURES, failures / artifacts.GALLERY):
        arrays = artifacts.read_arrays(path)
        noise = {
            k: rng.integers(0, 256, v.shape, dtype=np.uint8) if v.dtype == np.uint8 else v for k, v in arrays.items()
        }
        artifacts.write_arrays(path, **noise)
    report = build_report(evaluation, failures, tmp_path / "out")
    assert report.html.stat().st_size < 8_000_000
    assert "the page holds the first" in Page(report.html).text


def test_values_that_are_not_finite_are_said(small, tmp_path):
    evaluation, failures = copied(small, tmp_path)
    for path in (evaluation / artifacts.PER_IMAGE, failures / artifacts.WORST):
        table = artifacts.read_table(path)
        table.loc[0, ["mse", "elbo"]] = [np.nan, -np.inf]
        artifacts.write_table(path, table)
    report = build_report(evaluation, failures, tmp_path / "out")
    text = Page(report.html).text
    assert "1 of 30 images have no finite MSE" in text
    assert "not finite" in text


def test_a_report_shows_itself(built):
    assert str(built.html) in str(built)
    assert built._repr_html_().startswith("<iframe")
    assert "</iframe>" not in built._repr_html_().removesuffix("</iframe>")


def test_progress_is_told(small, tmp_path):
    seen = []
    build_report(*small, tmp_path, progress=lambda stage, done, total, note="": seen.append((stage, done, total)))
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
    assert done.stdout.count('class="card"') == 96


def test_counts_are_whole(built):
    row = next(line for line in built.markdown.read_text().splitlines() if line.startswith("| Active units |"))
    assert row.split("|")[2].strip() == "5"


def test_verdict_likelihood_and_warnings_stand_in_both(built):
    for path in (built.html, built.markdown):
        text = path.read_text(encoding="utf-8").replace("\\", "")
        assert text.count("Partial collapse: 3 dims repeat the prior.") == 2  # at a glance, and in its section
        for said in ("beta = 4 is too large.", "Set objective.beta = 1.", "kl 61 nats.", "= log N = 6 nats",
                     "sigma = 0.07130, fitted once on 2,048 images of the valid split", "uniform pixels",
                     "8.13 (mse 0.079)",
                     "the kl is below so many nats per image"):  # fmt: skip
            assert said in text, said
        assert "Warning: IWAE, k = 64 is below the elbo." in text and "Warning: below the elbo." in text
