"""Groups that no name leads to: images that look, are coded or fail alike, and are reconstructed worse than others.

Groups are formed from embeddings of all test images without a look at the size of any error, so that every image may
test them: nothing was found on what it is tested on. All groups that were formed count as tests. They are branches of
trees (Ward 1963), so that no chance is in them; that they do not hang on single images is seen where they are formed
again from halves of the images.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
from scipy import stats
from scipy.cluster.hierarchy import linkage
from sklearn.covariance import ledoit_wolf
from sklearn.metrics import pairwise_distances_argmin

from vaekit.failure_analysis.persons import halves
from vaekit.failure_analysis.slices.confirmation import RATIO, SHARE
from vaekit.failure_analysis.slices.embeddings import Floats, together
from vaekit.failure_analysis.slices.search import SEARCHES
from vaekit.progress import Progress, silent
from vaekit.statistics.differences import MeanDifference, mean_difference
from vaekit.statistics.discovery import Q_LEVEL

Mask = npt.NDArray[np.bool_]  # (N,), or (G, N) of several groups

LEAST_GROUP = 16  # of the images that trees are grown on, in a group; half as many where half of them are
WIDEST = 0.2  # share of the images that a group may have
FITTED_ON = 2000  # images, evenly spaced, that trees are grown on; another image goes where its nearest one goes
ROUNDS = 2  # in which a group takes in what is like it, and leaves what is not
PRIOR = 0.25  # weight of the share of a group: under 1, so that a group may grow
STABLE = 7 * SEARCHES // 10  # halves of the images that form a group anew, where it is one
ALIKE = 0.5  # Jaccard overlap from which a group formed from half of the images is the same
MOST = 5  # groups that are said
SAME = 0.3  # Jaccard overlap from which two groups are one
BESIDE = 0.01  # p of the test that something remains of a group beside those already said


@dataclass(frozen=True, eq=False)
class Group:
    """A group of images without a name.

    Attributes:
        mask: its images, bool (N,).
        difference: of the mean errors inside and outside; by: which of the errors they are of.
        q: its p adjusted for all groups that were formed and all errors.
        share: of that error that is its excess.
        came_up: from how many of the halves a group much like it is formed.
        centrality: how clearly each image is of the group, (N,): the largest inside is the medoid.
    """

    mask: Mask
    difference: MeanDifference
    q: float
    share: float
    by: int = 0
    came_up: int = 0
    centrality: Floats = field(default_factory=lambda: np.empty(0))


@dataclass(frozen=True, eq=False)
class Nameless:
    """The groups found, the strongest first; how many were formed, and how many worse ones were not stable."""

    groups: tuple[Group, ...]
    formed: int
    unstable: int = 0


def nameless_groups(
    error: Floats,
    single: Mapping[str, Floats],
    persons: npt.NDArray[np.int64] | None = None,
    *,
    seed: int = 0,
    progress: Progress = silent,
) -> Nameless:
    """Return up to five groups of images that are reconstructed worse and have no name.

    One is found, by the first error that shows it, where q < .05 over all that were formed, its error is 1.1 times the
    others' or more, it holds half a percent of the error in excess, and seven of ten halves of the images form it anew:
    another hangs on single images.

    Args:
        error: (N,) or several of them (E, N), the larger the worse; finite and positive.
        single: of `embeddings`, of the same N images.
        persons: (N,) codes of who is pictured; None where every image stands for itself.
        seed: of the halves.
        progress: told of each half.
    """
    single = {name: values for name, values in single.items() if values.shape[1]}
    errors = np.atleast_2d(error)
    n = errors.shape[1]
    if n < 4 * LEAST_GROUP or not single:
        return Nameless((), 0)
    white = whitened(np.concatenate(list(single.values()), axis=1))
    spaces = [*together(single), white]
    masks = form(spaces, white, least_group(n))
    worse = _worse(errors, masks, persons)
    fitted = _evenly(n)
    people = np.arange(len(fitted)) if persons is None else persons[fitted]
    found = np.array([group.mask[fitted] for group in worse], dtype=bool).reshape(len(worse), len(fitted))
    came_up = np.zeros(len(worse), dtype=int)
    for k, (here, _) in enumerate(halves(people, seed) if worse else ()):
        rows = fitted[here]
        again = form([space[rows] for space in spaces], white[rows], LEAST_GROUP // 2)
        came_up += _overlaps(found[:, here], again).max(1, initial=0) >= ALIKE
        progress("groups without a name", k + 1, SEARCHES)
    worse = [replace(group, came_up=int(count)) for group, count in zip(worse, came_up, strict=True)]
    stable = _apart([group for group in worse if group.came_up >= STABLE], errors, persons)
    stable = [replace(group, centrality=scores(white, group.mask[None])[0]) for group in stable]
    return Nameless(tuple(stable), len(masks), unstable=sum(group.came_up < STABLE for group in worse))


def least_group(n: int) -> int:
    """Return how many of n images a group has at least."""
    return LEAST_GROUP * max(n, FITTED_ON) // FITTED_ON


def form(spaces: list[Floats], white: Floats, least: int) -> Mask:
    """Return the branches of a tree in each space that are neither tiny nor wide, as grown and once settled, (G, N)."""
    grown = np.concatenate([branches(space, least) for space in spaces])
    both = np.concatenate([grown, settled(white, grown, least)])
    sizes = both.sum(1)
    result: Mask = both[(sizes >= least) & (sizes <= WIDEST * len(white))]
    return result


def branches(space: Floats, least: int) -> Mask:
    """Return every branch of Ward's tree with `least` images or more and a fifth of them at most, bool (G, N)."""
    n, fitted = len(space), _evenly(len(space))
    size = len(fitted)
    inside = np.zeros((2 * size - 1, size), dtype=bool)
    inside[np.arange(size), np.arange(size)] = True
    for node, (left, right) in enumerate(linkage(space[fitted], "ward")[:, :2].astype(int), size):
        inside[node] = inside[left] | inside[right]
    kept: Mask = inside[size:]
    counts = kept.sum(1)
    kept = kept[(counts >= least * size / n) & (counts <= WIDEST * size)]
    if size == n:
        return kept
    result: Mask = kept[:, pairwise_distances_argmin(space, space[fitted])]
    return result


