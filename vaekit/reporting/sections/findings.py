"""What the failure analysis found, one heading each: sentence, effect, evidence, remedy and the images that show it."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from vaekit import artifacts
from vaekit.figures.grids import png_bytes, shared_limit, triples
from vaekit.reporting.document import Block, Bullets, Card, Cards, Facts, Gap, Grid, Heading, Prose, Scale, section
from vaekit.reporting.material import Material
from vaekit.reporting.tables import table_of, words
from vaekit.reporting.text import count, interval, number, plural, short, unit


def findings(content: dict[str, Any], material: Material) -> Iterable[Block]:
    """Yield every finding of findings.json with its pictures, and how they were tested."""
    found = content["findings"]
    yield Prose(
        f"{plural(content['candidates'], 'candidate')} found on {count(content['n_discovery'])} of the "
        f"{count(content['n'])} test images, each tested on the other {count(content['n_confirmation'])} alone; a "
        f"finding has q ≤ {content['q_level']:g} (Benjamini-Hochberg over the candidates)."
    )
    yield material.figure("findings_overview")
    if not found:
        yield Prose("Nothing that was tested passed: no finding is claimed.", "strong")
    pictures = material.files.get(artifacts.FINDING_PICTURES, {})
    pairs = {f["id"]: (pictures.get(f"{f['id']}_x"), pictures.get(f"{f['id']}_x_hat")) for f in found}
    there = {name: pair for name, pair in pairs.items() if pair[0] is not None and len(pair[0])}
    limit = shared_limit(*there.values()) if there else 1.0
    if there:
        yield Scale(limit)
    elif found:
        yield Gap(material.missing.get(artifacts.FINDING_PICTURES, "The findings come without pictures."))
    last = next(reversed(there), None)  # below it Markdown shows the pictures of all
    for place, finding in enumerate(found, 1):
        yield Heading(f"{place}. {finding['title']}", finding["kind"].replace("_", " "), level=4)
        yield Prose(finding["sentence"])
        yield Facts(tuple(_facts(finding)))
        if finding["evidence"]:
            yield Bullets(tuple(finding["evidence"]))
        if finding.get("remedy"):
            yield Prose(f"What to try: {finding['remedy']}")
        if finding["id"] in there:
            cards = _cards(finding["image_ids"], there[finding["id"]], limit, content, material)
            yield Cards(
                f"finding-{finding['id']}", cards, content["label"], len(cards), artifacts.FINDING_PICTURES,
                material.figure("finding_images") if finding["id"] == last else None,
            )  # fmt: skip
    if content["notes"]:
        yield Bullets(tuple(content["notes"]))


def _facts(finding: dict[str, Any]) -> Iterable[tuple[str, str]]:
    effect = finding.get("effect")
    if effect and effect["value"] is not None:
        low, high = effect["low"], effect["high"]
        said = f"{number(effect['value'], low, high)} {interval(low, high)} {unit(effect['unit'])}".strip()
        ratio = effect.get("ratio")
        yield "Effect", said + (f", a factor of {short(ratio)}" if ratio else "")
    if finding.get("q") is not None:
        yield "q", f"{finding['q']:.2g}"
    yield "n", count(finding["n"])
    if finding.get("share") is not None:
        yield "Share of the error", f"{100 * finding['share']:.3g} %"


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


@section("tested", "Tested and not found", part="Failures", place=140)
def tested(material: Material) -> Iterable[Block]:
    """Yield what was looked for without a result, so that silence is no riddle."""
    yield from material.part(_not_found, artifacts.FINDINGS)


def _not_found(content: dict[str, Any]) -> Iterable[Block]:
    none = content["not_found"]
    if not none:
        yield Prose("Everything that was tested became a finding.")
        return
    yield Prose("Each of these was tested on images kept apart, as above, and did not pass.")
    yield Grid(
        "Tested and not found",
        table_of(words("Tested", (item["title"] for item in none)), words("Result", (i["sentence"] for i in none))),
    )
