"""Where the weights of FID's InceptionV3 lie, told without torch: an evaluation with them is another one."""

import os
from pathlib import Path

from vaekit.errors import ConfigError, VaekitError

# The same file in torch's cache, under torch-fidelity's and under pytorch-fid's name.
CACHED = ("weights-inception-2015-12-05-6726825d.pth", "pt_inception-2015-12-05-6726825d.pth")
VARIABLE = "VAEKIT_INCEPTION_WEIGHTS"


class NotAvailable(VaekitError):
    """Why there are no Inception features; what rests on them is "not computed", for this reason."""


def inception_weights(named: Path | None = None) -> Path:
    """Return the weights file: `named` (--inception-weights), else of VAEKIT_INCEPTION_WEIGHTS, else in torch's cache.

    Raises:
        ConfigError: a file that the user named is not there.
        NotAvailable: none was named and the cache has none.
    """
    for path, of in ((named, "--inception-weights"), (os.environ.get(VARIABLE), VARIABLE)):
        if path:
            if not Path(path).is_file():
                raise ConfigError(f"{of} {path}: there is no such file. `vaekit data fetch inception` downloads it.")
            return Path(path)
    for path in cached_files():
        if path.is_file():
            return path
    raise NotAvailable(
        "fid is not computed: the weights of FID's InceptionV3 are missing; get them so: `vaekit data fetch inception` "
        f"on a machine with a network (it keeps {CACHED[0]} in torch's cache), or name a copy with "
        f"--inception-weights or {VARIABLE}"
    )


def cached_files() -> list[Path]:
    """Return where torch's cache keeps the file, whether it is there or not."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")) / "torch"
    home = Path(os.environ.get("TORCH_HOME", cache)).expanduser()
    return [home / "hub/checkpoints" / name for name in CACHED]
