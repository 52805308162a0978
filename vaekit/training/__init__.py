"""Training: one readable loop in `trainer`."""

from vaekit.training.prior import learn_prior
from vaekit.training.trainer import Training, train

__all__ = ["Training", "learn_prior", "train"]
