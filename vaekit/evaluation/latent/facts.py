"""What the verdict on the latent code rests on: numbers, and nothing that is worded."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from vaekit.config import RunConfig
from vaekit.evaluation.eightbit import TrainedLikelihood
from vaekit.evaluation.latent.codes import INFORMATIVE_SHARE
from vaekit.quantity import Quantity

LAST = 2  # epochs at the end whose fall of the validation loss says whether it still falls


@dataclass(frozen=True)
class TrainingFacts:
    """How far training went, as far as its history tells; all None where there is none, as of another program's model.

    Attributes:
        epochs: how many there were.
        still_falling: share of the whole fall of the validation loss that lies in the last two epochs; 0 where the
            best epoch is not the last.
        risen: how far the loss rose from its best epoch to the last one, as a share of the whole fall.
        best_epoch: the epoch with the lowest validation loss.
        most_kl: the largest kl on valid of any epoch, in nats per image.
        probe_auroc, untrained_auroc: mean AUROC of linear probes on the code, and on an untrained encoder's.
        untrained_is_better: whether the second lies above the interval of the first.
    """

    epochs: int | None = None
    still_falling: float | None = None
    risen: float | None = None
    best_epoch: int | None = None
    most_kl: float | None = None
    probe_auroc: float | None = None
    untrained_auroc: float | None = None
    untrained_is_better: bool = False


def training_facts(history: pd.DataFrame, rows: Mapping[str, Quantity]) -> TrainingFacts:
    """Return what history.csv (one row per epoch, it may be empty) and the probes' rows tell of training."""
    probe, untrained = rows.get("probe_auroc"), rows.get("probe_auroc_random")
    found = TrainingFacts()
    if probe is not None and untrained is not None and untrained.value is not None and probe.high is not None:
        found = TrainingFacts(
            probe_auroc=probe.value, untrained_auroc=untrained.value, untrained_is_better=untrained.value > probe.high
        )
    if history.empty:
        return found
    loss = history["valid_loss"].to_numpy(float)
    best, fall = int(loss.argmin()), float(loss[0] - loss.min())
    last = float(loss[max(0, len(loss) - 1 - LAST)] - loss[-1])
    return replace(
        found,
        epochs=len(loss),
        still_falling=max(0.0, last / fall) if best == len(loss) - 1 and fall > 0 else 0.0,
        risen=float(loss[-1] - loss.min()) / fall if fall > 0 else 0.0,
        best_epoch=best + 1,
        most_kl=float(history["valid_kl"].max()),
    )


@dataclass(frozen=True)
class Facts:
    """What the verdict rests on. Rescaling the code changes the kl and the active units, and nothing else here.

    Attributes:
        images: number of test images.
        dims, active_units: number of latent dims, and of those above Burda's threshold.
        informative, passive, active: number of dims whose means tell images apart; in the passive and active regime.
        blind: number of informative dims that move the decoder's output next to nothing.
        kl, kl_fitted: nats per image; the second to a normal of the code's own mean and variance in each dim.
        kl_per_dim: the parts of the first.
        permuted: error under other images' codes / error; None, with `permuted_reason`, where it is not computed.
        r2: explained variance; None where it is not computed.
        narrowness: median over informative dims of sigma_d^2 / Var[z_d]; None without such a dim.
        noise_cost, noise_due: nats that posterior noise costs, and would at the bound's optimum.
        hole: how many times as far normal draws come back as codes do; None without an informative dim.
        kl_weight: how many times what the bound at the fitted noise asks for the kl weighed in training; None where
            the objective is unknown or no likelihood.
        training: how far it went.
    """

    images: int
    dims: int
    active_units: int
    informative: int
    passive: int
    active: int
    blind: int
    kl: float
    kl_fitted: float
    kl_per_dim: tuple[float, ...]
    permuted: float | None
    permuted_reason: str | None
    narrowness: float | None
    noise_cost: float | None
    noise_due: float
    hole: float | None
    r2: float | None = None
    kl_weight: float | None = None
    training: TrainingFacts = TrainingFacts()

    @property
    def noise_share(self) -> float:
        """What posterior noise costs / what it would at the optimum of the calibrated bound; NaN where none is due."""
        return math.nan if self.noise_cost is None or self.noise_due < 1e-9 else self.noise_cost / self.noise_due


def kl_weight(config: RunConfig, trained: TrainedLikelihood, sigma: float, values: int) -> float | None:
    """Return how many times what the bound asks for the kl weighed in training.

    The bound is that of the likelihood at its own optimum: a sigma that was learned or fitted is at it, and beta is the
    weight; a given one makes it (implied sigma / calibrated sigma)^2. Of a cross-entropy it is beta. Averaging over
    `values` pixel values multiplies it by their number. None where the objective is unknown or has a perceptual term.
    """
    objective, likelihood = config.objective, config.likelihood
    if objective is None or likelihood is None or objective.perceptual > 0:
        return None
    if likelihood.name == "gaussian" and not isinstance(likelihood.sigma, str):
        if trained.family is None:
            return 0.0  # beta = 0: no sigma is implied
        return (trained.sigma / sigma) ** 2 if sigma > 0 else None
    return objective.beta * (values if objective.pixels == "mean" else 1)


def blind_dims(table: pd.DataFrame, share: float) -> int:
    """Return how many informative dims of the per-dim table have at most `share` of the largest sensitivity."""
    sensitivity = table["sensitivity"].to_numpy(float)
    informative = table["mu_share"].to_numpy(float) > INFORMATIVE_SHARE
    return int(np.count_nonzero(informative & (sensitivity <= share * sensitivity.max())))
