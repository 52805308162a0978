"""From a picture file to the square uint8 pixels that a network sees: decode, upright, RGB, crop, resize."""

import contextlib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

from vaekit.data.base import Protocol
from vaekit.errors import DataError

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")


@dataclass(frozen=True)
class Decoded:
    """A decoded file: uint8 pixels (S, S, 3), or None and the reason why not.

    `is_small` tells that the picture is smaller than the crop, which was then its largest centred square.
    """

    pixels: np.ndarray | None
    is_small: bool = False
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


def load_image(file: Path | str | IO[bytes], protocol: Protocol) -> np.ndarray:
    """Return one picture as the protocol shows it to a network: uint8 (S, S, 3).

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
        square = _centre(rgb, protocol)
        is_small = protocol.crop != "none" and min(rgb.size) < protocol.crop
        size = (protocol.image_size, protocol.image_size)
        # Cropped before it is resized: a resize with a box would blend in pixels from outside of the crop.
        return Decoded(np.asarray(square.resize(size, Image.Resampling.BILINEAR)), is_small)
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


def _centre(image: Image.Image, protocol: Protocol) -> Image.Image:
    if protocol.crop == "none":
        return image
    width, height = image.size
    side = min(protocol.crop, width, height)
    left, top = round((width - side) / 2), round((height - side) / 2)
    return image.crop((left, top, left + side, top + side))


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
