"""What the code knows: linear probes for attributes beside their controls, directions, disentanglement."""

from vaekit.evaluation.probes.fit import Probes, fit_probes

__all__ = ["Probes", "fit_probes"]
