"""Which part of the model keeps samples away from real faces: its decoder, its encoder or its prior.

Each source takes one step more through the model than the one before, so that the distance which a step adds is its
part's doing. The numbers come from the sampling-gap table; every threshold stands in THRESHOLDS, which the report
prints.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from vaekit.evaluation.samples.sources import (
    AGGREGATE,
    BLURRED,
    FLOOR,
    INTERPOLATIONS,
    PRIOR,
    RECONSTRUCTIONS,
    STANDARD,
)
from vaekit.figures.words import distance, estimate, percent, short
from vaekit.priors import Prior
from vaekit.statistics.bootstrap import LEAST, Estimate
from vaekit.statistics.raters import pooled_estimate

Rows = Mapping[str, Mapping[str, Estimate]]  # source -> column -> number

THRESHOLDS = {
    "like_real": (1.5, "no fault: prior samples are at most so many times as far as real train images"),
    "alike": (0.5, "the code is empty: reconstructions are less than so many times as diverse as blurred test images"),
    "content": (0.25, "the encoder, not the decoder: at least this share of the reconstructions' distance is no blur"),
    "also": (0.25, "a second part is named where it adds at least this share of the distance"),
    "holes": (1.5, "holes between codes: interpolations are so many times as far as reconstructions and samples"),
    "collapse": (0.5, "mode collapse: prior samples are less than so many times as diverse as test images"),
    "missing": (0.5, "missing modes: prior samples recall less than so many times what real train images do"),
}


@dataclass(frozen=True)
class Verdict:
    """Who is at fault ("none", "decoder", "encoder", "codes", "prior" or "not judged"), in one sentence, and why."""

    name: str
    sentence: str
    evidence: list[str] = field(default_factory=list)
    shares: dict[str, float] = field(default_factory=dict)

    def record(self) -> dict[str, Any]:
        """Return the verdict and the table of thresholds as plain data."""
        thresholds = {name: {"value": value, "meaning": meaning} for name, (value, meaning) in THRESHOLDS.items()}
        return asdict(self) | {"thresholds": thresholds}


# The part each step adds, and the source that takes it. Sets that are not paired with the test images differ from them
# as real train images do, at this number of images: that is nobody's fault, and a step of its own.
_STEPS = (("decoder", BLURRED), ("encoder", RECONSTRUCTIONS), ("images", FLOOR), ("codes", AGGREGATE), ("prior", PRIOR))
_NAMES = {
    FLOOR: "real train images",
    BLURRED: "test images blurred like the reconstructions",
    RECONSTRUCTIONS: "reconstructions",
    INTERPOLATIONS: "interpolations",
    AGGREGATE: "samples from the mixture",
    PRIOR: "prior samples",
    STANDARD: "samples from N(0, I)",
}
_NOTHING = Estimate(0.0, 0.0, 0.0, 0)
_PARTS = {
    "reconstructions": "is there in reconstructions",
    "codes": "lies between reconstructions and samples of a mixture fitted to the codes, which misses their shape",
    "prior": "lies between samples of a mixture fitted to the codes and those of the prior, which draws other codes",
}


def blame(networks: Sequence[Rows], judge: str, reasons: Mapping[str, str]) -> Verdict:
    """Return the verdict from the table's rows by each of the judge's networks.

    `reasons` says of a source that has no row why. All distances are those of the table, at its number of images.
    """
    chain = (FLOOR, BLURRED, RECONSTRUCTIONS, AGGREGATE, PRIOR)
    absent = [reasons.get(name, "") for name in chain if name not in networks[0]]
    if absent:
        return Verdict("not judged", f"Which part keeps samples from real faces is not judged: {_lowered(absent[0])}")
    rows = {
        name: {kind: pooled_estimate([one[name][kind] for one in networks]) for kind in row}
        for name, row in networks[0].items()
    }
    column = f"fd_{judge}"
    far = {name: row[column] for name, row in rows.items()}
    if any(far[name].value is None for name in chain):
        return Verdict("not judged", f"Which part keeps samples from real faces is not judged: {far[FLOOR].reason}.")
    if far[PRIOR].n < LEAST:
        few = f"it needs {LEAST} images of each set, and there {'is' if far[PRIOR].n == 1 else 'are'} {far[PRIOR].n}"
        return Verdict("not judged", f"Which part keeps samples from real faces is not judged: {few}.")
    by_network = [{name: row[column] for name, row in one.items()} for one in networks]
    empty = _empty(rows)
    evidence = _evidence(rows, by_network, far, empty is not None)
    like_real = THRESHOLDS["like_real"][0]
    is_like_real = _value(far[PRIOR]) < like_real * _value(far[FLOOR])
    if not is_like_real and not _farther(by_network, PRIOR, FLOOR):
        return Verdict(
            "not judged",
            f"{far[PRIOR].n:,} images are too few to tell whether prior samples are farther from the test images than "
            "real train images are.",
            evidence,
        )
    if is_like_real:
        return Verdict(
            "none",
            f"Prior samples are as near to the test images as real train images are ({_said(far[PRIOR])} against "
            f"{_said(far[FLOOR])}).",
            evidence,
        )
    if empty is not None:
        return Verdict("encoder", empty, evidence)
    shares, farthest = _shares(by_network)
    if not set(shares) - {"images", "unproven"}:
        said = "No single step from test images to prior samples adds more distance than chance does."
        return Verdict("not judged", said, evidence)
    name, blamed, why = _main(shares)
    parts = _parts(shares)
    order = sorted(parts, key=lambda part: -parts[part])
    sentence = f"{blamed}: {_whole_percent(parts[order[0]])} of {_whole(far, farthest)} {_PARTS[order[0]]}{why}."
    if parts[order[1]] >= THRESHOLDS["also"][0]:
        sentence += f" Another {_whole_percent(parts[order[1]])} {_PARTS[order[1]]}."
    if (unproven := shares.get("unproven", 0.0)) >= 0.01:
        sentence += f" The steps that hold another {_whole_percent(unproven)} are within chance."
    return Verdict(name, sentence, evidence, shares)


def _whole(far: Mapping[str, Estimate], farthest: str) -> str:
    """Return what shares are of: the distance of the farthest source, which prior samples mostly are."""
    who = "" if farthest == PRIOR else f"; prior samples, which pass it no more, {_said(far[PRIOR])}"
    return (
        f"the distance of {_NAMES[farthest]} from the test images ({_said(far[farthest])}{who}; real train images "
        f"{_said(far[FLOOR])})"
    )


def _parts(shares: Mapping[str, float]) -> dict[str, float]:
    kept = {part: shares.get(part, 0.0) for part in ("codes", "prior")}
    return {"reconstructions": shares.get("decoder", 0.0) + shares.get("encoder", 0.0)} | kept


def _main(shares: Mapping[str, float]) -> tuple[str, str, str]:
    """Return who is at fault, how the sentence says so, and how it ends; blur and lost content are told apart."""
    parts = _parts(shares)
    largest = max(parts, key=lambda part: parts[part])
    if largest == "prior":
        return "prior", "The prior is at fault", ""
    if largest == "codes":
        return "codes", "The encoder is at fault by the shape of its codes", ""
    content = shares.get("encoder", 0.0) / parts["reconstructions"]
    if content >= THRESHOLDS["content"][0]:
        why = f", and {_whole_percent(content)} of that is more than their blur explains: content that the code lacks"
        return "encoder", "The encoder is at fault", why
    why = f", and test images merely blurred like them show {_whole_percent(1 - content)} of that: detail is lost"
    return "decoder", "The decoder is at fault", why


def _shares(networks: Sequence[Mapping[str, Estimate]]) -> tuple[dict[str, float], str]:
    """Return the share of each step in the distance of the farthest source, adding up to 1, and that source.

    Steps that add no more than chance are "unproven" together; what this number of images explains is "images".
    """
    nothing = [_NOTHING] * len(networks)
    added: dict[str, float] = {}
    proven, farthest, reached, floors = set(), "", nothing, nothing
    for part, source in _STEPS:
        here = [far[source] for far in networks]
        if part == "images":
            floors = here
            continue
        step = pooled_estimate([_minus(*ends) for ends in zip(here, reached, floors, strict=True)])
        if _value(step) > 0:
            added[part], farthest, reached, floors = _value(step), source, here, nothing
        if step.low is None or step.low > 0:
            proven.add(part)
    total = float(np.mean([_value(far) for far in reached]))
    shares = {part: value / total for part, value in added.items() if part in proven}
    rest = {
        "images": total - sum(added.values()),
        "unproven": sum(value for part, value in added.items() if part not in proven),
    }
    return shares | {part: value / total for part, value in rest.items() if value > 1e-9 * total}, farthest


def _minus(a: Estimate, b: Estimate, floor: Estimate) -> Estimate:
    """Return a - b - floor as one network sees it; the ends are from those of a and b."""
    value = _value(a) - _value(b) - _value(floor)
    if a.low is None or a.high is None or b.low is None or b.high is None:
        return Estimate(value, None, None, a.n)
    low = value - math.hypot(_value(a) - a.low, b.high - _value(b))
    high = value + math.hypot(a.high - _value(a), _value(b) - b.low)
    return Estimate(value, low, high, a.n)


def _farther(networks: Sequence[Mapping[str, Estimate]], a: str, b: str) -> bool:
    """Whether one source is farther than another by more than chance and the judge's seeds allow."""
    difference = pooled_estimate([_minus(far[a], far[b], _NOTHING) for far in networks])
    return _value(difference) > 0 if difference.low is None else difference.low > 0


