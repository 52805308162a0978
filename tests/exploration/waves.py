"""An evaluated model whose every answer is known: a linear decoder of slow waves, its images drawn from it."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch

from vaekit import artifacts
from vaekit.config import LikelihoodConfig, ModelConfig
from vaekit.data import Prepared, Protocol
from vaekit.data.pixels import to_uint8
from vaekit.exploration.space import Space, encode, open_space
from vaekit.models.base import build_model
from vaekit.seeding import numpy_generator

DIMS = 4
PROBES = ("Red", "Green", "Blue")  # each looks at one dim: 0, 1, 2


def linear_model(**options):
    """A decoder whose dims are waves of length 9, 7, 5 and 3: clipping is rare, and 8 bits change little."""
    config = ModelConfig(name="linear_gaussian", latent_dim=DIMS, smooth=True, lengths=[9, 7, 5, 3], **options)
    return build_model(config, LikelihoodConfig(sigma=0.02), 64, seed=0).eval()


def write_directions(folder: Path, class_mean: np.ndarray | None = None, attributes=PROBES) -> None:
    """Write directions whose probes read one dim each, five times as strongly; the means point along the same dims."""
    count = len(attributes)
    coefficients = 5.0 * np.eye(count, DIMS)
    artifacts.write_arrays(
        folder / artifacts.DIRECTIONS,
        attributes=np.array(attributes, dtype=str),
        coefficients=coefficients,
        intercept=np.arange(count, dtype=float),
        normal=0.5 * np.eye(count, DIMS),
        class_mean=np.eye(count, DIMS) if class_mean is None else class_mean,
        auroc=np.linspace(0.7, 0.9, count),
    )


def make_space(folder: Path, n: int = 60, *, attributes=PROBES, model=None, drawn_by=None) -> Space:
    """An evaluation in `folder` of n test and 2 train images that the model itself, or `drawn_by`, drew."""
    model = model or linear_model()
    z = 0.5 * numpy_generator(0, "test", "codes").standard_normal((n + 2, DIMS))
    with torch.inference_mode():
        images = to_uint8((drawn_by or model).decode(torch.tensor(z, dtype=torch.float32)).mean)
    index = pd.DataFrame({"image_id": [f"{i:06d}" for i in range(1, n + 3)], "split": ["test"] * n + ["train"] * 2})
    for k, name in enumerate(attributes):
        index[name] = (z[:, k] > 0).astype(np.int64)
    prepared = Prepared(
        folder, images, index, pd.DataFrame(), Protocol(178, 64), "waves", "print", tuple(attributes), (), {}
    )
    mu = encode(model, images[:n])
    artifacts.write_json(folder / artifacts.SUMMARY, {"made_by": {"data_fingerprint": "print", "seed": 0}})
    artifacts.write_arrays(folder / artifacts.LATENTS, image_id=index["image_id"].to_numpy(str)[:n], mu=mu)
    regime = np.where(np.ptp(mu, axis=0) > 0, "active", "passive")
    dims = pd.DataFrame({"dim": range(DIMS), "kl": [1.0, 3.0, 2.0, 0.5], "regime": regime})
    artifacts.write_table(folder / artifacts.PER_DIM, dims)
    if attributes:
        write_directions(folder, attributes=attributes)
    return open_space("waves", model, prepared, folder)
