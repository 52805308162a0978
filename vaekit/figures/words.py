"""Numbers and names as a caption, an axis or a page shows them."""

import unicodedata
from collections.abc import Sequence
from typing import Any

# Marks that reorder or hide what follows them; joiners that scripts and emoji need are left alone.
_REORDERING = set("\u061c\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff")
_INVISIBLE = {"Cc", "Zl", "Zp", "Cs"}


def visible(value: Any) -> str:
    """Return `value` as text in one line, in which control characters and marks of direction show as their code."""
    return "".join(
        f"⟨U+{ord(c):04X}⟩" if c in _REORDERING or unicodedata.category(c) in _INVISIBLE else c for c in str(value)
    )


def readable(attribute: str) -> str:
    """Return an attribute's name without its underscores, all of it visible."""
    return visible(attribute).replace("_", " ")


def in_sentence(label: str) -> str:
    """Return a label as it stands inside a sentence: "Mean squared error" loses its capital, "SSIM" does not."""
    return label[:1].lower() + label[1:] if label[1:2].islower() else label


def listed(parts: Sequence[str], last: str = "and") -> str:
    """Return "a", "a and b" or "a, b and c"."""
    return f"{', '.join(parts[:-1])} {last} {parts[-1]}" if len(parts) > 1 else "".join(parts)


def plain(value: float) -> str:
    """Return a number with four significant digits, or whole with its thousands separated."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
