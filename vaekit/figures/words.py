"""Numbers and names as a reader sees them: one way for every table, caption and sentence.

A measured number has the digits that its interval bears (`number`, `estimate`), or so many significant ones
(`short`); a constant that somebody chose stands as it was chosen (`plain`). The minus sign is always "−".
"""

import math
import unicodedata
from collections.abc import Sequence
from typing import Any

# Marks that reorder or hide what follows them; joiners that scripts and emoji need are left alone.
_REORDERING = set("\u061c\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff")
_INVISIBLE = {"Cc", "Zl", "Zp", "Cs"}
ARROWS = {True: "↑", False: "↓", None: ""}  # to where a number is better, by `higher_is_better`
# What a reader asks for first, and its short name; what was not computed leaves its place to the next.
HEADLINES = {
    "mse": "MSE",
    "ssim": "SSIM",
    "r2": "R²",
    "kl": "KL (rate)",
    "elbo": "ELBO",
    "fid": "FID",
    "fd_attributes": "FD (judge)",
    "fd_random": "FD (judge)",
    "bpd_calibrated": "Bits/dim",
    "probe_auroc": "Probes",
    "psnr": "PSNR",
    "sse": "SSE",
}
_SMALL = 1e-4  # what is smaller is written with an exponent


def visible(value: Any) -> str:
    """Return `value` as text in one line, in which control characters and marks of direction show as their code."""
    return "".join(
        f"⟨U+{ord(c):04X}⟩" if c in _REORDERING or unicodedata.category(c) in _INVISIBLE else c for c in str(value)
    )


def readable(attribute: str) -> str:
    """Return an attribute's name without its underscores, all of it visible: "Blond_Hair" is "Blond Hair"."""
    return visible(attribute).replace("_", " ")


def abbreviated(attribute: str) -> str:
    """Return an attribute as it stands at an axis: readable, and no longer than 24 characters."""
    name = readable(attribute)
    return name if len(name) <= 24 else f"{name[:23]}…"


def in_sentence(label: str) -> str:
    """Return a label as it stands inside a sentence: "Mean squared error" loses its capital, "SSIM" does not."""
    return label[:1].lower() + label[1:] if label[1:2].islower() else label


def listed(parts: Sequence[str], last: str = "and") -> str:
    """Return "a", "a and b" or "a, b and c"."""
    return f"{', '.join(parts[:-1])} {last} {parts[-1]}" if len(parts) > 1 else "".join(parts)


def number(value: float | None, low: float | None = None, high: float | None = None, *, sign: bool = False) -> str:
    """Return a number with as many decimals as its interval bears (two digits of its half-width), else four digits."""
    half = (high - low) / 2 if low is not None and high is not None else 0.0
    if value is None or not math.isfinite(value) or not 0 < half < math.inf:
        return short(value, 4, sign=sign)
    return fixed(value, 1 - math.floor(math.log10(half)), sign=sign)


def short(value: float | None, digits: int = 3, *, sign: bool = False) -> str:
    """Return a number with so many significant digits; whole from there on, with its thousands separated."""
    if value is None:
        return "–"
    if not value or not math.isfinite(value):
        return fixed(value, 0)
    exponent = int(f"{value:.{digits - 1}e}".partition("e")[2])  # of the rounded number: 0.9996 has that of 1
    return fixed(value, digits - 1 - exponent, sign=sign)


def plain(value: float | None, digits: int = 4, *, sign: bool = False) -> str:
    """Return a number as `short` does, without the zeros at its end: "0.5", "12", "1,234,567"."""
    text = short(value, digits, sign=sign)
    return text.rstrip("0").removesuffix(".") if "." in text and "e" not in text else text


def fixed(value: float, decimals: int, *, sign: bool = False) -> str:
    """Return a number with so many decimals; an exponent says what is small, and only `sign` sets a plus before it.

    What rounds to nothing has no sign.
    """
    if not math.isfinite(value):
        return "not finite"
    digits = decimals + 1 + math.floor(math.log10(abs(value))) if 0 < abs(value) < _SMALL else 0
    text = f"{abs(value):.{digits}g}" if digits > 0 else f"{abs(value):,.{max(0, decimals)}f}"
    if not any(digit in text for digit in "123456789"):
        return text
    return f"−{text}" if value < 0 else f"+{text}" if sign else text


def distance(value: float, low: float | None = None, high: float | None = None) -> str:
    """Return an estimate of something that can not be negative: "about 0" where it is."""
    return "about 0" if value <= 0 else number(value, low, high)


def change(first: float, last: float) -> str:
    """Return how a number went: "falls from 3 to 2", "rises from 2 to 3", "stays at 2"."""
    before, after = plain(first), plain(last)
    if before == after:
        return f"stays at {after}"
    return f"{'falls' if last < first else 'rises'} from {before} to {after}"


def interval(low: float | None, high: float | None) -> str:
    """Return "[low, high]" with the decimals that its width bears, "…" for an open end; a dash where there is none."""
    if low is None and high is None:
        return "–"
    return f"[{', '.join('…' if end is None else number(end, low, high) for end in (low, high))}]"


def estimate(value: float | None, low: float | None, high: float | None, *, sign: bool = False) -> str:
    """Return a number with its interval, where it has one: "0.83 [0.81, 0.85]"; with `sign` a difference."""
    return f"{number(value, low, high, sign=sign)} {interval(low, high)}".removesuffix(" –")


def percent(share: float | None, low: float | None = None, high: float | None = None) -> str:
    """Return a share in percent, to a tenth, with its interval: "62.1 % [60.3, 64]".

    "0 %" and "100 %" stand for none and for all, and for nothing near them.
    """
    if share is None:
        return "–"
    shown = fixed(100 * share, 1).removesuffix(".0")
    if shown == "0" and share:
        shown = "under 0.1"
    if shown == "100" and share < 1:
        shown = "over 99.9"
    ends = [fixed(100 * end, 1).removesuffix(".0") for end in (low, high) if end is not None]
    return f"{shown} % [{', '.join(ends)}]" if len(ends) == 2 else f"{shown} %"


def probability(p: float) -> str:
    """Return a p or q as it stands in a table."""
    return "< 0.0001" if p < 1e-4 else fixed(p, 4)


def chance(name: str, p: float) -> str:
    """Return a p or q as it stands in a sentence: "q = 0.013", "p < 0.0001"."""
    return f"{name} < 0.0001" if p < 1e-4 else f"{name} = {plain(p, 2)}"


def count(value: float) -> str:
    """Return a count with its thousands separated."""
    return f"{int(value):,}".replace("-", "−")


def plural(n: float, one: str, many: str | None = None) -> str:
    """Return a count with its noun: "1 image", "32 images"; `many` is the plural where it is not `one` with an s."""
    return f"{count(n)} {one if n == 1 else many or one + 's'}"


def part(n: float, of: float, one: str, verb: str, verbs: str) -> str:
    """Return a count of a total, its noun and what is said of it: "1 of 3 images has", "0 of 1 image have"."""
    return f"{count(n)} of {plural(of, one)} {verb if n == 1 else verbs}"


def unit(text: str) -> str:
    """Return a unit as it stands beside a number: nothing for a number without dimension."""
    return "" if text == "1" else text
