"""How real and how varied samples are: against the test images, source by source, and attribute by attribute."""

from collections.abc import Callable, Iterable
from typing import Any

import pandas as pd

from vaekit import artifacts
from vaekit.figures.words import ARROWS, count, percent, plural, probability, readable, short
from vaekit.reporting.document import Block, Bullets, Details, Facts, Grid, Heading, Prose, closed, section
from vaekit.reporting.material import Material
from vaekit.reporting.tables import Table, estimates, numbers, table_of, words

# The columns of the table in short; what stands in none of them is in the table with intervals all the same.
_NAMES = {
    "fid": "FID",
    "fd_inception": "FD, Inception",
    "precision": "Precision",
    "recall": "Recall",
    "density": "Density",
    "coverage": "Coverage",
    "diversity": "Diversity",
}


@section("samples", "Samples", part="Pictures", place=60)
def samples(material: Material) -> Iterable[Block]:
    """Yield draws from the prior, the same draws by temperature, draws from the codes' own density, and neighbours."""
    content = material.files.get(artifacts.SAMPLES, {})
    yield material.figure("samples")
    yield from _said(content.get("prior"))
    yield material.figure("temperatures")
    yield from _said(content.get("temperatures"))
    yield material.figure("samples_aggregate")
    yield from _said(content.get("mixture"))
    yield Heading("Does it remember its training images?")
    if "neighbours" not in material.figures:  # whose caption says it
        yield from _said(content.get("memorisation"))
    yield material.figure("neighbours")


@section("sampling_gap", "Sampling gap", part="Pictures", place=70)
def sampling_gap(material: Material) -> Iterable[Block]:
    """Yield how far each source of pictures is from the test images, and which part of the model is to blame."""
    yield from material.part(_blame, artifacts.SAMPLES)
    yield material.figure("sampling_gap")
    yield from material.part(_gap, artifacts.SAMPLING_GAP, artifacts.SAMPLES)
    yield from closed("Precision and recall as a plane", [material.figure("precision_recall")])
    yield Heading("Attribute rates")
    yield from material.part(_rates, artifacts.SAMPLES)
    yield material.figure("attribute_rates")
    yield from material.part(_rate_tables, artifacts.ATTRIBUTE_RATES, artifacts.SAMPLES)


def _said(part: dict[str, Any] | None) -> Iterable[Block]:
    """Yield what one part of samples.json says in a sentence."""
    if part and part.get("sentence"):
        yield Prose(part["sentence"])


def _blame(content: dict[str, Any]) -> Iterable[Block]:
    verdict = content["verdict"]
    yield Prose(verdict["sentence"], "strong")
    yield from _said(content.get("modes"))
    if judge := content.get("judge"):
        yield Facts((("Judge", judge["sentence"]),))
    if content.get("warnings"):
        yield Bullets(tuple(content["warnings"]))
    limits = verdict["thresholds"].values()
    table = table_of(
        numbers("Threshold", (limit["value"] for limit in limits), "{:g}".format),
        words("What it decides", (limit["meaning"] for limit in limits)),
    )
    evidence = Bullets(tuple(verdict["evidence"])), Grid("Thresholds of the verdict on samples", table)
    yield Details("Evidence, and the thresholds of the verdict", evidence)


def _gap(table: pd.DataFrame, content: dict[str, Any]) -> Iterable[Block]:
    kinds = content["metrics"]
    columns = [name for name in kinds if name in table]
    shown = [name for name in columns if table[name].notna().any()]
    sources = words("Source", table["label"])
    sizes = table["n"].unique()
    n = [numbers("n", table["n"], count)] if len(sizes) > 1 else []
    if not n:
        yield Prose(f"{plural(sizes[0], 'image')} of each source, held against the test images.")
    yield Grid(
        "Distance of each source from the test images",
        table_of(sources, *n, *(numbers(_name(name, kinds), table[name], _show(kinds[name])) for name in shown)),
    )
    rows = [
        (row["label"], kinds[name]["label"], row[name], row[f"{name}_low"], row[f"{name}_high"], row["n"])
        for _, row in table.iterrows()
        for name in shown
        if pd.notna(row[name])
    ]
    if rows:
        of, metric, value, low, high, size = zip(*rows, strict=True)
        long = table_of(
            words("Source", of),
            words("Metric", metric),
            estimates("Value, 95 % interval", value, low, high),
            numbers("n", size, count),
        )
        yield Details(
            "Every number with its interval", (Grid("Sampling gap with intervals", long), _definitions(kinds))
        )
    for _, row in table.iterrows():
        if pd.notna(row["reason"]):
            yield Prose(f"{row['label']}: {row['reason']}", "small")


def _show(kind: dict[str, Any]) -> Callable[[float], str]:
    """Return how a number is said: an estimate of a distance can be negative, a distance can not."""
    return (lambda value: "about 0" if value <= 0 else short(value)) if kind["higher_is_better"] is False else short


def _definitions(kinds: dict[str, Any]) -> Facts:
    return Facts(tuple((kind["label"], kind["definition"]) for kind in kinds.values()))


def _name(name: str, kinds: dict[str, Any]) -> str:
    """Return the short heading of a column, its arrow included."""
    if name in _NAMES:
        head = _NAMES[name]
    elif name.startswith("fd_"):
        head = "FD, N → ∞" if name.endswith("_inf") else "FD"
    else:
        head = "KID"
    return f"{head} {ARROWS[kinds[name]['higher_is_better']]}".rstrip()


def _rates(content: dict[str, Any]) -> Iterable[Block]:
    said = next(iter(content.get("attribute_rates", {}).get("sentences", {}).values()), None)
    if said:  # of the prior; the others stand with their tables
        yield Bullets(tuple(said))


def _rate_tables(table: pd.DataFrame, content: dict[str, Any]) -> Iterable[Block]:
    for place, (name, rows) in enumerate(table.groupby("source", sort=False)):
        label = content["sources"][name]["label"]
        grid = Grid(f"Attribute rates: {label}", _rate_table(rows))
        said = Bullets(tuple(content["attribute_rates"]["sentences"].get(name, ())))
        shown = (said, grid) if place and said.items else (grid,)  # what the first say stands above
        yield Details(f"{label}: every attribute", shown)


def _rate_table(rows: pd.DataFrame) -> Table:
    return table_of(
        words("Attribute", map(readable, rows["attribute"].astype(str))),
        numbers("Test images", rows["real"], percent),
        numbers("Blurred alike", rows["blurred"], percent),
        numbers("Samples", rows["rate"], percent),
        numbers("95 % from", rows["rate_low"], percent),
        numbers("to", rows["rate_high"], percent),
        numbers("q", rows["q_real"], probability),
        words("Finding", rows["finding"]),
    )
