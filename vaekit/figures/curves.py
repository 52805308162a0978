"""Training curves: loss, its two parts and the error, on train and valid, by epoch."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from vaekit.artifacts import HISTORY
from vaekit.figures._style import BLUE, ORANGE, canvas, figure_bytes, say_empty, theme
from vaekit.figures.base import Artifacts, Drawn, figure
from vaekit.figures.words import change, part, plain, plural

__all__ = ["figure_bytes", "training_curves"]

_PANELS = (
    ("Loss", "loss", ("train_loss", "valid_loss")),
    ("Reconstruction part", "nats per image", ("train_recon_nll", "valid_recon_nll")),
    ("KL", "nats per image", ("train_kl", "valid_kl")),
    ("MSE on valid", "mean over pixels, [0, 1]", ("valid_mse",)),
)


def training_curves(history: pd.DataFrame) -> Figure:
    """Return four panels over epochs: loss, reconstruction part, KL (train and valid) and MSE (valid).

    A column that is absent or never finite leaves its line out; single non-finite epochs leave a gap and are counted.
    """
    with theme():
        fig, panels = canvas(8.6, 5.2, 2, 2)
        for axes, (title, unit, columns) in zip(panels, _PANELS, strict=True):
            _panel(axes, history, title, unit, columns)
        return fig


def _panel(axes: Axes, history: pd.DataFrame, title: str, unit: str, columns: tuple[str, ...]) -> None:
    axes.set(title=title, ylabel=unit)
    gaps = 0
    for column in columns:
        values = _series(history, column)
        finite = np.isfinite(values)
        if not finite.any():
            continue
        gaps += int((~finite).sum())
        train = column.startswith("train")
        axes.plot(
            history["epoch"],
            np.where(finite, values, np.nan),
            color=BLUE if train else ORANGE,
            label="train" if train else "valid",
            linestyle="-" if train else (0, (4, 1.5)),
            marker="o" if len(values) <= 30 else None,  # a single epoch is a point, not an invisible line
            markersize=4,
        )
    if gaps:
        axes.set_title(f"{gaps} not finite", loc="right", fontsize=9)
    if not axes.lines:
        say_empty(axes, "no finite values")
        return
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.set_xlabel("epoch")
    axes.margins(y=0.12)
    if len(axes.lines) > 1:
        axes.legend(loc="best")


def _series(history: pd.DataFrame, column: str) -> np.ndarray:
    if column not in history:
        return np.full(len(history), np.nan)
    return pd.to_numeric(history[column], errors="coerce").to_numpy(float)


@figure("training", needs=(HISTORY,))
def training(artifacts: Artifacts) -> Drawn:
    """Draw the training history."""
    history = artifacts[HISTORY]
    epochs = history["epoch"].to_numpy()
    words = [f"{plural(len(epochs), 'epoch')}."]
    alt = f"Four line charts, {words[0].removesuffix('.')}"
    column = "valid_loss" if np.isfinite(_series(history, "valid_loss")).any() else "train_loss"
    split, values = column.removesuffix("_loss"), _series(history, column)
    if (finite := np.isfinite(values)).any():
        first, last, best = values[finite][0], values[finite][-1], int(np.nanargmin(np.where(finite, values, np.nan)))
        alt += f"; {split} loss from {plain(first)} to {plain(last)}"
        if len(epochs) == 1:
            words.append(f"The {split} loss is {plain(last)}.")
        else:
            is_last = epochs[best] == epochs[-1]
            lowest = (
                "the last epoch is the best" if is_last else f"the best, {plain(values[best])}, is epoch {epochs[best]}"
            )
            words.append(f"The {split} loss {change(first, last)}; {lowest}.")
        train = _series(history, "train_loss")[-1]
        if split == "valid" and np.isfinite(train) and finite[-1]:
            side = "above" if last > train else "below"
            why = "" if last > train else ", which is the mean over an epoch in which the network still learned"
            words.append(f"At the end it lies {plain(abs(last - train))} {side} the train loss{why}.")
    if lost := int((~finite).sum()):
        words.append(f"{part(lost, len(epochs), 'epoch', 'has', 'have')} no finite {split} loss.")
    return Drawn("Training curves", " ".join(words), alt + ".", figure_bytes(training_curves(history), "svg"), "svg")
