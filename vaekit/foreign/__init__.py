"""Checkpoints of other programs: what the user names becomes a live module with its weights, then a vaekit model."""

from vaekit.foreign.measuring import open_foreign, save_foreign
from vaekit.foreign.opening import require_class
from vaekit.foreign.pixels import valid_images

__all__ = ["open_foreign", "require_class", "save_foreign", "valid_images"]
