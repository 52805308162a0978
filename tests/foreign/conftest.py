"""Networks that are trained a little, so that their pixels can be told, and the images to tell them by."""

import functools
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.foreign.styles import SIZE, network
from vaekit.data import Protocol, open_source
from vaekit.data.crop import decode, strict_pillow
from vaekit.foreign.pixels import Images, to_floats
from vaekit.models.base import VAE

CROP = 148  # that they are trained at


def faces_under(data: Path) -> Images:
    """All of the drawn faces in a folder."""
    source = open_source(str(data))

    @functools.cache
    def under(protocol: Protocol) -> np.ndarray:
        with strict_pillow():
            return np.stack([decode(source.root / file, protocol).pixels for file in source.index["file"]])

    return Images(under)


def train(images: torch.Tensor, output: str = "sigmoid", seed: int = 0) -> VAE:
    """Return vaekit's network of the styles, trained for a moment on images (N, 3, 32, 32)."""
    generator = torch.Generator().manual_seed(seed)
    net = network(output, seed).train()
    optimiser = torch.optim.Adam(net.parameters(), 1e-2)
    for _ in range(50):
        x = images[torch.randint(len(images), (8,), generator=generator)]
        posterior = net.encode(x)
        z = posterior.sample(torch.randn(posterior.mu.shape, generator=generator))
        loss = 20 * (net.decode(z).mean - x).square().sum() / len(x) + posterior.kl().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return net.eval()


@pytest.fixture(scope="session")
def forty(faces, tmp_path_factory) -> Path:
    """A folder of the drawn faces without attributes: 16 to train on, 8 to validate, 40 to test."""
    data = tmp_path_factory.mktemp("forty")
    shutil.copytree(faces / "img_align_celeba", data / "img_align_celeba")
    names = sorted(file.name for file in (data / "img_align_celeba").iterdir())
    splits = "".join(f"{name} {0 if i < 16 else 1 if i < 24 else 2}\n" for i, name in enumerate(names))
    (data / "list_eval_partition.txt").write_text(splits, encoding="utf-8")
    return data


@pytest.fixture(scope="session")
def images(faces) -> Images:
    """All 64 drawn faces."""
    return faces_under(faces)


@pytest.fixture(scope="session")
def trained(images):
    """Return vaekit's network of the styles, trained for a moment on faces at crop 148, by output and seed."""
    x = to_floats(images.under(Protocol(CROP, SIZE)))
    return functools.cache(functools.partial(train, x))
