"""Directions of the code that attributes lie along, in units of mu, and how far they share one another's."""

from dataclasses import dataclass

import numpy as np

from vaekit.evaluation.probes.disentanglement import Coded
from vaekit.evaluation.probes.logistic import Fit, Scaling
from vaekit.evaluation.probes.scores import auroc_matrix


@dataclass(frozen=True)
class Directions:
    """Directions of K attributes in D latent dims, everything float64 and in units of mu.

    A probe's normal is taken on standardised codes and carried back, so that a dim that hardly moves is hardly moved:
    the gradient of the logit in mu itself would point along such dims, which the decoder may not even use.

    Attributes:
        attributes: names, (K,).
        coefficients: logit = mu @ coefficients.T + intercept; (K, D).
        intercept: (K,).
        normal: mu + a * normal[k] is a step of strength a along the probe's normal; (K, D). Strength 1 is one standard
            deviation of the test codes' positions along it, and moves the probe's own logit by one standard deviation
            of that logit over the test images.
        class_mean: mean mu of train images with the attribute minus that of those without, (K, D).
        mean, sd: of mu over the train images, (D,).
        cosine: between the normals on standardised codes, (K, K).
        single_dim_auroc: of every dim alone on test, (K, D); above 0.5 more of it goes with the attribute.
        auroc: of the probe on test, (K,).
    """

    attributes: tuple[str, ...]
    coefficients: np.ndarray
    intercept: np.ndarray
    normal: np.ndarray
    class_mean: np.ndarray
    mean: np.ndarray
    sd: np.ndarray
    cosine: np.ndarray
    single_dim_auroc: np.ndarray
    auroc: np.ndarray

    def arrays(self) -> dict[str, np.ndarray]:
        """Return what stands in directions.npz."""
        return {
            "attributes": np.array(self.attributes, dtype=str),
            "normal": self.normal,
            "intercept": self.intercept,
            "class_mean": self.class_mean,
            "mu_mean": self.mean,
            "mu_std": self.sd,
            "coefficients": self.coefficients,
            "cosine": self.cosine,
            "single_dim_auroc": self.single_dim_auroc,
            "auroc": self.auroc,
        }


def directions(
    attributes: tuple[str, ...], fit: Fit, scaling: Scaling, auroc: np.ndarray, train: Coded, test: Coded
) -> Directions:
    """Return the directions of K attributes from their probes.

    Args:
        attributes: names, in the order of the labels.
        fit: the probes, on codes standardised by `scaling`.
        scaling: of the train codes.
        auroc: of the probes on test, (K,).
        train, test: their mu and labels.
    """
    labels, mu = train.labels, train.mu.astype(np.float64)
    unit = _unit(fit.weights.T)
    spread = (scaling(test.mu) @ unit.T).std(0)
    coefficients = fit.weights.T * scaling.inverse
    with_it, without = ((mask.T @ mu) / np.maximum(mask.sum(0), 1)[:, None] for mask in (labels, ~labels))
    return Directions(
        attributes=attributes,
        coefficients=coefficients,
        intercept=fit.intercept - coefficients @ scaling.mean,
        normal=spread[:, None] * unit * scaling.sd,
        class_mean=with_it - without,
        mean=scaling.mean,
        sd=scaling.sd,
        cosine=unit @ unit.T,
        single_dim_auroc=auroc_matrix(test.mu, test.labels),
        auroc=auroc,
    )


def _unit(vectors: np.ndarray) -> np.ndarray:
    """Return the rows at length 1; a row of zeros stays one."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    result: np.ndarray = np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0)
    return result
