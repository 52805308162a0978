"""What the numbers are to be held against: the train split's mean image, one constant colour, uniform pixels."""

import numpy as np
from scipy.special import log_ndtr

from vaekit.data import Prepared
from vaekit.evaluation.eightbit import BIN
from vaekit.quantity import Quantity
from vaekit.statistics.bootstrap import bootstrap_ratio

CHUNK = 32  # images at a time: they stay in the cache
CALIBRATED_ON = 2048  # at most so many images, spread evenly, for the sigma of the constant colour


def squares_around(prepared: Prepared, rows: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """Return the sum over values of (x - centre)^2 of each image in `rows`, (N,) float64; pixels in [0, 1]."""
    parts = [rows[i : i + CHUNK] for i in range(0, len(rows), CHUNK)]
    centre = (255 * centre).astype(np.float32)
    return np.concatenate(
        [np.square(prepared.images[part] - centre).sum((1, 2, 3), dtype=np.float64) / 255**2 for part in parts]
    )


def r2(sse: np.ndarray, prepared: Prepared, rows: np.ndarray, seed: int) -> Quantity:
    """Return 1 - sum of `sse` / sum of |x - mean image of the train split|^2, with its interval."""
    around = squares_around(prepared, rows, prepared.mean_image())
    return Quantity(
        **vars(bootstrap_ratio(around - sse, around, seed)),
        unit="1",
        label="Explained variance",
        higher_is_better=True,
        definition="1 - sum of sse / sum of |x - mean image of the train split|^2 over all test images: 0 is no better "
        "than the mean face, 1 perfect",
        group="Reconstruction",
    )


def constant_colour(prepared: Prepared, rows: np.ndarray) -> dict[str, float]:
    """Return what answering every image with the train split's mean colour costs on `rows`: mse, sigma, bpd.

    One Gaussian sigma, fitted on valid images as the model's is; bits from the histogram of the 256 values of each
    channel, exactly. No bits where sigma is 0, the images being of that colour all over.
    """
    colour = prepared.mean_image().mean((0, 1))
    v = np.arange(256)[:, None] / 255
    squares = (v - colour) ** 2  # (256, C)
    valid = prepared.rows("valid")
    valid = valid[:: max(1, len(valid) // CALIBRATED_ON)]
    fitted = _histogram(prepared, valid)
    sigma = float(np.sqrt((fitted * squares).sum() / fitted.sum()))
    found = _histogram(prepared, rows)
    if sigma == 0:
        return {"mse": float((found * squares).sum() / found.sum()), "sigma": 0.0}  # no density, and so no bits
    low, high = (v - BIN / 2 - colour) / sigma, (v + BIN / 2 - colour) / sigma
    # Mirrored into the lower tail where both ends lie above the colour: no digits are lost there.
    low, high = np.where(low + high > 0, -high, low), np.where(low + high > 0, -low, high)
    mass = log_ndtr(high) + np.log(-np.expm1(log_ndtr(low) - log_ndtr(high)))
    mass[0] = log_ndtr((BIN / 2 - colour) / sigma)
    mass[255] = log_ndtr((colour - (1 - BIN / 2)) / sigma)
    return {
        "mse": float((found * squares).sum() / found.sum()),
        "sigma": sigma,
        "bpd": float(-(found * mass).sum() / found.sum() / np.log(2)),
    }


def _histogram(prepared: Prepared, rows: np.ndarray) -> np.ndarray:
    """Return how often each of the 256 values stands in each channel, (256, C)."""
    counts = np.zeros((256, prepared.images.shape[-1]))
    for i in range(0, len(rows), CHUNK):
        images = prepared.images[rows[i : i + CHUNK]]
        for channel in range(counts.shape[1]):
            counts[:, channel] += np.bincount(images[..., channel].ravel(), minlength=256)
    return counts
