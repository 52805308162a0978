"""The one way to a judge: the one kept beside the prepared data, or a new one."""

import io
import logging
import pickle
import zipfile
from typing import Any

import numpy as np
import pandas as pd
import torch

from vaekit import artifacts
from vaekit.data import Prepared
from vaekit.errors import DataError, OutputError
from vaekit.judge.base import Judge
from vaekit.judge.halves import seen_rows
from vaekit.judge.learning import judged_pixels, logits_of, teach
from vaekit.judge.networks import AttributeNetwork, RandomNetwork, feature_dim, initialised
from vaekit.judge.scoring import FEWEST, rate_matching_thresholds, reasons_against, score_table
from vaekit.progress import Progress, silent
from vaekit.seeding import some_rows
from vaekit.version import __version__

FORMAT = 2  # raised when a judge of the same version of vaekit would turn out differently
MOST_SEEN, MOST_SCORED = 20_000, 10_000  # images of a split, drawn by the seed where there are more
WHITENED_ON = 2_000  # seen images that give the random features their mean and variances

# What reading a damaged file of weights or facts may raise.
BROKEN = (
    DataError,
    OSError,
    KeyError,
    ValueError,
    TypeError,
    RuntimeError,
    EOFError,
    pickle.UnpicklingError,
    zipfile.BadZipFile,
)


log = logging.getLogger(__name__)


def open_judge(
    prepared: Prepared, *, seed: int = 0, device: torch.device | str = "cpu", progress: Progress = silent
) -> Judge:
    """Return the judge of a prepared dataset: taught once, then kept beside the images.

    A kept judge that is broken, or that another seed or version made, is taught again, and the judge's notes and the
    log say so. Data with no attribute that can be judged get a fixed random network instead, which is not kept.

    Raises:
        DataError: no train image is in the seen half.
    """
    if not len(seen_rows(prepared)):
        raise DataError(
            f"The data {prepared.name!r} has {prepared.count('train')} train images and none in the half that the "
            "judge is made from. Raise --limit train=..., or choose other data with --data."
        )
    rows = {split: _rows(prepared, split, seed) for split in ("train", "valid", "test")}
    labels = {split: prepared.attribute_table(chosen).to_numpy() for split, chosen in rows.items()}
    reasons = reasons_against(labels["train"], labels["valid"], labels["test"])
    if all(reasons):
        return _random(prepared, rows["train"], reasons, labels["test"], seed, device)
    made_by = {"format": FORMAT, "vaekit": __version__, "fingerprint": prepared.fingerprint, "seed": seed}
    notes: tuple[str, ...] = ()
    try:
        kept = _read(prepared, made_by)
        if kept is not None:
            return _judge(kept[0], kept[1], device, ())
    except _Unusable as reason:
        notes = (f"The judge kept with the data {reason}: it was taught again.",)
        log.info(notes[0])
    network, facts = _teach(prepared, rows, labels, reasons, seed, device, progress)
    facts = made_by | facts
    try:
        _write(prepared, network, facts)
    except OutputError as error:
        notes += (f"The judge could not be kept for next time: {error}",)
        log.warning(notes[-1])
    return _judge(network, facts, device, notes)


class _Unusable(Exception):
    """What is wrong with a kept judge."""


def _rows(prepared: Prepared, split: str, seed: int) -> np.ndarray:
    if split == "train":
        return some_rows(seen_rows(prepared), MOST_SEEN, seed, "judge", split)
    return some_rows(np.flatnonzero(prepared.index["split"] == split), MOST_SCORED, seed, "judge", split)


