"""Numbers as a reader sees them: one way for every table, box and card."""

import math


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
        return f"{value:.3g}" if value > 0 else f"−{-value:.3g}"
    text = f"{value:,.{max(0, decimals)}f}"
    return text.replace("-", "−" if float(text.replace(",", "")) else "")


def short(value: float | None, digits: int = 3) -> str:
    """Return a number with so many significant digits; whole from there on, with its thousands separated."""
    if value is None or not math.isfinite(value) or value == 0:
        return number(value)
    if abs(value) < 1e-7:
        return number(float(f"{value:.{digits}g}"))
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    return f"{value:,.{decimals}f}".replace("-", "−")


def interval(low: float | None, high: float | None) -> str:
    """Return "[low, high]" with the decimals that its width bears; a dash where there is none."""
    if low is None or high is None:
        return "–"
    return f"[{number(low, low, high)}, {number(high, low, high)}]"


def count(value: float) -> str:
    """Return a count with its thousands separated."""
    return f"{int(value):,}"


def unit(text: str) -> str:
    """Return a unit as it stands beside a number: nothing for a number without dimension."""
    return "" if text == "1" else text


def plural(n: int, one: str, many: str | None = None) -> str:
    """Return a count with its noun: "1 image", "32 images"."""
    return f"{count(n)} {one if n == 1 else many or one + 's'}"
