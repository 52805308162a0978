"""The slices that held, as findings: sentence, evidence, remedy and the images that show them."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from vaekit.failure_analysis.advice import UNKNOWN, Training
from vaekit.failure_analysis.equal_complexity import AT_EQUAL
from vaekit.failure_analysis.finding import Enrichment, Finding
from vaekit.failure_analysis.slices.confirmation import Tested
from vaekit.failure_analysis.slices.redundancy import Kept
from vaekit.failure_analysis.slices.search import SEARCHES, Searched
from vaekit.failure_analysis.slices.wording import Measure, false_if, remedy, sentence, title
from vaekit.figures.words import chance, estimate, in_sentence, short
from vaekit.statistics.differences import mean_difference

COMPLEXITY = {"contrast", "fine_detail", "brightness"}


@dataclass(frozen=True, eq=False)
class Errors:
    """Errors of the N test images, the larger the worse: of the metric, at equal complexity, in the face and around."""

    own: np.ndarray
    adjusted: np.ndarray
    face: np.ndarray
    around: np.ndarray


@dataclass(frozen=True, eq=False)
class Told:
    """What the findings are told by: of images, by persons given as codes (N,), with the metric in words."""

    errors: Errors
    persons: np.ndarray
    measure: Measure

    def take(self, rows: np.ndarray) -> "Told":
        """Return the same of these images alone."""
        errors = Errors(*(own[rows] for own in vars(self.errors).values()))
        return Told(errors, self.persons[rows], self.measure)

    def ratio(self, values: np.ndarray, mask: np.ndarray) -> str | None:
        """Return mean inside over mean outside with its interval, "1.3 [1.2, 1.4]"; None where it means nothing."""
        known = np.isfinite(values)
        d = mean_difference(values[known], mask[known], self.persons[known], ratio=True)
        return None if d is None or d.ratio is None else estimate(d.ratio, d.ratio_low, d.ratio_high)


def slice_findings(
    searched: Searched,
    told: Told,
    image_ids: np.ndarray,
    train: pd.DataFrame,
    pictured: int,
    training: Training = UNKNOWN,
) -> list[tuple[Finding, np.ndarray]]:
    """Return the kept slices as findings, each with the rows of its gallery.

    The numbers of a slice are those of the search in the middle of all that tested it. Its gallery has the worst images
    that were not searched there and that no earlier gallery shows, if there are enough.

    Args:
        searched: what the search found.
        told: what is known of the N test images; `image_ids`: their names.
        train: attributes of the train images as 0/1.
        pictured: images of a gallery.
        training: how the model was trained, as far as that is known.
    """
    measure, errors = told.measure, told.errors
    found, shown = [], np.zeros(len(told.persons), dtype=bool)
    for kept in searched.kept:
        tested, rows = kept.tested, kept.tested.rows
        assert tested.difference is not None
        there = told.take(rows)
        inside = rows[tested.mask]
        # The worst of all would stand in every gallery: what an earlier finding shows comes last.
        gallery = inside[np.lexsort((-errors.own[inside], shown[inside]))][:pictured]
        shown[gallery] = True
        worst, of, odds, p = tested.worst
        finding = Finding(
            id=tested.slice.id,
            kind="slice",
            title=title(tested.slice),
            sentence=sentence(tested, kept.share, measure, len(rows)),
            effect=measure.effect(tested.difference),
            n=tested.difference.n,
            p=tested.p,
            q=tested.q,
            share=kept.share if measure.scale.zero is not None else None,
            enrichment=Enrichment(worst, of, odds if np.isfinite(odds) else None, p),
            image_ids=tuple(image_ids[gallery].tolist()),
            evidence=tuple(_evidence(kept, there)),
            remedy=remedy(tested.slice, train, training),
            false_if=false_if(tested.slice, tested.difference.n),
            came_up=(tested.came_up, SEARCHES),
        )
        found.append((finding, gallery))
    return found


def _evidence(kept: Kept, there: Told) -> list[str]:
    tested, mask, said = kept.tested, kept.tested.mask, []
    worst, of, odds, p = tested.worst
    times = f", odds ratio {short(odds, 2)}" if np.isfinite(odds) else ""
    said.append(f"They hold {worst} of the {of} worst of these images ({chance('p', p)}{times}).")
    own = {c.name for c in tested.slice.conditions} & COMPLEXITY
    label = in_sentence(there.measure.label)
    if not own and there.measure.scale.zero == 0 and (at := there.ratio(there.errors.adjusted, mask)):
        said.append(f"A{AT_EQUAL[1:]} they have {at} times the {label} of the others.")
    face, around = there.ratio(there.errors.face, mask), there.ratio(there.errors.around, mask)
    if face and around:
        said.append(f"Their squared error is {face} times the others' in the face and {around} times around it.")
    if kept.folded:
        said.append(f"Beside it, nothing more can be told of {'; '.join(map(_short, kept.folded))}.")
    return said


def _short(tested: Tested) -> str:
    d = tested.difference
    return (
        f"{tested.slice.title} ({short(d.ratio)} times)"
        if d is not None and d.ratio is not None
        else tested.slice.title
    )
