"""What explains the error: how much of its variance image properties and attributes predict, and which of them.

Everything is scored on images the model was not fitted on. The model is additive (a parabola in each property, a step
for each attribute, ridge regression): on real CelebA its held-out R2 was that of boosted trees, and permuting a column
of an additive model has a known expectation, so that importances carry no noise of the permutation.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats
from sklearn.covariance import LedoitWolf
from sklearn.linear_model import RidgeCV

from vaekit.failure_analysis.context import Context
from vaekit.failure_analysis.finding import Effect
from vaekit.failure_analysis.properties import KNOWN
from vaekit.failure_analysis.split.base import Measured, SplitResult, split_test, too_few, words
from vaekit.figures.words import in_sentence, readable
from vaekit.quantity import Quantity
from vaekit.seeding import numpy_generator
from vaekit.statistics.bootstrap import interval, resampled_sums

FOLDS = 5
FEWEST = 100  # images: with fewer, a fifth of them says nothing of the others
GAIN = 0.02  # of R2: a property that adds less is not named
NAMED = 3  # properties in the sentence, at most
PENALTIES = np.logspace(-2, 5, 15)
FARTHEST = 3.0  # standard deviations at which a property is cut: one odd picture must not bend a parabola
CODE_DISTANCE = "code_distance"
_DEFINITION = (
    "held-out R2: 1 - squared error of the prediction / squares around the mean, on images it was not fitted on"
)


@dataclass(frozen=True)
class Explained:
    """What predicts the error of unseen images.

    Attributes:
        result: the test "explained", of the same numbers.
        facts: for findings.json: target, n, left_out, r2 (numbers: named, properties, attributes, both, added), named
            (the properties that alone predict most) and importance (rows: feature, label, kind, value, low, high; the
            largest first), properties and attributes (how many). Importance is the loss of R2 when a column is
            shuffled among the images.
    """

    result: SplitResult
    facts: dict[str, Any]


def code_distance(mu: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float64]:
    """Return how far each posterior mean lies from the aggregate posterior, (N,): Mahalanobis distance of mu (N, D).

    The covariance is shrunk (Ledoit & Wolf 2004), so that it can be inverted when N is near D or below. NaN for a code
    that is no number, and for all where fewer than two are.
    """
    distance = np.full(len(mu), np.nan)
    usable = np.isfinite(mu).all(1)
    if usable.sum() > 1:
        codes = mu[usable].astype(np.float64)
        codes /= max(np.abs(codes).max(), 1e-300)  # no square overflows; the distance knows no scale
        distance[usable] = np.sqrt(LedoitWolf().fit(codes).mahalanobis(codes))
    return distance


def explain(
    error: np.ndarray, properties: pd.DataFrame, attributes: pd.DataFrame, *, label: str, seed: int = 0
) -> Explained:
    """Return how much of the variance of the error is predicted on held-out images, and by what.

    Args:
        error: (N,) per-image values. Their logarithm is explained where all are positive. Images where the error or a
            property is not finite are left out and counted.
        properties: numbers per image (N, P), such as `image_properties` with a column "code_distance".
        attributes: 0/1 (N, K); no column where the data have none.
        label: of the error, such as "Mean squared error".
        seed: of the folds and the bootstrap.
    """
    usable = np.isfinite(error) & np.isfinite(properties.to_numpy(np.float64)).all(1)
    positive = bool((error[usable] > 0).all())
    target = f"the logarithm of the {in_sentence(label)}" if positive else f"the {in_sentence(label)}"
    n = int(usable.sum())
    facts: dict[str, Any] = {
        "target": target,
        "n": n,
        "left_out": len(error) - n,
        "r2": {},
        "named": [],
        "importance": [],
        "properties": len(properties.columns),
        "attributes": len(attributes.columns),
    }
    y = np.log(error[usable]) if positive else error[usable].astype(np.float64)
    if n < FEWEST or np.ptp(y) == 0:
        why = too_few(n, FEWEST) if n < FEWEST else "all images have the same"
        return Explained(SplitResult("explained", "explained", False, n=n, untested=why, numbers=facts), facts)

    columns = [properties.to_numpy(np.float64)[usable], attributes.to_numpy(np.float64)[usable]]
    generator = numpy_generator(seed, "explain")
    fold = generator.permutation(n) % FOLDS
    residuals, gains = {}, np.empty((n, 0))
    for name, p, a in (("properties", 1, 0), ("attributes", 0, 1), ("both", 1, 1)):
        own, has = columns[0][:, : columns[0].shape[1] * p], columns[1][:, : columns[1].shape[1] * a]
        residuals[name], gains = _cross_fitted(own, has, y, fold)
    named, held_out, unseen = _named(columns[0], y, fold, generator)
    facts["named"] = [properties.columns[k] for k in named]
    facts["r2"] = _r2_rows(residuals, y, seed) | {"named": _named_row(unseen, y[held_out], named, seed)}
    facts["importance"] = _importance_rows(gains, y, properties.columns, attributes.columns, seed)
    return Explained(_result(facts), facts)


def additive_design(properties: np.ndarray, attributes: np.ndarray, train: np.ndarray | slice) -> np.ndarray:
    """Return the columns of an additive model, (n, 2 P + K), centred and scaled by the `train` rows.

    A parabola for each property, z and z squared, cut at 3 standard deviations; a step for each attribute.
    """
    z = np.clip(_standardised(properties, train), -FARTHEST, FARTHEST)
    return _standardised(np.concatenate([z, z * z, attributes], axis=1), train)


def _standardised(values: np.ndarray, train: np.ndarray | slice) -> np.ndarray:
    spread = values[train].std(0)
    mean: np.ndarray = values[train].mean(0)
    result: np.ndarray = (values - mean) / np.where(spread > 1e-12 * (1 + np.abs(mean)), spread, np.inf)
    return result


def _cross_fitted(
    properties: np.ndarray, attributes: np.ndarray, y: np.ndarray, fold: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the residual of each image under the model fitted on the other folds, (n,), and its importances (n, F).

    Column j of the second is by how much the image's squared error grows, in expectation, when property or attribute j
    is drawn from another image of its fold: (r + f - mean f)^2 + var f - r^2 for the term f of an additive model.
    """
    count = properties.shape[1]
    residual, grown = np.empty(len(y)), np.empty((len(y), count + attributes.shape[1]))
    for k in np.unique(fold):
        train, test = fold != k, fold == k
        design = additive_design(properties, attributes, train)
        if not design.shape[1]:
            residual[test] = y[test] - y[train].mean()
            continue
        model = RidgeCV(PENALTIES).fit(design[train], y[train])
        terms = design[test] * model.coef_
        terms = np.concatenate([terms[:, :count] + terms[:, count : 2 * count], terms[:, 2 * count :]], axis=1)
        residual[test] = y[test] - model.predict(design[test])
        around = terms - terms.mean(0)
        grown[test] = (residual[test, None] + around) ** 2 + around.var(0) - residual[test, None] ** 2
    return residual, grown


