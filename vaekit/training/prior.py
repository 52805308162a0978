"""The prior that is learned when training has ended: fitted to the codes of train, judged on those of valid."""

import logging
from dataclasses import replace
from pathlib import Path

import torch

from vaekit.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from vaekit.codes import encode_train_and_valid
from vaekit.data import Prepared
from vaekit.errors import VaekitError
from vaekit.priors import Fitted, Kind, fit_prior
from vaekit.progress import Progress, silent

log = logging.getLogger("vaekit")


def learn_prior(
    checkpoint: Checkpoint,
    kind: Kind,
    prepared: Prepared,
    *,
    seed: int,
    device: torch.device | str = "cpu",
    progress: Progress = silent,
) -> Fitted:
    """Give the checkpoint's model the prior of that kind, and return how it was chosen.

    Raises:
        VaekitError: too few images, or codes that are not finite.
    """
    train, valid = encode_train_and_valid(checkpoint.model, prepared, seed=seed, device=device, progress=progress)
    fitted = fit_prior(kind, train.posteriors, valid.posteriors, seed)
    checkpoint.model.learned_prior = fitted.prior if fitted.prior.kind != "standard" else None
    return fitted


def learn_prior_of_best(
    path: Path, kind: Kind, prepared: Prepared, *, seed: int, device: torch.device | str, progress: Progress
) -> None:
    """Write a prior into the checkpoint of the best epoch, where it has none yet; what keeps it from that is said."""
    if kind == "standard":
        return
    best = load_checkpoint(path, device)
    if best.model.learned_prior is not None:
        return
    try:
        fitted = learn_prior(best, kind, prepared, seed=seed, device=device, progress=progress)
    except VaekitError as reason:
        log.warning("No prior was learned, so that samples are drawn from N(0, I): %s", reason)
        return
    log.info("%s", fitted)
    for why in fitted.absent.values():
        log.info("%s", why)
    save_checkpoint(path, replace(best, training={}))
