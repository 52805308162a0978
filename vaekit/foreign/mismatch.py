"""Why weights do not fit a class: the keys that do not meet, and the likeliest cause."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

SHOWN = 6  # keys of each kind in the table
CODEBOOK = re.compile(r"(^|[._])(vq|quanti[sz]e|codebook)", re.IGNORECASE)


@dataclass(frozen=True)
class Fit:
    """One candidate beside the network's keys.

    Attributes:
        place: where in which file, as a user would index it.
        weights: the tensors found, under the network's keys.
        missing, unexpected: keys of the network that are not there, and keys there that the network has not.
        misshapen: keys whose shapes differ.
        cut: components left out of the file's keys (+) or of the network's (-) to make them meet.
    """

    place: str
    weights: dict[str, Tensor]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    misshapen: tuple[str, ...]
    cut: str

    @property
    def is_whole(self) -> bool:
        """Whether every key meets its like."""
        return not (self.missing or self.unexpected or self.misshapen)

    @property
    def rank(self) -> tuple[int, int, int]:
        """Larger is better: shapes that meet, keys that meet, few keys left over."""
        return len(self.weights) - len(self.misshapen), len(self.weights), -len(self.unexpected)


def explain(name: str, fit: Fit, want: Mapping[str, Tensor], arguments: Mapping[str, Any]) -> str:
    """Return the sentence, the table and the likeliest cause of a mismatch with the class `name`."""
    rows = [
        *_rows("missing", [f"{k} {tuple(want[k].shape)}" for k in fit.missing]),
        *_rows("unexpected", list(fit.unexpected)),
        *_rows("shape", [_shapes(k, fit, want) for k in fit.misshapen]),
    ]
    head = (
        f"{fit.place} does not fit {name}: of its {len(want)} keys {len(fit.missing)} are missing and "
        f"{len(fit.misshapen)} have another shape; {len(fit.unexpected)} keys of the file are not the class's."
    )
    return "\n".join([head, *rows, f"Likeliest cause: {_cause(name, fit, want, arguments)}"])


def is_quantised(keys: Sequence[str]) -> bool:
    """Whether the names of a network's weights speak of a codebook."""
    return any(CODEBOOK.search(key) for key in keys)


def _rows(kind: str, lines: list[str]) -> list[str]:
    rest = [f"  {kind:<12}... and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
    return [f"  {kind:<12}{line}" for line in lines[:SHOWN]] + rest


def _shapes(key: str, fit: Fit, want: Mapping[str, Tensor]) -> str:
    return f"{key}: {tuple(fit.weights[key].shape)} in the file, {tuple(want[key].shape)} in the class"


def _cause(name: str, fit: Fit, want: Mapping[str, Tensor], arguments: Mapping[str, Any]) -> str:
    if is_quantised(fit.unexpected) and not is_quantised(list(want)):
        return "the file is of a vector-quantised VAE, which has no Gaussian posterior to evaluate."
    if fit.misshapen and not fit.missing and not fit.unexpected:
        return _cause_of_shapes(name, fit, want, arguments)
    if len(fit.weights) - len(fit.misshapen) < len(want) / 4:
        return (
            f"another class: the file's keys are like {_example([*fit.unexpected, *fit.weights])}, the class's like "
            f"{_example(fit.missing)}. Name the class that was trained with --model FILE.py:Class."
        )
    if not fit.missing:
        return f"the file holds more than {name}: it was saved from a class with further parts; name that one."
    return f"{name} was changed after the file was saved, or other arguments built it: see --model-args."


def _example(keys: Sequence[str]) -> str:
    return f"{keys[0]!r}" if keys else "none other"


def _cause_of_shapes(name: str, fit: Fit, want: Mapping[str, Tensor], arguments: Mapping[str, Any]) -> str:
    pairs = {
        (theirs, ours)
        for key in fit.misshapen
        for theirs, ours in zip(fit.weights[key].shape, want[key].shape, strict=False)
        if theirs != ours
    }
    if pairs == {(1, 3)} or pairs == {(3, 1)}:
        channels = next(iter(pairs))[0]
        return f"the file is of images with {channels} channel{'s' if channels > 1 else ''}: see --model-args."
    for theirs, ours in sorted(pairs):  # mu and logvar in one layer are twice as many
        if pairs <= {(theirs, ours), (2 * theirs, 2 * ours)}:
            named = [k for k, v in arguments.items() if v == ours and not isinstance(v, bool)]
            if named:
                return f"another {named[0]}: --model-args '{{\"{named[0]}\": {theirs}}}' instead of {ours}."
            if not _is_square(theirs, ours):
                return f"other arguments: the file has {theirs} where {name} has {ours}; see --model-args."
    if all(_is_square(theirs, ours) for theirs, ours in pairs):
        return "another image size: only the layers between pixels and latents differ, by the ratio of two squares."
    return f"other arguments of {name}: see --model-args."


def _is_square(a: int, b: int) -> bool:
    divisor = math.gcd(a, b)
    return all(math.isqrt(n // divisor) ** 2 == n // divisor for n in (a, b))
