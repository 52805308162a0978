"""The perceptual term: squared distance in the features of VGG16 (Johnson et al. 2016), an option of the loss."""

import pickle
from pathlib import Path

import torch
from torch import Tensor, nn

from vaekit.config import ObjectiveConfig
from vaekit.errors import ConfigError
from vaekit.models.base import sum_dtype

CACHED = "vgg16-397923af.pth"  # the file name under which torchvision keeps it in torch's cache
DEPTH = 16  # up to relu3_3: edges and textures, before parts of objects
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # what the network was trained with


class Perceptual(nn.Module):
    """Mean squared difference of VGG16's relu3_3 features, per image.

    Raises:
        ConfigError: the weights are not here, or are no VGG16; said before training starts.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, objective: ObjectiveConfig, device: torch.device) -> None:
        super().__init__()
        from torchvision.models import vgg16

        path = Path(objective.vgg_weights) if objective.vgg_weights else _cached()
        network = vgg16(weights=None)
        try:
            network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
        except FileNotFoundError:
            raise ConfigError(
                f"objective.perceptual = {objective.perceptual} needs the weights of VGG16, and {path} is not there. "
                f"Get torchvision's {CACHED} (torchvision.models.vgg16(weights='DEFAULT') puts it there) or name the "
                "file with objective.vgg_weights; objective.perceptual = 0 does without."
            ) from None
        except (RuntimeError, pickle.UnpicklingError, EOFError, AttributeError, TypeError) as error:
            raise ConfigError(
                f"objective.vgg_weights: {path} does not hold the weights of torchvision's VGG16 "
                f"({str(error).splitlines()[0][:120]})."
            ) from None
        self.features: nn.Module = network.features[:DEPTH].requires_grad_(False).eval().to(device)
        self.register_buffer("mean", torch.tensor(MEAN, device=device).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(STD, device=device).view(1, 3, 1, 1))

    def forward(self, x: Tensor, x_hat: Tensor) -> Tensor:
        """Return the distance of each image, (B,); both (B, 3, H, W) in [0, 1]."""
        with torch.no_grad():
            target: Tensor = self.features((x - self.mean) / self.std)
        found: Tensor = self.features((x_hat - self.mean) / self.std)
        return (found - target).square().flatten(1).mean(1, dtype=sum_dtype(x))


def _cached() -> Path:
    return Path(torch.hub.get_dir()) / "checkpoints" / CACHED