def _named(
    properties: np.ndarray, y: np.ndarray, fold: np.ndarray, generator: np.random.Generator
) -> tuple[list[int], np.ndarray, np.ndarray]:
    """Return the few properties that predict most, the images they were not chosen on, and the residuals there.

    They are chosen on one half, the one that adds most to the cross-fitted R2 first; the model of those chosen is
    fitted there and scored on the other half.
    """
    first = generator.permutation(len(y)) % 2 == 0
    nothing = np.empty((len(y), 0))
    named: list[int] = []
    reached = np.square(y[first] - y[first].mean()).sum()
    total = reached
    while len(named) < min(NAMED, properties.shape[1]):
        left = [k for k in range(properties.shape[1]) if k not in named]
        squares = [
            np.square(_cross_fitted(properties[first][:, [*named, k]], nothing[first], y[first], fold[first])[0]).sum()
            for k in left
        ]
        best = int(np.argmin(squares))
        if squares[best] > reached - GAIN * total:
            break
        named.append(left[best])
        reached = squares[best]
    residual = y[~first] - y[first].mean()
    if named:
        design = additive_design(properties[:, named], nothing, first)
        residual = y[~first] - RidgeCV(PENALTIES).fit(design[first], y[first]).predict(design[~first])
    return named, ~first, residual


