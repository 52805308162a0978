"""Directions of attributes in the code, and what a linear probe reads there."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from vaekit import artifacts
from vaekit.errors import ConfigError, DataError, did_you_mean
from vaekit.exploration.space import Space

Kind = Literal["means", "probe"]
KINDS: tuple[Kind, ...] = ("means", "probe")


_PROBES = ("coefficients", "intercept", "normal", "class_mean", "auroc")


@dataclass(frozen=True, eq=False)
class Directions:
    """The probes of A attributes and the differences of their class means, from the evaluation's train codes.

    Attributes:
        attributes: their names.
        coefficients, intercept: logit = mu @ coefficients.T + intercept; (A, D) and (A,).
        normal: a step along each probe's normal, taken on standardised codes, (A, D).
        class_mean: mean code with the attribute less that without it, (A, D).
        auroc: of each probe on the test split, (A,).
        mu: the codes of the test images, (N, D).
    """

    attributes: tuple[str, ...]
    coefficients: np.ndarray
    intercept: np.ndarray
    normal: np.ndarray
    class_mean: np.ndarray
    auroc: np.ndarray
    mu: np.ndarray

    def logits(self, mu: np.ndarray) -> np.ndarray:
        """Return what every probe says of codes, (..., D): (..., A)."""
        result: np.ndarray = mu @ self.coefficients.T + self.intercept
        return result

    @property
    def spread(self) -> np.ndarray:
        """Standard deviation of each probe's logit over the test images, (A,); inf for one that is the same for all."""
        spread = self.logits(self.mu).std(0)
        return np.where(spread > 0, spread, np.inf)

    def index(self, attribute: str) -> int:
        """Return the place of an attribute; ConfigError with the near match where it has no direction."""
        if attribute not in self.attributes:
            known = did_you_mean(attribute, self.attributes)
            raise ConfigError(f"--attribute {attribute}: there is no direction of that name.{known}")
        return self.attributes.index(attribute)

    def step(self, attribute: str, kind: Kind) -> np.ndarray:
        """Return one step along an attribute's direction, (D,): one standard deviation of the test codes along it.

        "means" goes from the mean code without the attribute to that with it, "probe" along the probe's normal. What
        a probe reads best need not be what the decoder draws: a step along the means changes the picture more.
        """
        row = self.index(attribute)
        direction = self.class_mean[row] if kind == "means" else self.normal[row]
        length = np.linalg.norm(direction)
        if length == 0:
            raise DataError(f"The direction of {attribute} by {kind} has no length: take another --direction.")
        # A normal comes with its step, measured on standardised codes.
        result: np.ndarray = direction if kind == "probe" else (self.mu @ direction).std() * direction / length**2
        return result

    def strongest(self, count: int) -> list[str]:
        """Return the `count` attributes whose probes have the highest AUROC, the highest first."""
        order = np.argsort(-np.nan_to_num(self.auroc), kind="stable")[:count]
        return [self.attributes[i] for i in order]


def read_directions(space: Space) -> Directions:
    """Return the directions that the evaluation of this model fitted.

    Raises:
        DataError: there are none: no attributes, too few images, a code that says nothing, or an older evaluation.
    """
    name = space.prepared.name
    if not space.prepared.attributes:
        raise DataError(
            f"The data {name!r} has no attributes, so nothing has a direction: evaluate on data that has them "
            "(--data), such as CelebA with its list_attr_celeba.txt."
        )
    if space.says_nothing:
        raise DataError("None of the dims of the code tells images apart, so no attribute has a direction in it.")
    if not (space.evaluation / artifacts.DIRECTIONS).is_file():
        raise DataError(f"{space.evaluation} holds no {artifacts.DIRECTIONS}: run `vaekit evaluate` again.")
    arrays = artifacts.read_arrays(space.evaluation / artifacts.DIRECTIONS)
    try:
        found = Directions(
            tuple(arrays["attributes"].astype(str).tolist()),
            **{key: arrays[key].astype(np.float64) for key in _PROBES},
            mu=space.mu,
        )
    except KeyError as error:
        raise DataError(f"{artifacts.DIRECTIONS} lacks {error.args[0]!r}: run `vaekit evaluate` again.") from error
    if not found.attributes:
        raise DataError(f"No attribute of {name!r} has enough images for a probe, so none has a direction.")
    return found
