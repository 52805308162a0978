"""The error at equal complexity: what complexity makes goes, what it does not make stays."""

import numpy as np
import pandas as pd
import pytest

from vaekit.failure_analysis.equal_complexity import FOLDS, LEAST, adjusted
from vaekit.failure_analysis.persons import parts


def split(n=1500, seed=0):
    rng = np.random.default_rng(seed)
    names = ["brightness", "contrast", "fine_detail"]
    properties = pd.DataFrame({name: rng.lognormal(0, 0.5, n) for name in names})
    busy = properties["contrast"].to_numpy() * properties["fine_detail"].to_numpy() ** 0.5
    return properties, busy, rng.lognormal(0, 0.2, n), np.arange(n).astype(str)


def test_complexity_is_accounted_for_and_the_mean_is_kept():
    properties, busy, noise, people = split()
    values = 0.01 * busy * noise
    found = adjusted(values, properties, people, 0)
    assert found.mean() == pytest.approx(values.mean()) and (found > 0).all()
    assert abs(np.corrcoef(np.log(busy), np.log(found))[0, 1]) < 0.05 < 0.8 < np.corrcoef(busy, values)[0, 1]
    assert np.corrcoef(np.log(noise), np.log(found))[0, 1] > 0.95


def test_what_complexity_does_not_explain_stays():
    properties, busy, noise, people = split()
    odd = np.arange(1500) < 60
    found = adjusted(busy * noise * np.where(odd, 3.0, 1.0), properties, people, 0)
    assert found[odd].mean() / found[~odd].mean() == pytest.approx(3.0, rel=0.1)


def test_an_image_does_not_explain_itself():
    """Ten times the error is ten times the adjusted error, against others that were left out of the same fit."""
    properties, busy, noise, people = split(200)
    values = busy * noise
    before = adjusted(values, properties, people, 0)
    values[0] *= 10
    after = adjusted(values, properties, people, 0)
    fold = parts(people, FOLDS, 0, "adjusted")
    others = np.flatnonzero((fold == fold[0]) & (np.arange(200) > 0))
    np.testing.assert_allclose(after[0] / after[others], 10 * before[0] / before[others], rtol=1e-9)


def test_an_odd_picture_does_not_lie_far_out_on_a_parabola():
    properties, busy, noise, people = split(200)
    properties.loc[0] = 1e6
    found = adjusted(busy * noise, properties, people, 0)
    assert 0.01 < found[0] / np.median(found) < 100


def test_values_that_may_be_negative_are_adjusted_by_difference():
    properties, busy, noise, people = split()
    values = 25 - 3 * np.log(busy) + np.log(noise)
    values -= values.mean()
    found = adjusted(values, properties, people, 0)
    assert found.mean() == pytest.approx(0, abs=1e-9) and found.std() < 0.25 < values.std()


def test_order_and_missing_values():
    properties, busy, noise, people = split()
    values = busy * noise
    values[[3, 7]] = np.nan, np.inf
    found = adjusted(values, properties, people, 0)
    assert np.flatnonzero(~np.isfinite(found)).tolist() == [3, 7]
    order = np.random.default_rng(0).permutation(1500)
    np.testing.assert_allclose(
        adjusted(values[order], properties.iloc[order], people[order], 0), found[order], rtol=1e-9
    )


def test_too_few_images_have_no_adjusted_error():
    properties, busy, _, people = split(LEAST - 1)
    assert np.isnan(adjusted(busy, properties, people, 0)).all()
