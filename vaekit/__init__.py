"""vaekit: what a variational autoencoder of faces can and can not do.

    model = vaekit.load("checkpoints/demo/best.pt")
    vaekit.train(), vaekit.evaluate(), vaekit.failures(), vaekit.report(), vaekit.compare(), vaekit.check()
    vaekit.sample(), vaekit.reconstruct(), vaekit.traverse(), vaekit.interpolate(), vaekit.edit()

Shapes in docstrings: B images in a batch, N images in a set, C x H x W an image, D latent dimensions, K attributes.
"""

from typing import TYPE_CHECKING, Any

from vaekit.errors import VaekitError
from vaekit.version import __version__ as __version__

if TYPE_CHECKING:
    from vaekit.api.comparison import check, compare
    from vaekit.api.exploration import edit, interpolate, reconstruct, sample, traverse
    from vaekit.api.verbs import evaluate, failures, load, report, resume, train


__all__ = [
    "VaekitError",
    "check",
    "compare",
    "edit",
    "evaluate",
    "failures",
    "interpolate",
    "load",
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
        from vaekit.api import comparison, exploration, verbs

        return next(getattr(module, name) for module in (verbs, comparison, exploration) if hasattr(module, name))
    raise AttributeError(f"module 'vaekit' has no attribute {name!r}")
