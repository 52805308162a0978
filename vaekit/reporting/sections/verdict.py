"""What a reader needs first: how good the model is, what is wrong with it and what to try."""

import math
import re
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from vaekit import artifacts
from vaekit.figures.words import HEADLINES, listed, percent, plain, plural, short
from vaekit.reporting.document import Block, Verdict, section
from vaekit.reporting.material import Material
from vaekit.reporting.tables import metrics_of

_TILED = 6  # a row of a wide page
_TOP = 3  # findings that stand in the box
_ABSENT = 3  # metrics without a value that it names
# What to try where a part of the model keeps samples away from real faces.
_REMEDIES = {
    "prior": "Draw samples from a density fitted to the codes instead of from N(0, I) (Ghosh et al. 2020): `vaekit "
    "sample --from aggregate` does, and `vaekit prior` keeps one in the checkpoint.",
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
        tiled=f"Over {plural(material.summary['protocol']['n'], 'test image')}"
        + (", with 95 % intervals." if any(row.quantity.low is not None for row in tiles) else "."),
        good=tuple(_good(material)),
        wrong=tuple(_wrong(material, found)),
        attempt=tuple(_attempt(material, found)),
        remarks=tuple(_remarks(material)),
    )


def _code(material: Material) -> dict[str, Any]:
    """Return the verdict on the latent code; empty where there is none."""
    verdict: dict[str, Any] = material.files.get(artifacts.LATENT, {}).get("verdict", {})
    return verdict


def _good(material: Material) -> Iterable[str]:
    mse, r2 = material.value("mse"), material.value("r2")
    if mse is not None and math.isfinite(mse):
        yield f"A reconstructed pixel is off by {plain(255 * math.sqrt(mse), 3)} of 255 grey levels (root mean square)."
    if r2 is not None and r2 > 0:
        yield f"The code explains {percent(r2)} of what the mean face leaves open."
    yield from _code(material).get("good", ())
    yield from (sentence for is_good, sentence in _samples(material) if is_good)


def _wrong(material: Material, found: list[dict[str, Any]]) -> Iterable[str]:
    r2 = material.value("r2")
    if r2 is not None and r2 <= 0:
        times = f"they have {short(1 - r2)} times its squared error"
        yield f"Reconstructions are no better than the mean face for every image: {times}."
    told = ("wrong", "hole") if _draws_from_the_normal(material) else ("wrong",)
    yield from (sentence for key in told for sentence in _code(material).get(key, ()))
    yield from (sentence for is_good, sentence in _samples(material) if not is_good)
    yield from (_in_short(finding) for finding in found[:_TOP])
    if len(found) > _TOP:
        more = plural(len(found) - _TOP, "more finding stands", "more findings stand")
        yield f"{more} in the section on failures."
    table: pd.DataFrame | None = material.files.get(artifacts.PER_IMAGE)
    if table is not None and "mse" in table and not np.isfinite(table["mse"]).any():
        yield "No image has a finite mean squared error."


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
    if finding["kind"] not in ("slice", "cluster", "busy_cluster") or None in ends:
        return str(finding["sentence"])
    said = f"{finding['title']}: {short(ends[0])} times [{short(ends[1])}, {short(ends[2])}] the error of the others"
    said += " at equal contrast, fine detail and brightness" if finding["kind"] == "cluster" else ""
    return f"{said}; {percent(share)} of all error is their excess." if share else f"{said}."


def _attempt(material: Material, found: list[dict[str, Any]]) -> Iterable[str]:
    said = list(_code(material).get("remedies", ()))
    blamed = material.files.get(artifacts.SAMPLES, {}).get("verdict", {}).get("name")
    if _draws_from_the_normal(material) and (blamed == "prior" or (_code(material).get("hole") and blamed != "none")):
        said.append(_REMEDIES["prior"])
    elif (
        blamed in _REMEDIES and blamed != "prior" and not said
    ):  # what the code calls for comes first, and may mend the samples
        said.append(_REMEDIES[blamed])
    for finding in found[:_TOP]:
        said += re.split(r"(?<=\.) (?=[A-Z])", finding.get("remedy") or "")  # what several call for stands once
    if not any(said):
        said = ["Nothing that was tested calls for a remedy: look at the worst images in the section on failures."]
    yield from dict.fromkeys(filter(None, said))


def _draws_from_the_normal(material: Material) -> bool:
    """Whether samples are drawn from N(0, I): a hole in it is nothing to a model that learned its prior."""
    return bool(material.summary["model"].get("prior", "standard") == "standard")


def _findings(material: Material) -> list[dict[str, Any]]:
    return list(material.files.get(artifacts.FINDINGS, {}).get("findings", ()))


def _remarks(material: Material) -> Iterable[str]:
    metrics, code = metrics_of(material.rows), _code(material)
    if not code:
        yield material.missing[artifacts.LATENT]
    elif not code.get("wrong") and not code.get("good"):
        yield code["sentence"]
    yield from (
        f"Warning: {metric.label} is {metric.quantity.warning}." for metric in metrics if metric.quantity.warning
    )
    if absent := [metric.label for metric in metrics if metric.is_absent]:
        some = listed([*absent[:_ABSENT], f"{len(absent) - _ABSENT} more"]) if len(absent) > _ABSENT else listed(absent)
        yield f"Not computed: {some}; the reasons stand in the table of metrics."
    if artifacts.FAILURES_SUMMARY in material.missing:
        yield material.missing[artifacts.FAILURES_SUMMARY]
    yield from material.summary["trimmed"]
