"""What was tested, in words: the images' shape and how they were cut."""

from collections.abc import Mapping
from typing import Any


def image_shape(protocol: Mapping[str, Any]) -> tuple[int, int, int]:
    """Return channels, height and width of the images of a protocol, as summary.json keeps it."""
    size = protocol["image_size"]
    height, width = (size, size) if isinstance(size, int) else size
    return protocol.get("settings", {}).get("channels", 3), height, width


def pixels(protocol: Mapping[str, Any]) -> str:
    """Return the images' size, height first: "64 × 64 pixels", "80 × 64 grey pixels"."""
    channels, height, width = image_shape(protocol)
    return f"{height} × {width} {'grey ' if channels == 1 else ''}pixels"


def cropped(protocol: Mapping[str, Any]) -> str:
    """Return how the images were cut."""
    crop = protocol["crop"]
    return "the whole image" if crop == "none" else f"the {crop}-pixel centre crop"
