"""What was tested and not found: silence is a result."""

from typing import Any

from vaekit.failure_analysis.equal_complexity import AT_EQUAL
from vaekit.failure_analysis.finding import finite
from vaekit.failure_analysis.slices.confirmation import Tested
from vaekit.failure_analysis.slices.nameless import STABLE
from vaekit.failure_analysis.slices.nameless_findings import NamelessFound
from vaekit.failure_analysis.slices.rules import LEAST
from vaekit.failure_analysis.slices.search import PLANNED, SEARCHES, Searched
from vaekit.failure_analysis.slices.wording import Measure, became, not_found, title, too_few
from vaekit.failure_analysis.split.attribute_survival import BEYOND
from vaekit.failure_analysis.split.base import SplitResult, words
from vaekit.figures.words import fixed, plural

WORTH = 0.05  # of the images: from so many on an attribute that is not called lost is named
DETAIL = {"Fine detail": "detail"}  # topics that a test of the whole split answers too


def silent_tests(searched: Searched, measure: Measure, results: tuple[SplitResult, ...]) -> list[dict[str, str]]:
    """Return {title, sentence} of every test that did not pass: the topics always tested first."""
    if not searched.tested:
        why = (
            f"Not tested on slices: {searched.n - searched.n_tested_on:,} images to search and "
            f"{searched.n_tested_on:,} to test on; {2 * LEAST} of each are the least."
        )
        said = [{"title": topic, "sentence": why} for topic in PLANNED]
        return said + _of_all(results)
    found = {id(t) for kept in searched.kept for t in (kept.tested, *kept.folded)} | {id(t) for t in searched.beyond}
    answered = {result.id for result in results if result.found}
    of = {t.slice.id: t for t in searched.tested}
    few = {id(t) for t in searched.tested if t.difference is None}
    said, done = [], found | few
    for topic, ids in searched.planned.items():
        tested = [of[name] for name in ids]
        open_ones = [t for t in tested if id(t) not in found]
        done |= {id(t) for t in tested}
        if not tested:
            said.append(_item(topic, "Not tested: the data hold nothing that stands for it."))
        elif len(open_ones) == len(tested) and DETAIL.get(topic) not in answered:
            made = [not_found(t, measure) for t in tested if id(t) not in few]
            untested = [t for t in tested if id(t) in few]
            said.append(_item(topic, " ".join([*made, *([too_few(untested)] if untested else [])])))
            few -= {id(t) for t in untested}
        else:
            said += [_item(f"{topic}: {t.slice.title}", not_found(t, measure)) for t in open_ones if id(t) not in few]
    rest = [t for t in searched.tested if id(t) not in done]
    said += [_item(title(t.slice), not_found(t, measure)) for t in rest if t.came_up]
    if never := sum(not t.came_up for t in rest):
        kinds = plural(never, "further slice was a candidate and passed", "further slices were candidates and passed")
        said.append(_item("Slices that never came up", f"{kinds} in none of {SEARCHES} searches."))
    if rest := [t for t in searched.tested if id(t) in few]:
        said.append(_item("Too few images", too_few(rest)))
    return said + _of_all(results)


def _of_all(results: tuple[SplitResult, ...]) -> list[dict[str, str]]:
    """Return what was not found of the whole split; the attributes, of which there are many, in one sentence."""
    silent = [result for result in results if not result.found]
    said = [_item(words(result).title, words(result).sentence) for result in silent if result.kind != "attribute"]
    attributes = [result for result in silent if result.kind == "attribute" and result.effect]
    attributes.sort(key=lambda result: -result.effect.value if result.effect else 0.0)
    if attributes:
        points = [
            f"{words(o).title} {fixed(100 * o.effect.value, 0)}"
            for o in attributes
            if o.effect and o.effect.value >= WORTH
        ]
        most = f" The most: {', '.join(points)} points." if points else ""
        least = f"under {100 * BEYOND:.0f} points from it"
        tests = plural(len(attributes), "test is", "tests are")
        sentence = f"{tests} within chance of equal blur, or {least}.{most}"
        said.append(_item("Attributes lost or made up", sentence))
    return said


def _item(heading: str, sentence: str) -> dict[str, str]:
    return {"title": heading, "sentence": sentence}


def silent_groups(nameless: NamelessFound) -> list[dict[str, str]]:
    """Return {title, sentence} where no group without a name was found, or more that change with the images."""
    if nameless.unstable:
        are, them = ("is", "it") if nameless.unstable == 1 else ("are", "them")
        sentence = (
            f"Of {plural(nameless.formed, 'group')} of images alike {nameless.unstable:,} {are} reconstructed worse, "
            f"as they are or {AT_EQUAL}, but {are} no finding: fewer than {STABLE} of {SEARCHES} "
            f"halves of the images form {them} anew."
        )
        return [_item("Groups without a name", sentence)]
    if nameless.groups:
        return []
    if nameless.untested or not nameless.formed:
        why = nameless.untested or "there are too few images"
        return [_item("Groups without a name", f"Not tested: {why}.")]
    of = plural(nameless.formed, "group")
    sentence = f"Of {of} of images alike none is reconstructed worse, as they are or {AT_EQUAL}."
    return [_item("Groups without a name", sentence)]


def candidate_rows(searched: Searched, measure: Measure) -> list[dict[str, Any]]:
    """Return every candidate with its numbers on the confirmation half and what became of it, strongest first."""
    kept = {id(k.tested): k for k in searched.kept}
    folded = {id(t): k.tested.slice.title for k in searched.kept for t in k.folded}
    names = {key: k.tested.slice.title for key, k in kept.items()}
    order = sorted(searched.tested, key=lambda t: (-t.strength, t.slice.title))
    return [
        finite(_row(t, measure, kept[id(t)].share if id(t) in kept else None, became(t, names, folded))) for t in order
    ]


def _row(tested: Tested, measure: Measure, share: float | None, fate: str) -> dict[str, Any]:
    d = tested.difference
    effect = measure.effect(d) if d else None
    worst, of, odds, p = tested.worst
    return {
        "slice": tested.slice.title,
        "planned": tested.planned,
        "became": fate,
        "n": int(tested.mask.sum()),
        "n_out": int((~tested.mask).sum()),
        "mean_in": measure.scale.metric(d.mean_in) if d else None,
        "mean_out": measure.scale.metric(d.mean_out) if d else None,
        "value": effect.value if effect else None,
        "low": effect.low if effect else None,
        "high": effect.high if effect else None,
        "unit": measure.unit,
        "ratio": effect.ratio if effect else None,
        "ratio_low": effect.ratio_low if effect else None,
        "ratio_high": effect.ratio_high if effect else None,
        "p": tested.p if d else None,
        "q": tested.q if d else None,
        "came_up": tested.came_up,
        "excess": tested.excess if d else None,
        "share": share,
        "worst_in": worst,
        "worst_n": of,
        "odds_ratio": odds,
        "worst_p": p,
    }
