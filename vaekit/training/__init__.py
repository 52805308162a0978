"""Training: one readable loop in `trainer`."""

from vaekit.training.trainer import Training, train

__all__ = ["Training", "train"]