def _teach(
    prepared: Prepared,
    rows: dict[str, np.ndarray],
    labels: dict[str, np.ndarray],
    reasons: list[str],
    seed: int,
    device: torch.device | str,
    progress: Progress,
) -> tuple[AttributeNetwork, dict[str, Any]]:
    """Return a taught network and all that is to be known of it beside its weights."""
    judged = np.array([not reason for reason in reasons])
    network = teach(
        judged_pixels(prepared, rows["train"]), labels["train"][:, judged], seed=seed, device=device, progress=progress
    )
    valid, test = (_probabilities(network, prepared, rows[split]) for split in ("valid", "test"))
    thresholds = rate_matching_thresholds(valid, labels["valid"][:, judged])
    scores = score_table(prepared.attributes, reasons, test, thresholds, labels["test"])
    attributes = [name for name, yes in zip(prepared.attributes, judged, strict=True) if yes]
    sentence = (
        f"A small convolutional network taught {len(attributes)} attributes on {len(rows['train']):,} train images "
        f"(one half of train, by image_id) at 64 pixels; mean AUROC {scores['auroc'].mean():.3f} on "
        f"{len(rows['test']):,} test images; its thresholds make it say each attribute on valid as often as is true."
    )
    if not judged.all():
        sentence += f" Not judged: {', '.join(scores['attribute'][~judged])}."
    facts = {
        "attributes": attributes,
        "feature_dim": network.feature_dim,
        "thresholds": thresholds.tolist(),
        "seen": len(rows["train"]),
        "sentence": sentence,
        # As Python's own values, None where there is none: JSON has no NaN.
        "scores": scores.astype(object).where(scores.notna(), None).to_dict("records"),
    }
    return network, facts


def _probabilities(network: AttributeNetwork, prepared: Prepared, rows: np.ndarray) -> np.ndarray:
    return logits_of(network, judged_pixels(prepared, rows)).sigmoid().numpy()


def _judge(
    network: AttributeNetwork, facts: dict[str, Any], device: torch.device | str, notes: tuple[str, ...]
) -> Judge:
    return Judge(
        name="attributes",
        network=network.to(device).eval().requires_grad_(False),
        attributes=tuple(facts["attributes"]),
        thresholds=np.array(facts["thresholds"]),
        scores=pd.DataFrame(facts["scores"]).astype({"auroc": float, "threshold": float}),
        sentence=facts["sentence"],
        notes=notes,
    )


def _write(prepared: Prepared, network: AttributeNetwork, facts: dict[str, Any]) -> None:
    """Write the weights, then the facts that name them by their hash: a torn pair is seen."""
    buffer = io.BytesIO()
    torch.save({name: tensor.cpu() for name, tensor in network.state_dict().items()}, buffer)
    path = prepared.folder / artifacts.JUDGE
    artifacts.write_bytes(path, buffer.getvalue())
    artifacts.write_json(
        prepared.folder / artifacts.JUDGE_SCORES, facts | {"weights_sha256": artifacts.file_hash(path)}
    )


def _read(prepared: Prepared, made_by: dict[str, Any]) -> tuple[AttributeNetwork, dict[str, Any]] | None:
    """Return the kept network and its facts, or None where none is kept; _Unusable where it can not be taken."""
    weights, scores = prepared.folder / artifacts.JUDGE, prepared.folder / artifacts.JUDGE_SCORES
    if not weights.exists() and not scores.exists():
        return None
    try:
        facts = artifacts.read_json(scores)
        for key, value in made_by.items():
            if facts[key] != value:
                raise _Unusable(f"was made by {key} {facts[key]}, not {value}")
        if facts["weights_sha256"] != artifacts.file_hash(weights):
            raise _Unusable(f"is broken ({weights.name} is not the file that {scores.name} names)")
        network = AttributeNetwork(len(facts["attributes"]), facts["feature_dim"])
        network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True), strict=True)
    except BROKEN as error:
        raise _Unusable(f"is broken ({(str(error).splitlines() or [type(error).__name__])[0]})") from error
    return network, facts


def _random(
    prepared: Prepared, seen: np.ndarray, reasons: list[str], labels: np.ndarray, seed: int, device: torch.device | str
) -> Judge:
    rows = some_rows(seen, WHITENED_ON, seed, "judge", "whiten")
    network = initialised(lambda: RandomNetwork(feature_dim(len(rows))), seed, "random").eval().requires_grad_(False)
    network.whiten(judged_pixels(prepared, rows))
    why = (
        f"none of its {len(reasons)} attributes has {FEWEST} positives and {FEWEST} negatives among the {len(seen):,} "
        "train images that a judge may see, and both classes in valid and test"
        if reasons
        else "it has no attributes"
    )
    empty = np.empty((len(labels), 0))
    return Judge(
        name="random",
        network=network.to(device),
        attributes=(),
        thresholds=np.empty(0),
        scores=score_table(prepared.attributes, reasons, empty, np.empty(0), labels),
        sentence=f"A fixed network of random convolutions, seed {seed}, nothing learned: the data {prepared.name!r} "
        f"can not teach a judge, as {why}.",
    )
