"""Where images lie near one another, whatever they are called: by looks, by code, by what goes wrong in them."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from vaekit.failure_analysis.context import Images
from vaekit.failure_analysis.properties import blocks, laplacian

Floats = npt.NDArray[np.float64]

KEPT = 24  # leading directions of each
CHUNK = 256  # images at a time
# Which are looked at together; a group shows in some of these and in none of the others.
TOGETHER = (("looks",), ("code",), ("grain",), ("shift",), ("looks", "code", "shift"), ("looks", "shift", "spread"))


def embeddings(images: Images) -> dict[str, Floats]:
    """Return the leading directions, (N, <= 24) each, of what is known of every image.

    looks: features of the attribute network; picture: the image at 8 x 8 pixels; grain: the logarithm of its fine
    structure there; code: mu; shift: x_hat - x at 8 x 8 pixels; spread: |x_hat - x| likewise. The last two are divided
    by their own root mean square, so that they tell where and how an image is wrong and not how much.
    """
    found: dict[str, Floats] = {}
    if images.features is not None:
        found["looks"] = _leading(images.features)
    if images.mu is not None and np.isfinite(images.mu).all():
        found["code"] = _leading(images.mu, level=True)
    picture, grain, shift, spread = _coarse(images.x, images.x_hat)
    found["picture"] = _leading(picture, level=True)
    found["grain"] = _leading(np.log1p(grain), level=True)
    found["shift"] = _leading(_of_unit_size(shift), level=True)
    found["spread"] = _leading(_of_unit_size(spread))
    return found


def together(single: Mapping[str, Floats]) -> list[Floats]:
    """Return the spaces that groups are looked for in: TOGETHER, as far as they are there, and all at once."""
    names = {tuple(name for name in chosen if name in single) for chosen in TOGETHER} - {()} | {tuple(single)}
    return [np.concatenate([single[name] for name in chosen], axis=1) for chosen in sorted(names)]


def _coarse(x: npt.NDArray[np.uint8], x_hat: npt.NDArray[np.uint8]) -> tuple[Floats, ...]:
    """Return x, |its grey Laplacian|, x_hat - x and |x_hat - x| averaged over 8 x 8 blocks, (N, 64 C) each."""
    made: list[list[Floats]] = [[], [], [], []]
    for start in range(0, len(x), CHUNK):
        own = x[start : start + CHUNK].astype(np.float32)
        error = x_hat[start : start + CHUNK] - own
        grain = np.abs(laplacian(own.mean(3)))[..., None]
        for parts, values in zip(made, (own, grain, error, np.abs(error)), strict=True):
            parts.append(blocks(values))
    return tuple(np.concatenate(parts) for parts in made)


def _of_unit_size(values: Floats) -> Floats:
    result: np.ndarray = values / np.maximum(np.sqrt(np.square(values).mean(1, keepdims=True)), 1e-9)
    return result


def _leading(values: npt.NDArray[np.floating], *, level: bool = False) -> Floats:
    """Return the leading principal components, of mean variance 1 over all; with `level`, each of variance 1."""
    centred = values.astype(np.float64) - values.mean(0, dtype=np.float64)
    centred /= max(float(np.abs(centred).max()), 1e-300)
    directions = np.linalg.eigh(centred.T @ centred)[1]
    first = centred @ directions[:, ::-1][:, :KEPT]
    spread = first.std(0)
    real = spread > 1e-9 * max(float(spread.max(initial=0)), 1e-300)
    first, spread = first[:, real], spread[real]
    result: np.ndarray = first / (spread if level else np.sqrt(np.square(spread).sum() / max(len(spread), 1)))
    return result
