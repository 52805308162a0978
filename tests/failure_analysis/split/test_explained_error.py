"""What explains the error: known shares of variance, silence under the null, importances against scikit-learn's."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.inspection import permutation_importance
from sklearn.linear_model import RidgeCV

from vaekit.failure_analysis.split import explained_error as module
from vaekit.failure_analysis.split.base import words
from vaekit.failure_analysis.split.explained_error import additive_design, code_distance, explain


def material(n=800, seed=0, attributes=5):
    generator = np.random.default_rng(seed)
    properties = pd.DataFrame(generator.normal(size=(n, 4)), columns=["contrast", "brightness", "sharpness", "other"])
    labels = pd.DataFrame((generator.random((n, attributes)) < 0.3).astype(int)).add_prefix("A_")
    return properties, labels, generator


def log_error(signal, share, generator):
    """exp of a signal plus as much noise as leaves it `share` of the variance."""
    signal = (signal - signal.mean()) / signal.std()
    return np.exp(np.sqrt(share) * signal + np.sqrt(1 - share) * generator.normal(size=len(signal)) - 5)


def said(result):
    return result.result


def test_the_share_of_variance_is_the_planted_one():
    properties, labels, generator = material(4000)
    signal = properties["contrast"] + 0.7 * properties["brightness"] ** 2
    result = explain(log_error(signal, 0.6, generator), properties, labels, label="Mean squared error")
    r2 = result.facts["r2"]
    assert r2["properties"].value == pytest.approx(0.6, abs=0.03)
    assert r2["properties"].low < 0.6 < r2["properties"].high
    assert result.facts["named"] == [
        "contrast",
        "brightness",
    ]  # and r2["named"] is scored on images they were not chosen on
    assert r2["named"].value == pytest.approx(0.6, abs=0.04) and r2["named"].n == 2000
    assert abs(r2["added"].value) < 0.01 and abs(r2["attributes"].value) < 0.02
    assert said(result).found and "5 attributes add nothing that shows" in words(result.result).sentence
    assert "the logarithm of the mean squared error" in words(result.result).sentence
    assert [row["feature"] for row in result.facts["importance"][:2]] == ["contrast", "brightness"]
    # Shuffling a column of an additive model costs twice the variance it explains.
    explained = 0.6 * np.array([1, 0.98]) / 1.98
    np.testing.assert_allclose([row["value"] for row in result.facts["importance"][:2]], 2 * explained, atol=0.07)


def test_what_attributes_add_is_said():
    properties, labels, generator = material(3000)
    signal = properties["contrast"] + 2.2 * labels["A_1"]
    result = explain(log_error(signal, 0.7, generator), properties, labels, label="MSE")
    added = result.facts["r2"]["added"]
    assert (
        added.low > 0.2
        and "5 attributes add" in words(result.result).sentence
        and "more" in words(result.result).sentence
    )
    first = {row["feature"]: row["kind"] for row in result.facts["importance"][:2]}
    assert first == {"contrast": "property", "A_1": "attribute"}


def test_silence_where_nothing_predicts_the_error():
    found = 0
    for seed in range(20):
        properties, labels, generator = material(150, seed)
        found += said(explain(np.exp(generator.normal(size=150)), properties, labels, label="MSE", seed=seed)).found
    assert found <= 2
    assert (
        "predict nothing of the logarithm of the MSE"
        in words(said(explain(np.exp(generator.normal(size=150)), *material(150, 3)[:2], label="MSE"))).sentence
    )


def test_importance_is_the_expectation_of_permuting_a_column():
    properties, labels, generator = material(400)
    signal = properties["contrast"] + 0.5 * properties["sharpness"] + 0.8 * labels["A_0"]
    y = np.log(log_error(signal, 0.7, generator))
    columns = [properties.to_numpy(), labels.to_numpy(float)]
    fold = np.arange(400) % 2
    _, grown = module._cross_fitted(*columns, y, fold)
    train, test = fold != 0, fold == 0

    class Additive(RegressorMixin, BaseEstimator):
        def fit(self, x, y):
            return self

        def predict(self, x):
            both = np.concatenate([np.concatenate(columns, axis=1)[train], x])
            design = additive_design(both[:, :4], both[:, 4:], np.arange(len(both)) < train.sum())
            model = RidgeCV(module.PENALTIES).fit(design[: train.sum()], y[train])
            return model.predict(design[train.sum() :])

    theirs = permutation_importance(
        Additive().fit(None, None),
        np.concatenate(columns, axis=1)[test],
        y[test],
        scoring="neg_mean_squared_error",
        n_repeats=30,
        random_state=0,
    )
    spread = theirs.importances_std / np.sqrt(30)
    np.testing.assert_allclose(grown[test].mean(0), theirs.importances_mean, atol=5 * spread.max())


def test_the_interval_of_r2_covers_the_populations():
    covered, runs = 0, 25
    for seed in range(runs):
        properties, labels, generator = material(300, seed, attributes=0)
        error = log_error(properties["contrast"].to_numpy(), 0.5, generator)
        row = explain(error, properties, labels, label="MSE", seed=seed).facts["r2"]["properties"]
        covered += row.low <= 0.5 <= row.high
    assert stats.binomtest(covered, runs, 0.93).pvalue > 1e-3, covered


def test_order_changes_little_and_the_same_seed_nothing():
    properties, labels, generator = material(1000)
    error = log_error(properties["contrast"], 0.6, generator)
    order = generator.permutation(1000)
    a = explain(error, properties, labels, label="MSE")
    b = explain(error[order], properties.iloc[order].reset_index(drop=True), labels.iloc[order], label="MSE")
    for name, row in a.facts["r2"].items():
        assert b.facts["r2"][name].value == pytest.approx(row.value, abs=0.03)
    again = explain(error, properties, labels, label="MSE")
    assert a.facts == again.facts


def test_values_that_are_not_finite_are_left_out_and_counted():
    properties, labels, generator = material(500)
    error = log_error(properties["contrast"], 0.9, generator)
    error[:3], properties.loc[3, "other"] = [np.nan, np.inf, -np.inf], np.nan
    result = explain(error, properties, labels, label="MSE")
    assert (
        said(result).found
        and said(result).n == 496
        and "4 images without a finite value" in words(result.result).sentence
    )


def test_errors_that_may_be_negative_are_explained_as_they_are():
    properties, labels, generator = material(500)
    elbo = -1000 + 50 * properties["contrast"].to_numpy() + generator.normal(size=500)
    result = explain(elbo, properties, labels, label="ELBO")
    assert result.facts["target"] == "the ELBO" and result.facts["r2"]["both"].value > 0.95


@pytest.mark.parametrize("n", [0, 1, 10, 99])
def test_few_images_say_what_can_not_be_said(n):
    properties, labels, generator = material(n)
    result = explain(np.exp(generator.normal(size=n)), properties, labels, label="MSE")
    assert (
        not said(result).found
        and f"{'1 image is' if n == 1 else f'{n} images are'} too few (100 are the least)"
        in words(result.result).sentence
    )
    assert result.facts["importance"] == []


def test_errors_that_are_all_the_same_and_columns_that_say_nothing():
    properties, labels, generator = material(200)
    assert (
        "all images have the same" in words(said(explain(np.full(200, 0.1), properties, labels, label="MSE"))).sentence
    )
    properties["constant"], labels["A_0"] = 1.0, 0
    result = explain(log_error(properties["contrast"], 0.9, generator), properties, labels, label="MSE")
    zero = {row["feature"]: row["value"] for row in result.facts["importance"]}
    assert said(result).found and zero["constant"] == zero["A_0"] == 0


def test_without_attributes_only_properties_are_spoken_of():
    properties, labels, generator = material(300, attributes=0)
    result = explain(log_error(properties["contrast"], 0.9, generator), properties, labels, label="MSE")
    assert said(result).found and "attributes" not in words(result.result).sentence


def test_distance_of_the_code_is_mahalanobis_where_images_are_many():
    generator = np.random.default_rng(0)
    mu = generator.normal(size=(20_000, 3)) @ np.array([[2, 0, 0], [1, 1, 0], [0, 0, 0.5]]) + 3
    centred = mu - mu.mean(0)
    known = np.sqrt(np.einsum("ij,jk,ik->i", centred, np.linalg.inv(np.cov(mu.T)), centred))
    np.testing.assert_allclose(code_distance(mu), known, rtol=0.01)
    assert np.isfinite(code_distance(generator.normal(size=(10, 64)))).all()
