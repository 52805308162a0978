import numpy as np
import pytest
from scipy.spatial.distance import cdist

from vaekit.evaluation.samples import manifold as module
from vaekit.evaluation.samples.manifold import balls_of, diversity, manifold, nearest, prdc


def normal(n: int, seed: int, spread: float = 1.0, dims: int = 8) -> np.ndarray:
    return spread * np.random.default_rng(seed).normal(size=(n, dims))


def reference(real: np.ndarray, fake: np.ndarray, k: int) -> list[float]:
    """Kynkäänniemi et al. 2019 and Naeem et al. 2020, image by image."""
    radius_real = [sorted(row)[k] for row in cdist(real, real)]  # the image itself is the 0th
    radius_fake = [sorted(row)[k] for row in cdist(fake, fake)]
    far = cdist(real, fake)
    n, m = len(fake), len(real)
    precision = np.mean([any(far[i, j] <= radius_real[i] for i in range(m)) for j in range(n)])
    recall = np.mean([any(far[i, j] <= radius_fake[j] for j in range(n)) for i in range(m)])
    density = sum(far[i, j] <= radius_real[i] for i in range(m) for j in range(n)) / (k * n)
    coverage = np.mean([any(far[i, j] <= radius_real[i] for j in range(n)) for i in range(m)])
    return [precision, recall, density, coverage]


@pytest.mark.parametrize("block", [7, 1024])
@pytest.mark.parametrize(("n", "m", "spread"), [(40, 30, 1.0), (25, 45, 0.5), (30, 30, 1.6)])
def test_equals_an_independent_reference(n, m, spread, block, monkeypatch):
    monkeypatch.setattr(module, "BLOCK", block)
    real, fake = normal(m, 1), normal(n, 2, spread)
    for k in (3, 5):
        assert prdc(balls_of(real, k), balls_of(fake, k), k) == pytest.approx(reference(real, fake, k), rel=1e-12)


def test_order_does_not_matter():
    real, fake, order = normal(60, 3), normal(60, 4), np.random.default_rng(0).permutation(60)
    expected = prdc(balls_of(real), balls_of(fake))
    assert prdc(balls_of(real[order]), balls_of(fake[order[::-1]])) == pytest.approx(expected, rel=1e-12)


def test_equal_distributions_have_density_1_and_coverage_31_of_32():
    values = np.mean([prdc(balls_of(normal(400, 2 * i)), balls_of(normal(400, 2 * i + 1))) for i in range(8)], axis=0)
    assert values[2] == pytest.approx(1, abs=0.03)
    assert values[3] == pytest.approx(1 - 2**-5, abs=0.01)
    assert values[0] == pytest.approx(values[1], abs=0.03)


def test_real_and_generated_are_not_swapped():
    modes = 6 * np.eye(4)
    generator = np.random.default_rng(5)
    real = np.concatenate([mode + 0.5 * generator.normal(size=(50, 4)) for mode in modes])
    one_mode = modes[0] + 0.5 * generator.normal(size=(200, 4))
    precision, recall, _, coverage = prdc(balls_of(real), balls_of(one_mode))
    assert precision > 0.9 and recall < 0.3 and coverage < 0.3
    wide = 2 * normal(300, 7)
    precision, recall, density, _ = prdc(balls_of(normal(300, 6)), balls_of(wide))
    assert precision < 0.45 and recall > 0.95 and density < 0.3


def test_copies_lie_inside_even_of_duplicates():
    real = normal(30, 8)
    real[:12] = real[0]  # more duplicates than neighbours: the ball is a point
    values = prdc(balls_of(real), balls_of(real.copy()))
    assert values[[0, 1, 3]].tolist() == [1, 1, 1]
    assert balls_of(real).squared_radii[:12].tolist() == [0] * 12
    one = np.repeat(real[:1], 20, axis=0)
    precision, recall, _, coverage = prdc(balls_of(real), balls_of(one))
    assert (precision, recall) == (1, 12 / 30) and coverage >= 12 / 30
    elsewhere = np.full((20, 8), 50.0)
    assert prdc(balls_of(real), balls_of(elsewhere)).tolist() == [0, 0, 0, 0]


def test_identical_sets_are_perfect():
    real = normal(50, 9)
    # Each closed ball holds the copies of its k neighbours and of its own image.
    assert prdc(balls_of(real), balls_of(real)) == pytest.approx([1, 1, 6 / 5, 1])
    assert diversity(balls_of(real), balls_of(real)).value == 1


def test_intervals_cover_and_are_never_empty():
    generator = np.random.default_rng(10)
    found = []
    for _ in range(40):
        real, fake = (balls_of(generator.normal(size=(60, 6)) * spread) for spread in (1, 0.8))
        found.append(manifold(real, fake, generator))
    for name in ("precision", "recall", "density", "coverage"):
        estimates = [getattr(f, name) for f in found]
        expected = np.mean([e.value for e in estimates])
        assert np.mean([e.low <= expected <= e.high for e in estimates]) >= 0.85, name
        assert all(e.high > e.low for e in estimates)
    apart = manifold(balls_of(normal(40, 1)), balls_of(50 + normal(40, 2)), generator)
    assert apart.precision.value == 0 and 0 < apart.precision.high < 0.15


def test_too_few_images():
    with pytest.raises(ValueError, match="needs more than 5 images, not 5"):
        balls_of(normal(5, 0))
    few = manifold(balls_of(normal(8, 0)), balls_of(normal(8, 1)), np.random.default_rng(0))
    assert few.precision.value is not None and few.precision.low is None


def test_diversity_is_a_ratio_of_mean_distances():
    real, fake = normal(40, 11), normal(35, 12, 0.4)
    apart = [cdist(s, s)[~np.eye(len(s), dtype=bool)].mean() for s in (fake, real)]
    found = diversity(balls_of(fake), balls_of(real))
    assert found.value == pytest.approx(apart[0] / apart[1], rel=1e-12)
    assert found.low < found.value < found.high
    assert diversity(balls_of(np.ones((9, 8))), balls_of(real)).value == 0
    assert "equal in feature space" in diversity(balls_of(real), balls_of(np.ones((9, 8)))).reason


def test_intervals_of_diversity_cover():
    found = [diversity(balls_of(normal(50, 2 * i, 0.6)), balls_of(normal(50, 2 * i + 1))) for i in range(150)]
    assert np.mean([e.low <= 0.6 <= e.high for e in found]) > 0.9


def test_nearest_takes_the_first_of_equals(monkeypatch):
    monkeypatch.setattr(module, "BLOCK", 3)
    pool = normal(12, 13)
    pool[7] = pool[2]
    distances, rows = nearest(pool[[2, 7, 5]] + 0.0, pool)
    assert rows.tolist() == [2, 2, 5] and distances.tolist() == [0, 0, 0]
    a = normal(10, 14)
    distances, rows = nearest(a, pool)
    assert distances == pytest.approx(cdist(a, pool).min(1), rel=1e-9) and (rows == cdist(a, pool).argmin(1)).all()
