"""Groups that no name leads to: images that look, are coded or fail alike, and are reconstructed worse than others.

Groups are formed from embeddings of all test images without a look at the size of any error, so that every image may
test them: nothing was found on what it is tested on. All groups that were formed count as tests.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import stats
from sklearn.cluster import KMeans
from sklearn.covariance import ledoit_wolf

from vaekit.failure_analysis.slices.embeddings import Floats, together
from vaekit.progress import Progress, silent
from vaekit.seeding import numpy_generator
from vaekit.statistics.differences import MeanDifference, mean_difference
from vaekit.statistics.discovery import Q_LEVEL

Mask = npt.NDArray[np.bool_]

SIZES = (8, 16, 32)  # groups that each space is cut into
LEAST_GROUP = 16  # images of a group
WIDEST = 0.2  # share of the images that a group may have
FITTED_ON = 4000  # images, drawn by the seed, that the groups are formed on
FOLDS, ROUNDS = 5, 2  # in which a group takes in what is like it, and leaves what is not
PRIOR = 0.5  # weight of the share of a group: half of it, so that a group may grow
SCREENED = 2.0  # t from which a group is worth the rounds
MOST = 5  # groups that are said
STARTS, STABLE = 5, 3  # starts that groups are formed from; a group comes up from so many
ALIKE = 0.5  # Jaccard overlap from which a group of another start is the same
SAME = 0.3  # Jaccard overlap from which two groups are one
BESIDE = 0.01  # p of the test that something remains of a group beside those already said
RATIO, SHARE = 1.1, 0.005  # least effect, as for slices with names


@dataclass(frozen=True, eq=False)
class Group:
    """A group of images without a name.

    Attributes:
        mask: its images, bool (N,).
        difference: of the mean errors at equal complexity, inside and outside.
        q: its p adjusted for all groups that were formed, from every start.
        centrality: how clearly each image is of the group, (N,): the largest inside is the medoid.
        start: from which it was formed; came_up: from how many starts a group much like it is reconstructed worse.
    """

    mask: Mask
    difference: MeanDifference
    q: float
    centrality: Floats
    start: int
    came_up: int = 1


@dataclass(frozen=True, eq=False)
class Nameless:
    """The groups found, the most stable first, and how many were formed."""

    groups: tuple[Group, ...]
    formed: int


def nameless_groups(
    error: Floats,
    single: Mapping[str, Floats],
    persons: npt.NDArray[np.int64] | None = None,
    *,
    seed: int = 0,
    progress: Progress = silent,
) -> Nameless:
    """Return up to five groups of images that are reconstructed worse, at equal complexity, and have no name.

    Groups are formed from five starts. One is found where q < .05 over all that were formed, its error is 1.1 times
    the others' or more, it holds half a percent of the error in excess, and it comes up from three starts or more.

    Args:
        error: (N,) at equal complexity, the larger the worse; finite and positive.
        single: of `embeddings`, of the same N images.
        persons: (N,) codes of who is pictured; None where every image stands for itself.
        seed: of the starts.
        progress: told of each start.
    """
    single = {name: values for name, values in single.items() if values.shape[1]}
    if len(error) < 4 * LEAST_GROUP or not single:
        return Nameless((), 0)
    white = _whitened(np.concatenate(list(single.values()), axis=1))
    tested: list[Group] = []
    formed = 0
    for start in range(STARTS):
        fold = numpy_generator(seed, "nameless", start).permutation(len(error)) % FOLDS
        for space in together(single):
            masks = form(space, seed + start)
            formed += len(masks)
            for mask in masks:
                tested += _tested(error, white, mask, fold, persons, start)
        progress("groups without a name", start + 1, STARTS)
    # What was not worth a test counts as one that shows nothing: both forms of every group.
    p = [group.difference.p for group in tested] + [1.0] * max(2 * formed - len(tested), 0)
    q = stats.false_discovery_control(p)[: len(tested)] if p else []
    passed = [
        replace(group, q=float(value))
        for group, value in zip(tested, q, strict=True)
        if value <= Q_LEVEL and _matters(group.difference, float(error.sum()))
    ]
    return Nameless(tuple(_apart(_stable(passed), error, persons)), formed)


def _tested(
    error: Floats,
    white: Floats,
    mask: Mask,
    fold: npt.NDArray[np.int64],
    persons: npt.NDArray[np.int64] | None,
    start: int,
) -> list[Group]:
    """Return a group as it was formed and once it has settled, tested; nothing where it is not worth it."""
    rough = mean_difference(error, mask, persons)
    if rough is None or rough.t < SCREENED:
        return []
    found = []
    for refined, scores in ((mask, _scores(white, mask, fold)), settled(white, mask, fold)):
        if LEAST_GROUP <= refined.sum() <= WIDEST * len(error):
            d = mean_difference(error, refined, persons, ratio=True)
            if d is not None and d.value > 0:
                found.append(Group(refined, d, 1.0, scores, start))
    return found


def _matters(d: MeanDifference, total: float) -> bool:
    return d.ratio is not None and d.ratio >= RATIO and d.n * d.value >= SHARE * total


def _stable(groups: list[Group]) -> list[Group]:
    """Return the groups that come up from most starts: half of the images of either are those of both."""
    if not groups:
        return []
    masks = np.stack([group.mask for group in groups]).astype(np.float32)
    both, sizes = masks @ masks.T, masks.sum(1)
    alike = both >= ALIKE * (sizes[:, None] + sizes - both)
    starts = np.array([group.start for group in groups])
    came_up = [len(np.unique(starts[row])) for row in alike]
    return [replace(g, came_up=count) for g, count in zip(groups, came_up, strict=True) if count >= STABLE]


def form(space: Floats, seed: int) -> list[Mask]:
    """Return the groups that k-means cuts a space into, at several sizes, of those that are neither tiny nor wide."""
    n = len(space)
    rows = np.arange(n)
    if n > FITTED_ON:
        rows = np.sort(numpy_generator(seed, "nameless rows").choice(n, FITTED_ON, replace=False))
    masks, most = [], min(2 * n // LEAST_GROUP, len(np.unique(space[rows], axis=0)))
    for k in (size for size in SIZES if size <= most):
        label = KMeans(k, n_init=2, random_state=seed).fit(space[rows]).predict(space)
        masks += [label == group for group in range(k)]
    return [mask for mask in masks if LEAST_GROUP <= mask.sum() <= WIDEST * n]


def settled(white: Floats, mask: Mask, fold: npt.NDArray[np.int64]) -> tuple[Mask, Floats]:
    """Return a group once it has taken in what is like it and left what is not, and how clearly each image is of it."""
    scores = np.zeros(len(mask))
    for _ in range(ROUNDS):
        if not LEAST_GROUP // 2 <= mask.sum() <= len(mask) // 2:
            break
        scores = _scores(white, mask, fold)
        mask = scores > 0
    return mask, scores


def _scores(white: Floats, mask: Mask, fold: npt.NDArray[np.int64]) -> Floats:
    """Return the log odds of each image to be of a group, by the linear discriminant that the other folds make.

    In whitened space the discriminant is the difference d of the means; the variance within, along it, is what the
    total of 1 leaves: 1 - s (1 - s) |d|^2 for a group with a share s.
    """
    scores = np.full(len(mask), -np.inf)
    for k in np.unique(fold):
        own = fold == k
        inside, outside = mask & ~own, ~mask & ~own
        share = inside.sum() / max((~own).sum(), 1)
        if not 0 < share < 1:
            continue
        first, second = white[inside].mean(0), white[outside].mean(0)
        d = first - second
        within = max(1 - share * (1 - share) * float(d @ d), 0.02)
        scores[own] = (white[own] - (first + second) / 2) @ d / within + PRIOR * np.log(share / (1 - share))
    return scores


def _whitened(space: Floats) -> Floats:
    centred = space - space.mean(0)
    values, vectors = np.linalg.eigh(ledoit_wolf(centred)[0])
    result: np.ndarray = centred @ (vectors / np.sqrt(np.maximum(values, 1e-6 * values.max())))
    return result


def _apart(groups: list[Group], error: Floats, persons: npt.NDArray[np.int64] | None) -> list[Group]:
    """Return, the most stable and strongest first, groups of which something remains beside those before them."""
    kept: list[Group] = []
    for group in sorted(groups, key=lambda g: (-g.came_up, -g.difference.t)):
        if any((group.mask & k.mask).sum() > SAME * (group.mask | k.mask).sum() for k in kept):
            continue
        taken = np.any([k.mask for k in kept], axis=0) if kept else np.zeros(len(error), dtype=bool)
        free = ~taken
        rest = mean_difference(error[free], group.mask[free], None if persons is None else persons[free])
        if rest is None or rest.value <= 0 or rest.p > BESIDE:
            continue
        kept.append(group)
        if len(kept) == MOST:
            break
    return kept
