"""Total AUROC difference (Yeats et al. 2022): how far one dim alone, rather than several, captures each attribute."""

from dataclasses import dataclass

import numpy as np

from vaekit.evaluation.probes.scores import auroc_matrix
from vaekit.figures.words import percent

CAPTURED = 0.75  # an attribute counts where its best dim alone has this AUROC
TOLD_BY_ANOTHER = 0.2  # and no other attribute takes away more than this share of its entropy
RANGE = 0.2  # a dim that spans less than this over the images counts as AUROC 0.5
DEFINITION = (
    f"sum over captured attributes of the best dim's AUROC minus the second best's, folded at 0.5; captured: the best "
    f"dim has at least {CAPTURED}, and no other attribute takes more than {percent(TOLD_BY_ANOTHER)} of the "
    f"attribute's entropy; dims spanning under {RANGE} count as 0.5 (Yeats et al. 2022)"
)


@dataclass(frozen=True)
class TAD:
    """The total, and which attributes it adds up.

    Attributes:
        value: sum of the gaps of the captured attributes.
        captured: whether each attribute passed both filters, (K,) bool.
        best: the dim of highest AUROC of each, (K,).
        gap: AUROC of the best dim minus that of the second best, (K,); all of its lead over 0.5 for one dim alone.
    """

    value: float
    captured: np.ndarray
    best: np.ndarray
    gap: np.ndarray


def tad(codes: np.ndarray, labels: np.ndarray) -> TAD:
    """Return the TAD of codes (N, D) for K attributes (N, K) bool, each with both values among the images."""
    auroc = auroc_matrix(codes, labels)
    folded = np.where(np.ptp(codes, axis=0) > RANGE, np.maximum(auroc, 1 - auroc), 0.5)
    order = np.sort(np.hstack([folded, np.full((len(folded), 1), 0.5)]), axis=1)
    gap = order[:, -1] - order[:, -2]
    captured = (order[:, -1] >= CAPTURED) & (told_by_another(labels) <= TOLD_BY_ANOTHER)
    return TAD(float(gap[captured].sum()), captured, folded.argmax(1), gap)


def told_by_another(labels: np.ndarray) -> np.ndarray:
    """Return the largest share of each attribute's entropy that one other attribute takes away, (K,)."""
    values = np.stack([~labels, labels], axis=2).astype(np.float64)  # (N, K, 2)
    joint = np.einsum("nia,njb->ijab", values, values, optimize=True) / len(labels)
    single = values.mean(0)
    expected = single[:, None, :, None] * single[None, :, None, :]
    with np.errstate(divide="ignore", invalid="ignore"):
        information = np.where(joint > 0, joint * np.log(joint / expected), 0.0).sum((2, 3))
    own = np.diag(information).copy()
    np.fill_diagonal(information, 0.0)
    result: np.ndarray = information.max(1) / own
    return result
