"""What the numbers are to be held against: the train split's mean image, PCA, one constant colour, uniform pixels."""

from collections.abc import Callable

import numpy as np
import torch
from scipy.special import log_ndtr
from sklearn.decomposition import PCA

from vaekit.data import Prepared
from vaekit.evaluation.eightbit import BIN
from vaekit.evaluation.metrics.similarity import ssim_map
from vaekit.quantity import Quantity
from vaekit.seeding import some_rows
from vaekit.statistics.bootstrap import bootstrap_ratio

CHUNK = 32  # images at a time: they stay in the cache
CALIBRATED_ON = 2048  # at most so many images, spread evenly, for the sigma of the constant colour
FITTED = 50_000_000  # at most so many pixel values of train images, drawn by the seed, for PCA: 200 MB


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


def scale_of(prepared: Prepared, rows: np.ndarray, components: int, seed: int) -> dict[str, dict[str, float]]:
    """Return what two models without a network reach on `rows`: mean mse and ssim, and their n.

    The train split's mean image for every face; and, where there are train images enough, PCA with as many
    `components` as the code has dims, fitted to n of them, its reconstructions clipped to [0, 1].
    """
    mean = prepared.mean_image()
    train = prepared.rows("train")
    found = {"mean face": _scores(prepared, rows, lambda x: np.broadcast_to(mean, x.shape)) | {"n": len(train)}}
    fitted = some_rows(train, FITTED // mean.size, seed, "pca")
    if components < min(len(fitted), mean.size):
        pca = PCA(components, svd_solver="randomized", copy=False, random_state=seed)
        with np.errstate(invalid="ignore"):  # the shares of the variance, where all images are alike
            pca.fit((prepared.images[fitted].astype(np.float32) / 255).reshape(len(fitted), -1))

        def through(x: np.ndarray) -> np.ndarray:
            back: np.ndarray = pca.inverse_transform(pca.transform(x.reshape(len(x), -1)))
            return back.clip(0, 1).reshape(x.shape)

        found["pca"] = _scores(prepared, rows, through) | {"n": len(fitted)}
    return found


def _scores(prepared: Prepared, rows: np.ndarray, reconstruct: Callable[[np.ndarray], np.ndarray]) -> dict[str, float]:
    """Return mean mse and ssim over `rows` of what `reconstruct` makes of (B, H, W, C) float32 in [0, 1]."""
    mse, ssim = [], []
    for i in range(0, len(rows), CHUNK):
        x = prepared.images[rows[i : i + CHUNK]].astype(np.float32) / 255
        x_hat = reconstruct(x)
        mse.append(np.square(x - x_hat, dtype=np.float64).mean((1, 2, 3)))
        pair = (torch.from_numpy(images.transpose(0, 3, 1, 2).astype(np.float32)) for images in (x, x_hat))
        ssim.append(ssim_map(*pair).flatten(1).mean(1).numpy())
    return {"mse": float(np.concatenate(mse).mean()), "ssim": float(np.concatenate(ssim).mean())}


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
