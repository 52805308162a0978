import warnings

import numpy as np
import pytest
import torch
from scipy import linalg

from tests.evaluation.samples.gaussians import moments_from
from vaekit.evaluation.samples import frechet
from vaekit.evaluation.samples.frechet import distance, frechet_distance, moments_of
from vaekit.statistics.bootstrap import Estimate


def features(n: int, dims: int, seed: int, shift: float = 0.0) -> np.ndarray:
    """Correlated and skewed, as features of networks are."""
    generator = np.random.default_rng(seed)
    mixing = generator.normal(size=(dims, dims)) / np.sqrt(dims)
    return np.maximum(generator.normal(size=(n, dims)), -0.5) @ mixing + shift


def with_interval(a: np.ndarray, b: np.ndarray, paired: bool = False) -> Estimate:
    one, other = (moments_of(s, for_interval=True) for s in (a, b))
    return frechet.estimate(one, other, paired=paired)


def by_matrix_root(a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
    """scipy's general matrix square root of the product, and the trace that tolerances refer to."""
    c1, c2 = np.cov(a.T), np.cov(b.T)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the product lacks rank where images are few: that is the point
        root = linalg.sqrtm(c1 @ c2)
    trace = np.trace(c1 + c2)
    return np.square(a.mean(0) - b.mean(0)).sum() + trace - 2 * np.trace(root).real, trace


@pytest.mark.parametrize(("n", "m"), [(300, 200), (300, 30), (25, 40)], ids=["tall", "mixed", "wide"])
def test_equals_the_peers(n, m):
    from torch_fidelity.metric_fid import fid_statistics_to_metric
    from torchmetrics.image.fid import _compute_fid

    a, b = features(n, 60, 1), features(m, 60, 2, shift=0.2)
    found = frechet_distance(a, b)
    scipys, trace = by_matrix_root(a, b)
    c1, c2 = np.cov(a.T), np.cov(b.T)
    torchs = _compute_fid(*(torch.from_numpy(v) for v in (a.mean(0), c1, b.mean(0), c2)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fidelitys = fid_statistics_to_metric(
            {"mu": a.mean(0), "sigma": c1}, {"mu": b.mean(0), "sigma": c2}, verbose=False
        )["frechet_inception_distance"]
    for peer in (scipys, float(torchs), float(fidelitys)):
        assert found == pytest.approx(peer, abs=1e-6 * trace)
    from_moments = distance(moments_from(a.mean(0), c1), moments_from(b.mean(0), c2))
    assert from_moments == pytest.approx(found, abs=1e-6 * trace)
    assert with_interval(a, b).value == pytest.approx(found, abs=1e-9 * trace)


def test_closed_form_of_gaussians():
    sd1, sd2, shift = np.linspace(0.1, 2, 12), np.linspace(1.5, 0, 12), np.linspace(-1, 1, 12)
    turn = linalg.qr(np.random.default_rng(0).normal(size=(12, 12)))[0]  # the same axes, so the roots commute
    one = moments_from(np.zeros(12), turn @ np.diag(sd1**2) @ turn.T)
    other = moments_from(shift, turn @ np.diag(sd2**2) @ turn.T)  # its last variance is 0
    assert distance(one, other) == pytest.approx(np.square(shift).sum() + np.square(sd1 - sd2).sum(), rel=1e-12)
    assert distance(one, other) == pytest.approx(distance(other, one), rel=1e-12)


def test_closed_form_of_one_dim_and_of_a_line():
    a, b = np.array([[0.0], [2.0], [4.0]]), np.array([[1.0], [1.0], [7.0], [7.0]])
    assert frechet_distance(a, b) == pytest.approx((2 - 4) ** 2 + (2 - np.sqrt(12)) ** 2)
    # On orthogonal lines nothing is shared: the traces add up.
    on_x, on_y = np.column_stack([a[:, 0], np.zeros(3)]), np.column_stack([np.zeros(3), a[:, 0]])
    assert frechet_distance(on_x, on_y) == pytest.approx(4 + 4 + 4 + 4)


@pytest.mark.parametrize("n", [2, 20, 200])
def test_equal_sets_are_at_0_in_any_order(n):
    a = 1e3 * features(n, 40, 3)
    assert frechet_distance(a, a) == 0
    assert frechet_distance(a, a[::-1]) < 1e-20  # the mean of another order differs in its last digit
    assert frechet_distance(a.astype(np.float32), a.astype(np.float32)) == 0
    assert frechet_distance(a, a + 1e-3) > 0


def test_grows_with_the_damage():
    a, b = np.split(features(1000, 20, 4), 2)
    noise = np.random.default_rng(6).normal(size=b.shape)
    distances = [frechet_distance(a, b + level * noise) for level in (0, 0.3, 0.6, 1.2)]
    assert distances == sorted(distances) and distances[3] > 3 * distances[0]


def test_bad_features_are_refused():
    a = features(9, 4, 0)
    with pytest.raises(ValueError, match="two images"):
        frechet_distance(a, a[:1])
    with pytest.raises(ValueError, match="finite"):
        frechet_distance(a, np.full_like(a, np.nan))
    with pytest.raises(ValueError, match="one network"):
        frechet_distance(a, a[:, :3])
    with pytest.raises(ValueError, match="negative variance"):
        moments_from(np.zeros(2), np.diag([1.0, -1.0]))
    with pytest.raises(ValueError, match="do not fit"):
        moments_from(np.zeros(2), np.eye(3))
    with pytest.raises(ValueError, match="made for it"):
        frechet.estimate(moments_from(np.zeros(4), np.eye(4)), moments_of(a, for_interval=True))


def test_influences_are_the_derivative():
    """Against differences between sets in which one image after the other weighs a little more, or less."""
    a, b = features(40, 6, 7), features(30, 6, 8, shift=0.3)
    found = with_interval(a, b)
    variance = ((found.high - found.value) / 1.959964) ** 2

    def weighted(rows: np.ndarray, weights: np.ndarray) -> frechet.Moments:
        weights = weights / weights.sum()
        mean = weights @ rows
        centred = rows - mean
        return moments_from(mean, (centred * weights[:, None]).T @ centred * len(rows) / (len(rows) - 1))

    derivatives = []
    for rows, other, first in ((a, b, True), (b, a, False)):
        slopes = []
        for i in range(len(rows)):
            ends = []
            for step in (1e-4, -1e-4):
                weights = np.ones(len(rows))
                weights[i] += step
                pair = (weighted(rows, weights), moments_of(other))
                ends.append(distance(*(pair if first else pair[::-1])))
            slopes.append((ends[0] - ends[1]) / 2e-4 * len(rows))
        derivatives.append(np.array(slopes))
    expected = sum(d.var(ddof=1) / len(d) for d in derivatives)
    assert variance == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(("n", "dims", "spread"), [(200, 8, 0.7), (60, 100, 0.8)], ids=["tall", "wide"])
def test_intervals_cover_the_distance_at_this_n(n, dims, spread):
    generator, values, covered = np.random.default_rng(9), [], []
    for _ in range(120):
        a, b = generator.normal(size=(n, dims)), 0.2 + spread * generator.normal(size=(n, dims))
        values.append(with_interval(a, b))
    at_this_n = np.mean([v.value for v in values])
    covered = np.mean([v.low <= at_this_n <= v.high for v in values])
    assert covered > 0.9  # 120 trials of 0.95: fewer than 109 have a probability of 2 %
    sd, claimed = np.std([v.value for v in values]), np.mean([(v.high - v.low) / 3.92 for v in values])
    assert 0.8 * sd < claimed < 1.6 * sd


def test_paired_sets_have_the_narrower_interval():
    generator = np.random.default_rng(10)
    spreads, claims = [], []
    for _ in range(60):
        a = generator.normal(size=(100, 6))
        b = 0.8 * a + 0.1 * generator.normal(size=a.shape)
        found = with_interval(b, a, paired=True)
        spreads.append(found.value)
        claims.append((found.high - found.low) / 3.92)
    assert 0.7 < np.mean(claims) / np.std(spreads) < 1.4
    assert np.mean(claims) < 0.7 * (lambda e: (e.high - e.low) / 3.92)(with_interval(b, a))


def test_without_bias_finds_the_distance_of_infinitely_many():
    generator, found, raw = np.random.default_rng(11), [], []
    truth = 16 * 0.1**2 + 16 * 0.2**2
    for _ in range(30):
        a, b = generator.normal(size=(200, 16)), 0.1 + 0.8 * generator.normal(size=(200, 16))
        found.append(frechet.without_bias(a, b, generator))
        raw.append(frechet_distance(a, b))
    values = np.array([f.value for f in found])
    assert abs(values.mean() - truth) < 3 * values.std() / np.sqrt(30)
    assert np.mean(raw) - truth > 0.3
    assert np.mean([f.low <= truth <= f.high for f in found]) > 0.83


def test_without_bias_needs_images():
    a = features(39, 10, 0)
    found = frechet.without_bias(a, a, np.random.default_rng(0))
    assert found.value is None and found.reason.endswith("4 times the 10 feature dims are needed, and a set has 39")


def test_a_handful_of_images_has_a_distance_without_an_interval():
    a, b = features(12, 2, 0), features(12, 2, 1)
    for found in (
        frechet.without_bias(a, b, np.random.default_rng(0)),
        frechet.without_bias(a, a, np.random.default_rng(0)),
    ):
        assert found.value is not None and found.low is None and "images" in found.reason
