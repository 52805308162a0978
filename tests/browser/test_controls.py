"""What a reader can do with a page: sort and filter pictures and tables, move sliders, enlarge, all by keyboard."""

import json
import re

import pytest

VISIBLE_CARDS = "(all) => all.filter((e) => e.checkVisibility()).map((e) => [e.dataset.values, e.innerText])"


@pytest.fixture
def page(look, path):
    return look(path).page


@pytest.fixture
def report(look, pages):
    return look(pages["report"]).page


def gallery(page):
    """The first gallery that has controls."""
    return page.locator(".gallery:not([data-name^='finding-'])").first


def cards(page) -> list[tuple[list[float], str]]:
    """The values and the words of its cards in sight."""
    seen = gallery(page).get_by_role("listitem").and_(page.locator(".card")).evaluate_all(VISIBLE_CARDS)
    return [(json.loads(values), text) for values, text in seen]


def test_the_gallery_sorts_by_a_metric_both_ways(page):
    page.get_by_label("show all").check()
    chooser = page.get_by_label("Sort by")
    first = cards(page)
    assert len(first) > 2
    for index, name in enumerate(chooser.locator("option").all_inner_texts()[1:3]):
        chooser.select_option(label=name)
        ascending = [values[index] for values, _ in cards(page)]
        assert ascending == sorted(ascending) and len(ascending) == len(first)
        page.get_by_label("reversed").check()
        assert [values[index] for values, _ in cards(page)] == ascending[::-1]
        page.get_by_label("reversed").uncheck()
    chooser.select_option("")
    assert cards(page) == first


def test_the_gallery_filters_by_an_attribute(report):
    some = len(cards(report))
    report.get_by_label("show all").check()
    before = cards(report)
    assert some <= len(before) == len(gallery(report).locator(".card").all())
    chooser = report.get_by_label("With attribute")
    names = chooser.locator("option").all_inner_texts()[1:]
    has = {name: sum(name in re.split(r"\s*[·\n]\s*", text) for _, text in before) for name in names}
    name = next(name for name, count in has.items() if 0 < count < len(before))
    chooser.select_option(label=name)
    after = cards(report)
    assert len(after) == has[name] and all(name in text for _, text in after)
    assert gallery(report).get_by_role("status").inner_text() == str(len(after))
    chooser.select_option("")
    assert cards(report) == before


def test_a_table_sorts_by_its_numbers_and_back(page):
    tables = page.locator("main table").filter(has=page.locator("thead th.number button"), visible=True)
    table = max(tables.all()[:6], key=lambda table: table.locator("tbody tr").count())
    heading = table.locator("thead th.number").filter(has=page.get_by_role("button")).first
    column = heading.evaluate("(e) => e.cellIndex")

    def shown() -> list[str]:
        return table.locator("tbody tr").evaluate_all(
            "(rows, c) => rows.map((r) => r.cells[c].dataset.exact ?? '')", column
        )

    first = shown()
    numbers = [float(value) for value in first if value]
    assert len(set(numbers)) > 1
    heading.get_by_role("button").click()
    assert heading.get_attribute("aria-sort") == "descending"
    assert [float(value) for value in shown() if value] == sorted(numbers, reverse=True)
    heading.get_by_role("button").press("Enter")
    assert heading.get_attribute("aria-sort") == "ascending"
    assert [float(value) for value in shown() if value] == sorted(numbers)
    heading.get_by_role("button").press("Enter")
    assert heading.get_attribute("aria-sort") is None and shown() == first


def test_a_slider_moves_by_keyboard_and_says_where_it_is(report):
    figure = report.locator("figure.strips").filter(has=report.get_by_role("slider")).first
    slider, output = figure.get_by_role("slider"), figure.get_by_role("status")
    slider.focus()
    slider.press("Home")
    first, said = slider.input_value(), output.inner_text()
    slider.press("ArrowRight")
    assert int(slider.input_value()) == int(first) + 1 and output.inner_text() != said
    assert slider.get_attribute("aria-valuetext") == output.inner_text()
    picture = figure.locator("canvas")
    name = picture.get_attribute("aria-label")
    assert output.inner_text() in name
    chooser = figure.get_by_role("combobox")
    options = chooser.locator("option").all_inner_texts()
    if len(options) > 1:
        chooser.select_option(label=options[1])
        assert options[1] in picture.get_attribute("aria-label")
    assert picture.evaluate("(c) => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some((v) => v)")


def test_a_picture_is_enlarged_and_closed_by_keyboard(page):
    button = gallery(page).get_by_role("button", name=re.compile("^Enlarge")).first
    button.focus()
    button.press("Enter")
    dialog = page.get_by_role("dialog")
    assert dialog.is_visible() and dialog.locator("img").get_attribute("src").startswith("data:image/png")
    first = dialog.locator("img").get_attribute("alt")
    page.keyboard.press("ArrowRight")
    assert dialog.locator("img").get_attribute("alt") != first
    page.keyboard.press("ArrowLeft")
    assert dialog.locator("img").get_attribute("alt") == first
    page.keyboard.press("Escape")
    assert not dialog.is_visible()
    assert button.evaluate("(e) => e === document.activeElement")
    button.click()
    assert dialog.is_visible()
    dialog.get_by_role("button", name="Close").click()
    assert not dialog.is_visible()


def test_the_first_tab_leads_past_the_contents(page):
    page.keyboard.press("Tab")
    link = page.locator(":focus")
    assert link.inner_text().startswith("Skip to") and link.is_visible()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.locator(":focus").evaluate("(e) => e.closest('main') !== null")


def test_everything_that_scrolls_can_be_reached_by_keyboard(page):
    unreachable = """[...document.querySelectorAll('main *')].filter((e) => e.scrollWidth > e.clientWidth + 1
        && ['auto', 'scroll'].includes(getComputedStyle(e).overflowX) && e.tabIndex < 0).map((e) => e.outerHTML)"""
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate(unreachable) == []
