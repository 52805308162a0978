"""What the author of a hand-in asks of the page: names, sections, notes."""

import pytest
from markdown_it import MarkdownIt

from vaekit import artifacts
from vaekit.errors import ConfigError
from vaekit.options import PageOptions
from vaekit.reporting import Edition, read_edition
from vaekit.reporting.collect import Folders, collect
from vaekit.reporting.document import Note, in_order
from vaekit.reporting.html import render_html
from vaekit.reporting.markdown import render_markdown
from vaekit.reporting.material import Material
from vaekit.reporting.notes import note_html, note_markdown
from vaekit.reporting.page import make_page


@pytest.fixture(scope="module")
def material(write_artifacts, tmp_path_factory) -> Material:
    root = tmp_path_factory.mktemp("edition")
    stored = write_artifacts(root, n=30, top=2, dims=8, attributes=["Hat", "Male"])
    found = collect(Folders(*stored, root / artifacts.EXPLORATION))
    return Material(found.files, found.missing)


def read(words: dict) -> Edition:
    return read_edition(PageOptions.parse(words, "The test"))


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def test_sections_are_chosen_and_ordered(material, tmp_path):
    path = write(tmp_path / "s.toml", 'sections = ["references", "metrics", "verdict", "theory"]')
    page = make_page(material, read({"sections": path, "title": "T", "author": "A. Student", "course": "ML 1"}))
    assert [section.id for section in page.sections] == ["references", "metrics", "verdict", "theory"]
    html = render_html(page)
    assert "A. Student" in html and "ML 1" in html and "\n\nA. Student · ML 1\n\n" in render_markdown(page)
    assert "#term-" not in html  # without a glossary no number links to it
    cited = next(section for section in page.sections if section.id == "references").blocks[0].papers
    assert {"Alemi et al. 2018"} <= {paper.cited for paper in cited}  # by the theory
    assert "White 2016" not in {paper.cited for paper in cited}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('sections = ["verdikt"]', "there is no section 'verdikt'. Did you mean 'verdict'?"),
        ('section = ["verdict"]', "no setting 'section'. Did you mean 'sections'?"),
        ("sections = []", "one list of names"),
        ("sections = 3", "one list of names"),
        ('sections = ["verdict", "verdict"]', "names 'verdict' twice"),
        ("sections = [", "is no TOML"),
    ],
)
def test_what_a_choice_of_sections_can_get_wrong(tmp_path, text, said):
    with pytest.raises(ConfigError, match="--sections") as error:
        read({"sections": write(tmp_path / "s.toml", text)})
    assert said in str(error.value)


def test_files_that_are_not_there_are_named(tmp_path):
    for flag in ("sections", "notes"):
        with pytest.raises(ConfigError, match=f"--{flag} .*absent can not be read: No such file"):
            read({flag: tmp_path / "absent"})


NOTES = """
Above all *sections*.

## after: samples
They look **blurred**.

```
## after: nothing, this is code
```
### Before: theory
First.

## after: samples
And again.
"""


def test_notes_stand_in_their_places(material, tmp_path):
    edition = read({"notes": write(tmp_path / "n.md", NOTES)})
    assert set(edition.notes) == {("before", "start"), ("after", "samples"), ("before", "theory")}
    page = make_page(material, edition)
    by_id = {section.id: section.blocks for section in page.sections}
    assert isinstance(by_id["samples"][-1], Note) and isinstance(by_id["theory"][0], Note)
    assert by_id["samples"][-1].source.endswith("And again.") and "this is code" in by_id["samples"][-1].source
    html = render_html(page)
    assert html.index("Above all <em>sections</em>") < html.index('id="verdict"')
    assert "<strong>blurred</strong>" in html and "**blurred**" in render_markdown(page)


def test_notes_for_a_section_that_is_not_there_are_refused(tmp_path):
    notes = write(tmp_path / "n.md", "## after: sample\ntext")
    with pytest.raises(ConfigError, match=r"no section 'sample'\. Did you mean 'samples'"):
        read({"notes": notes})
    notes.write_text("## after: samples\ntext")
    with pytest.raises(ConfigError, match=r"'after: samples' names a section that --sections .* leaves out"):
        read({"notes": notes, "sections": write(tmp_path / "s.toml", 'sections = ["verdict"]')})


RICH = """# Head with `code`

Text *em*, **strong**, [link](https://a.b/c_(d)?e=1&f="g"), 5 * 3 < 16 & _x_.
Second line with a_b.

- one
  more

  paragraph
- two
    1. inner

7. seven
8. eight

> quoted
> text

| a | b |
|---|---|
| 1 | `x` |

    <b>indented</b>

***
"""


def test_what_is_understood_of_notes_means_the_same_in_both():
    html, again = note_html(RICH), MarkdownIt("commonmark").enable("table").render(str(note_markdown(RICH)))
    for text in (
        "<em>em</em>",
        "<strong>strong</strong>",
        "<blockquote>",
        "<table>",
        "<hr />",
        "&lt;b&gt;indented",
        '<ol start="7">',
        "<code>code</code>",
        "5 * 3 &lt; 16 &amp; _x_",
        "a_b",
    ):
        assert text.replace("&amp; _x_", "&amp; <em>x</em>") in html or text in html, text
    for tag in ("em", "strong", "ul", "ol", "li", "blockquote", "table", "td", "h3", "pre", "code", "p"):
        assert html.count(f"<{tag}>") == again.count(f"<{tag}>"), tag
    assert 'href="https://a.b/c_(d)?e=1&amp;f=%22g%22"' in again


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[a](javascript:alert(1))",
        "<javascript:alert(1)>",
        "[a](data:text/html,x)",
        "![a](https://a.b/c.png)",
        "[a]: javascript:x\n\n[a]",
        "&lt;script&gt;",
        "`</code><script>`",
        "```\n</pre><script>\n```",
        "| <script> |\n|---|\n| x |",
        "a &#x202e; b",
        "[x](vbscript:y)",
        "[a](//evil.example/x)",
        "- <iframe>",
        "1. &#60;script&#62;",
        "``a`<script>``",
    ],
)
def test_nothing_in_notes_is_alive(text):
    outputs = str(note_html(text)), MarkdownIt("commonmark").enable("table").render(str(note_markdown(text)))
    for output in outputs:
        assert not any(tag in output for tag in ("<script", "<img", "<iframe", 'javascript:alert(1)"', "\u202e"))
        assert 'href="j' not in output and 'href="v' not in output and 'href="d' not in output
        assert 'href="//' not in output


def test_headings_of_notes_follow_those_of_the_page():
    html = note_html("# a\n\n###### b\n\n## c", 3)
    assert [html[i + 2] for i in range(len(html)) if html.startswith("<h", i) and html[i + 2].isdigit()] == list("343")
    assert "<h2>" in note_html("## a", 2)


def test_every_section_has_a_place_of_its_own():
    places = [spec.place for _, spec in in_order()]
    assert len(set(places)) == len(places)
    assert Edition().sections is None
