"""Where face and background are in a CelebA-aligned image."""

import numpy as np

# The face in the aligned 178 x 218 image, hairline to chin: column and row of the centre, half width, half height.
ELLIPSE = (89, 122, 46, 64)
ALIGNED = (178, 218)
# The background: outside of the face's ellipse stretched over the hair, above the shoulders.
STRETCH, SHOULDERS = (1.5, 1.4), 160


def face_mask(image_size: int, crop: int | str = 178) -> np.ndarray:
    """Return which pixels lie on the face of a CelebA-aligned image, bool (S, S): one fixed ellipse.

    Hair, clothes and background are what surrounds it. `crop` is the protocol's: a centred square of the aligned
    image, or "none", the whole of it squeezed into a square.
    """
    sides = ALIGNED if crop == "none" else (crop, crop)
    column, row = (
        (np.arange(image_size) + 0.5) / image_size * side + (whole - side) / 2
        for side, whole in zip(sides, ALIGNED, strict=True)
    )
    centre_column, centre_row, half_width, half_height = ELLIPSE
    across, down = (column - centre_column) / half_width, (row - centre_row) / half_height
    return across[None, :] ** 2 + down[:, None] ** 2 <= 1


def background_mask(image_size: int, crop: int | str) -> np.ndarray:
    """Return which pixels of a CelebA-aligned image show its background, bool (S, S): the corners above the shoulders.

    `crop` is the protocol's: a centred square of the aligned image, or "none", the whole of it squeezed into a square.
    """
    sides = ALIGNED if crop == "none" else (crop, crop)
    column, row = (
        (np.arange(image_size) + 0.5) / image_size * side + (whole - side) / 2
        for side, whole in zip(sides, ALIGNED, strict=True)
    )
    x, y, half_width, half_height = ELLIPSE
    across, down = (column - x) / (STRETCH[0] * half_width), (row - y) / (STRETCH[1] * half_height)
    return (across[None, :] ** 2 + down[:, None] ** 2 > 1) & (row[:, None] < SHOULDERS)
