"""Slices in words: titles, sentences and what to try, from the numbers of the test and nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from vaekit.failure_analysis.advice import FACE_FIRST, UNKNOWN, Training, for_detail, of_share
from vaekit.failure_analysis.finding import Effect
from vaekit.failure_analysis.properties import KNOWN, UNLIKE, label_of
from vaekit.failure_analysis.slices.confirmation import RATIO, SHARE, SPREAD, Scale, Tested
from vaekit.failure_analysis.slices.rules import Material, Rule
from vaekit.failure_analysis.slices.search import SEARCHES
from vaekit.figures.words import chance, estimate, in_sentence, listed, percent, plain, plural, readable, short
from vaekit.statistics.differences import LEAST_GROUPS, MeanDifference
from vaekit.statistics.discovery import Q_LEVEL

PROFILED, PROFILE_P = 4, 1e-3  # what the images of a group share, at most, and how sure it must be


@dataclass(frozen=True)
class Measure:
    """The metric that errors are measured by, in words, and how it is an error."""

    label: str
    unit: str
    scale: Scale

    def effect(self, d: MeanDifference) -> Effect:
        """Return a difference of mean errors as one of the metric: mean inside minus mean outside, in its unit."""
        value, low, high = d.value, d.low, d.high
        if self.scale.higher_is_better:
            value, low, high = -d.value, -d.high, -d.low
        return Effect(value, low, high, self.unit, d.ratio, d.ratio_low, d.ratio_high)


def title(of: Rule) -> str:
    """Return a slice's name as a heading."""
    text = of.title
    return text[:1].upper() + text[1:]


def subject(of: Rule) -> str:
    """Return a slice as the subject of a sentence."""
    labels = [c.text for c in of.conditions if c.kind == "attribute"]
    ends = [c.text for c in of.conditions if c.kind == "property"]
    return (f"Images labelled {listed(labels)}" if labels else "Images") + (f" with {listed(ends)}" if ends else "")


def sentence(tested: Tested, share: float, measure: Measure, n: int) -> str:
    """Return what was found of a slice among `n` images; `share` is its part of the error beside other findings."""
    d = tested.difference
    assert d is not None
    said = f"{subject(tested.slice)} {_compared(d, measure)}; {d.n:,} of {n:,} images, {chance('q', tested.q)}."
    if measure.scale.zero is None:
        said = f"{said} They are {short(tested.size * SPREAD, 2)} standard deviations worse."
    else:
        said = f"{said} {percent(share)} of all error is their excess."
    return f"{said} Came up in {tested.came_up} of {SEARCHES} searches."


def _compared(d: MeanDifference, measure: Measure) -> str:
    """Return "have 1.4 times [1.2, 1.6] the error of the others: ..." from a difference."""
    effect, label = measure.effect(d), in_sentence(measure.label)
    inside, outside = plain(measure.scale.metric(d.mean_in)), plain(measure.scale.metric(d.mean_out))
    unit = f" {measure.unit}" if measure.unit not in ("", "1") else ""
    numbers = f"{inside} against {outside}, difference {estimate(effect.value, effect.low, effect.high)}{unit}"
    if effect.ratio is None or measure.scale.zero != 0:
        return f"have a {'worse' if d.value > 0 else 'better'} {label} than the others: {numbers}"
    return (
        f"have {estimate(effect.ratio, effect.ratio_low, effect.ratio_high)} times the {label} of the others: {numbers}"
    )


def not_found(tested: Tested, measure: Measure) -> str:
    """Return what the test of a slice says that was made and did not pass, and why it did not."""
    d = tested.difference
    assert d is not None
    said = f"{subject(tested.slice)} {_compared(d, measure)}; n = {d.n:,}, {chance('q', tested.q)}: "
    if tested.came_up:
        return f"{said}not stable, as it came up in {tested.came_up} of {SEARCHES} searches."
    if tested.q > Q_LEVEL:
        alone = len(tested.slice.conditions) > 1 and d.value > 0 and d.p < Q_LEVEL
        return said + ("no worse than a plainer rule." if alone else "not told from no difference.")
    least = f"{RATIO} times" if measure.scale.zero is not None else f"{SPREAD} standard deviations"
    return f"{said}too small to be called a finding (from {least} and {percent(SHARE)} of the error on)."


