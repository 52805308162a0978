"""The contract of a test of the whole split: a measurement of the context, and words for what it found.

    @split_test("detail", place=20)
    def lost_detail(context: Context) -> Measured: ...

    @worded("detail")
    def detail_words(result: SplitResult, training: Training) -> Words: ...

A file in this folder that registers both is all that a further test needs. Tests run in the order of their place; what
one leaves in `Measured.columns`, later ones find in `context.columns`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from vaekit.failure_analysis.advice import UNKNOWN, Training
from vaekit.failure_analysis.context import Context
from vaekit.failure_analysis.finding import Effect
from vaekit.figures.words import plural
from vaekit.quantity import Quantity
from vaekit.registry import Registry

LEAST = 20  # images on either side of a comparison: fewer say nothing


def too_few(n: int, least: int = LEAST) -> str:
    """Return why nothing is tested on n images: "1 image is too few (20 are the least)"."""
    return f"{plural(n, 'image')} {'is' if n == 1 else 'are'} too few ({least} are the least)"


@dataclass(frozen=True)
class SplitResult:
    """The result of one test that was decided on before the data were seen: numbers, no sentence.

    Attributes:
        id: short and unique, such as "detail" or "lost-Eyeglasses".
        kind: what it is about: who words it, and how a report groups it.
        found: the test passed its stated thresholds.
        effect: None where nothing could be measured.
        n: images the test rests on.
        p: of the null hypothesis that its words name; q: p adjusted within its family (Benjamini-Hochberg).
        share: of the test split's total squared error, where the test says so.
        untested: why it was not tested; empty where it was.
        numbers: whatever else its words need.
        rows: images that show it, the clearest first.
    """

    id: str
    kind: str
    found: bool
    effect: Effect | None = None
    n: int = 0
    p: float | None = None
    q: float | None = None
    share: float | None = None
    untested: str = ""
    numbers: Mapping[str, Any] = field(default_factory=dict)
    rows: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))


@dataclass(frozen=True)
class Words:
    """A result in words: heading, sentence, further ones each true by itself, what to try, what would make it false."""

    title: str
    sentence: str
    evidence: tuple[str, ...] = ()
    remedy: str = ""
    false_if: str = ""


@dataclass(frozen=True, eq=False)
class Measured:
    """What a test of the whole split leaves.

    Attributes:
        results: findings where they are found, silence where not.
        record: what findings.json gets beside them, by key.
        facts: numbers for findings.json's "facts", by name.
        arrays: for diagnosis.npz.
        columns: numbers per image (N,), by name.
        notes: sentences about what was left out, and why.
    """

    results: tuple[SplitResult, ...] = ()
    record: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Quantity] = field(default_factory=dict)
    arrays: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)
    columns: Mapping[str, npt.NDArray[np.float64]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


Measure = Callable[[Context], Measured]
Wording = Callable[[SplitResult, Training], Words]


@dataclass(frozen=True)
class SplitTest:
    """How one test measures, and its place in the order of all."""

    place: int
    measure: Measure


SPLIT_TESTS: Registry[SplitTest] = Registry("split_test", "vaekit.failure_analysis.split")
WORDINGS: dict[str, Wording] = {}


def split_test(name: str, *, place: int) -> Callable[[Measure], Measure]:
    """Return a decorator that files a measurement as the test `name`."""

    def file_it(measure: Measure) -> Measure:
        SPLIT_TESTS.register(name)(SplitTest(place, measure))
        return measure

    return file_it


def worded(kind: str) -> Callable[[Wording], Wording]:
    """Return a decorator that files the words for results of a kind."""

    def file_it(wording: Wording) -> Wording:
        WORDINGS[kind] = wording
        return wording

    return file_it


def words(result: SplitResult, training: Training = UNKNOWN) -> Words:
    """Return a result in words; what to try depends on how the model was trained."""
    SPLIT_TESTS.names()  # imports every file of this folder, and with it the words
    return WORDINGS[result.kind](result, training)


def run_split_tests(context: Context) -> Measured:
    """Return what all tests of the whole split leave, together."""
    tests = sorted(SPLIT_TESTS.items(), key=lambda item: (item[1].place, item[0]))
    measured = []
    for _, test in tests:
        measured.append(test.measure(context))
        context.columns.update(measured[-1].columns)
    return Measured(
        tuple(result for m in measured for result in m.results),
        {key: value for m in measured for key, value in m.record.items()},
        {key: value for m in measured for key, value in m.facts.items()},
        {key: value for m in measured for key, value in m.arrays.items()},
        context.columns,
        tuple(note for m in measured for note in m.notes),
    )
