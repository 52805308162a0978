"""Small prepared sets whose attributes are plain to see, and a judge taught on them once."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from vaekit.data import Prepared, Protocol
from vaekit.judge import learning, open_judge
from vaekit.seeding import numpy_generator

COUNTS = {"train": 560, "valid": 120, "test": 120}


def prepared_from(folder: Path, images: np.ndarray, labels: dict[str, np.ndarray], splits: np.ndarray) -> Prepared:
    """A prepared set of images (N, S, S, 3), 0/1 labels (N,) and splits (N,), as `open_prepared` would give it."""
    folder.mkdir(parents=True, exist_ok=True)
    ids = [f"{i:06d}.jpg" for i in range(len(images))]
    index = pd.DataFrame({"image_id": ids, "split": splits, **labels})
    return Prepared(
        folder=folder,
        images=images,
        index=index,
        skipped=pd.DataFrame(),
        protocol=Protocol("none", images.shape[1]),
        name="plates",
        fingerprint="plates-1",
        attributes=tuple(labels),
        notes=(),
        meta={},
    )


def plates(folder: Path) -> Prepared:
    """Grey noise; Band: a dark band on top, Dot: a bright square below, of any colour; Rare: 4 have it."""
    n = sum(COUNTS.values())
    generator = numpy_generator(0, "plates")
    images = generator.integers(60, 200, (n, 64, 64, 3), dtype=np.uint8)
    band, dot = generator.random(n) < 0.3, generator.random(n) < 0.5
    images[band, :12] //= 3
    colour = generator.integers(150, 256, (n, 1, 1, 3))
    images[:, 44:56, 20:32] = np.where(dot[:, None, None, None], colour, images[:, 44:56, 20:32])
    rare = np.zeros(n, int)
    rare[[3, 40, 80, 120]] = 1
    one_class = np.zeros(n, int)
    splits = np.repeat(list(COUNTS), list(COUNTS.values()))
    one_class[splits == "train"] = generator.random(COUNTS["train"]) < 0.5
    labels = {"Band": band.astype(int), "Rare": rare, "Untested": one_class, "Dot": dot.astype(int)}
    return prepared_from(folder, images, labels, splits)


@pytest.fixture(scope="session")
def seen_plates(tmp_path_factory) -> Prepared:
    """The plates; a judge of them is kept beside them."""
    return plates(tmp_path_factory.mktemp("plates"))


@pytest.fixture(scope="session")
def taught(seen_plates):
    """The judge of the plates, taught once; in a few steps, as they are plain to see."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(learning, "PASSES", 1500)
        return open_judge(seen_plates)