def too_few(tested: Sequence[Tested]) -> str:
    """Return that these slices could not be tested at all, in one sentence."""
    kinds = listed([f"{t.slice.title} ({int(t.mask.sum())})" for t in tested])
    return (
        f"Not tested, as the images kept for testing hold too few of the kind, or fewer than {LEAST_GROUPS} people: "
        f"{kinds}."
    )


def became(tested: Tested, kept: dict[int, str], folded: dict[int, str]) -> str:
    """Return what became of a candidate: "finding", "folded into ...", or why it is none."""
    if id(tested) in kept:
        return "finding"
    if id(tested) in folded:
        return f"folded into {folded[id(tested)]}"
    if tested.difference is None:
        return "too few images"
    if tested.came_up and not tested.passed:
        return f"not stable: came up in {tested.came_up} of {SEARCHES} searches"
    if tested.q > Q_LEVEL:
        return "not confirmed"
    return "confirmed, beyond the first findings" if tested.passed else "too small"


def false_if(of: Rule, n: int) -> str:
    """Return what would make the finding of a slice false, which rests on n images."""
    labels = [c.text for c in of.conditions if c.kind == "attribute"]
    wrong = (
        [f"the labels ({listed(labels)}) are wrong in many of the {plural(n, 'image')} it rests on"] if labels else []
    )
    for name in dict.fromkeys(c.name for c in of.conditions if c.kind == "property"):
        means = f" ({KNOWN[name].definition})" if name in KNOWN else ""
        wrong.append(f"{label_of(name)} is not what its number says{means}")
    return f"False if {', or '.join(wrong)}. What goes with it may be the cause: nothing was changed to test it."


def remedy(of: Rule, train: pd.DataFrame, training: Training = UNKNOWN) -> str:
    """Return what an engineer may try; `train` holds the attributes of the train images as 0/1."""
    names = {c.name: c.above for c in of.conditions}
    if all(c.kind == "attribute" for c in of.conditions) and len(train):
        return of_share(float(of.mask(Material(train, pd.DataFrame(index=train.index))).mean()), training)
    if any(name.startswith("background") for name in names):
        return FACE_FIRST
    if {"sharpness": False, "face_likeness": False, "periodicity": True, UNLIKE: True}.items() & names.items():
        return (
            "Look at the pictures first: where they are bad pictures, take them out of the data; else add such images."
        )
    if {"brightness", "face_brightness", "saturation", "face_colours"} & names.keys():
        return "Add train images of this light and colour, or vary brightness and colour in training."
    return for_detail(training)


def profile(inside: npt.NDArray[np.bool_], material: Material) -> list[str]:
    """Return what sets the images of a group apart: attributes they have more often, properties off the middle."""
    found = []
    for name in map(str, material.attributes):
        has = material.attributes[name].to_numpy() == 1
        a, b = int(has[inside].sum()), int(has[~inside].sum())
        p = stats.fisher_exact([[a, inside.sum() - a], [b, (~inside).sum() - b]], alternative="greater").pvalue
        found.append((p, f"{readable(name)} ({percent(has[inside].mean())} against {percent(has[~inside].mean())})"))
    for name in map(str, material.properties):
        values = material.properties[name].to_numpy()
        test = stats.mannwhitneyu(values[inside], values[~inside])
        end = "high" if test.statistic > inside.sum() * (~inside).sum() / 2 else "low"
        found.append((test.pvalue, f"{end} {label_of(name)}"))
    limit = PROFILE_P / max(len(found), 1)
    return [text for p, text in sorted(found, key=lambda item: item[0])[:PROFILED] if p < limit]
