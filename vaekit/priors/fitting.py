"""Which prior is learned from codes, and the record of it that a checkpoint keeps."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import torch

from vaekit.errors import CheckpointError, VaekitError
from vaekit.figures.words import listed, short
from vaekit.priors.base import Posteriors, Prior, Standard
from vaekit.priors.flow import fit_flow, flow_of
from vaekit.priors.mixture import choose_mixture, mixture_of

Kind = Literal["standard", "mixture", "flow", "auto"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, eq=False)
class Fitted:
    """A learned prior and how it was chosen.

    Attributes:
        prior: the better one on valid codes.
        valid_log_likelihood: mean log density of valid codes in nats, by kind, N(0, I) among them.
        absent: why a kind could not be fitted, by kind.
    """

    prior: Prior
    valid_log_likelihood: dict[str, float]
    absent: dict[str, str]

    def __str__(self) -> str:
        others = {kind: value for kind, value in self.valid_log_likelihood.items() if kind != self.prior.kind}
        said = listed([f"{short(value, 4)} under {_NAMES[kind]}" for kind, value in others.items()])
        own = short(self.valid_log_likelihood[self.prior.kind], 4)
        return f"The prior is {self.prior.said}: log density of valid codes {own} nats, {said}."


_NAMES = {"standard": "N(0, I)", "mixture": "the mixture", "flow": "the flow"}


def fit_prior(kind: Kind, train: Posteriors, valid: Posteriors, seed: int) -> Fitted:
    """Return the prior of that kind; of "auto" the one that gives valid codes the highest mean log density.

    N(0, I) stays where nothing learned describes valid codes better.

    Raises:
        VaekitError: too few codes, or codes that are not finite.
    """
    valid.require(1, "valid")
    found: list[Prior] = [Standard(train.z.shape[1])]
    absent: dict[str, str] = {}
    for name, fit in _FITS.items():
        if kind not in (name, "auto"):
            continue
        try:
            found.append(fit(train, valid, seed))
        except VaekitError as reason:
            if kind == name:
                raise
            absent[name] = str(reason)
    scores = {prior.kind: float(prior.log_prob(valid.z).mean()) for prior in found}
    return Fitted(max(found, key=lambda prior: scores[prior.kind]), scores, absent)


_FITS: dict[str, Any] = {
    "mixture": lambda train, valid, seed: choose_mixture(train, valid, seed).mixture,
    "flow": fit_flow,
}


def record_of(prior: Prior) -> dict[str, Any]:
    """Return a learned prior as tensors and plain data."""
    return {
        "kind": prior.kind,
        "arrays": {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in prior.arrays().items()},
    }


_MISFITS = (AttributeError, KeyError, ValueError, TypeError, RuntimeError, IndexError, np.linalg.LinAlgError)


def prior_of(record: Mapping[str, Any], dims: int, where: str) -> Prior:
    """Return the prior whose record this is, of a code of `dims` dimensions.

    Raises:
        CheckpointError: another kind than this vaekit knows, or arrays that do not fit together; it names `where`.
    """
    try:
        arrays = {str(name): tensor.numpy() for name, tensor in record["arrays"].items()}
        if not all(np.isfinite(array).all() for array in arrays.values()):
            raise ValueError("some numbers are not finite")
        kind = record["kind"]
        if kind == "mixture":
            prior: Prior = mixture_of(arrays, "the mixture")
        elif kind == "flow":
            prior = flow_of(arrays)
        else:
            raise ValueError(f"{kind!r} is none of {listed(KINDS[1:3], 'or')}")
        drawn = prior.sample(1, seed=0)
        if drawn.shape != (1, dims) or not np.isfinite(prior.log_prob(drawn)).all():
            raise ValueError(f"it is of {drawn.shape[1]} dims, and the code has {dims}")
    except (VaekitError, *_MISFITS) as error:
        raise CheckpointError(f"{where}: its prior can not be read ({error}). Fit it again: `vaekit prior`.") from None
    return prior
