"""In what the protocols and settings of several models differ."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vaekit.errors import DataError
from vaekit.figures.words import listed
from vaekit.reporting.collect import Collected

# What a number must share with another to be compared with it, and how a sentence calls it.
_PROTOCOL = {
    "data": "the data",
    "split": "the split",
    "n": "the number of test images",
    "crop": "the crop",
    "image_size": "the image size",
    "resize": "the way of resizing",
    "limit": "the limit of the test split",
    "seed": "the seed",
    "images": "the fingerprint of the images",
    "judge": "the judge",
    "vaekit": "the version of vaekit",
}
_WHERE = {"data": "--data", "crop": "--crop", "limit": "--limit", "seed": "--seed"}


@dataclass(frozen=True)
class Unlike:
    """Something that all models should share, and what each of them has instead."""

    key: str
    label: str
    values: dict[str, str]

    def __str__(self) -> str:
        return f"{self.label} is {listed([f'{value} for {name}' for name, value in self.values.items()])}"


def unlike(models: Mapping[str, Collected]) -> list[Unlike]:
    """Return in what the protocols of models differ, from summary.json and samples.json, which names the judge.

    Models trained on more or fewer images of the same data are alike as long as they are tested on the same ones.
    """
    judges = {name: str(model.judge["name"]) for name, model in models.items() if model.judge}
    protocols = {name: _protocol(model.summary) | {"judge": judges.get(name, "none")} for name, model in models.items()}
    first, *others = protocols.values()
    # A limit on train or valid changes the fingerprint of the images, and leaves the test images as they are.
    same_limits = len({str(model.summary["protocol"]["limit"] or {}) for model in models.values()}) == 1
    return [
        Unlike(key, label, {name: protocol[key] for name, protocol in protocols.items()})
        for key, label in _PROTOCOL.items()
        if any(protocol[key] != first[key] for protocol in others)
        and (key != "images" or same_limits)
        and (key != "judge" or len(judges) == len(models))
    ]


def refuse_unlike(differences: Sequence[Unlike], otherwise: str) -> None:
    """Raise DataError where protocols differ: each difference, the options that mend it, and what to do `otherwise`."""
    if not differences:
        return
    flags = [_WHERE[difference.key] for difference in differences if difference.key in _WHERE]
    mend = f"Evaluate all alike with {listed(flags)}, or {otherwise}." if flags else f"{otherwise.capitalize()}."
    raise DataError(f"These models can not be compared: {listed([str(d) for d in differences])}. {mend}")


def _protocol(summary: Mapping[str, Any]) -> dict[str, str]:
    protocol = summary["protocol"]
    limit = protocol["limit"] or {}
    return {
        **{key: str(protocol[key]) for key in ("data", "split", "n", "crop", "image_size", "resize", "seed")},
        "limit": str(limit.get(protocol["split"], "none")),
        "images": protocol["data_fingerprint"][:12],
        "vaekit": str(summary["made_by"].get("vaekit", "unknown")),
    }


def settings_that_differ(models: Mapping[str, Collected]) -> list[tuple[str, tuple[str, ...]]]:
    """Return the settings of the runs that are not the same for all: dotted key, and the value of each model."""
    flat = [_flat(model.summary["config"]) for model in models.values()]
    keys = dict.fromkeys(key for settings in flat for key in settings)
    rows = [(key, tuple(_shown(settings.get(key, "its default")) for settings in flat)) for key in keys]
    return [(key, values) for key, values in rows if len(set(values)) > 1]


def _flat(settings: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in settings.items():
        found |= _flat(value, f"{before}{key}.") if isinstance(value, Mapping) else {f"{before}{key}": value}
    return found


def _shown(value: Any) -> str:
    return "–" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
