"""A normalising flow fitted to codes: affine coupling layers (Real NVP, Dinh et al. 2017) on white codes."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from scipy.linalg import solve_triangular
from torch import Tensor, nn

from vaekit.errors import VaekitError
from vaekit.priors.base import Codes, Floats, Posteriors
from vaekit.priors.mixture import covariance_of
from vaekit.seeding import numpy_generator, torch_generator

LAYERS, HIDDEN = 6, 256
EPOCHS, BATCH = 8, 256  # over the codes of train, each drawn anew from its posterior
LEARNING_RATE, WEIGHT_DECAY, CLIP = 2e-3, 0.1, 5.0
STRETCH = 1.0  # a layer scales a dim by at most e^STRETCH


class _Coupling(nn.Module):
    """One half of the dims moves and scales the other; which dims these are, a fixed order says."""

    order: Tensor

    def __init__(self, dims: int, hidden: int) -> None:
        super().__init__()
        self.kept = dims // 2
        last = nn.Linear(hidden, 2 * (dims - self.kept))
        nn.init.zeros_(last.weight)  # starts as the identity: as the Gaussian that the codes were made white by
        nn.init.zeros_(last.bias)
        self.net = nn.Sequential(nn.Linear(self.kept, hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU(), last)
        self.register_buffer("order", torch.arange(dims))

    def _steps(self, kept: Tensor) -> tuple[Tensor, Tensor]:
        shift, scale = self.net(kept).chunk(2, 1)
        return shift, STRETCH * torch.tanh(scale)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return white codes (B, D) nearer to N(0, I), and the log determinant of the step, (B,)."""
        x = x[:, self.order]
        kept, moved = x[:, : self.kept], x[:, self.kept :]
        shift, scale = self._steps(kept)
        return torch.cat([kept, (moved + shift) * scale.exp()], 1), scale.sum(1)

    def inverse(self, x: Tensor) -> Tensor:
        """Return what `forward` made x of."""
        kept, moved = x[:, : self.kept], x[:, self.kept :]
        shift, scale = self._steps(kept)
        return torch.cat([kept, moved * (-scale).exp() - shift], 1)[:, self.order.argsort()]


@dataclass(frozen=True, eq=False)
class Flow:
    """z = centre + root f^-1(noise), f the coupling layers.

    Attributes:
        centre, root: mean of the codes and Cholesky root of their covariance, (D,) and (D, D).
        layers: the coupling layers.
    """

    centre: Floats
    root: Floats
    layers: nn.ModuleList
    kind: ClassVar[str] = "flow"

    @property
    def said(self) -> str:
        """How many layers it has."""
        return f"a normalising flow of {len(self.layers)} coupling layers"

    @torch.inference_mode()
    def log_prob(self, z: npt.NDArray[Any]) -> Floats:
        """Return log p(z) of each code, (N,)."""
        x = torch.from_numpy(_white(z, self.centre, self.root))
        found: Floats = _log_prob(self.layers, x).double().numpy() - np.log(np.diag(self.root)).sum()
        return found

    @torch.inference_mode()
    def sample(self, n: int, *, seed: int, temperature: float = 1.0) -> Codes:
        """Return n codes, (n, D); the temperature scales the noise that the layers shape."""
        noise = numpy_generator(seed, "flow").standard_normal((n, len(self.centre)), dtype=np.float32)
        x = torch.from_numpy(np.float32(temperature) * noise)
        for layer in reversed(self.layers):
            assert isinstance(layer, _Coupling)
            x = layer.inverse(x)
        z: Codes = (self.centre + x.double().numpy() @ self.root.T).astype(np.float32)
        return z

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return centre, root and every weight."""
        weights = {name: tensor.numpy() for name, tensor in self.layers.state_dict().items()}
        return {"centre": self.centre, "root": self.root, **weights}


def flow_of(arrays: dict[str, npt.NDArray[Any]]) -> Flow:
    """Return the flow whose `arrays` these are.

    Raises:
        KeyError, ValueError, RuntimeError: they do not fit together.
    """
    dims = len(arrays["centre"])
    if dims < 2 or arrays["root"].shape != (dims, dims):
        raise ValueError(f"centre and root are of {dims} dims and of shape {arrays['root'].shape}")
    weights = {name: torch.from_numpy(array) for name, array in arrays.items() if name not in ("centre", "root")}
    count = 1 + max((int(name.partition(".")[0]) for name in weights), default=-1)
    layers = nn.ModuleList(_Coupling(dims, len(arrays["0.net.0.bias"])) for _ in range(count))
    layers.load_state_dict(weights)
    return Flow(arrays["centre"], arrays["root"], layers.eval())


def fit_flow(train: Posteriors, valid: Posteriors, seed: int) -> Flow:
    """Return the flow of the epoch after which valid codes have the highest mean log density.

    Raises:
        VaekitError: fewer than a batch of train codes, no valid code, one dim, or codes that are not finite.
    """
    train.require(BATCH, "train")
    valid.require(1, "valid")
    dims = train.z.shape[1]
    if dims < 2:
        raise VaekitError("A flow couples one half of the dims with the other, and this code has one dim.")
    codes = train.z.astype(np.float64)
    centre: Floats = np.asarray(codes.mean(0))
    root: Floats = np.asarray(np.linalg.cholesky(covariance_of(codes)), np.float64)
    held_out = torch.from_numpy(_white(valid.z, centre, root))
    draw = torch_generator(seed, "flow noise")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(torch_generator(seed, "flow weights").initial_seed())
        layers = nn.ModuleList(_Coupling(dims, HIDDEN) for _ in range(LAYERS))
        for layer in layers:
            assert isinstance(layer, _Coupling)
            layer.order.copy_(torch.randperm(dims))
    optimiser = torch.optim.AdamW(layers.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    steps = len(train) // BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, total_steps=EPOCHS * steps, pct_start=0.1)
    best, kept = -math.inf, {name: tensor.clone() for name, tensor in layers.state_dict().items()}
    for _ in range(EPOCHS):
        noise = torch.randn(train.mu.shape, generator=draw).numpy()
        x = torch.from_numpy(_white(train.mu + train.sigma * noise, centre, root))
        for rows in torch.randperm(len(x), generator=draw)[: steps * BATCH].view(steps, BATCH):
            optimiser.zero_grad(set_to_none=True)
            loss = -_log_prob(layers, x[rows]).mean()
            loss.backward()  # type: ignore[no-untyped-call]  # torch gives it no types
            nn.utils.clip_grad_norm_(layers.parameters(), CLIP)
            optimiser.step()
            schedule.step()
        with torch.inference_mode():
            reached = float(_log_prob(layers, held_out).double().mean())
        if reached > best:
            best, kept = reached, {name: tensor.clone() for name, tensor in layers.state_dict().items()}
    layers.load_state_dict(kept)
    return Flow(centre, root, layers.eval())


def _white(z: npt.NDArray[Any], centre: Floats, root: Floats) -> Codes:
    white: Codes = solve_triangular(root, (z - centre).T, lower=True).T.astype(np.float32)
    return np.ascontiguousarray(white)


def _log_prob(layers: nn.ModuleList, x: Tensor) -> Tensor:
    """Return the log density of white codes (B, D) in their own coordinates, (B,)."""
    moved = torch.zeros(len(x))
    for layer in layers:
        x, step = layer(x)
        moved = moved + step
    return moved - 0.5 * (x.square().sum(1) + x.shape[1] * math.log(2 * math.pi))
