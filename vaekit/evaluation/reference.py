"""Some train and valid images as the model codes them and the judge sees them: what a test image is held against."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from vaekit.codes import Codes
from vaekit.errors import DataError
from vaekit.evaluation.stages import Task
from vaekit.judge import Judge, unseen_rows
from vaekit.seeding import some_rows

MOST = 2_000  # images of either split, drawn by the seed where there are more


def reference(task: Task, train: Codes, valid: Codes, judge: Judge | DataError) -> dict[str, npt.NDArray[np.generic]]:
    """Return rows in the prepared images, mu and the judge's features of train images it never saw, and of valid ones.

    Features are those of its first network; there are none without a judge.
    """
    unseen = np.flatnonzero(np.isin(train.rows, unseen_rows(task.prepared)))
    found: dict[str, npt.NDArray[np.generic]] = {}
    for split, codes, usable in (("train", train, unseen), ("valid", valid, np.arange(len(valid.rows)))):
        chosen = some_rows(usable, MOST, task.seed, "reference", split)
        found |= {f"rows_{split}": codes.rows[chosen], f"mu_{split}": codes.mu[chosen]}
        if isinstance(judge, Judge) and len(chosen) > 1:
            first = replace(judge, networks=judge.networks[:1])
            images = np.asarray(task.prepared.images[codes.rows[chosen]])
            found[f"features_{split}"] = first.judge(images, task.batch_size).features[0]
    return found
