"""Where the model fails: findings with their evidence, the worst, best and random images, and single attributes."""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from vaekit import artifacts
from vaekit.errors import DataError
from vaekit.figures.galleries import CHOSEN, KINDS, attributes_of, common_limit, pictures
from vaekit.figures.grids import png_bytes, triples
from vaekit.figures.words import count, in_sentence, number, plural, probability, readable, short, unit
from vaekit.reporting.document import (
    Block,
    Bullets,
    Card,
    Cards,
    Controls,
    Details,
    Gap,
    Grid,
    Heading,
    Metrics,
    Prose,
    Scale,
    closed,
    section,
)
from vaekit.reporting.material import Material
from vaekit.reporting.sections.findings import findings
from vaekit.reporting.sections.setting import DESCRIPTIVE
from vaekit.reporting.tables import Column, estimates, metrics_of, numbers, quantities, table_of, words


@section("failures", "Failures", part="Failures", place=130)
def failures(material: Material) -> Iterable[Block]:
    """Yield the findings, the pictures of the whole split that bear on them, the galleries, and every attribute."""
    yield Heading("Findings")
    yield from material.part(lambda content: findings(content, material), artifacts.FINDINGS)
    yield Heading("Where the error lies")
    yield material.figure("error_map")
    yield material.figure("spectrum")
    yield from closed("Regions and detail", material.part(_regions, artifacts.FINDINGS))
    yield Heading("Attributes kept and lost")
    yield material.figure("preserved")
    yield from material.part(_preserved, artifacts.FINDINGS)
    yield Heading("What explains the error")
    yield from material.part(lambda content: _explained(content, material), artifacts.FINDINGS)
    yield from material.part(unlike, artifacts.FINDINGS)
    yield Heading("The worst, the best and random images")
    yield from galleries(material)
    yield Heading("By attribute")
    yield material.figure("attributes")
    yield from closed("Every attribute", material.part(_slices, artifacts.SLICES))


def unlike(content: dict[str, Any]) -> Iterable[Block]:
    """Yield the list of images that are unlike anything in train; nothing where none is."""
    for finding in content["findings"]:
        if finding["kind"] == "unlike":
            yield Heading(finding["title"])
            yield Prose(" ".join([finding["sentence"], *finding["evidence"]]))


def _regions(content: dict[str, Any]) -> Iterable[Block]:
    rows = {name: row for name, row in content.get("facts", {}).items() if isinstance(row, dict)}
    if rows:
        yield Metrics("Regions and detail", metrics_of(quantities(rows, artifacts.FINDINGS)))


def _preserved(content: dict[str, Any]) -> Iterable[Block]:
    rows = pd.DataFrame([row for row in content["preserved"] if not row.get("reason")])
    if rows.empty:
        return

    def share(name: str, heading: str) -> Column:
        return estimates(heading, *(100 * rows[f"{name}{end}"] for end in ("", "_low", "_high")))

    grid = table_of(
        words("Attribute", map(readable, rows["attribute"].astype(str))),
        numbers("n with", rows["n"], count),
        share("kept", "Kept, %"),
        share("control", "Equal blur keeps, %"),
        share("beyond", "Lost beyond blur, %"),
        numbers("q", rows["q"], probability),
        words("Lost", ("yes" if lost else "" for lost in rows["lost"])),
    )
    yield Details(f"All {plural(len(rows), 'attribute')}", (Grid("Attributes kept and lost", grid),))


def _explained(content: dict[str, Any], material: Material) -> Iterable[Block]:
    if said := content.get("said", {}).get("explained"):
        yield Prose(said)
    shown: list[Block] = [material.figure("explained")]
    if rows := content["explained"].get("r2"):
        entries = {f"explained_{name}": row for name, row in rows.items()}
        shares = metrics_of(quantities(entries, artifacts.FINDINGS))
        shown.append(Metrics("Variance of the error that is explained", shares))
    yield from closed("By what, and how far", shown)


