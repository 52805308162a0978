"""What was tested, in words: the images' shape, how they were cut, and how a command names the model."""

import json
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


def is_ours(summary: Mapping[str, Any]) -> bool:
    """Whether vaekit trained the model, so that its training is known."""
    return summary["config"].get("training", True) is not None


def model_words(summary: Mapping[str, Any]) -> list[str]:
    """Return how a command names the model: its file, then the options that read a foreign one; [] for a live one."""
    run = summary["run"]
    if is_ours(summary):
        return [f"checkpoints/{run['name']}/{run['checkpoint']}"]
    if run["checkpoint"].startswith("the live "):
        return []
    said = [run["checkpoint"]]
    for name, value in summary["made_by"]["read_with"].items():
        said.append(f"--{name.replace('_', '-')}")
        if value is not True:  # else a flag
            said.append(value if isinstance(value, str) else json.dumps(value))
    return said
