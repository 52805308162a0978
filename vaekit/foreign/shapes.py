"""The images that a network takes, found by trying: an image size fits when what comes out has as many values."""

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import nn

from vaekit.errors import CheckpointError
from vaekit.foreign.posterior import NoRoute, refuse_other_kinds, routes
from vaekit.foreign.routes import Route

SIDES = (64, 128, 32, 28, 96, 100, 150, 256, 48, 112, 160, 192, 224)
RECTANGLES = ((128, 112), (218, 178), (178, 218))
NAMES_SIZE = re.compile(r"im(a)?g|input_?(size|shape|dim)|sample_?size|resolution", re.IGNORECASE)
LEAST = 28
TRIED_ON = 3  # images: an odd number that no layer's width is taken for


def routes_by_shape(
    module: nn.Module, arguments: dict[str, Any] | None, image_size: int | tuple[int, int] | None
) -> list[Route]:
    """Return the ways through the network for every image shape that it takes; only named shapes where those work.

    Args:
        module: in the mode that LOADING left it, on the CPU.
        arguments: of its class, among which its image size may stand.
        image_size: what the user asks for; None tries what the module says of itself, then the usual sizes.

    Raises:
        CheckpointError: it takes no image, or does not show how it gets to z and back.
    """
    refuse_other_kinds(module)
    if image_size is not None:
        wanted = [[(image_size, image_size) if isinstance(image_size, int) else image_size]]
    else:
        wanted = [_said(module, arguments or {}), [*((s, s) for s in SIDES), *RECTANGLES]]
    why: dict[str, None] = {}
    for sizes in wanted:
        for channels, flat in _inputs(module):
            found: list[Route] = []
            for height, width in sizes:
                shape = (channels, height, width)
                if found:  # it is a matter of the size alone now
                    first = [route for route in found if route.image_shape == found[0].image_shape]
                    found += [other for route in first if (other := route.at(shape)) is not None]
                    continue
                try:
                    found = _at(module, shape, flat)
                except NoRoute as error:
                    why.setdefault(str(error))
            if found:
                return found
    tried = "the sizes from 28 to 256" if image_size is None else f"{image_size}"
    seen = [reason for reason in why if "Error: " not in reason]  # it ran, but not all of the way showed
    raise CheckpointError(
        seen[0]
        if seen
        else f"{type(module).__name__} could not be run on images of {tried} pixels. {next(iter(why), '')} "
        "Give --image-size, or --model-args where the class needs others."
    )


def _at(module: nn.Module, shape: tuple[int, int, int], flat: bool) -> list[Route]:
    x = torch.rand(TRIED_ON, *shape, generator=torch.Generator().manual_seed(0))
    return routes(module, x, flat=flat)


def _inputs(module: nn.Module) -> Iterator[tuple[int, bool]]:
    """Yield (channels, whether flattened) in the order to try."""
    first = next((m for m in module.modules() if isinstance(m, (nn.Conv2d, nn.Linear))), None)
    if isinstance(first, nn.Conv2d) and first.in_channels in (1, 3):
        yield first.in_channels, False
        return
    for flat in (False, True) if isinstance(first, nn.Linear) else (False,):
        for count in (3, 1):
            yield count, flat


def _said(module: nn.Module, arguments: dict[str, Any]) -> list[tuple[int, int]]:
    """Return the image sizes that the module's attributes, its arguments and its first layer speak of."""
    said: dict[tuple[int, int], None] = {}
    parts = [module, *module.children()]
    config = getattr(module, "config", None)  # what a folder of diffusers states of its network
    stated = [*arguments.items(), *(config.items() if isinstance(config, Mapping) else ())]
    values = stated + [(k, v) for part in parts for k, v in vars(part).items()]
    for name, value in values:
        if NAMES_SIZE.search(name):
            size = _as_size(value)
            if size is not None:
                said.setdefault(size)
    first = next((m for m in module.modules() if isinstance(m, (nn.Conv2d, nn.Linear))), None)
    if isinstance(first, nn.Linear):
        for channels in (3, 1):
            side = math.isqrt(first.in_features // channels)
            if side >= LEAST and side * side * channels == first.in_features:
                said.setdefault((side, side))
    return list(said)


def _as_size(value: object) -> tuple[int, int] | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return (value, value) if value >= LEAST else None
    if isinstance(value, (tuple, list)) and all(isinstance(v, int) for v in value):
        sides = [v for v in value if v >= LEAST]
        return (sides[0], sides[-1]) if 1 <= len(sides) <= 2 else None
    return None
