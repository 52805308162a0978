"""Findings gained and lost: what one model's failure analysis found and another's did not, and attributes kept."""

from collections.abc import Iterable, Mapping
from typing import Any

from vaekit import artifacts
from vaekit.figures.words import estimate, in_sentence, listed, percent, readable, unit
from vaekit.quantity import Quantity
from vaekit.reporting.comparison.side_by_side import side_by_side, values
from vaekit.reporting.comparison.together import Together
from vaekit.reporting.document import COMPARED, Block, Bullets, Gap, Grid, Heading, Prose, section
from vaekit.reporting.tables import table_of, words

_OWN = (
    "cluster",
    "busy_cluster",
    "attribute",
)  # kinds that are a model's own clusters, or stand in the table of attributes
Found = Mapping[str, Mapping[str, Mapping[str, Any]]]  # name of a model -> id of a finding -> its record


@section("findings", "Findings gained and lost", part="Failures", place=100, of=COMPARED)
def findings(together: Together) -> Iterable[Block]:
    """Yield the findings of the failure analyses, which models share them and which do not, and attributes kept."""
    contents = together.contents(artifacts.FINDINGS)
    yield from (Gap(reason) for reason in together.reasons(artifacts.FINDINGS))
    if len(contents) < 2:
        return
    if len(metrics := {str(content["metric"]) for content in contents.values()}) > 1:
        yield Gap(f"The failures were ranked by different metrics ({listed(sorted(metrics))}): no finding compares.")
    else:
        yield from _shared(contents)
    yield from _kept(contents)


def _shared(contents: Mapping[str, Mapping[str, Any]]) -> Iterable[Block]:
    found = {
        name: {finding["id"]: finding for finding in own["findings"] if finding["kind"] not in _OWN}
        for name, own in contents.items()
    }
    every: dict[str, Mapping[str, Any]] = {}
    for own in found.values():
        every |= {key: finding for key, finding in own.items() if key not in every}
    if not every:
        yield Prose("No model has a finding that another could share.")
        return
    titles = _titles(every)
    yield Bullets(tuple(_gained(found, titles)))
    yield Prose(
        "Each number is the effect on the images kept for confirmation; × is the mean error inside the slice over that "
        "outside. Not having a finding is no proof of being free of it: the effect may be smaller, lie within another "
        "finding, or not have been a candidate.",
        "small",
    )
    columns = [words("Finding", titles.values())]
    for name, own in found.items():
        tested = {str(row["slice"]): row for row in contents[name].get("tested", ())}
        columns.append(words(name, (_cell(own.get(key), tested, finding) for key, finding in every.items())))
    yield Grid("Findings of each model", table_of(*columns))


def _titles(every: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Return the title of each finding by its id; two of one title show their ids."""
    titles = [str(finding["title"]) for finding in every.values()]
    return {
        key: title if titles.count(title) == 1 else f"{title} ({key})" for key, title in zip(every, titles, strict=True)
    }


def _gained(found: Found, titles: Mapping[str, str]) -> Iterable[str]:
    first, *others = found
    shared = [title for key, title in titles.items() if all(key in own for own in found.values())]
    yield f"Shared by all: {listed(shared)}." if shared else "No finding is shared by all."
    for name in others:
        gained = [titles[key] for key in found[name] if key not in found[first]]
        lost = [titles[key] for key in found[first] if key not in found[name]]
        yield (
            f"{name} against {first}: gained {listed(gained) if gained else 'none'}; lost "
            f"{listed(lost) if lost else 'none'}."
        )


def _cell(own: Mapping[str, Any] | None, tested: Mapping[str, Mapping[str, Any]], finding: Mapping[str, Any]) -> str:
    """Return the effect of a finding in one model; where it is none there, what became of it."""
    if own is not None:
        return _effect(own["effect"] or {}) or "found"
    title = str(finding["title"])
    row = tested.get(title) or tested.get(in_sentence(title))
    if row is None:
        return "not a candidate" if finding["kind"] == "slice" else "not found"
    return f"{_effect(row)} {row['became']}".strip()


def _effect(effect: Mapping[str, Any]) -> str:
    ratio = effect.get("ratio")
    if ratio is not None and effect.get("ratio_low") is not None:
        low, high = effect["ratio_low"], effect["ratio_high"]
        return f"× {estimate(ratio, low, high)}"
    if effect.get("value") is None:
        return ""
    return f"{estimate(effect['value'], effect['low'], effect['high'], sign=True)} {unit(effect['unit'])}".strip()


def _kept(contents: Mapping[str, Mapping[str, Any]]) -> Iterable[Block]:
    """Yield which attributes survive reconstruction in each model: those that at least one of them loses."""
    preserved = {name: {row["attribute"]: row for row in own.get("preserved", ())} for name, own in contents.items()}
    lost = dict.fromkeys(key for own in preserved.values() for key, row in own.items() if row.get("lost"))
    if not lost:
        return
    rows: dict[str, dict[str, Quantity]] = {name: {} for name in preserved}
    for name, own in preserved.items():
        for key in lost:
            if key in own:
                row = own[key]
                rows[name][key] = Quantity(
                    value=row["kept"],
                    low=row["kept_low"],
                    high=row["kept_high"],
                    n=row["n"],
                    label=readable(key),
                    definition="share of the test images with the attribute on which the judge still sees it",
                    reason=row["reason"],
                )
    yield Heading("Attributes kept")
    yield Prose(
        "Share of the test images with an attribute on which the judge still sees it after reconstruction: the "
        "attributes that at least one model loses beyond what equal blur would."
    )
    yield from values("Attributes kept", side_by_side(rows, ()))
    made_up = [
        f"{name} draws {readable(key)} on {percent(row['appears'])} of the images that lack it: part of what it "
        "keeps is made up."
        for name, own in preserved.items()
        for key, row in own.items()
        if key in lost and row.get("made_up")
    ]
    if made_up:
        yield Bullets(tuple(made_up))
