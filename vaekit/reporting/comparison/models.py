"""The models of a comparison as their artifacts tell them, and in what their protocols and settings differ."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from vaekit import artifacts
from vaekit.errors import DataError
from vaekit.figures.words import listed
from vaekit.quantity import Quantity
from vaekit.reporting.collect import Folders, collect
from vaekit.reporting.tables import quantities

_READ = (
    artifacts.SUMMARY,
    artifacts.PER_IMAGE,
    artifacts.PER_DIM,
    artifacts.LATENT,
    artifacts.PICTURES,
    artifacts.DRAWS,
    artifacts.RECONSTRUCTIONS,
    artifacts.SAMPLES,
    artifacts.SAMPLING_GAP,
    artifacts.SAMPLE_PICTURES,
    artifacts.FINDINGS,
    artifacts.EXPLORATION_SUMMARY,
    artifacts.TRAVERSALS,
)
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
class Compared:
    """One model: the name it goes by, file name -> content of its artifacts, and why the others are not there."""

    name: str
    files: Mapping[str, Any]
    missing: Mapping[str, str]

    @property
    def summary(self) -> dict[str, Any]:
        """The content of summary.json."""
        found: dict[str, Any] = self.files[artifacts.SUMMARY]
        return found

    @cached_property
    def rows(self) -> dict[str, Quantity]:
        """The means over all test images, then what is estimated otherwise."""
        return quantities(self.summary["metrics"] | self.summary["estimates"], artifacts.SUMMARY)

    def get(self, file: str) -> Any:
        """Return the content of an artifact; DataError, with the model's name, where it is not there."""
        if file not in self.files:
            raise DataError(f"{self.name}: {self.missing[file]}")
        return self.files[file]


@dataclass(frozen=True)
class Unlike:
    """Something that all models should share, and what each of them has instead."""

    key: str
    label: str
    values: dict[str, str]

    def __str__(self) -> str:
        return f"{self.label} is {listed([f'{value} for {name}' for name, value in self.values.items()])}"


def read_model(name: str, folder: Path) -> Compared:
    """Return what lies in the folder of one model and protocol, `evaluation/` and its neighbours.

    Raises:
        DataError: there is no readable summary.json.
    """
    folders = Folders(folder / artifacts.EVALUATION, folder / artifacts.FAILURES, folder / artifacts.EXPLORATION)
    found = collect(folders, _READ)
    return Compared(name, found.files, found.missing)


def unlike(
    summaries: Mapping[str, Mapping[str, Any]], samples: Mapping[str, Mapping[str, Any]] | None = None
) -> list[Unlike]:
    """Return in what the protocols of models differ.

    Models trained on more or fewer images of the same data are alike as long as they are tested on the same ones.

    Args:
        summaries: name of a model -> summary.json.
        samples: name of a model -> samples.json, where there is one: it names the judge.
    """
    judges = {name: str(content["judge"]["name"]) for name, content in (samples or {}).items()}
    protocols = {name: _protocol(summary) | {"judge": judges.get(name, "none")} for name, summary in summaries.items()}
    first, *others = protocols.values()
    # A limit on train or valid changes the fingerprint of the images, and leaves the test images as they are.
    same_limits = len({str(summary["protocol"]["limit"] or {}) for summary in summaries.values()}) == 1
    return [
        Unlike(key, label, {name: protocol[key] for name, protocol in protocols.items()})
        for key, label in _PROTOCOL.items()
        if any(protocol[key] != first[key] for protocol in others)
        and (key != "images" or same_limits)
        and (key != "judge" or len(judges) == len(summaries))
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


def settings_that_differ(models: Sequence[Compared]) -> list[tuple[str, tuple[str, ...]]]:
    """Return the settings of the runs that are not the same for all: dotted key, and the value of each model."""
    flat = [_flat(model.summary["config"]) for model in models]
    keys = dict.fromkeys(key for settings in flat for key in settings)
    rows = [(key, tuple(_shown(settings.get(key)) for settings in flat)) for key in keys]
    return [(key, values) for key, values in rows if len(set(values)) > 1]


def _flat(settings: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in settings.items():
        found |= _flat(value, f"{before}{key}.") if isinstance(value, Mapping) else {f"{before}{key}": value}
    return found


def _shown(value: Any) -> str:
    return "–" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
