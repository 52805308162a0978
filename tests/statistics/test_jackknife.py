import numpy as np
import pytest

from vaekit.statistics.jackknife import around, delete_d_variance, influence_variance


def test_the_jackknife_of_a_mean_is_its_variance():
    generator = np.random.default_rng(0)
    a, b = generator.normal(size=300), generator.normal(size=200)

    def difference(rows, others):
        return np.array([a[rows].mean() - b[others].mean()])

    expected = a.var(ddof=1) / 300 + b.var(ddof=1) / 200
    found = [delete_d_variance(difference, 300, 200, generator)[0] for _ in range(20)]
    assert np.mean(found) == pytest.approx(expected, rel=0.15)
    assert influence_variance(a, -b) == pytest.approx(expected)
    assert influence_variance(a[:200], -a[:200], paired=True) == 0


def test_the_jackknife_never_draws_an_image_twice_and_pairs_what_is_paired():
    drawn = []

    def note(rows, others):
        drawn.append((rows, others))
        return np.zeros(1)

    delete_d_variance(note, 21, 40, np.random.default_rng(0))
    assert all(len(set(r)) == len(r) == 10 and len(set(s)) == len(s) == 20 for r, s in drawn)
    drawn.clear()
    delete_d_variance(note, 5000, 5000, np.random.default_rng(0), paired=True)
    assert all((r == s).all() and len(r) == 1000 for r, s in drawn)


def test_around_keeps_its_ends():
    assert around(0.9, 0.01, 19, 0, 1).low is None and around(0.9, 0.01, 20, 0, 1).low is not None
    assert vars(around(0.9, 0.01, 70, 0, 1)) == {
        "value": 0.9,
        "low": 0.9 - 0.1959963984540054,
        "high": 1,
        "n": 70,
        "reason": None,
    }
    assert around(3.0, float("nan"), 7).low is None
