"""Disentanglement where the true factors are known: MIG and FactorVAE score, as disentanglement_lib defines them.

There, images of any factors can be drawn; here a finite set of images is given, and continuous factors are cut into
bins of equally many images.
"""

import numpy as np

from vaekit.seeding import numpy_generator

FACTOR_BINS, CODE_BINS = 10, 20  # of equal count; of equal width, as disentanglement_lib's histogram discretiser
VOTES, JUDGED = 10_000, 5_000  # groups that make the classifier, and that it is scored on
GROUP, SMALLEST = 64, 32  # images of a group; where bins are smaller, groups are, down to the second number
PRUNED = 0.05  # a dim of smaller standard deviation does not take part
MOST = 10_000  # images


def bins_of(values: np.ndarray, bins: int = FACTOR_BINS) -> np.ndarray:
    """Return for (N, K) factor values the bin of each, int64, of up to `bins` bins of equally many images."""
    binned = np.empty(values.shape, np.int64)
    for k, column in enumerate(values.T):
        edges = np.unique(np.quantile(column, np.arange(1, bins) / bins))
        binned[:, k] = np.searchsorted(edges, column, "right")
    return binned


def gaps(codes: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """Return the mutual information gap of each factor, (K,): MIG (Chen et al. 2018) is their mean.

    The information on the factor in the most informative dim minus that in the second, over the factor's entropy; dims
    cut into 20 bins of equal width.

    Args:
        codes: (N, D) with D of at least 2.
        factors: bins, (N, K) int64; every factor has more than one.
    """
    counts = counts_of(codes, factors)
    known = information(counts)
    own = counts.sum(2)[0] / len(codes)  # (K, bins)
    with np.errstate(divide="ignore", invalid="ignore"):
        entropy = -np.where(own > 0, own * np.log(own), 0.0).sum(1)
    ordered = np.sort(known, axis=0)
    result: np.ndarray = (ordered[-1] - ordered[-2]) / entropy
    return result


def counts_of(codes: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """Return how many images fall into each pair of bins, (D, K, 20, bins)."""
    low, width = codes.min(0), np.ptp(codes, axis=0)
    place = np.divide(codes - low, width, out=np.zeros(codes.shape), where=width > 0)
    place = np.minimum((place * CODE_BINS).astype(np.int64), CODE_BINS - 1)
    bins = int(factors.max()) + 1
    one_hot = (factors[:, :, None] == np.arange(bins)).reshape(len(codes), -1).astype(np.float64)
    counts = np.stack([(column[:, None] == np.arange(CODE_BINS)).T.astype(np.float64) @ one_hot for column in place.T])
    return counts.reshape(codes.shape[1], CODE_BINS, factors.shape[1], bins).transpose(0, 2, 1, 3)


def information(counts: np.ndarray) -> np.ndarray:
    """Return the mutual information in nats of every dim with every factor from their counts, (D, K)."""
    joint = counts / counts.sum((2, 3), keepdims=True)
    expected = joint.sum(3, keepdims=True) * joint.sum(2, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        result: np.ndarray = np.where(joint > 0, joint * np.log(joint / expected), 0.0).sum((2, 3))
        return result


def group_size(factors: np.ndarray, halves: tuple[np.ndarray, np.ndarray]) -> int:
    """Return how many images a group can have, at most 64: the smallest bin of any factor in either half."""
    sizes = [np.unique(column, return_counts=True)[1] for half in halves for column in factors[half].T]
    return min(GROUP, int(np.concatenate(sizes).min()))


def halves_of(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows of two random halves of n images: one makes FactorVAE's classifier, the other judges it."""
    order = numpy_generator(seed, "factor halves").permutation(n)
    return order[: n // 2], order[n // 2 :]


def factor_vae(codes: np.ndarray, factors: np.ndarray, seed: int) -> float:
    """Return the FactorVAE score (Kim & Mnih 2018), the share of groups whose fixed factor is named rightly.

    A group is 64 images that share a bin of one factor. Its vote is the dim of least variance, over the dim's variance
    among all images; each dim stands for the factor it was most often voted for. The groups that make this classifier
    and those that judge it come from different halves of the images. 0 where no dim moves by more than 0.05.

    Args:
        codes: (N, D).
        factors: bins, (N, K) int64.
        seed: of the halves and groups.
    """
    variance = codes.var(0, ddof=1, dtype=np.float64)
    active = np.flatnonzero(np.sqrt(variance) >= PRUNED)
    if not len(active):
        return 0.0
    normed = codes[:, active] / np.sqrt(variance[active])
    halves = halves_of(len(codes), seed)
    size = group_size(factors, halves)
    made, judged = (
        _votes(normed, factors, half, count, size, numpy_generator(seed, "factor votes", name))
        for half, count, name in zip(halves, (VOTES, JUDGED), ("made", "judged"), strict=True)
    )
    classifier = made.argmax(0)
    return float(judged[classifier, np.arange(len(active))].sum() / judged.sum())


def _votes(
    codes: np.ndarray, factors: np.ndarray, rows: np.ndarray, count: int, size: int, generator: np.random.Generator
) -> np.ndarray:
    """Return how often each dim had the least variance in groups of `rows` with each factor fixed, (K, D)."""
    codes, factors = codes[rows], factors[rows]
    members = [[np.flatnonzero(column == value) for value in range(column.max() + 1)] for column in factors.T]
    votes = np.zeros((factors.shape[1], codes.shape[1]), np.int64)
    fixed, first = generator.integers(factors.shape[1], size=count), generator.integers(len(rows), size=count)
    for k, i in zip(fixed, first, strict=True):
        group = generator.choice(members[k][factors[i, k]], size, replace=False)
        votes[k, codes[group].var(0).argmin()] += 1
    return votes
