"""The one way to a judge: the one kept beside the prepared data, or a new one."""

import hashlib
import inspect
import io
import logging
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import nn

from vaekit import artifacts
from vaekit.data import Prepared
from vaekit.data.output import locked, writing
from vaekit.errors import DataError, OutputError
from vaekit.figures.words import readable, short
from vaekit.judge import halves, learning, networks, scoring
from vaekit.judge.base import Judge
from vaekit.judge.halves import seen_rows
from vaekit.judge.learning import judged_pixels, logits_of, teach
from vaekit.judge.networks import NETWORKS, AttributeNetwork, RandomNetwork, feature_dim, initialised
from vaekit.judge.scoring import FEWEST, rate_matching_thresholds, reasons_against, score_table
from vaekit.progress import Progress, silent
from vaekit.seeding import some_rows

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

    A kept judge that is broken, or made of other images or labels, by another seed or another version of this room's
    code, is taught again, and the judge's notes and the log say so. Data with no attribute that can be
    judged get fixed random networks instead, which are not kept.

    Raises:
        DataError: no train image is in the seen half, or all that are there are alike.
    """
    if not len(seen_rows(prepared)):
        raise DataError(
            f"The data {prepared.name!r} has {prepared.count('train')} train images and none in the half that the "
            "judge is made from. Raise --limit train=..., or choose other data with --data."
        )
    rows = {split: _rows(prepared, split, seed) for split in ("train", "valid", "test")}
    if all(np.array_equal(prepared.images[row], prepared.images[rows["train"][0]]) for row in rows["train"]):
        raise DataError(
            f"The data {prepared.name!r} can not make a judge: the train images that it may see "
            f"({len(rows['train']):,}) are all alike. Look at the images, or choose other data with --data."
        )
    labels = {split: prepared.attribute_table(chosen).to_numpy() for split, chosen in rows.items()}
    reasons = reasons_against(labels["train"], labels["valid"], labels["test"])
    if all(reasons):
        return _random(prepared, rows["train"], reasons, labels["test"], seed, device)
    made_by = {"code": _code(), "fingerprint": prepared.fingerprint, "labels": _hash_of(prepared, rows), "seed": seed}
    notes: tuple[str, ...] = ()
    try:
        kept = _read(prepared, made_by)
        if kept is not None:
            return _judge(kept[0], kept[1], device, ())
    except _Unusable as reason:
        notes = (f"The judge kept with the data {reason}: it was taught again.",)
        log.info(notes[0])
    taught, facts = _teach(prepared, rows, labels, reasons, seed, device, progress)
    facts = made_by | facts
    try:
        _write(prepared, taught, facts)
    except OutputError as error:
        notes += (f"The judge could not be kept for next time: {error}",)
        log.warning(notes[-1])
    return _judge(taught, facts, device, notes)


def _code() -> str:
    """Return the hash of the code that decides how a judge turns out: an older one's judge is not taken for its own."""
    digest = hashlib.sha256()
    for module in (halves, learning, networks, scoring):
        digest.update(Path(inspect.getfile(module)).read_bytes())
    return digest.hexdigest()[:12]


def _hash_of(prepared: Prepared, rows: dict[str, npt.NDArray[np.int64]]) -> str:
    """Return the hash of the ids and attributes of the images that the judge is made from."""
    digest = hashlib.sha256(repr(prepared.attributes).encode())
    for chosen in rows.values():
        table = prepared.index.iloc[chosen][["image_id", *prepared.attributes]]
        digest.update(pd.util.hash_pandas_object(table, index=False).to_numpy().tobytes())
    return digest.hexdigest()[:12]


class _Unusable(Exception):
    """What is wrong with a kept judge."""


def _rows(prepared: Prepared, split: str, seed: int) -> npt.NDArray[np.int64]:
    if split == "train":
        return some_rows(seen_rows(prepared), MOST_SEEN, seed, "judge", split)
    return some_rows(np.flatnonzero(prepared.index["split"] == split), MOST_SCORED, seed, "judge", split)


