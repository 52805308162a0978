"""How the attribute network is taught."""

import math

import numpy as np
import torch
from torch import Tensor, nn
from torchvision.transforms.functional import gaussian_blur

from vaekit.data import Prepared
from vaekit.judge.networks import CHUNK, NETWORKS, AttributeNetwork, at_judged_size, feature_dim, in_range, initialised
from vaekit.progress import Progress
from vaekit.seeding import torch_generator

# Images shown to one network, about 8 seconds on one core; more passes over the sample's 4,000 images learn them by
# heart. Few images are shown 16 times at most, many twice at least.
PASSES = 18_000
LEAST_EPOCHS, MOST_EPOCHS = 2, 16
BATCH = 32
LEARNING_RATE, WEIGHT_DECAY = 3e-3, 0.1
# A quarter of the batches is blurred by a Gaussian of a sigma in this range, in pixels: reconstructions and samples are
# blurred, and the judge is to read attributes there too.
BLURRED, SHARPEST, BLURRIEST = 0.25, 0.4, 1.5


def judged_pixels(prepared: Prepared, rows: np.ndarray) -> Tensor:
    """Return the images of `rows` as the judge sees them, uint8 (N, 3, 64, 64)."""
    parts = [
        at_judged_size(torch.from_numpy(prepared.images[rows[start : start + CHUNK]]))
        for start in range(0, len(rows), CHUNK)
    ]
    return torch.cat(parts)


def teach(
    pixels: Tensor, labels: np.ndarray, seeds: tuple[int, int], device: torch.device | str, progress: Progress
) -> AttributeNetwork:
    """Return a network taught `labels` (N, A) 0/1 of uint8 `pixels` (N, 3, 64, 64), half of them mirrored each time.

    `seeds` are the judge's and the network's number in it.
    """
    device = torch.device(device)
    epochs = min(MOST_EPOCHS, max(LEAST_EPOCHS, round(PASSES / len(pixels))))
    batches = math.ceil(len(pixels) / BATCH)
    steps = epochs * batches
    targets = torch.from_numpy(labels.astype(np.float32))
    network = initialised(lambda: AttributeNetwork(labels.shape[1], feature_dim(len(pixels))), *seeds)
    network = network.to(device).to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY, fused=True)
    # Up to the full rate in the first fifth of the steps, then down to none: one straight line each (Smith 2018).
    rate = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda i: min(5 * (i + 1), 1.25 * (steps - i)) / steps)
    generator = torch_generator(seeds[0], "judge", "order", seeds[1])
    loss = nn.BCEWithLogitsLoss()
    network.train()
    for epoch in range(epochs):
        order = torch.randperm(len(pixels), generator=generator)
        for chosen in order.tensor_split(batches):  # of equal size: BatchNorm makes noise of a last batch of one image
            x = in_range(pixels[chosen].to(device))
            mirrored = (torch.rand(len(x), generator=generator) < 0.5).to(device)
            x = torch.where(mirrored[:, None, None, None], x.flip(3), x)
            blur, sigma = torch.rand(2, generator=generator).tolist()
            if blur < BLURRED:
                x = gaussian_blur(x, [7, 7], [SHARPEST + sigma * (BLURRIEST - SHARPEST)])
            optimiser.zero_grad()
            loss(network.raw(x)[1], targets[chosen].to(device)).backward()
            optimiser.step()
            rate.step()
        progress("judge", seeds[1] * epochs + epoch + 1, NETWORKS * epochs)
    network.eval().whiten(pixels)
    return network


@torch.inference_mode()
def logits_of(network: AttributeNetwork, pixels: Tensor) -> Tensor:
    """Return the logits of uint8 images (N, 3, 64, 64), (N, A) on the CPU."""
    device = network.mean.device
    return torch.cat([network(part.to(device))[1].cpu() for part in torch.split(pixels, CHUNK)])
