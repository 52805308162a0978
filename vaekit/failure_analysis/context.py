"""What every part of a failure analysis looks at: the test images and all that is known of them, gathered once."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from vaekit import artifacts
from vaekit.data import Prepared
from vaekit.errors import DataError
from vaekit.evaluation.results import Evaluation
from vaekit.failure_analysis.advice import UNKNOWN, Training
from vaekit.failure_analysis.face_area import Sides, covered, framed
from vaekit.failure_analysis.persons import persons
from vaekit.failure_analysis.properties import UNLIKE, image_properties
from vaekit.failure_analysis.unlike import Unlike, held_against_train, unknown
from vaekit.progress import Progress, silent


@dataclass(frozen=True, eq=False)
class Images:
    """The N test images: originals and reconstructions, and everything that is known of them, in one order.

    Attributes:
        prepared: the images of all splits; rows: which of them these are.
        x, x_hat: uint8 (N, S, S, 3), mapped or not: the central square, grey as RGB.
        attributes: 0/1 (N, K); properties: numbers (N, P).
        people: who is pictured, as text (N,).
        judged: arrays of the attribute network, empty where there is none.
        mu: posterior means (N, D), None where they are not kept.
        unlike: how unlike train they are; their score is one of `properties`, where it is known.
    """

    prepared: Prepared
    rows: npt.NDArray[np.int64]
    x: npt.NDArray[np.uint8]
    x_hat: npt.NDArray[np.uint8]
    attributes: pd.DataFrame
    properties: pd.DataFrame
    people: npt.NDArray[np.object_]
    judged: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)
    mu: npt.NDArray[np.float64] | None = None
    unlike: Unlike = field(default_factory=lambda: unknown("it was not looked at"))

    @cached_property
    def persons(self) -> npt.NDArray[np.int64]:
        """Who is pictured as a number, (N,)."""
        return np.unique(self.people.astype(str), return_inverse=True)[1]

    @property
    def sides(self) -> Sides:
        """How wide and high x is, in pixels of the aligned image."""
        height, width, _ = self.prepared.protocol.shape
        return covered(self.prepared.protocol.crop, height, width)

    @property
    def is_square(self) -> bool:
        """Whether x is the whole of every picture."""
        height, width, _ = self.prepared.protocol.shape
        return height == width

    @cached_property
    def mean_image(self) -> npt.NDArray[np.float64]:
        """The mean of the train images, as x: (S, S, 3) in [0, 1]."""
        result: np.ndarray = framed(self.prepared.mean_image()[None])[0]
        return result

    @property
    def features(self) -> npt.NDArray[np.float32] | None:
        """What the judge's first network sees in x, (N, F); None where there is none, or where it is no number."""
        features = self.judged.get("features_x")
        return features[0] if features is not None and np.isfinite(features).all() else None

    @cached_property
    def train_attributes(self) -> pd.DataFrame:
        """The attributes of the train images, as 0/1."""
        return self.prepared.attribute_table(np.flatnonzero(self.prepared.index["split"] == "train"))


@dataclass(frozen=True, eq=False)
class Context:
    """One analysis: the images, the metric that is their error, and how to work.

    Attributes:
        images: the N test images.
        values: (N,) of the metric; `metric` holds its label, unit and higher_is_better.
        has_zero: whether a ratio of two values means something, as of errors but not of likelihoods.
        groups: attributes between which the error is compared; None takes the usual ones.
        slices: title -> bool (N,) that get an error map of their own.
        training: how the model was trained, as far as that is known.
        columns: numbers per image that tests have left so far, by name.
    """

    images: Images
    values: npt.NDArray[np.float64]
    metric: Mapping[str, Any]
    has_zero: bool = True
    groups: tuple[str, ...] | None = None
    slices: Mapping[str, npt.NDArray[np.bool_]] = field(default_factory=dict)
    training: Training = UNKNOWN
    columns: dict[str, npt.NDArray[np.float64]] = field(default_factory=dict)
    seed: int = 0
    device: str = "cpu"
    progress: Progress = silent


def gather(evaluation: Evaluation, prepared: Prepared, progress: Progress = silent) -> Images:
    """Return everything that is known of the test images, in the order of the per-image table.

    Raises:
        DataError: `prepared` is not what was evaluated.
    """
    ids = evaluation.per_image["image_id"].tolist()
    rows = prepared.rows("test")
    if prepared.index["image_id"].to_numpy(dtype=str)[rows].tolist() != ids:
        raise DataError(
            f"The images of {evaluation.folder} are not those of {prepared.folder}: run `vaekit evaluate` again."
        )
    in_one_piece = len(rows) == rows[-1] - rows[0] + 1
    x = framed(prepared.images[rows[0] : rows[-1] + 1] if in_one_piece else prepared.images[rows])
    identity = prepared.index["identity"].iloc[rows] if "identity" in prepared.index else None
    judged, latents = evaluation.folder / artifacts.JUDGED, evaluation.folder / artifacts.LATENTS
    images = Images(
        prepared,
        rows,
        x,
        framed(evaluation.reconstructions),
        attributes=prepared.attribute_table(rows),
        properties=pd.DataFrame(),
        people=persons(np.array(ids), identity),
        judged=artifacts.read_arrays(judged) if judged.is_file() else {},
        mu=artifacts.read_arrays(latents)["mu"] if latents.is_file() else None,
    )
    measure = partial(image_properties, mean_image=images.mean_image, sides=images.sides, progress=progress)
    properties = measure(x)
    held = held_against_train(evaluation, prepared, measure, x, images.mu, images.features, properties)
    if not held.reason:
        properties = properties.assign(**{UNLIKE: held.score})
    return replace(images, properties=properties, unlike=held)
