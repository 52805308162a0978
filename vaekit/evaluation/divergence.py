"""Whether a model has diverged: the one guard before any number about it is shown."""

import math

import numpy as np
import numpy.typing as npt

from vaekit.errors import VaekitError
from vaekit.figures.words import short
from vaekit.models.base import VAE

# A posterior that costs so many times what the raw pixels cost at 8 bits is no code of them, at any scale of the code:
# rescaling a usual one a hundredfold stays a thousand times below.
COSTLY = 1e5
LARGE, OUTLYING = 1e3, 1e3  # a weight over the first, and so many times as large as its layer's others, is broken
_NOW = "Evaluate an earlier checkpoint, or train again with a lower learning rate."


def require_sound_weights(model: VAE) -> None:
    """Raise VaekitError where one weight stands alone, far above all others of its layer."""
    for name, weight in model.named_parameters():
        values = weight.detach().abs().double().flatten()
        if len(values) < 2 or (largest := values.max().item()) < LARGE:
            continue
        others = math.sqrt(max(0.0, (values.square().sum().item() - largest**2)) / (len(values) - 1))
        if largest > OUTLYING * others:
            raise VaekitError(
                f"One weight of {name} is {short(largest)} in size, the others are about {short(others, 2)}: the "
                f"model has diverged or its file is damaged. {_NOW}"
            )


def require_finite_rate(kl: npt.NDArray[np.float64], values: int) -> None:
    """Raise VaekitError where the kl of images, (N,) nats, is that of an exploded encoder; `values` pixel values each.

    An image of that many 8-bit values costs values ln 256 nats without any model.
    """
    mean, raw = float(np.mean(kl)), values * math.log(256)
    if not mean < COSTLY * raw:
        raise VaekitError(
            f"The code costs {short(mean)} nats per image, where the pixels themselves cost {raw:,.0f} at 8 bits: the "
            f"encoder has diverged, and no bound or verdict of it means anything. {_NOW}"
        )
