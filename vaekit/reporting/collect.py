"""What lies on disk about one evaluation, its exploration and its failure analysis, and why the rest does not."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from vaekit import artifacts
from vaekit.errors import DataError
from vaekit.figures.base import FIGURES
from vaekit.quantity import Quantity
from vaekit.reporting.protocol import is_ours
from vaekit.reporting.tables import quantities

EXPLORED = {
    artifacts.EXPLORATION_SUMMARY,
    artifacts.TRAVERSALS,
    artifacts.INTERPOLATIONS,
    artifacts.EDITS,
    artifacts.LATENT_MAP,
    artifacts.LIVE,
}
ANALYSED = {
    artifacts.FAILURES_SUMMARY,
    artifacts.WORST,
    artifacts.BEST_IMAGES,
    artifacts.RANDOM_IMAGES,
    artifacts.GALLERY,
    artifacts.SLICES,
    artifacts.FINDINGS,
    artifacts.FINDING_PICTURES,
    artifacts.DIAGNOSIS_ARRAYS,
}
_EVALUATED = {
    artifacts.SUMMARY,
    artifacts.PER_IMAGE,
    artifacts.LATENT,
    artifacts.PER_DIM,
    artifacts.PER_CHANNEL,
    artifacts.PER_POSITION,
    artifacts.LAYERS,
    artifacts.CONFIG,
    artifacts.SAMPLES,
    artifacts.SAMPLING_GAP,
    artifacts.ATTRIBUTE_RATES,
    artifacts.PROBES,
    artifacts.PROBES_SUMMARY,
}
_EVALUATION = f"{artifacts.EVALUATION}/{artifacts.SUMMARY}"
_SAMPLED = (artifacts.SAMPLING_GAP, artifacts.SAMPLE_PICTURES)
# Why a file may rightly be absent, where "it is missing" would mislead.
_REASONS = {
    artifacts.KL_PER_DIM: "The checkpoint does not say how the KL of each dim went during training.",
    artifacts.SLICES: "There is no table of attributes: the data carries none, or the failure analysis left it out.",
}


_READERS: dict[str, Callable[[Path], Any]] = {
    ".csv": artifacts.read_table,
    ".json": artifacts.read_json,
    ".npz": artifacts.read_arrays,
    ".npy": artifacts.read_array,
    ".toml": artifacts.read_text,
}


@dataclass(frozen=True)
class Folders:
    """Where the artifacts of one evaluation lie; None or an absent folder: that stage was not run."""

    evaluation: Path
    failures: Path | None = None
    exploration: Path | None = None

    @classmethod
    def below(cls, folder: Path) -> Self:
        """Return the usual places of the artifacts in the folder of one model and protocol."""
        return cls(*(folder / stage for stage in (artifacts.EVALUATION, artifacts.FAILURES, artifacts.EXPLORATION)))

    @classmethod
    def within(cls, folder: Path) -> Self:
        """Return the artifacts of the one evaluation in `folder`: of a protocol, of a run, or of all runs.

        Raises:
            DataError: there is none, or more than one.
        """
        found = [p.parent.parent for depth in ("", "*/", "*/*/") for p in folder.glob(f"{depth}{_EVALUATION}")]
        if len(found) != 1:
            why = "no evaluation: name what `vaekit evaluate` wrote, such as reports/<run>"
            if found:
                why = f"{len(found)} evaluations: name one of {', '.join(map(str, sorted(found)))}"
            raise DataError(f"{folder} holds {why}.")
        return cls.below(found[0])

    def of(self, name: str) -> Path | None:
        """Return the folder in which a file of this name lies, if its stage has one."""
        return {"evaluate": self.evaluation, "failures": self.failures, "explore": self.exploration}[stage_of(name)]


@dataclass(frozen=True)
class Collected:
    """`files`: file name -> content (DataFrame, dict, arrays, text); `missing`: file name -> why, as a sentence.

    `digest` is the hash of every file that was read: the same digest, the same page.
    """

    files: Mapping[str, Any]
    missing: Mapping[str, str]
    digest: str = ""

    @property
    def summary(self) -> dict[str, Any]:
        """The content of summary.json, without which there is no page."""
        found: dict[str, Any] = self.files[artifacts.SUMMARY]
        return found

    @cached_property
    def rows(self) -> dict[str, Quantity]:
        """Every number of summary.json: the means over all test images, then what is estimated otherwise."""
        return quantities(self.summary["metrics"] | self.summary["estimates"], artifacts.SUMMARY)

    @cached_property
    def latent_rows(self) -> dict[str, Quantity]:
        """The numbers of latent.json; none where it is missing."""
        return quantities(self.files.get(artifacts.LATENT, {}).get("rows", {}), artifacts.LATENT)

    @property
    def judge(self) -> Mapping[str, Any]:
        """What samples.json says of the network that looked at sets of pictures; empty where none did."""
        found: Mapping[str, Any] = self.files.get(artifacts.SAMPLES, {}).get("judge", {})
        return found

    def need(self, file: str) -> Any:
        """Return the content of an artifact; DataError with the reason where it is missing."""
        if file not in self.files:
            raise DataError(self.missing.get(file, f"{file} is missing."))
        return self.files[file]


def stage_of(name: str) -> str:
    """Return the stage that writes a file: "evaluate", "explore" or "failures"."""
    return "failures" if name in ANALYSED else "explore" if name in EXPLORED else "evaluate"


def command_of(name: str) -> str:
    """Return the command that writes a file; a report explores what was not explored."""
    stage = stage_of(name)
    return "report" if stage == "explore" else stage


def collect(folders: Folders, names: Iterable[str] | None = None) -> Collected:
    """Return the content of these files; None: of everything that the report or a figure asks for.

    Raises:
        DataError: there is no readable summary.json, so there is nothing to report on.
    """
    artifacts.read_json(folders.evaluation / artifacts.SUMMARY)
    files: dict[str, Any] = {}
    missing: dict[str, str] = {}
    digest = hashlib.sha256()
    if names is None:
        names = (_EVALUATED | ANALYSED | EXPLORED).union(*(spec.needs for _, spec in FIGURES.items()))
    for name in sorted(names):
        folder = folders.of(name)
        path = None if folder is None else folder / name
        if path is None or not path.is_file():
            missing[name] = _why(name, folder)
            continue
        digest.update(f"{name} {artifacts.file_hash(path)}\n".encode())
        try:
            files[name] = _READERS[path.suffix](path)
        except (DataError, OSError) as error:
            # The file's name only: a report reads the same wherever its artifacts were kept.
            missing[name] = str(error).replace(f"{path.parent}/", "")
    missing |= {name: reason for name, reason in _reasons(files) if name in missing}
    return Collected(files, missing, digest.hexdigest())


def _reasons(files: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield file -> why it was not made, as far as the stage's own summary says so."""
    not_made = files.get(artifacts.SUMMARY, {}).get("absent", {})
    yield from not_made.items()
    if artifacts.PER_DIM in not_made:  # a code that was not analysed is not explored
        yield from ((name, not_made[artifacts.PER_DIM]) for name in sorted(EXPLORED))
    if artifacts.SUMMARY in files and not is_ours(files[artifacts.SUMMARY]):
        yield artifacts.HISTORY, "Another program trained this model: the checkpoint does not say how that went."
    absent = files.get(artifacts.EXPLORATION_SUMMARY, {}).get("absent", {})
    yield from ((name, absent[Path(name).stem]) for name in sorted(EXPLORED) if Path(name).stem in absent)
    samples = files.get(artifacts.SAMPLES, {})
    if samples.get("reason"):
        yield from ((name, samples["reason"]) for name in (*_SAMPLED, artifacts.ATTRIBUTE_RATES))
    elif samples.get("attribute_rates", {}).get("reason"):
        yield artifacts.ATTRIBUTE_RATES, samples["attribute_rates"]["reason"]
    if reason := samples.get("sources", {}).get("prior", {}).get("reason"):
        yield artifacts.SAMPLE_PICTURES, reason


def _why(name: str, folder: Path | None) -> str:
    stage, was_run = stage_of(name), folder is not None and folder.is_dir()
    if stage == "failures" and not was_run:
        return "The failures of this evaluation have not been analysed: run `vaekit failures`."
    if stage == "explore" and not was_run:
        return "The latent code of this model has not been explored: run `vaekit report` on its checkpoint."
    return _REASONS.get(name, f"{name} is missing: run `vaekit {command_of(name)}` again.")
