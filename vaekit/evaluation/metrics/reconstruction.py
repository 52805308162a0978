"""How far the reconstruction is from the image, pixels in [0, 1]."""

from torch import Tensor

from vaekit.evaluation.base import Batch, metric, sum_per_image


@metric(
    "mse",
    label="Mean squared error",
    unit="squared pixel value",
    higher_is_better=False,
    definition="mean over pixels and channels of (x - x_hat)^2, pixels in [0, 1], x_hat the decoder's mean at mu(x)",
    group="Reconstruction",
)
def mse(batch: Batch) -> Tensor:
    """Mean squared error of each reconstruction, (B,), pixels in [0, 1]."""
    return batch.sse / batch.pixels


@metric(
    "sse",
    label="Sum of squared errors",
    unit="squared pixel value",
    higher_is_better=False,
    definition="sum over pixels and channels of (x - x_hat)^2: what many course projects call MSE",
    group="Reconstruction",
)
def sse(batch: Batch) -> Tensor:
    """Sum of squared errors of each reconstruction, (B,), pixels in [0, 1]."""
    return batch.sse


@metric(
    "mae",
    label="Mean absolute error",
    unit="pixel value",
    higher_is_better=False,
    definition="mean over pixels and channels of |x - x_hat|",
    group="Reconstruction",
)
def mae(batch: Batch) -> Tensor:
    """Mean absolute error of each reconstruction, (B,), pixels in [0, 1]."""
    return sum_per_image((batch.x - batch.x_hat).abs()) / batch.pixels


@metric(
    "psnr",
    label="Peak signal-to-noise ratio",
    unit="dB",
    higher_is_better=True,
    definition="10 log10(1 / mse) of each image, then averaged over images; not the PSNR of the pooled error",
    group="Reconstruction",
    infinite="the reconstruction is exact",
)
def psnr(batch: Batch) -> Tensor:
    """Peak signal-to-noise ratio of each reconstruction in dB, (B,); +inf where it is exact.

    Averaging these is not the PSNR of the pooled error, which is never larger (torchmetrics' default).
    """
    return -10 * mse(batch).log10()


@metric(
    "mse_sampled",
    label="Mean squared error at a sampled code",
    unit="squared pixel value",
    higher_is_better=False,
    definition="mse of the decoder's mean at one z ~ q(z|x) instead of mu(x); its excess over mse is the cost of "
    "posterior noise",
    group="Reconstruction",
)
def mse_sampled(batch: Batch) -> Tensor:
    """Mean squared error of the decoder's mean at z ~ q(z|x), (B,)."""
    return sum_per_image((batch.x - batch.at_sample.mean).square()) / batch.pixels
