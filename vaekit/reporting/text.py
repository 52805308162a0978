"""Numbers and foreign strings as a reader sees them: one way for every table, box and caption."""

import math
import unicodedata
from typing import Any

# Marks that reorder or hide what follows them; joiners that scripts and emoji need are left alone.
_INVISIBLE = {"Cc", "Zl", "Zp", "Cs"}
_REORDERING = set("\u061c\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff")


def visible(value: Any) -> str:
    """Return `value` as text in one line, in which control characters and marks of direction show as their code."""
    return "".join(
        f"⟨U+{ord(c):04X}⟩" if c in _REORDERING or unicodedata.category(c) in _INVISIBLE else c for c in str(value)
    )


def readable(attribute: str) -> str:
    """Return an attribute's name without its underscores."""
    return attribute.replace("_", " ")


def number(value: float | None, low: float | None = None, high: float | None = None) -> str:
    """Return a number with as many decimals as its interval bears (two digits of its half-width), else four digits."""
    if value is None or not math.isfinite(value):
        return "–" if value is None else "not finite"
    half = (high - low) / 2 if low is not None and high is not None else 0.0
    if half > 0 and math.isfinite(half):
        decimals = 1 - math.floor(math.log10(half))
    else:
        decimals = 3 - math.floor(math.log10(abs(value))) if value else 0
    if decimals > 7:
        return f"{value:.3g}".replace("-", "−", 1)
    text = f"{value:,.{max(0, decimals)}f}"
    return text.replace("-", "−" if float(text.replace(",", "")) else "")


def interval(low: float | None, high: float | None) -> str:
    """Return "[low, high]" with the decimals that its width bears; a dash where there is none."""
    if low is None or high is None:
        return "–"
    return f"[{number(low, low, high)}, {number(high, low, high)}]"


def count(value: float) -> str:
    """Return a count with its thousands separated."""
    return f"{int(value):,}"
