"""From errors to slices that hold: searched on halves of the images, tested on the other halves; the stable ones."""

from dataclasses import dataclass, replace

import numpy as np

from vaekit.failure_analysis.persons import SPLITS, halves
from vaekit.failure_analysis.slices.confirmation import Scale, Tested, confirm
from vaekit.failure_analysis.slices.redundancy import Kept, fold
from vaekit.failure_analysis.slices.rule_search import discover
from vaekit.failure_analysis.slices.rules import LEAST, Material, Rule, attribute_condition, property_condition

SEARCHES = 2 * SPLITS  # either half of every split is searched once
# What course reports always name, tested whatever the search comes up with: properties by share and end.
PLANNED: dict[str, tuple[tuple[str, float, bool], ...]] = {
    "Fine detail": (("fine_detail", 0.25, True),),
    "Accessories and occlusion": (("face_likeness", 0.1, False), ("face_colours", 0.1, True)),
    "Busy backgrounds": (("background_edges", 0.25, True),),
}
ACCESSORIES = ("Eyeglasses", "Wearing_Hat", "Wearing_Earrings", "Wearing_Necklace", "Wearing_Necktie")


@dataclass(frozen=True, eq=False)
class Searched:
    """What the searches found, and what was tested and not found.

    Attributes:
        scale: how the metric is an error.
        n: images with a finite value; half of them are searched each time, and tested on the other half.
        planned: topic -> ids of its slices; a topic without any could not be tested.
        tested: every candidate of any search; kept: the findings; beyond: stable ones after the five of most error.
    """

    scale: Scale
    n: int
    planned: dict[str, tuple[str, ...]]
    tested: tuple[Tested, ...]
    kept: tuple[Kept, ...]
    beyond: tuple[Tested, ...]

    @property
    def n_tested_on(self) -> int:
        """How many images a slice is tested on: those that were not searched."""
        return self.n // 2


def search(
    values: np.ndarray,
    metric: str,
    higher_is_better: bool | None,
    material: Material,
    people: np.ndarray,
    *,
    seed: int = 0,
    top: int = 32,
) -> Searched:
    """Return the slices in which a metric is worse, whichever half of the images they are looked for in.

    The images are split into halves ten times; either half is searched, and what it comes up with is tested on the
    other. The q of a slice is twice the median over the twenty searches (Rueger 1978; DiCiccio et al. 2020), 1 where it
    was no candidate: a finding came up in more than half of them.

    Args:
        values: (N,) of the metric; images where it is not finite are left out.
        metric: its name.
        higher_is_better: its direction; None calls the highest worst.
        material: of the N images.
        people: (N,) who is pictured: all images of a person are in one half.
        seed: of the splits.
        top: the worst images among which slices are enriched.
    """
    usable = np.flatnonzero(np.isfinite(values))
    scale = Scale.of(metric, values[usable], higher_is_better)
    error, has_zero = scale.error(values), scale.zero is not None
    if len(usable) < 4 * LEAST:
        return Searched(scale, len(usable), {}, (), (), ())
    codes = np.unique(people.astype(str), return_inverse=True)[1]
    searches = [
        search_half(error, material, codes, usable[here], usable[there], has_zero=has_zero, top=top)
        for here, there in halves(people[usable], seed)
    ]
    tested = stable(searches)
    kept, beyond = fold(tested, error[usable], material.take(usable), codes[usable], has_zero=has_zero)
    planned = {topic: tuple(rule.id for rule in rules) for topic, rules in planned_slices(material).items()}
    return Searched(scale, len(usable), planned, tuple(tested), tuple(kept), tuple(beyond))


def search_half(
    error: np.ndarray,
    material: Material,
    codes: np.ndarray,
    here: np.ndarray,
    there: np.ndarray,
    *,
    has_zero: bool,
    top: int,
) -> list[Tested]:
    """Return what the images `here` come up with, one slice of each id, and the planned ones, tested on `there`."""
    searched = material.take(here)
    found = {rule.id: rule for rule in reversed(discover(error[here], searched))}
    planned = [rule for rules in planned_slices(searched).values() for rule in rules]
    tested = confirm(
        error[there],
        material.take(there),
        list(found.values()),
        [found.get(rule.id, rule) for rule in planned],
        persons=codes[there],
        has_zero=has_zero,
        top=top,
    )
    return [replace(t, rows=there) for t in tested]


def stable(searches: list[list[Tested]]) -> list[Tested]:
    """Return every candidate of several searches once, as the middle one of those that tested it saw it.

    Its q is twice the median of all, and `came_up` the number of searches in which it passed by itself.
    """
    by_id: dict[str, list[Tested]] = {}
    for tested in searches:
        for t in tested:
            by_id.setdefault(t.slice.id, []).append(t)
    found = []
    for tests in by_id.values():
        tests.sort(key=lambda t: t.q)
        every = [t.q for t in tests] + [1.0] * (len(searches) - len(tests))
        median = every[len(every) // 2]
        middle = tests[len(tests) // 2]
        found.append(replace(middle, q=min(1.0, 2 * median), came_up=sum(t.passed for t in tests)))
    return found


def planned_slices(material: Material) -> dict[str, tuple[Rule, ...]]:
    """Return the slices that are always tested, by topic; accessories as far as the data label them."""
    planned: dict[str, tuple[Rule, ...]] = {}
    for topic, ends in PLANNED.items():
        conditions = [property_condition(material, *end) for end in ends if end[0] in material.properties]
        if topic == "Accessories and occlusion":
            conditions += [attribute_condition(material, a) for a in ACCESSORIES if a in material.attributes]
        planned[topic] = tuple(Rule((condition,)) for condition in conditions)
    return planned
