"""The contract of a prior: a density over flat codes z, (N, D), that can be drawn from."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt
import torch

from vaekit.errors import VaekitError
from vaekit.figures.words import plural
from vaekit.seeding import torch_generator

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.float32]


class Prior(Protocol):
    """p(z).

    Attributes:
        kind: its name in a checkpoint, such as "mixture".
    """

    kind: ClassVar[str]

    @property
    def said(self) -> str:
        """What it is, in the middle of a sentence."""
        ...

    def log_prob(self, z: npt.NDArray[Any]) -> Floats:
        """Return log p(z) in nats of codes (N, D), (N,)."""
        ...

    def sample(self, n: int, *, seed: int, temperature: float = 1.0) -> Codes:
        """Return n draws, (n, D); the temperature scales their spread."""
        ...

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return all that it is, for a file."""
        ...


@dataclass(frozen=True)
class Standard:
    """N(0, I) over `dims` dimensions: the prior of the training objective."""

    dims: int
    kind: ClassVar[str] = "standard"

    @property
    def said(self) -> str:
        """Its formula."""
        return "N(0, I)"

    def log_prob(self, z: npt.NDArray[Any]) -> Floats:
        """Return log N(z; 0, I) of each code, (N,)."""
        squares: Floats = np.square(z, dtype=np.float64).sum(1)
        return -0.5 * (squares + self.dims * math.log(2 * math.pi))

    def sample(self, n: int, *, seed: int, temperature: float = 1.0) -> Codes:
        """Return z ~ N(0, temperature^2 I), (n, D)."""
        z: Codes = (temperature * torch.randn(n, self.dims, generator=torch_generator(seed, "samples"))).numpy()
        return z

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return nothing: the dims are the model's."""
        return {}


@dataclass(frozen=True, eq=False)
class Posteriors:
    """q(z|x) of N images, what a prior is fitted to: mu and sigma, each (N, D), and one z ~ q(z|x) of each, (N, D)."""

    mu: Codes
    sigma: Codes
    z: Codes

    def __len__(self) -> int:
        return len(self.z)

    def require(self, least: int, what: str) -> None:
        """Refuse fewer than `least` of them, or values that are not finite; `what` names the images."""
        if len(self) < least:
            raise VaekitError(
                f"A prior is learned from the codes of {plural(least, f'{what} image')} or more, and there "
                f"{_are(len(self))}."
            )
        if not (np.isfinite(self.z).all() and np.isfinite(self.mu).all() and np.isfinite(self.sigma).all()):
            raise VaekitError(f"No prior can be learned: some codes of {what} images are not finite.")


def _are(n: int) -> str:
    return "is one" if n == 1 else f"are {n or 'none'}"
