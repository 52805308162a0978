"""One latent dim at a time, the others held: what each does to a face."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from vaekit.errors import ConfigError
from vaekit.exploration.results import Shown
from vaekit.exploration.space import Space, decode, encode, mean_change
from vaekit.figures.exploration import traversal_sheet
from vaekit.figures.words import fixed, plain, plural, visible

MEAN = "mean"  # in place of an image's id: start from the mean code of the test images


@dataclass(frozen=True)
class Walk:
    """Rows of decoded pictures along single dims.

    Attributes:
        dims: which dim each row walks along, (R,).
        values: where on it each picture lies, (R, steps).
        pictures: uint8 (R, steps, S, S, 3).
    """

    dims: np.ndarray
    values: np.ndarray
    pictures: np.ndarray

    @property
    def change(self) -> np.ndarray:
        """How far the first and the last picture of each row are apart, in grey levels, (R,)."""
        return mean_change(self.pictures[:, 0], self.pictures[:, -1])


@dataclass(frozen=True, eq=False)
class Traversal(Shown):
    """Walks along single dims: `pictures`, uint8 (R, steps, S, S, 3), one row for each row of `table`."""

    pictures: np.ndarray


def top_dims(space: Space, count: int) -> np.ndarray:
    """Return the `count` dims with the most KL, the first the most; ties by number."""
    return np.argsort(-space.kl, kind="stable")[:count]


def walk(
    space: Space, dims: np.ndarray | Sequence[int], base: np.ndarray, *, steps: int, percentiles: tuple[float, float]
) -> Walk:
    """Return pictures of `base`, (D,), with one dim at a time set to `steps` values, evenly apart.

    They reach between two percentiles of mu of that dim over the test images.
    """
    chosen = np.asarray(dims)
    low, high = np.percentile(space.mu[:, chosen], percentiles, axis=0)
    values = np.linspace(low, high, steps, axis=1)
    z = np.broadcast_to(base, (len(chosen), steps, space.dims)).copy()
    z[np.arange(len(chosen))[:, None], np.arange(steps), chosen[:, None]] = values
    return Walk(chosen, values, decode(space.model, z))


def base_code(space: Space, image: str) -> np.ndarray:
    """Return the code to start from, (D,): the mean over the test images for "mean", else that of an image's id."""
    result: np.ndarray = (
        space.mu.mean(0) if image == MEAN else encode(space.model, space.images([space.image_id(image)]))[0]
    )
    return result


def traverse(
    spaces: Sequence[Space],
    *,
    dims: Sequence[int] | None = None,
    top: int = 8,
    image: str = MEAN,
    steps: int = 9,
    percentiles: tuple[float, float] = (1, 99),
) -> Traversal:
    """Return what single dims do, one row per dim; with several models one row per model below one another.

    Args:
        spaces: the models; each starts from its own code of the same image.
        dims: which dims, of every model; None takes the `top` dims by KL of each.
        top: how many dims.
        image: an image's id, or "mean".
        steps: pictures per row.
        percentiles: of mu over the test images, between which each dim is moved.

    Raises:
        ConfigError: a dim that a model does not have, percentiles that are no range, fewer than 2 steps.
        DataError: no such image.
    """
    _check(spaces, dims, top, steps, percentiles)
    walks = []
    for space in spaces:
        chosen = top_dims(space, top) if dims is None else dims
        walks.append(walk(space, chosen, base_code(space, image), steps=steps, percentiles=percentiles))
    order = [(m, r) for r in range(max(len(w.dims) for w in walks)) for m, w in enumerate(walks) if r < len(w.dims)]
    side = max(w.pictures.shape[2] for w in walks)
    pictures = np.stack([_enlarged(walks[m].pictures[r], side) for m, r in order])
    rows = [_row(spaces[m], walks[m], r) for m, r in order]
    several = len(spaces) > 1
    picture = traversal_sheet(pictures, rows, percentiles, by_run=several)
    facts = {
        "runs": [space.run for space in spaces],
        "image": image,
        "percentiles": list(percentiles),
        "steps": steps,
        "made_by": [space.made_by for space in spaces],
    }
    sentences = tuple(
        (f"{visible(space.run)}: " if several else "") + said_of(w, space)
        for space, w in zip(spaces, walks, strict=True)
    )
    return Traversal(spaces[0].run, "traverse", picture, pd.DataFrame(rows), sentences, facts, pictures)


def said_of(walked: Walk, space: Space) -> str:
    """Return the sentence about which of the dims change the picture most and least."""
    change = walked.change
    most, least, walks = int(change.argmax()), int(change.argmin()), plural(len(change), "dim")
    if change[most] < 0.5:
        return (
            f"None of the {plural(len(change), 'dim')} walked along changes the picture: the decoder does not use them."
        )
    said = (
        f"Dim {walked.dims[most]} changes the picture most, by {fixed(change[most], 1)} of 255 grey levels from end to "
        "end"
    )
    if most != least:
        said += f", dim {walked.dims[least]} least, by {fixed(change[least], 1)}"
    carried, total = space.kl[walked.dims].sum(), space.kl.sum()
    return f"{said}. The {walks} walked along carry {plain(carried, 3)} of the code's {plain(total)} nats."


def _row(space: Space, walked: Walk, r: int) -> dict[str, Any]:
    dim = int(walked.dims[r])
    return {
        "run": space.run,
        "dim": dim,
        "kl": float(space.kl[dim]),
        "low": float(walked.values[r, 0]),
        "high": float(walked.values[r, -1]),
        "change": float(walked.change[r]),
    }


def _enlarged(pictures: np.ndarray, side: int) -> np.ndarray:
    """Return pictures with every pixel repeated so that they are `side` wide, next to those of a larger network."""
    return pictures.repeat(side // pictures.shape[1], axis=1).repeat(side // pictures.shape[2], axis=2)


def _check(
    spaces: Sequence[Space], dims: Sequence[int] | None, top: int, steps: int, percentiles: tuple[float, float]
) -> None:
    low, high = percentiles
    if not 0 <= low < high <= 100:
        raise ConfigError(
            f"--percentiles {low:g}:{high:g} is no range of percentiles: write two from 0 to 100, such as 1:99."
        )
    if steps < 2:
        raise ConfigError(f"--steps {steps}: a walk takes at least 2.")
    if top < 1 or (dims is not None and not len(dims)):
        raise ConfigError("No dim is asked for: name some with --dims 3,17, or how many with --top 8.")
    for space in spaces:
        for dim in dims or ():
            if not 0 <= dim < space.dims:
                raise ConfigError(
                    f"--dims {dim}: {space.run} has {space.dims} latent dims, 0 to {space.dims - 1}. Name one of them."
                )
