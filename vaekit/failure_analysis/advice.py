"""What an engineer may try, as far as this run's facts bear it, in whole sentences: a page says each of them once."""

from dataclasses import dataclass
from pathlib import Path

from vaekit import artifacts
from vaekit.evaluation.latent.wording import TRAIN_ON
from vaekit.figures.words import percent, plural

RARE = 0.05  # share of the train images under which more of them are asked for
WEAK = 0.5  # weight of the KL under which to lower it is no advice
FACE_FIRST = "If faces are what counts, weigh the face in the loss or crop closer."
DETAIL = "A perceptual term in the loss weighs detail more."


@dataclass(frozen=True)
class Training:
    """What is known of the model and its training.

    Attributes:
        early: training ended early, by the verdict on the code.
        free_dims: of `dims` latent dims, those that repeat the prior; None where that is not known.
        kl_weight: how many times what the bound asks for the KL weighed; None where that is not known.
        transposed: whether the decoder has transposed convolutions; None where that is not known.
    """

    early: bool = False
    free_dims: int | None = None
    dims: int | None = None
    kl_weight: float | None = None
    transposed: bool | None = None

    @classmethod
    def of(cls, evaluation: Path) -> "Training":
        """Return what an evaluation's folder says of it."""
        latent, per_dim, layers = (evaluation / n for n in (artifacts.LATENT, artifacts.PER_DIM, artifacts.LAYERS))
        early, weight, free, dims, transposed = False, None, None, None, None
        if latent.is_file():
            verdict = artifacts.read_json(latent)["verdict"]
            early, weight = TRAIN_ON in verdict["remedies"], verdict["kl_weight"]
        if per_dim.is_file():
            regimes = artifacts.read_table(per_dim)["regime"]
            free, dims = int((regimes == "passive").sum()), len(regimes)
        if layers.is_file():
            table = artifacts.read_table(layers)
            decoder = table["part"] == "decoder"
            # Another program's class has no part of that name, and may convolve without a layer.
            there = bool(table.loc[decoder if decoder.any() else slice(None), "kind"].str.contains("Transpose").any())
            transposed = there if there or decoder.any() else None
        return cls(early, free, dims, weight, transposed)


UNKNOWN = Training()


def give_room(training: Training) -> str:
    """Return how the code may carry more: longer, wider or with a cheaper KL."""
    if training.early:
        return TRAIN_ON
    lower = training.kl_weight is None or training.kl_weight >= WEAK
    if training.free_dims:
        free = plural(training.free_dims, "latent dim carries", "latent dims carry")
        return f"{'Weigh the KL less' if lower else 'Look at the encoder'}, not more dims: {free} nothing."
    return "Give the code more dims or weigh the KL less." if lower else "Give the code more dims."


def for_detail(training: Training) -> str:
    """Return how detail may be kept; a code of which no dim carries anything needs more than a sharper loss."""
    nothing = training.dims is not None and training.free_dims == training.dims
    return give_room(training) if nothing else f"{give_room(training)} {DETAIL}"


def of_share(share: float, training: Training) -> str:
    """Return the advice for what `share` of the train images have: more of them only where they are rare."""
    if share < RARE:
        return f"Only {percent(share)} of the train images are like this: add such images, or draw them more often."
    return f"More such images will not help much, {percent(share)} of train are like this. {give_room(training)}"


def against_a_grid(training: Training) -> str:
    """Return what may be done about a grid of the decoder's making."""
    if training.transposed is False:
        return "The decoder has no transposed convolution: look at how its last layers grow the picture."
    if training.transposed is None:
        return "Look at how the decoder's last layers grow the picture: strided transposed convolutions leave grids."
    return "Replace strided transposed convolutions by resizing and a convolution, or use kernels the stride divides."
