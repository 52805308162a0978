"""From a picture file to the uint8 pixels that a network sees: decode, upright, RGB or grey, crop, resize."""

import contextlib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

from vaekit.data.base import ALIGNED, Protocol
from vaekit.errors import DataError

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")


@dataclass(frozen=True)
class Decoded:
    """A decoded file: uint8 pixels (H, W, C), or None and the reason why not.

    Attributes:
        pixels: what the network sees.
        is_scaled: the picture is not of CelebA's aligned size, so that the crop was scaled to it.
        is_enlarged: the crop has fewer pixels than the network sees, in height or width.
        reason: why there are no pixels.
    """

    pixels: npt.NDArray[np.uint8] | None
    is_scaled: bool = False
    is_enlarged: bool = False
    reason: str = ""


@contextlib.contextmanager
def strict_pillow() -> Iterator[None]:
    """While open, a truncated file or a decompression bomb is an error, and Pillow warns of nothing else.

    Both settings are global to the process, so this is entered once around a pool of threads, not in each of them.
    """
    before = ImageFile.LOAD_TRUNCATED_IMAGES
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"PIL\.")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            yield
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = before


def load_image(file: Path | str | IO[bytes], protocol: Protocol) -> npt.NDArray[np.uint8]:
    """Return one picture as the protocol shows it to a network: uint8 (H, W, C).

    Raises:
        DataError: the file can not be decoded.
    """
    with strict_pillow():
        decoded = decode(file, protocol)
    if decoded.pixels is None:
        name = getattr(file, "name", "the picture") if not isinstance(file, (str, Path)) else file
        raise DataError(
            f"{name} can not be decoded: {decoded.reason}. Expected a whole picture ({', '.join(SUFFIXES)}): "
            "save it again or name another."
        )
    return decoded.pixels


def decode(file: Path | str | IO[bytes], protocol: Protocol) -> Decoded:
    """Return the pixels of a file or the reason why there are none; call it inside `strict_pillow`."""
    try:
        with Image.open(file) as image:
            upright = ImageOps.exif_transpose(image)
            rgb = _to_rgb(upright)
        height, width, channels = protocol.shape
        # Cropped before it is resized: a resize with a box would blend in pixels from outside of the crop.
        part = rgb.crop(protocol.box(*rgb.size)).convert("L" if channels == 1 else "RGB")
        pixels = np.asarray(part.resize((width, height), Image.Resampling.BILINEAR)).reshape(protocol.shape)
        is_scaled = protocol.crop != "none" and rgb.size != ALIGNED
        return Decoded(pixels, is_scaled, is_enlarged=part.width < width or part.height < height)
    except Exception as error:  # a broken file can raise anything inside a decoder
        return Decoded(None, reason=_reason(error, file))


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode == "RGB" and "transparency" not in image.info:
        image.load()
        return image
    if image.mode.startswith("I"):  # 16 bits a pixel: convert() would clip it to white
        return Image.fromarray((np.asarray(image).clip(0, 65535) / 257).round().astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:  # what shines through is white, as on paper
        rgba = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
    return image.convert("RGB")


def _reason(error: Exception, file: Path | str | IO[bytes]) -> str:
    # No path and no address of an object in it: the same file gives the same words.
    if isinstance(error, UnidentifiedImageError):
        is_empty = isinstance(file, (str, Path)) and Path(file).stat().st_size == 0
        return "the file is empty" if is_empty else "not a picture, or of a kind that Pillow does not know"
    if isinstance(error, FileNotFoundError):
        return "the file is gone"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return " ".join(str(error).split()) or type(error).__name__
