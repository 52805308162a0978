"""Data problem or model problem: what is odd about a picture, whatever the model made of it."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from vaekit.data import Prepared
from vaekit.failure_analysis.context import Images
from vaekit.failure_analysis.face_area import framed
from vaekit.failure_analysis.properties import LUMA
from vaekit.figures.words import plural, readable
from vaekit.seeding import numpy_generator
from vaekit.statistics.discovery import Q_LEVEL

# Looked at on 10,052 real CelebA images: what lies beyond is what the flag says, what lies before mostly is not.
DARK, BRIGHT = 0.25, 0.55  # 95th percentile of luma under, 5th percentile over which a picture is badly exposed
BLURRED = 0.06  # sharpness of the face under which it is blurred
UNLIKE = -0.15  # likeness to the mean face under which crop, pose or what covers the face is odd
SAME = 0.012  # 1 - correlation of two thumbnails of 8 x 8 pixels under which they show one picture
MOST_COMPARED = 40_000  # train images, drawn by the seed, among which near-duplicates are looked for
# The attribute network disputes a label where the picture changes the odds so many times against it, to a probability
# beyond SURE, if it can tell the attribute (AUROC) and most labels agree with it where it is so sure.
TIMES, SURE, ABLE, AGREE = 200.0, 0.98, 0.9, 0.98
_THUMB, _CHUNK = 8, 512


def flags(chosen: np.ndarray, test: Images, seed: int) -> list[tuple[str, ...]]:
    """Return what is odd about each image in `chosen`: none, one or several short texts.

    Args:
        chosen: positions among the test images.
        test: the test images.
        seed: of the train images that duplicates are looked for among, where there are many.
    """
    prepared, rows, properties = test.prepared, test.rows, test.properties
    found: list[list[str]] = [[] for _ in chosen]
    images = framed(prepared.images[rows[chosen]])
    dark, bright = np.percentile((images.astype(np.float32) @ LUMA).reshape(len(chosen), -1) / 255, [95, 5], axis=1)
    texts = [
        ("too dark", dark < DARK),
        ("too bright", bright > BRIGHT),
        ("blurred", properties["sharpness"].to_numpy()[chosen] < BLURRED),
        ("odd crop, pose or cover", properties["face_likeness"].to_numpy()[chosen] < UNLIKE),
    ]
    if not test.unlike.reason:
        texts.append(("unlike anything in train", test.unlike.q[chosen] <= Q_LEVEL))
    for text, is_so in texts:
        for j in np.flatnonzero(is_so):
            found[j].append(text)
    for k, text in _duplicates(images, rows[chosen], prepared, rows, seed):
        found[k].append(text)
    if len(test.judged.get("attributes", ())):
        for k, text in _contradictions(chosen, test.attributes, test.judged):
            found[k].append(text)
    return [tuple(texts) for texts in found]


def compared(worst: Sequence[tuple[str, ...]], random: Sequence[tuple[str, ...]]) -> str:
    """Return the sentence that sets the flags of the worst images against those of random ones."""
    n, m = sum(map(bool, worst)), sum(map(bool, random))
    said = (
        f"A flag that points to the data: on {n} of the {plural(len(worst), 'worst image')}, on {m} of {len(random)} "
        "drawn at random"
    )
    if n == 0:
        return f"{said}. Nothing of what was looked for is wrong with the worst pictures."
    return f"{said}. Look at those before blaming the model."


def _duplicates(
    images: np.ndarray, own: np.ndarray, prepared: Prepared, test: np.ndarray, seed: int
) -> list[tuple[int, str]]:
    """Return (position, text) of images that another image of test or train repeats, mirrored or not."""
    train = np.flatnonzero(prepared.index["split"] == "train")
    if len(train) > MOST_COMPARED:
        train = np.sort(numpy_generator(seed, "duplicates").choice(train, MOST_COMPARED, replace=False))
    pool = np.concatenate([test, train])
    mine = _thumbnails(images)
    both = np.concatenate([mine, _mirrored(mine)])
    closest, place = np.full(len(both), -1.0, np.float32), np.zeros(len(both), np.int64)
    for start in range(0, len(pool), _CHUNK):
        part = pool[start : start + _CHUNK]
        alike = both @ _thumbnails(framed(prepared.images[part])).T
        alike[np.tile(own, 2)[:, None] == part[None, :]] = -1.0  # itself
        best = alike.argmax(1)
        values = alike[np.arange(len(both)), best]
        better = values > closest
        closest[better], place[better] = values[better], part[best[better]]
    names, splits = prepared.index["image_id"].to_numpy(dtype=str), prepared.index["split"].to_numpy(dtype=str)
    found = []
    for k in range(len(mine)):
        for mirror in (0, 1):
            j = k + mirror * len(mine)
            if 1 - closest[j] < SAME:
                text = "mirror image of" if mirror else "near-duplicate of"
                found.append((k, f"{text} {names[place[j]]} ({splits[place[j]]})"))
                break
    return found


def _thumbnails(images: np.ndarray) -> np.ndarray:
    """Return images (N, S, S, 3) as 8 x 8 pixels of mean 0 and length 1, float32 (N, 192); a flat picture is all 0."""
    n, side = images.shape[:2]
    block = np.kron(np.eye(_THUMB), np.full((side // _THUMB, 1), 1.0))[:side]
    block = np.pad(block, ((0, side - len(block)), (0, 0)), mode="edge").astype(np.float32)
    across = np.kron(block, np.eye(3, dtype=np.float32))
    wide = images.reshape(n * side, side * 3).astype(np.float32) @ across
    small = np.einsum("nsk,st->ntk", wide.reshape(n, side, -1), block).reshape(n, -1)
    small -= small.mean(1, keepdims=True)
    result: np.ndarray = small / np.maximum(np.linalg.norm(small, axis=1, keepdims=True), 1e-3)
    return result


def _mirrored(thumbnails: np.ndarray) -> np.ndarray:
    return thumbnails.reshape(-1, _THUMB, _THUMB, 3)[:, :, ::-1].reshape(len(thumbnails), -1)


def _contradictions(
    chosen: np.ndarray, labels: pd.DataFrame, judged: Mapping[str, np.ndarray]
) -> list[tuple[int, str]]:
    """Return (position, text) of labels that the attribute network contradicts where it is sure and mostly right."""
    found = []
    for a, name in enumerate(map(str, judged["attributes"])):
        label, p = labels[name].to_numpy() == 1, judged["probabilities_x"][..., a].mean(0, dtype=np.float64)
        if label.all() or not label.any() or roc_auc_score(label, p) < ABLE:
            continue
        p = np.clip(p, 1e-6, 1 - 1e-6)
        against = np.log(p / (1 - p)) - np.log(label.mean() / (1 - label.mean()))
        for says, sure in (
            (True, (p >= SURE) & (against >= np.log(TIMES))),
            (False, (p <= 1 - SURE) & (against <= -np.log(TIMES))),
        ):
            if not sure.any() or (label[sure] == says).mean() < AGREE:
                continue
            wrong = sure[chosen] & (label[chosen] != says)
            text = f"label {'not ' if says else ''}{readable(name)} disputed"
            found += [(int(k), text) for k in np.flatnonzero(wrong)]
    return found
