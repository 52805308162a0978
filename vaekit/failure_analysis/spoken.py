"""Numbers with their intervals as sentences carry them."""


def spoken(value: float | None, low: float | None, high: float | None, scale: float = 1) -> str:
    """Return "3.8 [3.75, 3.84]" for a number and its interval, times `scale`: three digits, an open end as "…"."""
    said = ["…" if end is None else f"{scale * end:.3g}".replace("-", "−") for end in (value, low, high)]
    return f"{said[0]} [{said[1]}, {said[2]}]"


def percent(value: float | None, low: float | None, high: float | None) -> str:
    """Return "62.1 % [60.3, 64]" for a share and its interval, to a tenth of a percent."""
    said = [
        "…" if end is None else f"{round(100 * end, 1) + 0.0:.1f}".removesuffix(".0").replace("-", "−")
        for end in (value, low, high)
    ]
    return f"{said[0]} % [{said[1]}, {said[2]}]"
