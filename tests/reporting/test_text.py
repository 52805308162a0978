import pytest

from vaekit.figures.words import visible
from vaekit.reporting.html import code_spans
from vaekit.reporting.markdown import escape
from vaekit.reporting.text import count, interval, number


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
        ((-3e-9,), "−3e-09"),
        ((-0.00001, -0.5, 0.5), "0.00"),
        ((float("nan"),), "not finite"),
        ((float("inf"),), "not finite"),
        ((None,), "–"),
    ],
)
def test_numbers_have_the_digits_they_can_bear(arguments, text):
    assert number(*arguments) == text


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
