"""From errors to slices that hold: search on one half of the images, test on the other, fold what says the same."""

from dataclasses import dataclass

import numpy as np

from vaekit.failure_analysis.persons import parts
from vaekit.failure_analysis.slices.confirmation import Scale, Slice, Tested, confirm
from vaekit.failure_analysis.slices.look_alikes import find_clusters
from vaekit.failure_analysis.slices.redundancy import Kept, fold
from vaekit.failure_analysis.slices.rule_search import discover
from vaekit.failure_analysis.slices.rules import LEAST, Material, Rule, attribute_condition, property_condition

# What course reports always name, tested whatever the search comes up with: properties by share and end.
PLANNED: dict[str, tuple[tuple[str, float, bool], ...]] = {
    "Fine detail": (("fine_detail", 0.25, True),),
    "Accessories and occlusion": (("face_likeness", 0.1, False), ("face_colours", 0.1, True)),
    "Busy backgrounds": (("background_edges", 0.25, True),),
}
ACCESSORIES = ("Eyeglasses", "Wearing_Hat", "Wearing_Earrings", "Wearing_Necklace", "Wearing_Necktie")


@dataclass(frozen=True, eq=False)
class Searched:
    """What the search found, and what was tested and not found.

    Attributes:
        scale: how the metric is an error.
        discovery: rows that were searched; confirmation: rows that every number here comes from.
        planned: topic -> its slices; a topic without any could not be tested.
        tested: every candidate; kept: the findings; beyond: confirmed ones after the five of most error.
    """

    scale: Scale
    discovery: np.ndarray
    confirmation: np.ndarray
    planned: dict[str, tuple[Slice, ...]]
    tested: tuple[Tested, ...]
    kept: tuple[Kept, ...]
    beyond: tuple[Tested, ...]


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
    """Return the slices in which a metric is worse, each tested on images that it was not found on.

    Args:
        values: (N,) of the metric; images where it is not finite are left out.
        metric: its name.
        higher_is_better: its direction; None calls the highest worst.
        material: of the N images.
        people: (N,) who is pictured: all images of a person are in one half.
        seed: of the halves and the clusters.
        top: the worst images among which slices are enriched.
    """
    usable = np.flatnonzero(np.isfinite(values))
    scale = Scale.of(metric, values[usable], higher_is_better)
    error = scale.error(values)
    half = parts(people[usable], 2, seed, "findings")
    found_on, tested_on = usable[half == 0], usable[half == 1]
    if min(len(found_on), len(tested_on)) < 2 * LEAST:
        return Searched(scale, found_on, tested_on, {}, (), (), ())
    here, there = material.take(found_on), material.take(tested_on)
    rules, residual = discover(error[found_on], here)
    clusters = find_clusters(residual, here, seed)
    planned = planned_slices(here)
    codes = np.unique(people[tested_on].astype(str), return_inverse=True)[1]
    has_zero = scale.zero is not None
    tested = confirm(
        error[tested_on],
        there,
        [*rules, *clusters],
        [s for slices in planned.values() for s in slices],
        persons=codes,
        has_zero=has_zero,
        top=top,
    )
    kept, beyond = fold(tested, error[tested_on], there, codes, has_zero=has_zero)
    return Searched(scale, found_on, tested_on, planned, tuple(tested), tuple(kept), tuple(beyond))


def planned_slices(material: Material) -> dict[str, tuple[Slice, ...]]:
    """Return the slices that are always tested, by topic; accessories as far as the data label them."""
    planned: dict[str, tuple[Slice, ...]] = {}
    for topic, ends in PLANNED.items():
        conditions = [property_condition(material, *end) for end in ends if end[0] in material.properties]
        if topic == "Accessories and occlusion":
            conditions += [attribute_condition(material, a) for a in ACCESSORIES if a in material.attributes]
        planned[topic] = tuple(Rule((condition,)) for condition in conditions)
    return planned
