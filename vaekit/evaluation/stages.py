"""The stages of an evaluation: each says what it needs of others and which files it writes, and they run in order.

    @stage("probes", needs=("one_pass", "codes"), writes=(artifacts.PROBES, ...))
    def probes(task: Task, one_pass: Collected, codes: tuple[Codes, Codes]) -> Result: ...

A stage that can not run leaves its reason in the table, and so do those that need it; the others stand.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
import torch

from vaekit.checkpoint import Checkpoint
from vaekit.config import DataConfig
from vaekit.data import Prepared
from vaekit.errors import VaekitError
from vaekit.evaluation.base import Metric
from vaekit.evaluation.metrics.borrowed import metrics_of
from vaekit.models.base import VAE
from vaekit.progress import Progress, silent
from vaekit.quantity import Quantity

SPLIT = "test"
LEFT_OUT = "left out of a quick evaluation: run `vaekit evaluate` without --quick"


class How(TypedDict):
    """How batches go through the model, as every room takes it."""

    seed: int
    device: torch.device
    batch_size: int
    progress: Progress


@dataclass(frozen=True)
class Task:
    """One model, the images it is tried on, and how.

    Attributes:
        checkpoint: the model and all that is known of its making.
        file: where it was read from; None for a live module.
        made_by: the facts that decide the numbers, which tie the artifacts to this model and these options.
        prepared: decoded images at the protocol to evaluate under; `rows`: which of them are tested.
        settings: what `prepared` was made with.
        folder: receives every artifact.
        inception_weights: file of the network behind FID; None does without.
        metrics: of each image, by their ids.
        quick: reconstruction, rate and code alone.
        seed: of the posterior noise, the samples, the pictures and the bootstrap.
    """

    checkpoint: Checkpoint
    file: Path | None
    made_by: Mapping[str, Any]
    prepared: Prepared
    rows: np.ndarray
    settings: DataConfig
    folder: Path
    inception_weights: Path | None = None
    metrics: Mapping[str, Metric] = field(default_factory=metrics_of)
    quick: bool = False
    seed: int = 0
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    batch_size: int = 256
    progress: Progress = silent

    @property
    def model(self) -> VAE:
        """The network, on `device`, in evaluation mode."""
        return self.checkpoint.model.to(self.device).eval()

    @property
    def how(self) -> How:
        """Seed, device, batch size and progress."""
        return How(seed=self.seed, device=self.device, batch_size=self.batch_size, progress=self.progress)


@dataclass(frozen=True)
class Result:
    """What a stage found.

    Attributes:
        value: what the stages that need it are given.
        rows: what it adds to the table.
        absent: of a stage that could not run, its files and why they are not there, as a sentence.
    """

    value: Any = None
    rows: Mapping[str, Quantity] = field(default_factory=dict)
    absent: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Stage:
    """One step, by name; `run` is called with the task and the values of what it `needs`, in that order."""

    name: str
    needs: tuple[str, ...]
    writes: tuple[str, ...]
    is_vital: bool
    is_quick: bool
    run: Callable[..., Result]


def stage(
    name: str, *, needs: tuple[str, ...] = (), writes: tuple[str, ...] = (), vital: bool = False, quick: bool = False
) -> Callable[[Callable[..., Result]], Stage]:
    """Return a decorator that makes a stage of a function; where a vital one can not run, nothing can.

    A `quick` one belongs to a quick evaluation too.
    """
    return lambda run: Stage(name, needs, writes, vital, quick or vital, run)


def run_stages(stages: Sequence[Stage], task: Task) -> dict[str, Result]:
    """Run the stages in order and return the result of each; what a failed one wrote before is removed.

    Raises:
        VaekitError: a vital stage can not run.
    """
    results: dict[str, Result] = {}
    reasons: dict[str, str] = {}
    for step in stages:
        for name in step.writes:
            (task.folder / name).unlink(missing_ok=True)  # of an earlier evaluation
        lacking = next((need for need in step.needs if need in reasons), None)
        if task.quick and not step.is_quick:
            reason = LEFT_OUT
        elif lacking is None:
            try:
                results[step.name] = step.run(task, *(results[need].value for need in step.needs))
                continue
            except VaekitError as error:
                if step.is_vital:
                    raise
                reason = str(error)
        else:
            reason = f"It needs {lacking}: {reasons[lacking]}"
        reasons[step.name] = reason
        row = {step.name.replace(" ", "_"): _not_run(step.name, reason)}
        results[step.name] = Result(rows=row, absent=dict.fromkeys(step.writes, reason))
    return results


def _not_run(name: str, reason: str) -> Quantity:
    return Quantity(
        value=None,
        n=0,
        label=name.capitalize(),
        definition=f"a stage of the evaluation, {name}, which did not run",
        group="Not computed",
        reason=reason,
    )
