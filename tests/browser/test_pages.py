"""What holds of every page: quiet, offline, readable in the dark, on a phone, on paper and with a screen reader."""

import re
from itertools import pairwise

import pytest

from vaekit.reporting import Edition, build_report

PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "is_mobile": True, "has_touch": True}
PAPER = {"viewport": {"width": 672, "height": 993}}  # A4 less its margins, in CSS pixels
ON_CELLS = ("rgb(255, 255, 255)", "rgb(17, 17, 17)")  # numbers on a heat map, chosen against the cell they stand on
OPEN_ALL = "document.querySelectorAll('details').forEach((d) => { d.open = true; })"


def luminance(colour: str) -> float:
    """Return the relative luminance of "rgb(…)", as WCAG defines it."""
    red, green, blue = (int(part) / 255 for part in re.findall(r"\d+", colour)[:3])
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (red, green, blue)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours, from 1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_the_page_is_quiet_and_asks_for_nothing(look, path):
    seen = look(path)
    seen.page.evaluate(OPEN_ALL)
    seen.page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    seen.page.wait_for_timeout(100)
    assert seen.complaints == []
    own = ("data:", "blob:")  # what stands in the page, and the worker that it makes of it
    assert [url for url in seen.requests if not url.startswith(own)] == [path.as_uri()]
    broken = "[...document.images].filter((i) => !(i.complete && i.naturalWidth)).map((i) => i.alt)"
    assert seen.page.evaluate(broken) == []


def test_headings_landmarks_and_links_lead_somewhere(look, path):
    page = look(path).page
    levels = page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4')].map((h) => +h.tagName[1])")
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert page.get_by_role("main").count() == 1
    contents = page.get_by_role("navigation").get_by_role("link")
    assert contents.count() == page.locator("h2").count() > 5
    contents.last.click()
    page.wait_for_function("window.scrollY > 0")
    assert page.locator(contents.last.get_attribute("href")).bounding_box()["y"] < page.viewport_size["height"]


def test_text_stands_out_in_light_and_dark(look, path):
    page = look(path).page
    labels = page.locator("figure svg text")
    assert labels.count() > 10
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        body = page.locator("body")
        ink, paper = (body.evaluate(f"(e) => getComputedStyle(e).{name}") for name in ("color", "backgroundColor"))
        assert (luminance(paper) > 0.8) if scheme == "light" else (luminance(paper) < 0.05)
        assert contrast(ink, paper) > 7
        fills = labels.evaluate_all("(all) => all.map((e) => [e.textContent, getComputedStyle(e).fill])")
        weak = [text for text, fill in fills if fill not in ON_CELLS and contrast(fill, paper) < 4.5]
        assert weak == [], scheme


def test_a_phone_scrolls_down_and_not_sideways(look, path):
    page = look(path, **PHONE).page
    page.evaluate(OPEN_ALL)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["viewport"]["width"]
    wide = """[...document.querySelectorAll('main *')].filter((e) => {
        if (e.closest('.scroll, svg, [hidden]') || e.getClientRects().length === 0) return false;
        return e.getBoundingClientRect().right > innerWidth + 1;
    }).map((e) => e.outerHTML.slice(0, 120))"""
    assert page.evaluate(wide) == []


def test_paper_shows_every_figure_and_no_clipped_table(look, path, tmp_path):
    page = look(path, **PAPER).page
    pdf = page.pdf(format="A4", prefer_css_page_size=True, print_background=True)
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) > 3
    page.emulate_media(media="print")
    hidden = page.locator("figure").filter(visible=False)
    assert all(hidden.evaluate_all("(all) => all.map((e) => !!e.closest('details, .decoder'))"))
    figures = page.locator("figure").filter(has=page.locator("svg, img"), visible=True)
    assert figures.count() > 3
    for i in range(figures.count()):
        drawn = figures.nth(i).locator("svg, img").locator("visible=true").first.bounding_box()
        assert drawn and drawn["width"] > 50 and drawn["height"] > 10, figures.nth(i).inner_text()
        assert drawn["x"] + drawn["width"] <= PAPER["viewport"]["width"] + 1, figures.nth(i).inner_text()
    pictures = set(page.evaluate("[...document.images].filter((i) => i.checkVisibility()).map((i) => i.src)"))
    assert len(re.findall(rb"/Subtype\s*/Image\b", pdf)) >= len(pictures) > 0
    clipped = """[...document.querySelectorAll('.scroll, pre, table')].filter((e) => e.checkVisibility()
        && (e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 1)).map((e) => e.outerHTML)"""
    assert page.evaluate(clipped) == []