def settled(white: Floats, masks: Mask, least: int) -> Mask:
    """Return groups (G, N) once they have taken in what is like them and left what is not."""
    masks = masks.copy()
    for _ in range(ROUNDS):
        sizes = masks.sum(1)
        usable = np.flatnonzero((sizes >= least // 2) & (sizes <= len(white) // 2))
        for few in np.array_split(usable, len(usable) // 64 + 1):
            masks[few] = scores(white, masks[few]) > 0
    return masks


def scores(white: Floats, masks: Mask) -> Floats:
    """Return the log odds of each image to be of each group, by the linear discriminant that the others make, (G, N).

    In whitened space the discriminant is the difference d of the means; the variance within, along it, is what the
    total of 1 leaves: 1 - s (1 - s) |d|^2 for a group with a share s. A member's own part in its group's mean is left
    out: it does not vouch for itself.
    """
    weights = masks.astype(np.float64)
    m, n = weights.sum(1, keepdims=True), len(white)
    sums = weights @ white
    first, second, share = sums / m, (white.sum(0) - sums) / (n - m), m / n
    within = np.maximum(1 - share * (1 - share) * np.square(first - second).sum(1, keepdims=True), 0.02)
    own = np.square(white).sum(1)
    on_first, length = first @ white.T, np.square(first).sum(1, keepdims=True)
    others = np.maximum(m - 1, 1)
    near = np.where(masks, (m * on_first - own) / others, on_first)
    size = np.where(masks, (m**2 * length - 2 * m * on_first + own) / others**2, length)
    far = second @ white.T - np.square(second).sum(1, keepdims=True) / 2
    result: Floats = (near - size / 2 - far) / within + PRIOR * np.log(share / (1 - share))
    return result


def whitened(space: Floats) -> Floats:
    """Return a space turned and stretched so that its directions are uncorrelated and of variance 1."""
    centred = space - space.mean(0)
    values, vectors = np.linalg.eigh(ledoit_wolf(centred)[0])
    result: np.ndarray = centred @ (vectors / np.sqrt(np.maximum(values, 1e-6 * values.max())))
    return result


def _worse(errors: Floats, masks: Mask, persons: npt.NDArray[np.int64] | None) -> list[Group]:
    """Return the groups that are reconstructed worse, by tests of all that were formed by every error (E, N)."""
    tests = [
        mean_difference(error, mask, persons, ratio=True) if error[mask].mean() >= RATIO * error[~mask].mean() else None
        for error in errors
        for mask in masks
    ]
    p = [1.0 if d is None else d.p for d in tests]  # what was not worth a test counts as one that shows nothing
    q = stats.false_discovery_control(p) if p else ()
    found: dict[int, Group] = {}
    for k, (d, value) in enumerate(zip(tests, q, strict=True)):
        by, which = divmod(k, len(masks))
        if d is not None and value <= Q_LEVEL and which not in found:
            share, mask = d.n * d.value / float(errors[by].sum()), masks[which]
            if share >= SHARE:
                found[which] = Group(mask, d, float(value), share, by)
    return list(found.values())


def _evenly(n: int) -> npt.NDArray[np.int64]:
    return np.linspace(0, n - 1, min(n, FITTED_ON)).astype(np.int64)


def _overlaps(some: Mask, others: Mask) -> Floats:
    """Return the Jaccard overlap of each of some groups (G, N) with each of others (H, N), (G, H)."""
    both = some.astype(np.float32) @ others.astype(np.float32).T
    result: Floats = both / np.maximum(some.sum(1)[:, None] + others.sum(1) - both, 1)
    return result


def overlap(a: Mask, b: Mask) -> float:
    """Return the Jaccard overlap of two sets of images."""
    return float(_overlaps(a[None], b[None])[0, 0])


def _apart(groups: list[Group], errors: Floats, persons: npt.NDArray[np.int64] | None) -> list[Group]:
    """Return, the strongest first, groups of which something remains beside those before them."""
    kept: list[Group] = []
    free = np.ones(errors.shape[1], dtype=bool)
    for group in sorted(groups, key=lambda g: -g.difference.t):
        if any(overlap(group.mask, k.mask) > SAME for k in kept):
            continue
        rest = mean_difference(errors[group.by, free], group.mask[free], None if persons is None else persons[free])
        if rest is None or rest.value <= 0 or rest.p > BESIDE:
            continue
        kept.append(group)
        free &= ~group.mask
        if len(kept) == MOST:
            break
    return kept
