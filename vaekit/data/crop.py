"""From a picture file to the uint8 pixels that a network sees: decode, upright, RGB or grey, crop, resize."""

import contextlib
import io
import threading
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt
import simplejpeg
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError
from PIL.TiffImagePlugin import TiffImageFile

from vaekit.data.base import ALIGNED, Protocol
from vaekit.data.contents import why_no_file
from vaekit.errors import DataError

SUFFIXES = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp"),
    *(".tif", ".tiff", ".gif", ".ppm", ".pgm", ".pbm", ".pnm"),
)
# What else Pillow knows is not asked for: an EPS called x.jpg would start Ghostscript.
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "PPM")
MOST_BYTES, MOST_PIXELS = 2**28, 2**26  # of one file; more is refused before it is read or decoded
LARGE = 2**22  # pixels; such pictures are decoded one at a time, so that memory does not grow with the threads
_one_large = threading.Lock()


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
    if reason := why_no_file(file) if isinstance(file, str | Path) else "":
        return Decoded(None, reason=reason)
    try:
        data = _read(file)
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            pixels = image.width * image.height
            if pixels > MOST_PIXELS:
                raise _Refused(f"{pixels:,} pixels, and at most {MOST_PIXELS:,} are decoded")
            with _one_large if pixels > LARGE else contextlib.nullcontext():
                rgb = _to_rgb(image)
                if image.format in ("JPEG", "MPO"):
                    _refuse_damaged_jpeg(data)
                return _decoded(rgb, protocol)
    except Exception as error:  # a broken file can raise anything inside a decoder
        return Decoded(None, reason=_reason(error))


def _read(file: Path | str | IO[bytes]) -> bytes:
    if not isinstance(file, str | Path):
        file.seek(0)
        data = file.read(MOST_BYTES + 1)
    else:
        with Path(file).open("rb") as opened:
            data = opened.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise _Refused(f"more than {MOST_BYTES:,} bytes")
    if not data:
        raise _Refused("the file is empty")
    return data


def _decoded(rgb: Image.Image, protocol: Protocol) -> Decoded:
    height, width, channels = protocol.shape
    # Cropped before it is resized: a resize with a box would blend in pixels from outside of the crop.
    part = rgb.crop(protocol.box(*rgb.size)).convert("L" if channels == 1 else "RGB")
    pixels = np.asarray(part.resize((width, height), Image.Resampling.BILINEAR)).reshape(protocol.shape)
    is_scaled = protocol.crop != "none" and rgb.size != ALIGNED
    return Decoded(pixels, is_scaled, is_enlarged=part.width < width or part.height < height)


def _refuse_damaged_jpeg(data: bytes) -> None:
    """Raise where libjpeg warns of damage: Pillow drops its warnings and shows whatever came out.

    Decoded at an eighth of the size, which reads every bit of the file and skips most of the arithmetic.
    """
    try:
        _decode_jpeg(data, strict=True)
    except ValueError as warned:
        with contextlib.suppress(ValueError):
            _decode_jpeg(data, strict=False)
            raise _Refused(f"damaged: {' '.join(str(warned).split())}") from None
        # A kind of JPEG that this decoder does not know; Pillow's word stands.


def _decode_jpeg(data: bytes, *, strict: bool) -> None:
    colours = "CMYK" if simplejpeg.decode_jpeg_header(data, strict=strict)[2] == "CMYK" else "GRAY"
    simplejpeg.decode_jpeg(
        data, colours, fastdct=True, fastupsample=True, min_height=1, min_width=1, min_factor=8, strict=strict
    )


def _to_rgb(image: Image.Image) -> Image.Image:
    """Return the picture upright, in RGB; refuse numbers of which nothing says what is white."""
    bits = image.tag_v2.get(258, (8,)) if isinstance(image, TiffImageFile) else (8,)
    if (
        image.mode == "F"
        or not set(bits) <= {1, 2, 4, 8, 16}
        or (image.mode == "I" and isinstance(image, TiffImageFile))
    ):
        kind = "floating point" if image.mode == "F" else "whole numbers"
        raise _Refused(f"its pixels are {kind} of {max(bits)} bits, of which nothing says what is white")
    image = ImageOps.exif_transpose(image)
    if image.mode == "RGB" and "transparency" not in image.info:
        image.load()
        return image
    if image.mode.startswith("I"):  # 16 bits a pixel: convert() would clip it to white
        return Image.fromarray((np.asarray(image).clip(0, 65535) / 257).round().astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:  # what shines through is white, as on paper
        rgba = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
    return image.convert("RGB")


class _Refused(Exception):
    """A picture that is not decoded, and why."""


def _reason(error: Exception) -> str:
    # No path and no address of an object in it: the same file gives the same words.
    if isinstance(error, UnidentifiedImageError):
        return f"not a picture, or none of the kinds that are read ({', '.join(FORMATS)})"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return " ".join(str(error).split()) or type(error).__name__
