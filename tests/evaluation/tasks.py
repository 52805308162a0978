"""A model in memory as a task of the evaluation, on any rows of prepared images."""

from pathlib import Path

import numpy as np
from torch import nn

from vaekit.checkpoint import Checkpoint
from vaekit.config import DataConfig, RunConfig
from vaekit.data import Prepared
from vaekit.evaluation.stages import Task


def task_of(
    model: nn.Module,
    prepared: Prepared,
    folder: Path = Path(),
    *,
    rows: np.ndarray | None = None,
    config: RunConfig | None = None,
    **options,
) -> Task:
    """Return the task that tests `model` on these rows, by default on all, and writes to `folder`."""
    checkpoint = Checkpoint(model, config or RunConfig(), "live", {}, 0, 0, [], [], {})
    rows = np.arange(len(prepared.index)) if rows is None else rows
    return Task(checkpoint, None, {}, prepared, rows, DataConfig(), folder, **options)
