"""Figures from arrays, tables and files; nothing here imports torch.

Called directly: `grids` (pictures), `curves` (training). Drawn for the report: everything registered in `base.FIGURES`.
"""

import os
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path


def _has_backend(name: str) -> bool:
    """Return whether this Python has the matplotlib backend `name`, without importing matplotlib."""
    if name.startswith("module://"):
        try:
            return find_spec(name.removeprefix("module://")) is not None
        except ImportError:
            return False
    spec = find_spec("matplotlib")
    folder = Path(spec.origin or "").parent / "backends" if spec else Path()
    known = {entry.name.lower() for entry in entry_points(group="matplotlib.backend")}
    return (folder / f"backend_{name.lower()}.py").is_file() or name.lower() in known


# A shell command of a notebook inherits the notebook's backend, and matplotlib does not import under one it can not
# find. No figure here needs a backend.
if (_backend := os.environ.get("MPLBACKEND")) and not _has_backend(_backend):
    del os.environ["MPLBACKEND"]
