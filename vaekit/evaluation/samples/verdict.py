"""Which part of the model keeps samples away from real faces: its decoder, its encoder or its prior.

Each source takes one step more through the model than the one before, so that the distance which a step adds is its
part's doing. The numbers come from the sampling-gap table; every threshold stands in THRESHOLDS, which the report
prints.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from vaekit.evaluation.samples.sources import AGGREGATE, BLURRED, FLOOR, INTERPOLATIONS, PRIOR, RECONSTRUCTIONS
from vaekit.figures.words import plain
from vaekit.statistics.bootstrap import Estimate

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


_STEPS = {"decoder": BLURRED, "encoder": RECONSTRUCTIONS, "codes": AGGREGATE, "prior": PRIOR}
_PARTS = {
    "reconstructions": "is there in reconstructions",
    "codes": "lies between reconstructions and samples of a mixture fitted to the codes, which misses their shape",
    "prior": "lies between samples of a mixture fitted to the codes and those of the prior, which draws other codes",
}


def blame(rows: Mapping[str, Mapping[str, Estimate]], judge: str, reasons: Mapping[str, str]) -> Verdict:
    """Return the verdict from the rows of the table; `reasons` says of a source that has none why."""
    chain = (FLOOR, BLURRED, RECONSTRUCTIONS, AGGREGATE, PRIOR)
    absent = [reasons.get(name, "") for name in chain if name not in rows]
    if absent:
        return Verdict("not judged", f"Which part keeps samples from real faces is not judged: {_lowered(absent[0])}")
    column = f"fd_{judge}_inf"
    if any(rows[name][column].value is None for name in chain):
        column = f"fd_{judge}"
    far = {name: rows[name][column] for name in rows}
    if any(far[name].value is None for name in chain):
        return Verdict("not judged", f"Which part keeps samples from real faces is not judged: {far[FLOOR].reason}.")
    empty = _empty(rows)
    evidence = _evidence(rows, far, column.endswith("_inf"), empty is not None)
    if not _beyond(far[PRIOR], far[FLOOR]) or _value(far[PRIOR]) < THRESHOLDS["like_real"][0] * _value(far[FLOOR]):
        return Verdict(
            "none",
            f"Prior samples are as near to the test images as real train images are ({_said(far[PRIOR])} against "
            f"{_said(far[FLOOR])}).",
            evidence,
        )
    if empty is not None:
        return Verdict("encoder", empty, evidence)
    shares = _shares(far)
    if not shares:
        said = "No single step from test images to prior samples adds more distance than chance does."
        return Verdict("not judged", said, evidence)
    name, blamed, why = _main(shares)
    distance = f"{_said(far[PRIOR])}; real train images {_said(far[FLOOR])}"
    parts = _parts(shares)
    order = sorted(parts, key=lambda part: -parts[part])
    sentence = (
        f"{blamed}: {100 * parts[order[0]]:.0f} % of the distance of prior samples from the test images ({distance}) "
        f"{_PARTS[order[0]]}{why}."
    )
    if parts[order[1]] >= THRESHOLDS["also"][0]:
        sentence += f" Another {100 * parts[order[1]]:.0f} % {_PARTS[order[1]]}."
    return Verdict(name, sentence, evidence, shares)


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
        why = f", and {100 * content:.0f} % of that is more than their blur explains: content that the code lacks"
        return "encoder", "The encoder is at fault", why
    why = f", and test images merely blurred like them show {100 * (1 - content):.0f} % of that: detail is lost"
    return "decoder", "The decoder is at fault", why


def _shares(far: Mapping[str, Estimate]) -> dict[str, float]:
    """Return the share of each step in all that the steps add; one that adds no more than chance has none."""
    added: dict[str, float] = {}
    before = Estimate(0.0, 0.0, 0.0, 0)
    for part, source in _STEPS.items():
        if _beyond(far[source], before):
            added[part] = _value(far[source]) - _value(before)
        if _value(far[source]) > _value(before):
            before = far[source]
    total = sum(added.values())
    return {part: value / total for part, value in added.items()} if total else {}


def _empty(rows: Mapping[str, Mapping[str, Estimate]]) -> str | None:
    """Return the sentence on reconstructions that are all alike, or None where they are not."""
    made, possible = rows[RECONSTRUCTIONS]["diversity"], rows[BLURRED]["diversity"]
    if made.value is None or possible.value is None or made.value >= THRESHOLDS["alike"][0] * possible.value:
        return None
    return (
        f"The encoder is at fault: reconstructions are {made.value:.2g} times as diverse as test images, where mere "
        f"blur would leave {possible.value:.2g}: the code says next to nothing of the face, and no prior could mend it."
    )


def _evidence(
    rows: Mapping[str, Mapping[str, Estimate]], far: Mapping[str, Estimate], infinite: bool, empty: bool
) -> list[str]:
    n = far[PRIOR].n
    how = "extrapolated to infinitely many images" if infinite else f"at n = {n:,} (few images raise them)"
    names = {
        FLOOR: "real train images",
        BLURRED: "test images blurred like the reconstructions",
        RECONSTRUCTIONS: "reconstructions",
        INTERPOLATIONS: "interpolations",
        AGGREGATE: "samples from the mixture",
        PRIOR: "prior samples",
    }
    listed = ", ".join(f"{label} {_said(far[name])}" for name, label in names.items() if name in far)
    said = [f"Distances from the test images, {how}: {listed}."]
    if INTERPOLATIONS in far and far[INTERPOLATIONS].value is not None and not empty:
        nearest = max((far[RECONSTRUCTIONS], far[AGGREGATE]), key=_value)
        times = _value(far[INTERPOLATIONS]) / max(_value(nearest), 1e-12)
        holes = _beyond(far[INTERPOLATIONS], nearest) and times >= THRESHOLDS["holes"][0]
        said.append(
            f"Interpolations between test images are {times:.2f} times as far as reconstructions or mixture samples: "
            + ("the codes have holes between images." if holes else "no sign of holes between the codes.")
        )
    drawn, real = rows[PRIOR]["density"], rows[FLOOR]["density"]
    if drawn.low is not None and real.high is not None and drawn.low > real.high:
        said.append(
            f"The density of prior samples, {drawn.value:.2f}, passes that of real train images, {real.value:.2f}: "
            "they crowd in the middle of feature space, which raises density and precision and is no sign of quality."
        )
    return said


def modes(rows: Mapping[str, Mapping[str, Estimate]]) -> tuple[str, str] | None:
    """Return the verdict on the prior samples' modes ("collapse", "missing", "none") and its sentence; None without."""
    if PRIOR not in rows or FLOOR not in rows:
        return None
    diverse, recall, floor = rows[PRIOR]["diversity"], rows[PRIOR]["recall"], rows[FLOOR]["recall"]
    if diverse.value is None or recall.value is None or floor.value is None:
        return None
    numbers = (
        f"prior samples are {diverse.value:.2f} times as diverse as test images ({_ends(diverse)}) and come near "
        f"{100 * recall.value:.1f} % of them ({_ends(recall, 100)} %), where real train images come near "
        f"{100 * floor.value:.1f} %."
    )
    if (diverse.value if diverse.high is None else diverse.high) < THRESHOLDS["collapse"][0]:
        return "collapse", f"Mode collapse: {numbers}"
    if (recall.value if recall.high is None else recall.high) < THRESHOLDS["missing"][0] * floor.value:
        return "missing", f"Modes are missing: {numbers}"
    return "none", f"No mode collapse: {numbers}"


def _value(estimate: Estimate) -> float:
    assert estimate.value is not None
    return estimate.value


def _beyond(a: Estimate, b: Estimate) -> bool:
    """Whether a is larger than b by more than the intervals of both allow; without intervals, larger at all."""
    if a.low is None or b.high is None:
        return _value(a) > _value(b)
    return _value(a) - _value(b) > ((_value(a) - a.low) ** 2 + (b.high - _value(b)) ** 2) ** 0.5


def _said(estimate: Estimate) -> str:
    return plain(round(_value(estimate), 1)) if abs(_value(estimate)) >= 10 else f"{_value(estimate):.2g}"


def _ends(estimate: Estimate, scale: float = 1.0) -> str:
    if estimate.low is None or estimate.high is None:
        return "no interval"
    digits = 1 if scale > 1 else 2
    return f"{scale * estimate.low:.{digits}f} to {scale * estimate.high:.{digits}f}"


def _lowered(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
