"""Pictures of codes drawn from a prior: the model's own, N(0, I), or the mixture that an evaluation fitted."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from vaekit import artifacts
from vaekit.errors import ConfigError
from vaekit.exploration.results import Shown
from vaekit.exploration.space import decode
from vaekit.figures.grids import image_grid, png_bytes
from vaekit.figures.words import plain
from vaekit.models.base import VAE
from vaekit.priors import Prior

_COLUMNS = 8


@dataclass(frozen=True, eq=False)
class Samples(Shown):
    """Decoded draws: `images`, uint8 (n, S, S, 3), and their codes `z`, (n, D)."""

    images: np.ndarray
    z: np.ndarray

    def write(self, folder: Path) -> list[Path]:
        """Write the grid, its table and JSON, and each picture as <stem>-0001.png; those of an earlier call go."""
        digits = max(4, len(str(len(self.images))))
        singles = [folder / f"{self.stem}-{i:0{digits}}.png" for i in range(1, len(self.images) + 1)]
        if (folder / f"{self.stem}.json").is_file():  # else what lies there is not ours
            for path in folder.glob(f"{self.stem}-*.png"):
                if re.fullmatch(rf"{self.stem}-\d{{4,}}", path.stem) and path not in singles:
                    path.unlink()
        for path, image in zip(singles, self.images, strict=True):
            artifacts.write_bytes(path, png_bytes(Image.fromarray(image)))
        return super().write(folder) + singles

    def __str__(self) -> str:
        return "\n".join(self.sentences)


def sample(
    run: str,
    model: VAE,
    n: int,
    *,
    temperature: float = 1.0,
    prior: Prior | None = None,
    seed: int = 0,
    made_by: Mapping[str, Any],
) -> Samples:
    """Return n decoder means at codes drawn from `prior`, the model's own where none is given.

    Raises:
        ConfigError: no sample asked for, or a temperature that is no number from 0 up.
    """
    if n < 1:
        raise ConfigError(f"--n {n}: ask for at least one sample.")
    if not 0 <= temperature < np.inf:
        raise ConfigError(f"--temperature {temperature}: expected a number from 0 up, such as 0.7.")
    prior = prior or model.prior
    z = prior.sample(n, seed=seed, temperature=temperature)
    if prior.kind == "standard":
        said = f"{n:,} draws of z ~ N(0, {temperature:g}² I)"
    else:
        said = f"{n:,} draws from {prior.said} fitted to the codes of train images"
        said += f", their spread times {temperature:g}" if temperature != 1 else ""
    images = decode(model, z)
    table = pd.DataFrame({"sample": np.arange(1, n + 1), "norm": np.linalg.norm(z, axis=1)})
    spread = images.astype(np.float64).std(axis=0).mean()
    sentence = (
        f"{said}, seed {seed}: a pixel varies across them with a standard deviation of {plain(spread, 3)} grey levels."
    )
    facts = {
        "run": run,
        "n": n,
        "prior": prior.kind,
        "temperature": temperature,
        "seed": seed,
        "made_by": dict(made_by),
    }
    return Samples(run, "sample", image_grid(images, _COLUMNS), table, (sentence,), facts, images, z)
