import numpy as np
import pytest
from scipy import stats

from vaekit.statistics.proportions import newcombe, paired_difference, wilson


def test_wilson_equals_scipy():
    for successes, n in ((0, 10), (10, 10), (3, 17), (41, 1006)):
        expected = stats.binomtest(successes, n).proportion_ci(method="wilson")
        assert np.ravel(wilson(successes, n)) == pytest.approx([expected.low, expected.high], abs=1e-12)


def test_newcombe_equals_his_published_examples():
    # Newcombe 1998, table II, method 10.
    for a, n, b, m, low, high in (
        (56, 70, 48, 80, 0.0524, 0.3339),
        (9, 10, 3, 10, 0.1705, 0.8090),
        (0, 10, 0, 20, -0.1611, 0.2775),
        (10, 10, 0, 10, 0.6075, 1.0),
    ):
        assert newcombe(a, n, b, m) == pytest.approx((low, high), abs=1e-4)


def test_newcombes_interval_is_that_of_his_paper():
    # Statistics in Medicine 17 (1998), table of method 10: 36, 12, 2, 0 and 54, 0, 0, 0.
    assert paired_difference(36, 12, 2, 0) == pytest.approx((0.0569, 0.3404), abs=1e-4)
    assert paired_difference(54, 0, 0, 0) == pytest.approx((-0.0664, 0.0664), abs=1e-4)


def test_the_paired_interval_covers_the_difference():
    generator, covered, runs = np.random.default_rng(0), 0, 400
    cells = np.array([0.5, 0.3, 0.08, 0.12])
    for a, b, c, d in generator.multinomial(60, cells, runs):
        low, high = paired_difference(int(a), int(b), int(c), int(d))
        covered += low <= 0.22 <= high
    assert stats.binomtest(covered, runs, 0.95).pvalue > 1e-3, covered
