"""What the failure analysis found, one heading each: sentence, effect, evidence, remedy and the images that show it."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from vaekit import artifacts
from vaekit.figures.grids import png_bytes, shared_limit, triples
from vaekit.figures.words import count, in_sentence, number, plural, probability, unit
from vaekit.reporting.document import (
    APPENDIX,
    Block,
    Bullets,
    Card,
    Cards,
    Details,
    Gap,
    Grid,
    Heading,
    Prose,
    Scale,
    section,
)
from vaekit.reporting.material import Material
from vaekit.reporting.tables import estimates, numbers, table_of, words

_PICTURED = 3  # images of a finding on the page
_OPEN = 5  # findings that stand open; the rest on request


def findings(content: dict[str, Any], material: Material) -> Iterable[Block]:
    """Yield every finding of findings.json with its pictures, and how they were tested."""
    found = content["findings"]
    yield Prose(
        f"{plural(content['n'], 'test image was', 'test images were')} split into halves "
        f"{plural(content['searches'] // 2, 'time')}. Either half was searched for groups that fail, and what it came "
        "up with was tested on the other "
        f"{count(content['n_confirmation'])} alone; what is asked of all images was decided on beforehand. A finding "
        f"is stable: it came up in most of the {plural(content['searches'], 'search', 'searches')}. Its q, twice the "
        f"median over them (Rüger 1978) of the false discovery rate among all that were tested (Benjamini & Hochberg "
        f"1995), is at most {content['q_level']:g}, and its effect is above its stated threshold."
    )
    yield material.figure("findings_overview")
    if found:
        yield _overview(found)
    else:
        yield Prose("Nothing that was tested passed: no finding is claimed.", "strong")
    yield from diagnoses(content, material, found[:_OPEN])
    if rest := found[_OPEN:]:
        blocks = diagnoses(content, material, rest, first=_OPEN + 1)
        yield Details(f"{plural(len(rest), 'more finding')}", tuple(blocks))
    if silent := len(content["not_found"]):
        yield Prose(
            f"{plural(silent, 'more test')} found nothing: the appendix lists "
            f"{'it' if silent == 1 else 'them'} under \u201cTested and not found\u201d.",
            "small",
        )


def diagnoses(
    content: dict[str, Any], material: Material, found: list[dict[str, Any]], first: int = 1
) -> Iterable[Block]:
    """Yield some of the findings, numbered from `first`: sentence, remedy, pictures, and the evidence on request."""
    pictures = material.files.get(artifacts.FINDING_PICTURES, {})
    pairs = {f["id"]: (pictures.get(f"{f['id']}_x"), pictures.get(f"{f['id']}_x_hat")) for f in content["findings"]}
    there = {name: pair for name, pair in pairs.items() if pair[0] is not None and len(pair[0])}
    limit = shared_limit(*there.values()) if there else 1.0
    if there and first == 1:
        yield Scale(limit)
    elif found and not there:
        yield Gap(material.missing.get(artifacts.FINDING_PICTURES, "The findings come without pictures."))
    last = next((f["id"] for f in reversed(found) if f["id"] in there and first == 1), None)  # in Markdown, for all
    for place, finding in enumerate(found, first):
        yield Heading(f"{place}. {finding['title']}", finding["kind"].replace("_", " "), level=4)
        yield Prose(finding["sentence"])
        if finding.get("remedy"):
            yield Prose(f"What to try: {finding['remedy']}")
        if finding["id"] in there:
            pair = there[finding["id"]]
            yield Cards(
                f"finding-{finding['id']}",
                _cards(finding["image_ids"][:_PICTURED], pair, limit, content, material),
                in_sentence(content["label"]),
                len(pair[0]),
                artifacts.FINDING_PICTURES,
                material.figure("finding_images") if finding["id"] == last else None,
            )
        more = tuple(filter(None, (*finding["evidence"], finding.get("false_if"))))
        if more:
            yield Details("Evidence, and what would make it false", (Bullets(more),))


def _overview(found: list[dict[str, Any]]) -> Grid:
    effects = [finding["effect"] or dict.fromkeys(("value", "low", "high", "ratio")) for finding in found]
    units = [unit(str(effect.get("unit") or "")) for effect in effects]
    return Grid(
        "Findings",
        table_of(
            numbers("No.", range(1, len(found) + 1), count),
            words("Finding", (finding["title"] for finding in found)),
            estimates(
                "Effect, 95 % interval", *([effect[key] for effect in effects] for key in ("value", "low", "high"))
            ),
            words("Unit", units),
            numbers("Ratio", (effect.get("ratio") for effect in effects)),
            numbers("n", (finding["n"] for finding in found), count),
            numbers("q", (finding["q"] for finding in found), probability),
            numbers("Share of error, %", (None if f["share"] is None else 100 * f["share"] for f in found)),
        ),
    )


def _cards(
    ids: list[str], pair: tuple[np.ndarray, np.ndarray], limit: float, content: dict[str, Any], material: Material
) -> tuple[Card, ...]:
    metric = content["metric"]
    table: pd.DataFrame | None = material.files.get(artifacts.PER_IMAGE)
    known = table.set_index("image_id")[metric] if table is not None and metric in table else pd.Series(dtype=float)
    cards = []
    for rank, (image_id, picture) in enumerate(zip(ids, triples(*pair, limit), strict=False), 1):
        value = float(known.get(image_id, np.nan))
        shown = number(value) if np.isfinite(value) else "–"
        png = png_bytes(Image.fromarray(picture))
        cards.append(Card(rank, str(image_id), shown, (), (), (), png, picture.shape[1], picture.shape[0]))
    return tuple(cards)


@section("tested", "Tested and not found", part=APPENDIX, place=310)
def tested(material: Material) -> Iterable[Block]:
    """Yield what was looked for without a result, so that silence is no riddle."""
    yield from material.part(_not_found, artifacts.FINDINGS)


def _not_found(content: dict[str, Any]) -> Iterable[Block]:
    none = content["not_found"]
    if not none:
        yield Prose("Everything that was tested became a finding.")
    else:
        yield from _silent(none)
    if content["notes"]:
        yield Heading("Notes on the tests")
        yield Bullets(tuple(content["notes"]))


def _silent(none: list[dict[str, str]]) -> Iterable[Block]:
    yield Prose("What was looked for too, and did not pass or could not be tested.")
    rows = words("Tested", (item["title"] for item in none)), words("Result", (item["sentence"] for item in none))
    yield Grid("Tested and not found", table_of(*rows))
