"""The kinds of probes: on the code, on what the decoder gets of it, and on the controls beside them.

Every kind is fitted in the same way: standardised on train, C chosen on valid.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit

from vaekit.codes import Codes
from vaekit.data import SPLITS
from vaekit.evaluation.probes.controls import pixel_codes, untrained_codes
from vaekit.evaluation.probes.logistic import Fit, Scaling, fit_path
from vaekit.evaluation.stages import Task
from vaekit.seeding import numpy_generator

SHUFFLES = 3
KINDS = {
    "latent": "standardised mu",
    "sampled": "one sample z ~ q(z|x) of each image, which is what the decoder gets",
    "pixels": "as many principal components of the pixels as the code has dims",
    "random": "mu of the same network, untrained",
    "shuffled": f"mu, with the labels shuffled {SHUFFLES} times in every split: 0.5 but for chance",
    "majority": "nothing: every image gets the attribute's share of the train images",
}


@dataclass(frozen=True)
class Split:
    """The codes of one split and the labels of the K attributes that are probed, (N, K) bool."""

    codes: Codes
    labels: np.ndarray


@dataclass(frozen=True)
class Fitted:
    """Probes of every kind in KINDS, in that order, for K attributes.

    Attributes:
        probability: of the attribute for each of N test images, (N, kinds, K).
        labels: what it is scored against, (N, kinds, K) bool.
        shuffled: logits and labels of all shuffles, (N, SHUFFLES K) each; the first K are those of the kind "shuffled".
        strength: C, (kinds, K); NaN where nothing is fitted.
        converged: whether the fit came to its end, (kinds, K).
        scaling: of mu.
        latent: the probes on mu.
        controls: facts on the controls, for JSON.
    """

    probability: np.ndarray
    labels: np.ndarray
    shuffled: tuple[np.ndarray, np.ndarray]
    strength: np.ndarray
    converged: np.ndarray
    scaling: Scaling
    latent: Fit
    controls: dict[str, Any]


def fit_kinds(task: Task, splits: tuple[Split, Split, Split]) -> Fitted:
    """Return the probes of every kind, from the codes and labels of train, valid and test."""
    rows, labels = [part.codes.rows for part in splits], [part.labels for part in splits]
    seed, progress = task.seed, task.progress
    count, share = labels[0].shape[1], labels[0].mean(0)
    shuffled = [_shuffled(one, seed, split) for one, split in zip(labels, SPLITS, strict=True)]
    progress("probes", 0, 5, "mu")
    both = [np.hstack(pair) for pair in zip(labels, shuffled, strict=True)]
    scaling, of_mu, on_mu = _fit([part.codes.mu for part in splits], both)
    progress("probes", 1, 5, "sampled z")
    sampled = _fit([part.codes.z for part in splits], labels)[1:]
    progress("probes", 2, 5, "components of the pixels")
    components = pixel_codes(task.prepared, rows[0], rows, splits[0].codes.mu.shape[1], seed)
    pixels = _fit(components.codes, labels)[1:]
    progress("probes", 3, 5, "an untrained encoder")
    twin = untrained_codes(task, rows)
    untrained = _fit(twin, labels)[1:]
    progress("probes", 4, 5, "resampling")
    own, first = slice(count), slice(count, 2 * count)
    latent, control = (_columns(of_mu, part) for part in (own, first))
    fits = [(latent, on_mu[:, own]), sampled, pixels, untrained, (control, on_mu[:, first])]
    always = np.broadcast_to(share, labels[2].shape)
    return Fitted(
        probability=np.stack([*(expit(logits) for _, logits in fits), always], axis=1),
        labels=np.stack([labels[2], labels[2], labels[2], labels[2], shuffled[2][:, :count], labels[2]], axis=1),
        shuffled=(on_mu[:, count:], shuffled[2]),
        strength=np.stack([*(fit.strength for fit, _ in fits), np.full(count, np.nan)]),
        converged=np.stack([*(fit.converged for fit, _ in fits), np.full(count, True)]),
        scaling=scaling,
        latent=latent,
        controls={
            "components": components.components,
            "components_fitted_on": components.images,
            "explained": components.explained,
        },
    )


def _fit(codes: list[np.ndarray], labels: list[np.ndarray]) -> tuple[Scaling, Fit, np.ndarray]:
    """Return the scaling, the probes and their logits on test, from the codes and labels of train, valid and test."""
    scaling = Scaling.of(codes[0])
    train, valid, test = map(scaling, codes)
    fit = fit_path(train, labels[0], valid, labels[1])
    return scaling, fit, fit.logits(test)


def _columns(fit: Fit, part: slice) -> Fit:
    return Fit(*(values[..., part] for values in vars(fit).values()))


def _shuffled(labels: np.ndarray, seed: int, split: str) -> np.ndarray:
    """Return SHUFFLES times the columns of labels (N, K), each in an order of its own: what is told is a fault."""
    columns = [
        numpy_generator(seed, "shuffled labels", split, k).permutation(column)
        for k, column in enumerate(np.tile(labels, SHUFFLES).T)
    ]
    return np.stack(columns, axis=1)
