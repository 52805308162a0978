"""vaekit: what a variational autoencoder of faces can and can not do.

    model = vaekit.load("checkpoints/demo/best.pt")
    vaekit.train(), vaekit.evaluate(), vaekit.failures(), vaekit.report(), vaekit.compare(), vaekit.check()
    vaekit.doctor("theirs.pth", model="model.py:VAE"), and vaekit.Adapter for what it can not find out
    vaekit.prior(), vaekit.sample(), vaekit.reconstruct(), vaekit.traverse(), vaekit.interpolate(), vaekit.edit()

Shapes in docstrings: B images in a batch, N images in a set, C x H x W an image, D latent dimensions, K attributes.
"""

from typing import TYPE_CHECKING, Any

from vaekit.errors import VaekitError
from vaekit.version import __version__ as __version__

if TYPE_CHECKING:
    from vaekit.api.comparison import check, compare
    from vaekit.api.doctor import doctor
    from vaekit.api.exploration import edit, interpolate, reconstruct, sample, traverse
    from vaekit.api.prior import prior
    from vaekit.api.verbs import evaluate, failures, load, report, resume, train
    from vaekit.foreign.adapter import Adapter


__all__ = [
    "Adapter",
    "VaekitError",
    "check",
    "compare",
    "doctor",
    "edit",
    "evaluate",
    "failures",
    "interpolate",
    "load",
    "prior",
    "reconstruct",
    "report",
    "resume",
    "sample",
    "train",
    "traverse",
]


def __getattr__(name: str) -> Any:
    """Import the verbs when they are first used: `vaekit --help` must not wait for pandas."""
    if name in __all__:
        if name == "Adapter":
            from vaekit.foreign.adapter import Adapter

            return Adapter
        from vaekit.api import comparison, doctor, exploration, prior, verbs

        rooms = (verbs, comparison, exploration, doctor, prior)
        return next(getattr(module, name) for module in rooms if hasattr(module, name))
    raise AttributeError(f"module 'vaekit' has no attribute {name!r}")
