"""What a reader needs first: how good the model is, what is wrong with it and what to try."""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from vaekit import artifacts
from vaekit.figures.words import HEADLINES, fixed, listed, number, percent, plain, plural, short
from vaekit.reporting.document import Block, Verdict, section
from vaekit.reporting.material import Material
from vaekit.reporting.tables import metrics_of

_TILED = 6  # a row of a wide page
_TOP = 3  # findings that stand in the box
_ABSENT = 3  # metrics without a value that it names
# What to try where a part of the model keeps samples away from real faces.
_REMEDIES = {
    "prior": "Draw samples from the mixture fitted to the codes instead of from the prior: `vaekit sample --from "
    "aggregate` (Ghosh et al. 2020).",
    "decoder": "Detail is lost before any sampling: try a larger decoder, longer training or a perceptual term.",
    "encoder": "The code lacks content that reconstructions need: try more latent dims or weigh the KL less.",
    "codes": "The codes have a shape that a mixture of Gaussians misses: try to weigh the KL more, which brings them "
    "nearer to the prior.",
}


@section("verdict", "Verdict", part="Results", place=10)
def verdict(material: Material) -> Iterable[Block]:
    """Yield the box with the numbers that matter most and the first sentences of every diagnosis."""
    found = _findings(material)
    tiles = metrics_of({name: row for name, row in material.rows.items() if row.value is not None}, tuple(HEADLINES))
    tiles = tiles[:_TILED]
    yield Verdict(
        tiles=tiles,
        names=tuple(HEADLINES[row.id] for row in tiles),
        tiled=f"Over {plural(material.summary['protocol']['n'], 'test image')}, with 95 % intervals.",
        good=tuple(_good(material)),
        wrong=tuple(_wrong(material, found)),
        attempt=tuple(_attempt(material, found)),
        remarks=tuple(_remarks(material)),
    )


def is_healthy(material: Material) -> bool:
    """Return whether the verdict on the latent code finds no collapse and nothing like it."""
    content = material.files.get(artifacts.LATENT)
    return content is not None and content["verdict"]["name"] == "none"


def has_hole(material: Material) -> bool:
    """Return whether draws from a normal fitted to the codes fall where the decoder was never trained."""
    content = material.files.get(artifacts.LATENT, {})
    limit = content.get("verdict", {}).get("thresholds", {}).get("hole", {}).get("value", math.inf)
    return bool((material.value("prior_hole") or 0.0) > limit)


def _good(material: Material) -> Iterable[str]:
    mse, r2 = material.value("mse"), material.value("r2")
    if mse is not None and math.isfinite(mse):
        yield f"A reconstructed pixel is off by {plain(255 * math.sqrt(mse), 3)} of 255 grey levels (root mean square)."
    if r2 is not None:
        yield f"The code explains {percent(r2)} of what the mean face leaves open."
    if is_healthy(material):
        yield material.files[artifacts.LATENT]["verdict"]["sentence"]
    yield from (sentence for is_good, sentence in _samples(material) if is_good)


def _wrong(material: Material, found: list[dict[str, Any]]) -> Iterable[str]:
    if artifacts.LATENT not in material.files:
        yield material.missing[artifacts.LATENT]
    elif not is_healthy(material):
        yield material.files[artifacts.LATENT]["verdict"]["sentence"]
    elif has_hole(material):
        yield (
            "Draws from a normal distribution fitted to the codes come back from decoder and encoder "
            f"{short(material.value('prior_hole'))} times as "
            "far off as codes of test images: they fall where the decoder was never trained."
        )
    yield from (sentence for is_good, sentence in _samples(material) if not is_good)
    yield from (_in_short(finding) for finding in found[:_TOP])
    if len(found) > _TOP:
        more = plural(len(found) - _TOP, "more finding stands", "more findings stand")
        yield f"{more} in the section on failures."
    yield from _worst(material)


def _samples(material: Material) -> Iterable[tuple[bool, str]]:
    """Yield what the verdicts on samples say, and whether that is good; what could not be judged is neither."""
    content = material.files.get(artifacts.SAMPLES, {})
    for part in ("verdict", "modes"):
        said = content.get(part)
        if said and said["name"] != "not judged":
            yield said["name"] == "none", said["sentence"]


def _in_short(finding: dict[str, Any]) -> str:
    """Return a finding as one line: a group of images by its ratio and share, anything else by its sentence."""
    effect, share = finding["effect"] or {}, finding["share"]
    ends = [effect.get(key) for key in ("ratio", "ratio_low", "ratio_high")]
    if finding["kind"] not in ("slice", "cluster") or None in ends:
        return str(finding["sentence"])
    said = f"{finding['title']}: {short(ends[0])} times [{short(ends[1])}, {short(ends[2])}] the error of the others"
    return f"{said}; {percent(share)} of all error is their excess." if share else f"{said}."


def _attempt(material: Material, found: list[dict[str, Any]]) -> Iterable[str]:
    said = list(material.files.get(artifacts.LATENT, {}).get("verdict", {}).get("remedies", ()))
    blamed = material.files.get(artifacts.SAMPLES, {}).get("verdict", {}).get("name")
    if has_hole(material) or blamed == "prior":
        said.append(_REMEDIES["prior"])
    elif blamed in _REMEDIES:
        said.append(_REMEDIES[blamed])
    said += [finding["remedy"] for finding in found[:_TOP] if finding.get("remedy")]
    if not said:
        said = ["Nothing that was tested calls for a remedy: look at the worst images in the section on failures."]
    yield from dict.fromkeys(said)


def _findings(material: Material) -> list[dict[str, Any]]:
    return list(material.files.get(artifacts.FINDINGS, {}).get("findings", ()))


def _worst(material: Material) -> Iterable[str]:
    table: pd.DataFrame | None = material.files.get(artifacts.PER_IMAGE)
    if table is None or "mse" not in table:
        return
    values = table["mse"].to_numpy(float)
    values = np.where(np.isfinite(values), values, np.nan)
    if np.isnan(values).all():
        yield "No image has a finite mean squared error."
        return
    worst = int(np.nanargmax(values))
    times = f", {fixed(values[worst] / np.nanmedian(values), 1)} times the median" if np.nanmedian(values) > 0 else ""
    yield f"The worst image is {table['image_id'].iloc[worst]}, with an MSE of {number(values[worst])}{times}."


def _remarks(material: Material) -> Iterable[str]:
    metrics = metrics_of(material.rows)
    yield from (
        f"Warning: {metric.label} is {metric.quantity.warning}." for metric in metrics if metric.quantity.warning
    )
    if absent := [metric.label for metric in metrics if metric.is_absent]:
        some = listed([*absent[:_ABSENT], f"{len(absent) - _ABSENT} more"]) if len(absent) > _ABSENT else listed(absent)
        yield f"Not computed: {some}; the reasons stand in the table of metrics."
    if artifacts.FAILURES_SUMMARY in material.missing:
        yield material.missing[artifacts.FAILURES_SUMMARY]
    yield from material.summary["trimmed"]
