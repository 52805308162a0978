"""What an engineer may try, as far as this run's facts bear it: no advice is a fixed sentence per kind."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vaekit import artifacts

RARE = 0.05  # share of the train images under which more of them are asked for
FALL = 0.01  # of the whole fall of the validation loss: from so much in the last epoch on it was still falling


@dataclass(frozen=True)
class Training:
    """What is known of how the model was trained.

    Attributes:
        falling: the validation loss was still falling when training ended; None where there is no history.
        free_dims: of `dims` latent dims, those that repeat the prior; None where that is not known.
    """

    falling: bool | None = None
    free_dims: int | None = None
    dims: int | None = None

    @classmethod
    def of(cls, evaluation: Path) -> "Training":
        """Return what an evaluation's folder says of it."""
        history, per_dim = (evaluation / name for name in (artifacts.HISTORY, artifacts.PER_DIM))
        falling, free, dims = None, None, None
        if history.is_file():
            table = artifacts.read_table(history)
            falling = still_falling(table["valid_loss"].to_numpy(np.float64)) if "valid_loss" in table else None
        if per_dim.is_file():
            regimes = artifacts.read_table(per_dim)["regime"]
            free, dims = int((regimes == "passive").sum()), len(regimes)
        return cls(falling, free, dims)


UNKNOWN = Training()
FACE_FIRST = "If faces are what counts, weigh the face in the loss or crop closer."


def still_falling(loss: np.ndarray) -> bool | None:
    """Return whether a loss per epoch was lowest at the end and fell in its last epoch; None for fewer than three."""
    loss = loss[np.isfinite(loss)]
    if len(loss) < 3:
        return None
    fall = loss[0] - loss.min()
    return bool(loss.argmin() == len(loss) - 1 and fall > 0 and loss[-2] - loss[-1] >= FALL * fall)


def give_room(training: Training) -> str:
    """Return how the code may carry more, as an order without its full stop: longer, wider or with a cheaper KL.

    It holds whatever the weight of the KL was, which is not known of another program's model.
    """
    if training.falling:
        return "train on first: the validation loss was still falling in the last epoch"
    if training.free_dims:
        free = f"{training.free_dims} of {training.dims} latent dims carry nothing"
        return f"weigh the KL less, not more dims: {free}"
    return "give the code more dims or weigh the KL less"


def of_share(share: float, training: Training) -> str:
    """Return the advice for what `share` of the train images have: more of them only where they are rare."""
    told = percent_of(share)
    if share < RARE:
        return f"Only {told} of the train images are like this: add such images, or draw them more often."
    room = give_room(training)
    return f"They are not rare in train ({told}), so more of them will not help much: {room}."


def percent_of(share: float) -> str:
    """Return a share in percent, two digits."""
    return f"{100 * share:.2g} %"