def galleries(material: Material) -> Iterable[Block]:
    """Yield the worst, best and random images, each with its reconstruction and error map."""
    try:
        for name in (artifacts.FAILURES_SUMMARY, artifacts.GALLERY, artifacts.WORST):
            material.need(name)
        limit = common_limit(material.files)
        galleries = [_gallery(material, kind, limit) for kind, file in KINDS.items() if file in material.files]
    except DataError as error:
        yield Gap(str(error))
        return
    except KeyError as error:
        yield Gap(f"The failure analysis lacks {error.args[0]!r}: run `vaekit failures` again.")
        return
    ranked = material.files[artifacts.FAILURES_SUMMARY]
    label, measured = in_sentence(ranked["label"]), unit(ranked["unit"])
    yield Prose(
        f"Test images ranked by {label}{f' ({measured})' if measured else ''}. Each card shows the original, its "
        "reconstruction, and the absolute error averaged over the channels, on one scale for all galleries."
    )
    yield Scale(limit)
    if ranked["notes"]:
        yield Bullets(tuple(ranked["notes"]))
    has = sorted({name for gallery in galleries for card in gallery.cards for name in card.attributes})
    yield Controls(_columns(material), tuple(has))
    for gallery in galleries:
        yield Heading(gallery.name.capitalize(), CHOSEN[gallery.name].format(label), level=4)
        yield gallery
    for file in KINDS.values():
        if file not in material.files:
            yield Gap(material.missing[file])


def _columns(material: Material) -> tuple[tuple[str, str], ...]:
    """Return (id, label) of the metrics that cards are sorted by."""
    metrics = material.summary["metrics"]
    return tuple((c, metrics[c]["label"]) for c in material.files[artifacts.WORST].columns if c in metrics)


def _gallery(material: Material, kind: str, limit: float) -> Cards:
    files, columns = material.files, _columns(material)
    table: pd.DataFrame = files[KINDS[kind]]
    ranked = files[artifacts.FAILURES_SUMMARY]
    shown = triples(*pictures(files, kind), limit)
    cards = []
    for (_, row), has, picture in zip(table.iterrows(), attributes_of(table, files), shown, strict=False):
        values = tuple(float(row[c]) if np.isfinite(row[c]) else None for c, _ in columns)
        facts = tuple((label, number(value)) for (_, label), value in zip(columns, values, strict=True))
        cards.append(
            Card(
                int(row["rank"]),
                str(row["image_id"]),
                number(float(row[ranked["ranked_by"]])),
                tuple(map(readable, has)),
                values,
                facts,
                png_bytes(Image.fromarray(picture)),
                picture.shape[1],
                picture.shape[0],
                "" if pd.isna(flags := row.get("flags")) else str(flags),
            )
        )
    figure = material.figure(f"gallery_{kind}")
    return Cards(kind, tuple(cards), in_sentence(ranked["label"]), len(table), KINDS[kind], figure)


def _slices(table: pd.DataFrame) -> Iterable[Block]:
    yield Prose(DESCRIPTIVE, "small")
    table = pd.concat([table[table["low"].notna()], table[table["low"].isna()]])  # what has no interval leads nothing
    yield Grid(
        "Error by attribute",
        table_of(
            words("Attribute", map(readable, table["attribute"].astype(str))),
            numbers("n with", table["n_with"], count),
            numbers("Mean with", table["mean_with"]),
            numbers("Mean without", table["mean_without"]),
            estimates("Difference, 95 % interval", table["difference"], table["low"], table["high"]),
            numbers("AUC", table["auc"]),
            numbers(f"In worst {table['worst_n'].max()}", table["worst_with"], count),
            numbers("Odds ratio", table["odds_ratio"], _ratio),
        ),
    )


def _ratio(value: float) -> str:
    return "∞" if value == math.inf else short(value)
