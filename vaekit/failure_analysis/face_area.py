"""Where face and background are in a CelebA-aligned image."""

from typing import Any

import numpy as np
import numpy.typing as npt

Sides = tuple[float, float]

# The face in the aligned 178 x 218 image, hairline to chin: column and row of the centre, half width, half height.
ELLIPSE = (89, 122, 46, 64)
ALIGNED = (178, 218)
# The background: outside of the face's ellipse stretched over the hair, above the shoulders.
STRETCH, SHOULDERS = (1.5, 1.4), 160


def framed(images: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return images (N, H, W, C) as every analysis looks at them, (N, S, S, 3): the central square, grey as RGB."""
    height, width, channels = images.shape[1:]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = images[:, top : top + side, left : left + side]
    return square if channels == 3 else np.repeat(square, 3, axis=3)


def covered(crop: int | str, height: int, width: int) -> Sides:
    """Return how wide and high the central square of a picture of this size is, in pixels of the aligned image."""
    if crop == "none":
        across, down = map(float, ALIGNED)
    else:
        across, down = float(crop), float(crop) * height / width
        fit = min(1.0, ALIGNED[0] / across, ALIGNED[1] / down)
        across, down = fit * across, fit * down
    side = min(height, width)
    return across * side / width, down * side / height


def face_mask(size: int, sides: Sides = (178, 178)) -> npt.NDArray[np.bool_]:
    """Return which pixels lie on the face of a CelebA-aligned image, bool (S, S): one fixed ellipse.

    Hair, clothes and background are what surrounds it. `sides` is what the square covers, of `covered`.
    """
    column, row = _aligned(size, sides)
    x, y, half_width, half_height = ELLIPSE
    across, down = (column - x) / half_width, (row - y) / half_height
    return np.asarray(across[None, :] ** 2 + down[:, None] ** 2 <= 1)


def background_mask(size: int, sides: Sides) -> npt.NDArray[np.bool_]:
    """Return which pixels of a CelebA-aligned image show its background, bool (S, S): the upper corners."""
    column, row = _aligned(size, sides)
    x, y, half_width, half_height = ELLIPSE
    across, down = (column - x) / (STRETCH[0] * half_width), (row - y) / (STRETCH[1] * half_height)
    return np.asarray((across[None, :] ** 2 + down[:, None] ** 2 > 1) & (row[:, None] < SHOULDERS))


def _aligned(size: int, sides: Sides) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return column and row of each pixel of the square in the aligned image, (S,) each."""
    column, row = (
        (np.arange(size) + 0.5) / size * side + (whole - side) / 2 for side, whole in zip(sides, ALIGNED, strict=True)
    )
    return column, row
