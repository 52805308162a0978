"""What a user writes where a network does not show what it does, and what the doctor writes of one that does."""

import textwrap
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn

from vaekit.artifacts import write_text
from vaekit.config import Crop
from vaekit.errors import ConfigError, VaekitError
from vaekit.foreign.importing import import_file
from vaekit.foreign.opening import Opened, open_module
from vaekit.foreign.pixels import Candidate, Output
from vaekit.foreign.posterior import routes
from vaekit.foreign.routes import Network, Route
from vaekit.options import ModelOptions, PixelRange

SAID = ("model", "model_args", "encoder", "decoder", "trust_pickle")  # options that an adapter can carry


class Adapter(nn.Module):
    """Base of an adapter: set the attributes, and write `encode` and `decode` where they can not be found out.

    Attributes:
        image_size: side of the images, or (height, width); needed.
        channels: 3 for colour, 1 for grey.
        range: of the pixels that `encode` takes.
        output: what `decode` gives: None the same range, "sigmoid" logits, "as they are" pixels in [0, 1], "-1,1" or
            "imagenet".
        crop: of the images; None takes what --crop says, or what reconstructs best.
        model, model_args, encoder, decoder, trust_pickle: as the options of the same name, for `load`.
        flat: whether the network takes images as vectors.
        way: which of the ways that the network shows is taken, where it shows several.
        network: the third-party module, after `load`.
    """

    image_size: ClassVar[int | tuple[int, int]]
    channels: ClassVar[int] = 3
    range: ClassVar[PixelRange] = "0,1"
    output: ClassVar[Output | None] = None
    crop: ClassVar[Crop | None] = None
    model: ClassVar[str | None] = None
    model_args: ClassVar[dict[str, Any] | None] = None
    encoder: ClassVar[str | None] = None
    decoder: ClassVar[str | None] = None
    trust_pickle: ClassVar[bool] = False
    flat: ClassVar[bool] = False
    way: ClassVar[int] = 0
    network: nn.Module
    opened: Opened | None = None

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of the images."""
        height, width = (self.image_size,) * 2 if isinstance(self.image_size, int) else self.image_size
        return self.channels, height, width

    def load(self, path: Path | nn.Module) -> None:
        """Set `network` to the class that `model` names, with the weights in `path`."""
        options = ModelOptions.parse({name: getattr(self, name) for name in SAID}, type(self).__name__)
        self.opened = open_module(path, options)
        self.network = self.opened.module

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return mu and logvar of images (B, C, H, W) in the adapter's range; without your own, they are measured."""
        return self._route().encode(x)

    def decode(self, z: Tensor) -> Tensor:
        """Return pixels (B, C, H, W) of codes z; without your own, by the way that the network shows."""
        return self._route().decode(z)

    def train(self, mode: bool = True) -> Self:
        """Leave the network in the mode that it was measured in, whatever is asked for."""
        super().train(False)
        if hasattr(self, "_found"):
            self._found.network.set_mode()
        return self

    def _route(self) -> Route:
        if not hasattr(self, "_found"):
            x = torch.rand(3, *self.image_shape, generator=torch.Generator().manual_seed(0))
            device = next(self.network.parameters()).device
            self._found = routes(self.network.cpu(), x, flat=self.flat)[self.way]
            self.network.to(device)
        return self._found


class Adapted(Route):
    """The way that an adapter says."""

    def __init__(self, adapter: Adapter) -> None:
        super().__init__(Network(adapter), adapter.image_shape, ())
        self.adapter = adapter
        adapter.eval()
        with torch.no_grad():
            mu, logvar = self.encode(torch.rand(3, *self.image_shape))
        if mu.shape != logvar.shape or len(mu) != 3:
            raise ConfigError(
                f"encode of the adapter returned mu {tuple(mu.shape)} and logvar {tuple(logvar.shape)} for 3 images: "
                "both should be (3, D)."
            )
        self.latent_shape = tuple(mu.shape[1:])

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return mu and logvar as the adapter says."""
        return self.adapter.encode(x)

    def decode(self, z: Tensor) -> Tensor:
        """Return pixels as the adapter says."""
        return self.adapter.decode(z)

    def own(self, x: Tensor) -> Tensor:
        """Return the pixels of mu."""
        return self.decode(self.encode(x)[0])

    def sentence(self) -> str:
        """Return how mu and sigma were got."""
        return f"mu and sigma are what encode of the adapter {type(self.adapter).__name__} returns"


def open_adapter(options: ModelOptions, checkpoint: Path | nn.Module) -> tuple[Adapter, Opened]:
    """Return the adapter that the file `options.adapter` defines, its network loaded; other options win over its own.

    Raises:
        ConfigError: the file has not exactly one adapter, or it lacks something.
    """
    file = str(options.adapter)
    imported = import_file(Path(file))
    found = [
        thing
        for thing in vars(imported.module).values()
        if isinstance(thing, type) and issubclass(thing, Adapter) and thing is not Adapter
    ]
    if len(found) != 1:
        raise ConfigError(
            f"{file} defines {len(found)} subclasses of vaekit.Adapter; one is expected, with encode and decode."
        )
    adapter = found[0]()
    if not hasattr(adapter, "image_size"):
        raise ConfigError(f"{found[0].__name__} in {file} has no image_size: write the size of its images there.")
    for name in SAID:
        if getattr(options, name):
            setattr(adapter, name, getattr(options, name))
    try:
        with imported.entered():
            adapter.load(checkpoint)
    except VaekitError:
        raise
    except Exception as error:
        raise ConfigError(f"load of {found[0].__name__} in {file} failed: {type(error).__name__}: {error}.") from error
    opened = adapter.opened or Opened(adapter, "live")
    return adapter, replace(opened, module=adapter, imported=(*opened.imported, imported))


def adapter_text(options: ModelOptions, taken: Candidate, way: int, sentences: list[str]) -> str:
    """Return a file with an adapter that says what was found out, to be changed by hand or given to --adapter."""
    said = {name: value for name in SAID if (value := getattr(options, name))}
    said |= {
        "image_size": taken.protocol.image_size,
        "channels": taken.protocol.channels,
        "range": taken.convention.range,
        "output": taken.convention.output,
        "crop": taken.protocol.crop,
    }
    said |= {name: value for name, value in (("way", way), ("flat", taken.route.network.flat)) if value}
    for name in ("model", "encoder", "decoder"):
        if ".py:" in str(said.get(name, "")):
            place, _, thing = str(said[name]).rpartition(":")
            said[name] = f"{Path(place).resolve()}:{thing}"
    found = "\n".join(textwrap.fill(s, 112, initial_indent="    ", subsequent_indent="    ") for s in sentences)
    attributes = "\n".join(f"    {name} = {value!r}" for name, value in said.items())
    return f'''"""How a network that vaekit did not write is read; give this file to --adapter."""

from vaekit import Adapter


class Found(Adapter):
    """What was found out:

{found}
    """

{attributes}

    def encode(self, x):
        """Return mu and logvar of images in the range above: as measured. Write your own here where that is wrong."""
        return super().encode(x)

    def decode(self, z):
        """Return pixels of codes z, in what `output` says."""
        return super().decode(z)
'''


def write_adapter(path: Path, text: str) -> Path:
    """Write an adapter's file; it is never put in place of another."""
    if path.exists():
        raise ConfigError(f"{path} is there already: give --write another name.")
    write_text(path, text)
    return path
