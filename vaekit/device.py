"""Where tensors live: the fastest device that is here, or the one the user names."""

import torch

from vaekit.errors import ConfigError, did_you_mean


def choose_device(name: str = "auto") -> torch.device:
    """Return the named device; "auto" takes CUDA, then Apple's MPS, then the CPU. ConfigError where it is not here."""
    here = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return torch.device(next(kind for kind in ("cuda", "mps", "cpu") if here[kind]))
    kind = name.split(":")[0]
    if kind not in here:
        raise ConfigError(f"--device {name} is no device.{did_you_mean(kind, ['auto', *here])}")
    if not here[kind]:
        raise ConfigError(f"--device {name}: this machine has none that torch can use. Use --device auto or cpu.")
    return torch.device(name)
