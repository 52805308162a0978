"""Structural similarity (Wang et al. 2004) and similarity of edges (Xue et al. 2014)."""

from functools import cache

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, conv2d, pad

from vaekit.evaluation.base import Batch, metric

EDGES = 170 / 255**2  # the paper's constant, for pixels in [0, 1]
LUMINANCE = (0.299, 0.587, 0.114)  # ITU-R BT.601
WINDOW, SIGMA, K1, K2 = 11, 1.5, 0.01, 0.03  # the paper's constants, for a data range of 1


@cache
def _blur_matrix(size: int, device: torch.device) -> Tensor:
    """Return the (size, size) matrix that filters a line with the Gaussian window, its ends mirrored.

    Filtering as two matrix products costs a fraction of a convolution with as many one-channel kernels.
    """
    offsets = torch.arange(WINDOW, dtype=torch.float64) - WINDOW // 2
    window = torch.exp(-offsets.square() / (2 * SIGMA**2))
    lines = torch.eye(size, dtype=torch.float64)
    mirrored = pad(lines[None], (WINDOW // 2, WINDOW // 2), mode="reflect")[0]
    matrix: Tensor = (mirrored.unfold(1, WINDOW, 1) @ (window / window.sum())).T.float().to(device)
    return matrix


def ssim_map(x: Tensor, y: Tensor) -> Tensor:
    """Return the structural similarity of x and y around every pixel, (B, C, H, W); both (B, C, H, W) in [0, 1]."""
    rows, columns = _blur_matrix(x.shape[2], x.device), _blur_matrix(x.shape[3], x.device)
    moments = rows @ torch.stack([x, y, x * x, y * y, x * y]) @ columns.T  # (5, B, C, H, W)
    mean_x, mean_y, xx, yy, xy = moments
    cross = mean_x * mean_y
    squares = mean_x.square() + mean_y.square()
    c1, c2 = K1**2, K2**2
    found: Tensor = (2 * cross + c1) * (2 * (xy - cross) + c2) / ((squares + c1) * (xx + yy - squares + c2))
    return found


@metric(
    "ssim",
    label="Structural similarity",
    unit="1",
    higher_is_better=True,
    definition="SSIM of Wang et al. 2004: 11 x 11 Gaussian window of sigma 1.5, K1 = .01, K2 = .03, data range 1, mean "
    "over the whole map (mirrored border, as torchmetrics) and the channels",
    group="Reconstruction",
)
def ssim(batch: Batch) -> Tensor:
    """Structural similarity of each reconstruction, (B,), at most 1.

    Equals torchmetrics per image; scikit-image averages the same map without its 5-pixel border.
    """
    return ssim_map(batch.x, batch.x_hat).flatten(1).mean(1)


def _edges(images: Tensor) -> Tensor:
    """Return the magnitude of the Prewitt gradient of the luminance at half the size, (B, 1, H // 2, W // 2)."""
    weights = images.new_tensor(LUMINANCE if images.shape[1] == 3 else (1.0,)).view(1, -1, 1, 1)
    halved = avg_pool2d((images * weights).sum(1, keepdim=True), 2)
    across = halved.new_tensor([[1.0, 0.0, -1.0]] * 3) / 3
    return conv2d(halved, torch.stack([across, across.T])[:, None], padding=1).square().sum(1, keepdim=True).sqrt()


@metric(
    "gmsd",
    label="Gradient magnitude similarity deviation",
    unit="1",
    higher_is_better=False,
    definition="standard deviation over the map of the similarity of edges, (2 a b + c) / (a^2 + b^2 + c) with a and b "
    "the magnitudes of the Prewitt gradients of both luminances at half size (Xue et al. 2014)",
    group="Reconstruction",
)
def gmsd(batch: Batch) -> Tensor:
    """Gradient magnitude similarity deviation of each reconstruction, (B,), 0 for an exact one."""
    a, b = _edges(batch.x), _edges(batch.x_hat)
    similarity = (2 * a * b + EDGES) / (a.square() + b.square() + EDGES)
    return similarity.flatten(1).std(1, correction=0)