@pytest.mark.parametrize(("kind", "most"), [("paper", 8), ("full", 19)])
def test_on_paper_an_edition_keeps_to_its_pages(finished, look, tmp_path, kind, most):
    folder = next(finished.folder.glob("reports/small/*/evaluation")).parent
    evaluated = folder / "evaluation", folder / "failures"
    report = build_report(*evaluated, tmp_path, exploration=folder / "exploration", edition=Edition(kind=kind))
    pdf = look(report.html, **PAPER).page.pdf(format="A4", prefer_css_page_size=True, print_background=True)
    assert 3 < len(re.findall(rb"/Type\s*/Page\b", pdf)) <= most


def test_a_link_opens_what_its_target_is_folded_in(look, pages):
    page = look(pages["report"]).page
    link = page.locator("main a[href^='#term-']").first
    target = page.locator(link.get_attribute("href"))
    assert not target.is_visible()
    link.click()
    target.wait_for(state="visible")


@pytest.mark.parametrize("screen", [{}, {"color_scheme": "dark"}, PHONE], ids=["light", "dark", "phone"])
def test_the_accessibility_checker_finds_nothing_serious(look, path, axe, screen):
    page = look(path, **screen).page
    page.evaluate(OPEN_ALL)
    page.evaluate(axe)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    serious = [
        f"{rule['id']}: {rule['help']}: {node['html'][:160]} {node['failureSummary'][:200]}"
        for rule in found
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"][:3]
    ]
    assert serious == []


def test_without_javascript_everything_is_there(look, path):
    page = look(path, java_script_enabled=False).page
    assert page.locator("h2").count() > 5
    assert page.locator("form.controls").filter(visible=True).count() == 0
    assert page.locator("figure").first.is_visible()


FOREIGN = """() => { const s = document.createElement('script'); s.textContent = 'window.foreign = true';
    document.body.append(s); const i = new Image(); i.src = 'http://127.0.0.1:9/x.png'; document.body.append(i); }"""


def test_a_foreign_script_does_not_run_and_nothing_is_fetched(look, path):
    seen = look(path)
    seen.page.evaluate(FOREIGN)
    seen.page.wait_for_timeout(100)
    assert seen.page.evaluate("window.foreign") is None
    assert any("Content Security Policy" in complaint for complaint in seen.complaints)
    assert seen.page.evaluate("fetch('http://127.0.0.1:9/').then(() => 'sent', (e) => e.name)") == "TypeError"


def test_the_values_of_a_strip_stand_under_its_pictures(look, pages):
    page = look(pages["report"]).page
    off = page.evaluate(
        """() => [...document.querySelectorAll(".strips li")].filter((item) => !item.hidden).map((item) => {
            const [picture, steps] = [item.querySelector("img"), [...item.querySelectorAll(".steps span")]];
            const box = picture.getBoundingClientRect(), width = box.width / steps.length;
            const middle = ({ left, right }) => ((left + right) / 2 - box.left) / width;
            return Math.max(...steps.map((step, i) => Math.abs(middle(step.getBoundingClientRect()) - i - 0.5)));
        })"""
    )
    assert len(off) >= 3 and max(off) < 0.1


def test_no_label_breaks_within_a_word_on_a_phone(look, pages):
    page = look(pages["report"], viewport={"width": 390, "height": 844}).page
    heights = page.evaluate(
        '() => [...document.querySelectorAll(".controls label")].map((label) => label.offsetHeight)'
    )
    assert heights and max(heights) < 48


def test_nothing_white_stands_behind_a_drawing_at_night(look, path):
    """Every drawing of a page is an SVG, whose paper and words take the page's colours."""
    page = look(path, color_scheme="dark").page
    assert page.locator(".chart svg").count() > 5 and page.locator("img.picture").count() == 0
