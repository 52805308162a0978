"""From one image to another through the codes between them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from vaekit.errors import ConfigError, DataError
from vaekit.exploration.paths import linear, spherical, steps
from vaekit.exploration.results import Shown
from vaekit.exploration.space import Space, decode, encode
from vaekit.figures.exploration import interpolation_sheet
from vaekit.figures.words import percent, plural
from vaekit.seeding import numpy_generator

PATHS = {"linear": linear, "spherical": spherical}


@dataclass(frozen=True)
class Between:
    """Pictures between P pairs of images.

    Attributes:
        pairs: ids of the images at the ends.
        ends: the images themselves, uint8 (P, 2, S, S, 3).
        pictures: path -> decoded codes, uint8 (P, steps, S, S, 3); the first and last are the reconstructions.
        norms: path -> |z| of each code, (P, steps).
    """

    pairs: list[tuple[str, str]]
    ends: np.ndarray
    pictures: dict[str, np.ndarray]
    norms: dict[str, np.ndarray]

    def middle_detail(self, path: str) -> np.ndarray:
        """Return the detail of each pair's middle picture over the mean of its two ends', (P,)."""
        detail = contrast(self.pictures[path])
        count = detail.shape[1]
        middle = detail[:, [(count - 1) // 2, count // 2]].mean(1)
        result: np.ndarray = middle / np.maximum(detail[:, [0, -1]].mean(1), 1e-9)
        return result

    def middle_norm(self, path: str) -> np.ndarray:
        """Return |z| of each pair's middle code over the mean of its two ends', (P,)."""
        norms = self.norms[path]
        count = norms.shape[1]
        result: np.ndarray = norms[:, [(count - 1) // 2, count // 2]].mean(1) / np.maximum(
            norms[:, [0, -1]].mean(1), 1e-9
        )
        return result


@dataclass(frozen=True, eq=False)
class Interpolation(Shown):
    """Pictures between pairs: `pictures`, path -> uint8 (P, steps, S, S, 3); `ends`, the originals (P, 2, S, S, 3)."""

    pictures: dict[str, np.ndarray]
    ends: np.ndarray


def contrast(pictures: np.ndarray) -> np.ndarray:
    """Return the mean |difference| of neighbouring pixels of pictures, uint8 (..., S, S, 3), in grey levels, (...)."""
    values = pictures.astype(np.int16)
    across = np.abs(np.diff(values, axis=-2)).mean((-3, -2, -1))
    down = np.abs(np.diff(values, axis=-3)).mean((-3, -2, -1))
    result: np.ndarray = (across + down) / 2
    return result


def between(space: Space, pairs: Sequence[tuple[str, str]], count: int) -> Between:
    """Return `count` pictures on the straight line and on the great circle between the codes of each pair of images."""
    names = [(space.image_id(a), space.image_id(b)) for a, b in pairs]
    ends = np.stack([space.images(pair) for pair in names])
    codes = encode(space.model, ends)
    z = {name: np.stack([path(a, b, steps(count)) for a, b in codes]) for name, path in PATHS.items()}
    pictures = {name: decode(space.model, code) for name, code in z.items()}
    return Between(names, ends, pictures, {name: np.linalg.norm(code, axis=2) for name, code in z.items()})


def picked_pairs(space: Space, count: int, seed: int) -> list[tuple[str, str]]:
    """Return `count` pairs of different test images, drawn by the seed; DataError where there is but one image."""
    if len(space.image_ids) < 2:
        raise DataError(f"{space.prepared.name} has one test image, which makes no pair: name two ids with --pairs.")
    generator = numpy_generator(seed, "exploration", "pairs")
    return [tuple(generator.choice(space.image_ids, 2, replace=False).tolist()) for _ in range(count)]


def interpolate(
    space: Space, pairs: Sequence[tuple[str, str]] | None = None, *, count: int = 3, steps: int = 9, seed: int = 0
) -> Interpolation:
    """Return the pictures between pairs of images, along the straight line and along the great circle.

    Args:
        space: the model and its images.
        pairs: ids; None draws `count` pairs of test images by `seed`.
        count: how many pairs.
        steps: codes from one end to the other, both included.
        seed: of the pairs.

    Raises:
        ConfigError: no pair, or fewer than 2 steps.
        DataError: no such image.
    """
    if steps < 2:
        raise ConfigError(f"--steps {steps}: a walk takes at least 2.")
    if count < 1 or (pairs is not None and not pairs):
        raise ConfigError("No pair is asked for: name some with --pairs a:b, or how many with --count 3.")
    found = between(space, picked_pairs(space, count, seed) if pairs is None else pairs, steps)
    table = pd.DataFrame(
        [
            {
                "first": a,
                "second": b,
                "path": path,
                "middle_norm": found.middle_norm(path)[p],
                "middle_detail": found.middle_detail(path)[p],
            }
            for p, (a, b) in enumerate(found.pairs)
            for path in PATHS
        ]
    )
    facts = {
        "run": space.run,
        "pairs": [list(pair) for pair in found.pairs],
        "steps": steps,
        "seed": seed,
        "made_by": space.made_by,
    }
    picture = interpolation_sheet(found.pairs, found.ends, found.pictures)
    return Interpolation(space.run, "interpolate", picture, table, (said_of(found),), facts, found.pictures, found.ends)


def said_of(found: Between) -> str:
    """Return the sentence about what happens half-way, on either path."""
    parts = [
        f"on the {name} path the code is {percent(found.middle_norm(name).mean())} as long as at the ends and the "
        f"picture has {percent(found.middle_detail(name).mean())} of their detail"
        for name in PATHS
    ]
    return f"Half-way, {'; '.join(parts)} (mean over {plural(len(found.pairs), 'pair')})."
