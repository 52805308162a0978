import ast
import re
from itertools import pairwise
from pathlib import Path

import pytest

import vaekit
from vaekit.figures.words import (
    chance,
    change,
    count,
    distance,
    estimate,
    fixed,
    interval,
    listed,
    number,
    part,
    percent,
    plain,
    plural,
    readable,
    short,
    visible,
)
from vaekit.reporting.html import code_spans
from vaekit.reporting.markdown import escape


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((0.0096942, 0.0095, 0.00989), "0.00969"),
        ((-11432.123, -11480.0, -11380.0), "−11,432"),
        ((20.5432,), "20.54"),
        ((1234567.0,), "1,234,567"),
        ((0.0,), "0"),
        ((1.0, 1.0, 1.0), "1.000"),
        ((3e-9,), "3e-09"),
        ((7.713e-5, 7.54e-5, 7.86e-5), "7.71e-05"),
        ((0.000123, 0.000113, 0.000133), "0.000123"),
        ((-3e-9,), "−3e-09"),
        ((-0.00001, -0.5, 0.5), "0.00"),
        ((float("nan"),), "not finite"),
        ((float("inf"),), "not finite"),
        ((None,), "–"),
    ],
)
def test_numbers_have_the_digits_they_can_bear(arguments, text):
    assert number(*arguments) == text


@pytest.mark.parametrize(("value", "text"), [(0.99996, "1.00"), (9.996, "10.0"), (-99.96, "−100"), (0.9994, "0.999")])
def test_what_rounds_up_to_a_new_digit_has_no_digit_more(value, text):
    assert short(value) == text


def test_a_number_is_said_to_fall_rise_or_stay():
    assert change(-8581.0, -13226.0) == "falls from −8,581 to −13,226" and change(2, 3) == "rises from 2 to 3"
    assert change(1.00001, 1.00002) == "stays at 1"


_VERBS = re.compile(r" (are|have|do|carry|were|go|stand|lie|show|repeat|need|become)\b")


def test_a_verb_after_a_count_agrees_with_it():
    """A verb stands within `plural` or `part`, which know the count; behind a noun without one it would not."""
    loose = []
    for folder in ("figures", "reporting"):
        for path in Path(vaekit.__file__).with_name(folder).rglob("*.py"):
            for text in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                parts = text.values if isinstance(text, ast.JoinedStr) else []
                for counted, after in pairwise(parts):
                    call = getattr(counted, "value", None)
                    is_plural = isinstance(call, ast.Call) and getattr(call.func, "id", "") == "plural"
                    if is_plural and isinstance(after, ast.Constant) and _VERBS.match(after.value):
                        loose.append(f"{path.name}:{counted.lineno}{after.value[:12]}")
    assert not loose


def test_intervals_and_counts():
    assert interval(0.00950, 0.00989) == "[0.00950, 0.00989]"
    assert interval(None, None) == "–"
    assert count(162_770) == "162,770"


def test_invisible_characters_show_their_code():
    assert visible("a\nb\u202ec\x00") == "a⟨U+000A⟩b⟨U+202E⟩c⟨U+0000⟩"
    assert visible("Ж 日本 é") == "Ж 日本 é"


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("a|b", "a\\|b"),
        ("<script>", "\\<script\\>"),
        ("# no heading", "\\# no heading"),
        ("- no list", "\\- no list"),
        ("1. no list", "1\\. no list"),
        ("-5.2", "-5.2"),
        ("x_hat and _this_", "x_hat and \\_this\\_"),
        ("http://a.b", "http\\://a.b"),
        ("`x`", "\\`x\\`"),
    ],
)
def test_markdown_escapes(text, escaped):
    assert str(escape(text)) == escaped


def test_only_paired_backticks_are_code():
    assert str(code_spans("run `vaekit <x>` now")) == "run <code>vaekit &lt;x&gt;</code> now"
    assert str(code_spans("a ` b <i>")) == "a ` b &lt;i&gt;"


def test_one_minus_and_none_before_nothing():
    assert fixed(-0.004, 2) == "0.00" and fixed(-0.4, 2, sign=True) == "−0.40" and fixed(0.4, 2, sign=True) == "+0.40"
    assert short(-3e-9) == "−3e-09" and short(-12345.0) == "−12,345"
    assert number(0.0001, -0.5, 0.5, sign=True) == "0.00" and number(0.2, 0.1, 0.3, sign=True) == "+0.20"
    assert "-" not in estimate(-0.24, -0.5, 0.02) and plain(-1.5) == "−1.5" and plain(12.0) == "12"


@pytest.mark.parametrize(
    ("share", "said"),
    [(0.0, "0 %"), (1e-5, "under 0.1 %"), (0.458, "45.8 %"), (0.5, "50 %"), (0.99997, "over 99.9 %"), (1.0, "100 %")],
)
def test_none_and_all_are_said_of_none_and_all_alone(share, said):
    assert percent(share) == said


def test_a_share_has_its_interval():
    assert percent(0.621, 0.603, 0.64) == "62.1 % [60.3, 64]"


def test_what_can_not_be_negative_is_about_nothing():
    assert distance(-0.24) == distance(-0.1, -0.3, 0.1) == "about 0" and distance(2.9, 0.0, 6.1) == "2.9"
    assert distance(1.5, 1.0, 2.0) == "1.50"


def test_nouns_follow_their_number():
    assert plural(1, "picture") == "1 picture" and plural(0, "picture") == "0 pictures"
    assert part(1, 3, "image", "has", "have") == "1 of 3 images has"
    assert part(0, 1, "image", "has", "have") == "0 of 1 image have"
    assert plural(1, "entry", "entries") == "1 entry" and plural(1200, "entry", "entries") == "1,200 entries"
    assert readable("Blond_Hair") == "Blond Hair" and listed(["a", "b", "c"], "or") == "a, b or c"


def test_an_open_end_is_shown_and_a_small_p_is_never_called_nothing():
    assert estimate(3.8, 2.1, None).endswith(", …]") and interval(None, None) == "–"
    assert chance("q", 0.0123) == "q = 0.012" and chance("p", 1e-300) == "p < 0.0001"


def test_numbers_in_sentences_are_worded_here_alone():
    """A format of its own writes 1.2e+04, a hyphen for a minus, or a digit that the interval does not bear."""
    own = []
    for room in ("evaluation", "failure_analysis", "reporting", "judge"):
        for file in sorted(Path(vaekit.__file__).parent.glob(f"{room}/**/*.py")):
            tree = ast.parse(file.read_text())
            calls = [
                node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "float"
            ]
            rounded = {part for call in calls for part in ast.walk(call)}
            for node in ast.walk(tree):
                if isinstance(node, ast.FormattedValue) and node.format_spec and node not in rounded:
                    spec = ast.unparse(node.format_spec)
                    is_own = re.search(r"\.[1-9]|%|e'", spec) and ast.unparse(node.value) != "beta"
                    own += [f"{file}:{node.lineno} {spec}"] if is_own else []
    assert not own, own
