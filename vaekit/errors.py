"""The errors that are the user's to mend: one sentence each, shown without a traceback."""

import difflib
from collections.abc import Iterable


class VaekitError(Exception):
    """A mistake in what vaekit was given; the message says what came, what was expected and what to do now."""


class ConfigError(VaekitError):
    """A recipe, option or setting that vaekit can not use."""


class DataError(VaekitError):
    """Images or annotations that can not be read."""


class CheckpointError(VaekitError):
    """A file that is not a usable vaekit checkpoint."""


class OutputError(VaekitError):
    """A folder or file that can not be written."""


def did_you_mean(name: str, options: Iterable[str]) -> str:
    """Return " Did you mean 'x'?" for the nearest of `options` to `name`, then all of them, to end a message."""
    options = list(options)
    near = difflib.get_close_matches(name, options, n=1, cutoff=0.6)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return f"{hint} Known: {', '.join(options)}."