def _r2(sums: np.ndarray, n: int) -> np.ndarray:
    """Return R2 from sums (..., M + 2) of M columns of squared residuals, y and y squared, (..., M)."""
    total = sums[..., -1:] - sums[..., -2:-1] ** 2 / n
    return 1 - sums[..., :-2] / total


def _row(value: float, ends: tuple[float | None, float | None], n: int, label: str, definition: str) -> Quantity:
    return Quantity(value=value, low=ends[0], high=ends[1], n=n, label=label, definition=definition)


def _r2_rows(residuals: dict[str, np.ndarray], y: np.ndarray, seed: int) -> dict[str, Quantity]:
    n = len(y)
    squares = np.column_stack([*(r * r for r in residuals.values()), y, y * y])
    value, drawn = (_r2(sums, n) for sums in (squares.sum(0), resampled_sums(squares, seed, "explain")))
    labels = {"properties": "properties of the image", "attributes": "attributes", "both": "properties and attributes"}
    rows = {}
    for k, name in enumerate(residuals):
        rows[name] = _row(
            float(value[k]), interval(drawn[:, k]), n, f"Variance explained by {labels[name]}", _DEFINITION
        )
    rows["added"] = _row(
        float(value[2] - value[0]),
        interval(drawn[:, 2] - drawn[:, 0]),
        n,
        "What attributes add to properties",
        "R2 of properties and attributes minus R2 of properties alone",
    )
    return rows


def _named_row(residual: np.ndarray, y: np.ndarray, named: list[int], seed: int) -> Quantity:
    squares = np.column_stack([residual**2, y, y * y])
    value, drawn = (_r2(sums, len(y))[..., 0] for sums in (squares.sum(0), resampled_sums(squares, seed, "named")))
    definition = f"{_DEFINITION}; at most {NAMED} properties, chosen and fitted on one half, scored on the other"
    return _row(
        float(value), interval(drawn), len(y), f"Variance explained by {len(named)} properties alone", definition
    )


def _importance_rows(
    grown: np.ndarray, y: np.ndarray, properties: pd.Index, attributes: pd.Index, seed: int
) -> list[dict[str, Any]]:
    columns = np.column_stack([grown, y, y * y])
    value, drawn = (1 - _r2(sums, len(y)) for sums in (columns.sum(0), resampled_sums(columns, seed, "importance")))
    rows = []
    for k, name in enumerate([*properties, *attributes]):
        kind = "property" if k < len(properties) else "attribute"
        low, high = interval(drawn[:, k])
        rows.append(
            {
                "feature": name,
                "label": feature_label(name),
                "kind": kind,
                "value": float(value[k]),
                "low": low,
                "high": high,
            }
        )
    return sorted(rows, key=lambda row: (-row["value"], row["feature"]))


def _result(facts: dict[str, Any]) -> SplitResult:
    both: Quantity = facts["r2"]["both"]
    assert both.value is not None and both.low is not None and both.high is not None
    spread = (both.high - both.low) / (2 * stats.norm.ppf(0.975))
    p = float(stats.norm.sf(both.value / max(spread, 1e-12)))
    effect = Effect(both.value, both.low, both.high, "1")
    return SplitResult("explained", "explained", both.low > 0 and p < 0.05, effect, facts["n"], p, numbers=facts)


@split_test("explained", place=40)
def explained_error(context: Context) -> Measured:
    """Measure what predicts the error."""
    described, mu = context.images.properties, context.images.mu
    if mu is not None:
        described = described.assign(**{CODE_DISTANCE: code_distance(mu)})
        if not np.isfinite(described[CODE_DISTANCE]).any():
            described = described.drop(columns=CODE_DISTANCE)
    found = explain(
        context.values, described, context.images.attributes, label=context.metric["label"], seed=context.seed
    )
    kept = {key: value for key, value in found.facts.items() if key not in ("properties", "attributes")}
    kept["r2"] = {name: row.record() for name, row in found.facts["r2"].items()}
    return Measured(record={"explained": kept, "said": {"explained": words(found.result).sentence}})


def feature_label(name: str) -> str:
    """Return what a property or attribute is called in a sentence."""
    if name == CODE_DISTANCE:
        return "distance of the code from the others"
    return KNOWN[name].label if name in KNOWN else readable(name)