def _empty(rows: Rows) -> str | None:
    """Return the sentence on reconstructions that are all alike, or None where they are not."""
    made, possible = rows[RECONSTRUCTIONS]["diversity"], rows[BLURRED]["diversity"]
    if made.value is None or possible.value is None or made.value >= THRESHOLDS["alike"][0] * possible.value:
        return None
    return (
        f"The encoder is at fault: reconstructions are {short(made.value, 2)} times as diverse as test images, where "
        f"mere blur would leave {short(possible.value, 2)}: the code says next to nothing of the face, and no prior "
        "could mend it."
    )


def _evidence(
    rows: Rows, networks: Sequence[Mapping[str, Estimate]], far: Mapping[str, Estimate], empty: bool
) -> list[str]:
    listed = ", ".join(f"{label} {_said(far[name])}" for name, label in _NAMES.items() if name in far)
    said = [f"Distances from the test images at n = {far[PRIOR].n:,} (few images raise them): {listed}."]
    if INTERPOLATIONS in far and far[INTERPOLATIONS].value is not None and not empty:
        nearest = max((RECONSTRUCTIONS, AGGREGATE), key=lambda name: _value(far[name]))
        times = _value(far[INTERPOLATIONS]) / max(_value(far[nearest]), 1e-12)
        holes = _farther(networks, INTERPOLATIONS, nearest) and times >= THRESHOLDS["holes"][0]
        said.append(
            f"Interpolations between test images are {short(times)} times as far as {_NAMES[nearest]}: "
            + ("the codes have holes between images." if holes else "no sign of holes between the codes.")
        )
    drawn, real = rows[PRIOR]["density"], rows[FLOOR]["density"]
    if drawn.low is not None and real.high is not None and drawn.low > real.high:
        said.append(
            f"The density of prior samples, {estimate(drawn.value, drawn.low, drawn.high)}, passes that of real train "
            f"images, {estimate(real.value, real.low, real.high)}: they crowd in the middle of feature space, which "
            "raises density and precision and is no sign of quality."
        )
    return said


