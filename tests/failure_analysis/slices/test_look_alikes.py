"""Look-alikes of the worst: planted groups in feature space, found without a label and applied without the error."""

import numpy as np
import pandas as pd
import pytest

from vaekit.failure_analysis.slices.look_alikes import find_clusters
from vaekit.failure_analysis.slices.rules import Material

DIMS = 40


def split(seed, n=2000, shift=1.2, rate=0.03):
    rng = np.random.default_rng(seed)
    planted = rng.random(n) < rate
    towards = np.random.default_rng(99).standard_normal(DIMS)
    features = rng.standard_normal((n, DIMS)) * np.linspace(0.1, 3, DIMS)
    features[planted] += shift * towards
    material = Material(pd.DataFrame(index=range(n)), pd.DataFrame({"brightness": rng.random(n)}), features)
    return material, planted, np.where(planted, 3.0, 1.0) * rng.lognormal(0, 0.3, n)


def overlap(cluster, material, planted):
    mask = cluster.mask(material)
    return (mask & planted).sum() / (mask | planted).sum()


def test_a_planted_group_is_found_and_recognised_among_other_images():
    overlaps = []
    for seed in range(5):
        material, _, error = split(seed)
        clusters = find_clusters(error - error.mean(), material, seed)
        other, planted, _ = split(seed + 100, n=4000)
        overlaps.append(overlap(clusters[0], other, planted))
    assert np.median(overlaps) > 0.7 and min(overlaps) > 0.5


def test_two_groups_are_told_apart():
    material, planted, error = split(0, rate=0.04)
    second = np.zeros(2000, bool)
    second[np.flatnonzero(~planted)[:80]] = True
    material.features[second] -= 1.2 * np.random.default_rng(99).standard_normal(DIMS)[::-1]
    error[second] *= 3
    clusters = find_clusters(error - error.mean(), material, 0)
    best = [max(overlap(cluster, material, group) for cluster in clusters) for group in (planted, second)]
    assert min(best) > 0.5, best


def test_membership_knows_nothing_of_the_error():
    """Scores come from features alone; the same cluster on a permuted half finds the same images."""
    material, _, error = split(1)
    cluster = find_clusters(error - error.mean(), material, 0)[0]
    order = np.random.default_rng(0).permutation(2000)
    assert (cluster.mask(material.take(order)) == cluster.mask(material)[order]).all()


def test_an_image_does_not_vouch_for_itself():
    """Errors that have nothing to do with features: what was found does not hold among other images."""
    kept = []
    for seed in range(10):
        material, _, _ = split(seed, shift=0.0)
        error = np.random.default_rng(seed).lognormal(0, 0.5, 2000)
        other = np.random.default_rng(seed + 50).lognormal(0, 0.5, 2000)
        for cluster in find_clusters(error - error.mean(), material, seed):
            mask = cluster.mask(split(seed + 200, shift=0.0)[0])
            kept.append(other[mask].mean() - other[~mask].mean() if mask.any() else 0.0)
    assert abs(np.mean(kept or [0.0])) < 0.1


def test_no_features_or_few_images_give_no_cluster():
    material, _, error = split(0)
    assert find_clusters(error, Material(material.attributes, material.properties), 0) == []
    assert find_clusters(error[:100], material.take(np.arange(100)), 0) == []


@pytest.mark.parametrize("seed", [0, 1])
def test_the_same_seed_gives_the_same_clusters(seed):
    material, _, error = split(2)
    one, two = (find_clusters(error - error.mean(), material, seed) for _ in range(2))
    assert [c.threshold for c in one] == [c.threshold for c in two] and len(one) <= 3
