"""Groups without a name as findings: what they have in common, and what makes them easier."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from vaekit.failure_analysis.context import Context
from vaekit.failure_analysis.equal_complexity import AT_EQUAL, adjusted
from vaekit.failure_analysis.finding import Finding
from vaekit.failure_analysis.slices.confirmation import Scale
from vaekit.failure_analysis.slices.counterfactuals import Reconstruct, Undone, undone
from vaekit.failure_analysis.slices.embeddings import embeddings
from vaekit.failure_analysis.slices.nameless import SAME, Group, Mask, nameless_groups, overlap
from vaekit.failure_analysis.slices.rules import Material
from vaekit.failure_analysis.slices.search import SEARCHES
from vaekit.failure_analysis.slices.wording import Measure, profile
from vaekit.figures.words import chance, estimate, in_sentence, listed, percent
from vaekit.seeding import numpy_generator
from vaekit.statistics.differences import mean_difference
from vaekit.statistics.discovery import Q_LEVEL

ASKED = 32  # images of a group, and as many others, that counterfactuals are run on


@dataclass(frozen=True, eq=False)
class Found:
    """A group among all N test images, what change makes it easier, and the ratio of its error to the others'.

    `at_equal` is that at equal complexity with its interval, where it was found by the error as it is.
    """

    mask: Mask
    group: Group
    at_equal: str
    undone: Undone | None


@dataclass(frozen=True, eq=False)
class NamelessFound:
    """The groups without a name, how many were formed, why none was looked for, and error deviation over mean."""

    groups: tuple[Found, ...]
    formed: int
    unstable: int = 0
    untested: str = ""
    spread: float = float("nan")

    def least_ratio(self, n: int) -> float:
        """Return the ratio of errors at which four of five groups of `n` images are found."""
        z = stats.norm.isf(Q_LEVEL / max(2 * self.formed, 1) / 2) + stats.norm.isf(0.2)  # each is tested twice
        reach = float(z * self.spread / n**0.5)  # larger errors spread as much more
        return 1 / (1 - reach) if reach < 1 else float("inf")


def find_nameless(
    context: Context, scale: Scale, named: Sequence[Mask], reconstruct: Reconstruct | None
) -> NamelessFound:
    """Return the groups without a name that are reconstructed worse, those first that a change makes easier.

    Args:
        context: of the analysis.
        scale: how its metric is an error.
        named: slices already found, bool (N,): a group that is one of them has a name.
        reconstruct: what the model makes of uint8 images; None where it is not at hand.
    """
    images = context.images
    if scale.zero is None:
        return NamelessFound((), 0, untested="the metric has no zero, so that its values can not be compared as errors")
    own = scale.error(context.values)
    error = adjusted(own, images.properties, images.people, context.seed)
    usable = np.flatnonzero(np.isfinite(error) & (error > 0) & (own > 0))
    if len(usable) < len(error) // 2 or len(usable) == 0:
        return NamelessFound((), 0, untested=f"too few images have an error {AT_EQUAL}")
    single = {name: values[usable] for name, values in embeddings(images).items()}
    errors, persons = np.stack([error, own])[:, usable], images.persons[usable]
    run = nameless_groups(errors, single, persons, seed=context.seed, progress=context.progress)
    found = []
    for group in run.groups:
        mask = np.zeros(len(error), dtype=bool)
        mask[usable] = group.mask
        if any(overlap(mask, other) >= SAME for other in named):
            continue
        helped = None
        if reconstruct is not None:
            inside = usable[np.argsort(-np.where(group.mask, group.centrality, -np.inf), kind="stable")]
            inside = inside[: min(ASKED, int(group.mask.sum()))]
            others = np.flatnonzero(~mask)
            others = numpy_generator(context.seed, "others").choice(others, min(ASKED, len(others)), replace=False)
            group_x, others_x = (images.prepared.images[images.rows[np.sort(part)]] for part in (inside, others))
            helped = undone(group_x, others_x, reconstruct)
        equal = mean_difference(errors[0], group.mask, persons, ratio=True) if group.by else None
        at_equal = estimate(equal.ratio, equal.ratio_low, equal.ratio_high) if equal else ""
        found.append(Found(mask, group, at_equal, helped))
    found.sort(key=lambda f: (f.undone is None, -f.group.difference.t))
    spread = float(error[usable].std() / error[usable].mean())
    return NamelessFound(tuple(found), run.formed, run.unstable, spread=spread)


def nameless_findings(
    found: NamelessFound, context: Context, measure: Measure, material: Material, ids: npt.NDArray[np.str_], shown: int
) -> list[tuple[Finding, npt.NDArray[np.int64]]]:
    """Return the groups as findings, each with the rows of its gallery: the medoid first."""
    findings = []
    n = int(np.isfinite(context.values).sum())
    for number, one in enumerate(found.groups, 1):
        inside = np.flatnonzero(one.mask)
        rows = inside[np.argsort(-_centrality(one)[inside], kind="stable")][:shown]
        findings.append(
            (
                Finding(
                    id=f"group-{number}",
                    kind="busy_cluster" if one.group.by else "cluster",
                    title=_title(one, number),
                    sentence=_sentence(one, measure, n),
                    effect=measure.effect(one.group.difference),
                    n=int(one.mask.sum()),
                    p=one.group.difference.p,
                    q=one.group.q,
                    share=one.group.share,
                    enrichment=None,
                    image_ids=tuple(ids[rows].tolist()),
                    evidence=tuple(_evidence(one, material)),
                    remedy=_remedy(one),
                    false_if=_false_if(one),
                    came_up=(one.group.came_up, SEARCHES),
                ),
                rows,
            )
        )
    return findings


def _centrality(one: Found) -> npt.NDArray[np.float64]:
    centrality = np.full(len(one.mask), -np.inf)
    centrality[one.mask] = one.group.centrality[one.group.mask]
    return centrality


def _title(one: Found, number: int) -> str:
    if one.undone is None:
        return f"Images alike, group {number}"
    return f"Images alike, group {number}: {one.undone.change.state}"


def _sentence(one: Found, measure: Measure, n: int) -> str:
    d, label = one.group.difference, in_sentence(measure.label)
    at = "" if AT_EQUAL in label or one.group.by else f" {AT_EQUAL}"
    equal = f" A{AT_EQUAL[1:]} they have {one.at_equal} times." if one.group.by else ""
    return (
        f"{d.n:,} of {n:,} images that look, are coded or fail alike (pictured) have "
        f"{estimate(d.ratio, d.ratio_low, d.ratio_high)} times the {label} of the others{at}; "
        f"{chance('q', one.group.q)}. {one.group.came_up} of {SEARCHES} halves of the images form the group anew."
        f"{equal}"
    )


def _evidence(one: Found, material: Material) -> list[str]:
    said = []
    if one.undone is not None:
        u = one.undone
        fall = percent(1 - u.ratio, 1 - u.high, 1 - u.low)
        others = f"rises by {percent(u.others - 1)}" if u.others >= 1.005 else "does not change"
        said.append(
            f"{u.change.done[0].upper()}{u.change.done[1:]}, their error falls by {fall}, that of others {others}."
        )
    shared = profile(one.mask, material)
    said.append(
        f"More often than others they show: {listed(shared)}."
        if shared
        else "No label and no property sets them apart."
    )
    said.append("The size of no error was looked at when the group was formed.")
    return said


def _false_if(one: Found) -> str:
    tried = min(ASKED, int(one.mask.sum()))
    undone = f" The change was tried on {tried} of its images and as many others." if one.undone else ""
    return (
        "False if contrast, fine detail and brightness do not say how hard these pictures are: they are held equal by "
        f"a regression of the error on the three, fitted on other images. What they share may be no cause.{undone}"
    )


def _remedy(one: Found) -> str:
    if one.undone is not None:
        return (
            "Where such images are a fault of the data, mend or leave them out; else train on images changed like this."
        )
    return "Look at the pictures of images alike and name what they share; where that is a label, test it too."