def _teach(
    prepared: Prepared,
    rows: dict[str, npt.NDArray[np.int64]],
    labels: dict[str, npt.NDArray[np.int64]],
    reasons: list[str],
    seed: int,
    device: torch.device | str,
    progress: Progress,
) -> tuple[list[AttributeNetwork], dict[str, Any]]:
    """Return the taught networks and all that is to be known of them beside their weights."""
    judged = np.array([not reason for reason in reasons])
    pixels = {split: judged_pixels(prepared, chosen) for split, chosen in rows.items()}
    taught = [
        teach(pixels["train"], labels["train"][:, judged], (seed, number), device, progress)
        for number in range(NETWORKS)
    ]
    valid, test = (
        np.stack([logits_of(network, pixels[split]).sigmoid().numpy() for network in taught])
        for split in ("valid", "test")
    )
    thresholds = np.stack([rate_matching_thresholds(of_one, labels["valid"][:, judged]) for of_one in valid])
    scores = score_table(prepared.attributes, reasons, test, thresholds, labels["test"])
    attributes = [name for name, yes in zip(prepared.attributes, judged, strict=True) if yes]
    sentence = (
        f"{NETWORKS} small convolutional networks of other seeds, taught {len(attributes)} attributes on "
        f"{len(rows['train']):,} train images (one half of train, by image_id) at 64 pixels; mean AUROC "
        f"{short(scores['auroc'].mean())} on {len(rows['test']):,} test images; their thresholds make them say "
        "each attribute on valid as often as is true. A number is the mean over the networks; its interval allows for "
        "other images and other networks."
    )
    if not judged.all():
        sentence += f" Not judged: {', '.join(map(readable, scores['attribute'][~judged]))}."
    facts = {
        "attributes": attributes,
        "feature_dim": taught[0].feature_dim,
        "thresholds": thresholds.tolist(),
        "seen": len(rows["train"]),
        "sentence": sentence,
        # As Python's own values, None where there is none: JSON has no NaN.
        "scores": scores.astype(object).where(scores.notna(), None).to_dict("records"),
    }
    return taught, facts


def _judge(
    taught: list[AttributeNetwork], facts: dict[str, Any], device: torch.device | str, notes: tuple[str, ...]
) -> Judge:
    return Judge(
        name="attributes",
        networks=tuple(network.to(device).eval().requires_grad_(False) for network in taught),
        attributes=tuple(facts["attributes"]),
        thresholds=np.array(facts["thresholds"]),
        scores=pd.DataFrame(facts["scores"]).astype({"auroc": float}),
        sentence=facts["sentence"],
        notes=notes,
    )


def _write(prepared: Prepared, taught: list[AttributeNetwork], facts: dict[str, Any]) -> None:
    """Write the weights, then the facts that name them by their hash: a torn pair is seen."""
    buffer = io.BytesIO()
    torch.save({name: tensor.cpu() for name, tensor in nn.ModuleList(taught).state_dict().items()}, buffer)
    folder = prepared.folder
    with writing(folder, "let it be a link to a folder elsewhere"), locked(folder.with_name(f"{folder.name}.lock")):
        artifacts.sweep(folder)
        artifacts.write_bytes(folder / artifacts.JUDGE, buffer.getvalue())
        digest = hashlib.sha256(buffer.getvalue()).hexdigest()
        artifacts.write_json(folder / artifacts.JUDGE_SCORES, facts | {"weights_sha256": digest})


def _read(prepared: Prepared, made_by: dict[str, Any]) -> tuple[list[AttributeNetwork], dict[str, Any]] | None:
    """Return the kept networks and their facts, or None where none is kept; _Unusable where it can not be taken."""
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
        kept = [AttributeNetwork(len(facts["attributes"]), facts["feature_dim"]) for _ in range(NETWORKS)]
        nn.ModuleList(kept).load_state_dict(torch.load(weights, map_location="cpu", weights_only=True), strict=True)
    except BROKEN as error:
        raise _Unusable(f"is broken ({(str(error).splitlines() or [type(error).__name__])[0]})") from error
    return kept, facts


def _random(
    prepared: Prepared,
    seen: npt.NDArray[np.int64],
    reasons: list[str],
    labels: npt.NDArray[np.int64],
    seed: int,
    device: torch.device | str,
) -> Judge:
    rows = some_rows(seen, WHITENED_ON, seed, "judge", "whiten")
    pixels, drawn = judged_pixels(prepared, rows), []
    for number in range(NETWORKS):
        network = initialised(lambda: RandomNetwork(feature_dim(len(rows))), seed, number).eval().requires_grad_(False)
        network.whiten(pixels)
        drawn.append(network.to(device))
    why = (
        f"none of its {len(reasons)} attributes has {FEWEST} positives and {FEWEST} negatives among the {len(seen):,} "
        "train images that a judge may see, and both classes in valid and test"
        if reasons
        else "it has no attributes"
    )
    nothing = np.empty((NETWORKS, 0))
    return Judge(
        name="random",
        networks=tuple(drawn),
        attributes=(),
        thresholds=nothing,
        scores=score_table(prepared.attributes, reasons, np.empty((NETWORKS, len(labels), 0)), nothing, labels),
        sentence=f"{NETWORKS} fixed networks of random convolutions, seed {seed}, nothing learned: the data "
        f"{prepared.name!r} can not teach a judge, as {why}.",
    )
