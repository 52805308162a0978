"""How unlike the train images a test image is, whatever is made of it, and which are unlike anything in train.

An image is described by its code, by what the attribute network sees in it, by the picture at 8 x 8 pixels and by its
properties. Its distance is that of Mahalanobis from train images (Ledoit & Wolf 2004): of the code from the aggregate
posterior, and of looks, picture and properties from those of its neighbours in code space. The properties are looked at
alone, too: what is odd in few numbers would be lost among hundreds. Valid images say which distances are ordinary.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats
from sklearn.covariance import LedoitWolf

from vaekit import artifacts
from vaekit.data import Prepared
from vaekit.evaluation.results import Evaluation
from vaekit.failure_analysis.face_area import framed
from vaekit.failure_analysis.properties import coarse
from vaekit.figures.words import plural

Floats = npt.NDArray[np.float64]
Views = tuple[Floats, ...]

LEAST = 100  # images of train and of valid that distances are told by
WIDEST_CODE = 256  # dims of a code that is looked at whole; of a wider one, as many leading directions
TAIL = 0.1  # share of the valid images that tell how distances go on beyond the farthest of them
SKEWED = ("contrast", "sharpness", "fine_detail", "periodicity")  # properties that are described by their logarithm


@dataclass(frozen=True, eq=False)
class Unlike:
    """How unlike train N images are.

    Attributes:
        score: -log10 p of "an image like the `valid` valid ones", (N,); empty where it is not known.
        q: that p adjusted for all of them (Benjamini-Hochberg), (N,).
        reason: why it is not known; empty where it is.
    """

    score: Floats
    q: Floats
    valid: int = 0
    reason: str = ""


def unknown(reason: str) -> Unlike:
    """Return that it is not known, and why."""
    return Unlike(np.empty(0), np.empty(0), reason=reason)


def held_against_train(
    evaluation: Evaluation,
    prepared: Prepared,
    measure: Callable[[Any], pd.DataFrame],
    x: Any,
    mu: Any,
    features: Any,
    own: Any,
) -> Unlike:
    """Return how unlike train the test images are, by what the evaluation keeps of train and valid images.

    Args:
        evaluation: whose codes these are.
        prepared: the images of all splits.
        measure: images (M, S, S, 3) -> their properties; `own`: those of the test images.
        x, mu, features: of the test images, (N, S, S, 3), (N, D) and (N, F); None where they are not kept.
    """
    path = evaluation.folder / artifacts.REFERENCE
    if mu is None or not path.is_file():
        why = evaluation.summary.get("absent", {}).get(artifacts.REFERENCE)
        return unknown(
            why.removesuffix(".") if why else "the evaluation keeps no codes of test, train and valid images"
        )
    kept = artifacts.read_arrays(path)
    if not all(np.isfinite(values).all() for values in (mu, *kept.values())):
        return unknown("some codes or features are no numbers")
    sees = features is not None and {"features_train", "features_valid"} <= kept.keys()
    turned = _leading(kept["mu_train"])
    found = {"test": described(x, mu @ turned, features if sees else None, own)}
    for split in ("train", "valid"):
        rows = kept[f"rows_{split}"]
        if len(rows) < LEAST:
            return unknown(f"{plural(len(rows), f'{split} image')} are too few ({LEAST} are the least)")
        images = framed(prepared.images[rows])
        seen = kept[f"features_{split}"] if sees else None
        found[split] = described(images, kept[f"mu_{split}"] @ turned, seen, measure(images))
    return unlike(found["train"], found["valid"], found["test"])


def _leading(mu: npt.NDArray[Any]) -> Floats:
    """Return the columns that take codes (N, D) to their leading directions, (D, <= 256); to themselves where D is."""
    if mu.shape[1] <= WIDEST_CODE:
        return np.eye(mu.shape[1])
    result: Floats = np.linalg.svd(mu.astype(np.float64) - mu.mean(0), full_matrices=False)[2][:WIDEST_CODE].T
    return result


def unlike(train: Views, valid: Views, test: Views) -> Unlike:
    """Return how unlike train images are, from views (., M) of train, valid and test images: each p is the least."""
    p = [_p(*view) for view in zip(train, valid, test, strict=True)]
    least = np.clip(len(p) * np.min(p, axis=0), 1e-300, 1.0)
    return Unlike(-np.log10(least), stats.false_discovery_control(least), len(valid[0]))


def _p(train: Floats, valid: Floats, test: Floats) -> Floats:
    """Return the p of "an image like the valid ones" by the distance from train in one view, (N,)."""
    mean, spread = train.mean(0), train.std(0)
    spread = np.where(spread > 1e-9 * (1 + np.abs(mean)), spread, 1.0)
    scaled = [(values - mean) / spread for values in (train, valid, test)]
    fitted = LedoitWolf(assume_centered=True).fit(scaled[0])
    return tail_p(*(np.sqrt(np.maximum(fitted.mahalanobis(values), 1e-12)) for values in scaled[1:]))


def tail_p(ordinary: Floats, own: Floats) -> Floats:
    """Return the p of each distance (N,) among ordinary ones: a share of them, or what Pareto's tail gives beyond.

    The tail is that of the farthest tenth (Hill 1975), as few images as tell it: distances fall off faster, so that it
    errs on the safe side.
    """
    n, count = len(ordinary), max(int(TAIL * len(ordinary)), 1)
    ordered = np.sort(ordinary)
    edge, farthest = ordered[-count - 1], ordered[-count:]
    total = max(float(np.log(farthest / edge).sum()), 1e-3)
    within = (1 + n - np.searchsorted(ordered, own, side="left")) / (n + 1)
    result: Floats = np.where(
        own > edge, count / n * (1 + np.log(np.maximum(own, edge) / edge) / total) ** -count, within
    )
    return result


def described(
    images: npt.NDArray[np.uint8], mu: npt.NDArray[Any], features: npt.NDArray[Any] | None, properties: pd.DataFrame
) -> Views:
    """Return two views of images (N, S, S, 3): all that is known of them, (N, M), and their properties alone."""
    tamed = properties.assign(**{name: np.log(properties[name] + 1e-6) for name in SKEWED}).to_numpy()
    parts = [mu, coarse(images), tamed, *([] if features is None else [features])]
    return np.concatenate([part.astype(np.float64) for part in parts], axis=1), tamed
