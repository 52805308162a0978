"""A code that is a small picture, (c, h, w): what each of its channels, and each of its places, carries."""

import numpy as np
import pandas as pd

CHANNEL, POSITION = ("channel",), ("row", "column")


def by_place(per_dim: pd.DataFrame, shape: tuple[int, ...]) -> tuple[pd.DataFrame, pd.DataFrame] | None:
    """Return one row per channel and one per position of the per-dim table; None where the code has one position.

    `shape` is (c, h, w), its c h w dims flattened in that order. Counts of dims and of informative and passive ones,
    kl and its upper bound of information in sums (nats per image), sensitivity in sums.
    """
    if len(shape) != 3 or shape[1:] == (1, 1):
        return None
    channel, row, column = np.unravel_index(per_dim["dim"].to_numpy(), shape)
    placed = per_dim.assign(
        channel=channel,
        row=row,
        column=column,
        dims=1,
        active_dims=per_dim["regime"] == "active",
        passive_dims=per_dim["regime"] == "passive",
    )
    summed = ["dims", "active_dims", "passive_dims", "kl", "kl_fitted", "sensitivity"]
    channels, positions = (placed.groupby(list(by))[summed].sum().reset_index() for by in (CHANNEL, POSITION))
    return channels, positions