def modes(rows: Rows) -> tuple[str, str] | None:
    """Return the verdict on the prior samples' modes ("collapse", "missing", "none") and its sentence; None without."""
    if PRIOR not in rows or FLOOR not in rows:
        return None
    diverse, recall, floor = rows[PRIOR]["diversity"], rows[PRIOR]["recall"], rows[FLOOR]["recall"]
    if diverse.value is None or recall.value is None or floor.value is None or recall.n < LEAST:
        return None
    numbers = (
        f"prior samples are {estimate(diverse.value, diverse.low, diverse.high)} times as diverse as test images and "
        f"come near {percent(recall.value, recall.low, recall.high)} of them, where real train images come near "
        f"{percent(floor.value)}."
    )
    if (diverse.value if diverse.high is None else diverse.high) < THRESHOLDS["collapse"][0]:
        return "collapse", f"Mode collapse: {numbers}"
    if (recall.value if recall.high is None else recall.high) < THRESHOLDS["missing"][0] * floor.value:
        return "missing", f"Modes are missing: {numbers}"
    return "none", f"No mode collapse: {numbers}"


def prior_sentence(prior: Prior, rows: Rows, column: str) -> str | None:
    """Return what this model draws from and how far from real faces N(0, I) would be; None where it is N(0, I)."""
    if prior.kind == "standard":
        return None
    said = (
        f"This model draws from {prior.said}, fitted to the codes of train images when training had ended, and not "
        "from N(0, I), which training assumed"
    )
    own, standard = (rows.get(name, {}).get(column) for name in (PRIOR, STANDARD))
    if own is None or standard is None or own.value is None or standard.value is None:
        return f"{said}."
    return f"{said}: {_said(own)} from the test images, where samples from N(0, I) are {_said(standard)}."


def _value(estimate: Estimate) -> float:
    assert estimate.value is not None
    return estimate.value


def _whole_percent(share: float) -> str:
    return percent(round(share, 2))


def _said(of: Estimate) -> str:
    return distance(_value(of), of.low, of.high)


def _lowered(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
