"""Which test images are unlike anything in train, and how they are reconstructed."""

import numpy as np

from vaekit.failure_analysis.context import Context
from vaekit.failure_analysis.properties import UNLIKE
from vaekit.failure_analysis.split.base import Measured, SplitResult, split_test
from vaekit.statistics.discovery import Q_LEVEL


@split_test("unlike", place=50)
def unlike_train(context: Context) -> Measured:
    """List the test images that valid images do not lie as far from train as, the farthest first."""
    held, n = context.images.unlike, len(context.values)
    if held.reason:
        return Measured((SplitResult("unlike", "unlike", False, n=n, untested=held.reason),))
    names = context.images.prepared.index["image_id"].to_numpy(dtype=str)[context.images.rows]
    order = np.argsort(-held.score, kind="stable")
    rows = order[held.q[order] <= Q_LEVEL]
    shown = rows if len(rows) else order[:1]
    others = np.isfinite(context.values) & ~np.isin(np.arange(n), rows)
    own = context.values[rows][np.isfinite(context.values[rows])]
    numbers = {
        "of": n,
        "valid": held.valid,
        "label": context.metric["label"],
        "ratio": own.mean() / context.values[others].mean() if len(own) and others.any() and context.has_zero else None,
        "images": [
            {"image_id": names[row], "p": float(10 ** -held.score[row]), "q": float(held.q[row])} for row in shown
        ],
    }
    result = SplitResult(
        "unlike", "unlike", len(rows) > 0, n=len(rows), q=float(held.q[shown[-1]]), numbers=numbers, rows=rows
    )
    listed = numbers["images"] if len(rows) else []
    return Measured((result,), record={"unlike": listed}, arrays={UNLIKE: held.score})
