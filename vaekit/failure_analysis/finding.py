"""What a finding is, in Python and in findings.json.

findings.json holds, beside `metric`, `label`, `unit` and `made_by`:

    n, n_confirmation, searches      test images with a finite value; those a slice is tested on; how often was searched
    candidates, q_level              slices tested together; the false discovery rate they are held to
    thresholds                       the least effect and share of the error of a slice that is called a finding
    findings                         records of `Finding`: slices first, by their share of the error, then what is true
                                     of the whole split, by its share of the error where it has one
    not_found                        {title, sentence}: what was tested and did not pass, or could not be tested
    tested                           every candidate slice, planned or found, with all its numbers and what became of it
    unlike                           {image_id, p, q} of the images that are unlike anything in train
    fairness, preserved, explained   rows and facts of the tests of the whole split; `facts`: its numbers by name
    notes                            sentences about what was left out, and why

An effect is {value, low, high, unit, ratio}: mean inside the slice minus mean outside in the metric's unit with its
95 % interval, and mean inside over mean outside where the metric has a natural zero. Numbers that can not be given
are null.
"""

import math
from dataclasses import asdict, dataclass
from typing import Any

# Kinds of findings that say which images fail; all others are of the whole split. A busy cluster is one whose error
# is no larger, or not for sure, at equal contrast, fine detail and brightness.
SLICES = ("slice", "cluster", "busy_cluster")


@dataclass(frozen=True)
class Effect:
    """The size of an effect: its value and 95 % interval in `unit`, and the same as a ratio where that means something.

    An end of an interval is None where it can not be given.
    """

    value: float
    low: float | None
    high: float | None
    unit: str
    ratio: float | None = None
    ratio_low: float | None = None
    ratio_high: float | None = None


@dataclass(frozen=True)
class Enrichment:
    """How many of the `of` worst images are in the slice; odds ratio (None: infinite) and p of Fisher's exact test."""

    worst: int
    of: int
    odds_ratio: float | None
    p: float


@dataclass(frozen=True)
class Finding:
    """One test that passed; it prints as its sentence.

    Attributes:
        id: short and unique in its analysis; the same finding has the same id in another model's analysis.
        kind: one of SLICES (which images), or that of an `Outcome` (what is true of the whole split).
        title: a few words.
        sentence: what was found, with its numbers.
        effect: its size with interval.
        n: images it rests on; of a slice, those in it on the confirmation half.
        p: of the test; q: adjusted for all tests of its family (Benjamini-Hochberg).
        share: of the total error, beside the other slices; None where it has none.
        enrichment: of a slice, among the worst images.
        image_ids: of its gallery.
        evidence: further sentences.
        remedy: what an engineer may try.
        false_if: what would make it false, as a sentence.
        came_up: of which images fail: in how many searches of the images it came up, and how many there were.
    """

    id: str
    kind: str
    title: str
    sentence: str
    effect: Effect | None
    n: int
    p: float | None
    q: float | None
    share: float | None
    enrichment: Enrichment | None
    image_ids: tuple[str, ...]
    evidence: tuple[str, ...]
    remedy: str
    false_if: str = ""
    came_up: tuple[int, int] | None = None

    def __str__(self) -> str:
        return self.sentence

    def record(self) -> dict[str, Any]:
        """Return it as findings.json keeps it."""
        record: dict[str, Any] = finite(asdict(self))
        return record

    @classmethod
    def of(cls, record: dict[str, Any]) -> "Finding":
        """Return the finding that `record` keeps."""
        effect, enrichment = record["effect"], record["enrichment"]
        made = {
            "effect": effect and Effect(**effect),
            "enrichment": enrichment and Enrichment(**enrichment),
            "image_ids": tuple(record["image_ids"]),
            "evidence": tuple(record["evidence"]),
            "came_up": record.get("came_up") and tuple(record["came_up"]),
        }
        return cls(**(record | made))


def finite(value: Any) -> Any:
    """Return a tree of numbers and texts as JSON can hold it: tuples as lists, what is not finite as None."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
