"""The error at equal complexity: what remains when contrast, edge energy and brightness are accounted for."""

import numpy as np
import pandas as pd
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, PolynomialFeatures, StandardScaler

from vaekit.failure_analysis.persons import parts

SUFFIX = "_adjusted"
AT_EQUAL = "at equal contrast, fine detail and brightness"  # how it is said
FOLDS, LEAST = 5, 50
# One odd picture must not bend a parabola, nor lie far out on one.
NEAR = FunctionTransformer(np.clip, kw_args={"a_min": -3, "a_max": 3})
DEFINITION = (
    "{} over what a second-degree regression on log contrast, fine detail and brightness expects, fitted on other "
    "images, times the mean (minus and plus, where values are not all positive)"
)


def adjusted(values: np.ndarray, properties: pd.DataFrame, people: np.ndarray, seed: int) -> np.ndarray:
    """Return each value as it would be at average complexity, (N,), with the mean of all kept.

    The regression is cross-fitted over five parts of the images that share no person, so that no image explains itself.
    All NaN for fewer than 50 finite values.

    Args:
        values: (N,) per-image metric; those not finite stay NaN.
        properties: of `image_properties`, (N, P).
        people: (N,) who is pictured.
        seed: of the parts.
    """
    usable = np.isfinite(values)
    found = np.full(len(values), np.nan)
    if usable.sum() < LEAST:
        return found
    known = values[usable].astype(np.float64)
    positive = bool((known > 0).all())
    target = np.log(known) if positive else known
    columns = np.log(properties[["contrast", "fine_detail", "brightness"]].to_numpy()[usable] + 1e-6)
    fold = parts(people[usable], FOLDS, seed, "adjusted")
    expected = np.full(len(known), target.mean())
    for part in range(FOLDS):
        own = fold == part
        if own.any() and not own.all():
            model = make_pipeline(StandardScaler(), NEAR, PolynomialFeatures(2), StandardScaler(), RidgeCV())
            expected[own] = model.fit(columns[~own], target[~own]).predict(columns[own])
    rest = np.exp(target - expected) if positive else target - expected
    found[usable] = rest * known.mean() / rest.mean() if positive else rest - rest.mean() + known.mean()
    return found
