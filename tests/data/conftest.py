"""A tiny CelebA on disk: gradient JPEGs of CelebA's size with annotations in the official spelling."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vaekit.data import Protocol

NAMES = ("Eyeglasses", "Male", "Smiling")
SMALL = Protocol(178, 64)


def draw(path: Path, number: int, size: tuple[int, int] = (178, 218)) -> None:
    """Write one picture whose colours depend on `number`."""
    width, height = size
    x, y = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    picture = np.stack([x, y, np.full_like(x, 37 * number % 256)], -1).astype(np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(path, quality=90)


class TinyCelebA:
    """A writer of CelebA's layout: `n` images, of each ten 6 train, 2 valid and 2 test."""

    names = NAMES

    def __init__(self, root: Path, n: int = 20, annotated: int | None = None) -> None:
        self.root = root
        self.n = annotated or n
        self.files = [f"{i + 1:06d}.jpg" for i in range(self.n)]
        for i in range(n):
            draw(self.images / self.files[i], i)
        self.values = np.array([[(i >> k) % 2 for k in range(3)] for i in range(self.n)])
        self.partition = [0 if i % 10 < 6 else 1 if i % 10 < 8 else 2 for i in range(self.n)]

    @property
    def images(self) -> Path:
        return self.root / "img_align_celeba"

    def annotate(self, newline: str = "\n", style: str = "txt", values: np.ndarray | None = None) -> "TinyCelebA":
        """Write the annotation files, as "txt" or as the "csv" that circulates."""
        signs = 2 * self.values - 1 if values is None else values
        table = dict(zip(self.files, signs, strict=True))
        if style == "csv":
            attributes = [",".join(["image_id", *NAMES]), *(",".join([f, *map(str, v)]) for f, v in table.items())]
            partition = ["image_id,partition", *map("{},{}".format, self.files, self.partition)]
        else:
            attributes = [str(self.n), " ".join(NAMES) + " "]
            attributes += [f + "".join(f"{v:3d}" for v in row) for f, row in table.items()]
            partition = [*map("{} {}".format, self.files, self.partition)]
        self.write(f"list_attr_celeba.{style}", attributes, newline)
        self.write(f"list_eval_partition.{style}", partition, newline)
        self.write("identity_CelebA.txt", [f"{f} {i // 2 + 100}" for i, f in enumerate(self.files)], newline)
        return self

    def write(self, name: str, lines: list[str], newline: str = "\n") -> None:
        (self.root / name).write_bytes("".join(line + newline for line in lines).encode())


@pytest.fixture
def celeba(tmp_path: Path) -> TinyCelebA:
    """A complete tiny CelebA of 20 images."""
    return TinyCelebA(tmp_path / "celeba").annotate()


@pytest.fixture
def bare(tmp_path: Path) -> TinyCelebA:
    """The same without annotation files."""
    return TinyCelebA(tmp_path / "celeba")


@pytest.fixture
def make_celeba() -> type[TinyCelebA]:
    return TinyCelebA


@pytest.fixture
def draw_picture():
    return draw
