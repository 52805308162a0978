"""Between the network's pixels, float32 (B, C, H, W) in [0, 1], and pictures, uint8 (B, H, W, C)."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor


def to_uint8(x: "Tensor") -> np.ndarray:
    """Return images as uint8 (B, H, W, C): clamped to [0, 1] and rounded to the nearest of 256 levels, never truncated.

    Raises:
        ValueError: a pixel is NaN; it has no colour.
    """
    if x.isnan().any():
        raise ValueError("NaN pixels have no colour")
    return x.clamp(0, 1).mul(255).round().byte().permute(0, 2, 3, 1).contiguous().cpu().numpy()
