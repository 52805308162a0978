"""L2 logistic regression of many labels on the same codes at once, along a path of strengths; float64.

One label's objective is scikit-learn's: sum of log losses + |w|^2 / 2C, the intercept free. All labels share the codes,
so that Newton's equations are solved by conjugate gradients for all of them with the same two matrix products. In the
codes' principal axes the preconditioner (Hessian at each label's mean weight) is a diagonal.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

GRID = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)  # of C on standardised codes; the one of least log loss on valid is taken
ROUGH, FINE = 1e-5, 1e-9  # largest entry of the gradient per image: along the path, and of the probe that is kept
NEWTON, CONJUGATE = 60, 400  # most steps of either kind
CONSTANT = 1e-6  # a dim whose standard deviation is below this share of its size says nothing: it counts as 0


@dataclass(frozen=True)
class Scaling:
    """What makes codes standardised: mean and standard deviation of each dim over the train images, (D,)."""

    mean: np.ndarray
    sd: np.ndarray

    @classmethod
    def of(cls, codes: np.ndarray) -> "Scaling":
        """Return the scaling of (N, D) codes; a dim that does not move has sd 0."""
        codes = codes.astype(np.float64)
        mean, sd = codes.mean(0), codes.std(0)
        return cls(mean, np.where(sd > CONSTANT * np.maximum(np.abs(mean), 1e-3), sd, 0.0))

    @property
    def inverse(self) -> np.ndarray:
        """1 / sd, and 0 for a dim that does not move, (D,)."""
        result: np.ndarray = np.divide(1.0, self.sd, out=np.zeros_like(self.sd), where=self.sd > 0)
        return result

    def __call__(self, codes: np.ndarray) -> np.ndarray:
        """Return codes with mean 0 and variance 1 over the train images, (N, D) float64."""
        result: np.ndarray = (codes - self.mean) * self.inverse
        return result


@dataclass(frozen=True)
class Fit:
    """K probes on standardised codes: logit = codes @ weights + intercept.

    Attributes:
        weights: (D, K).
        intercept: (K,).
        strength: C of each, (K,).
        gradient: largest entry of the gradient per image that was left, (K,).
        converged: whether that is as small as was asked, (K,).
    """

    weights: np.ndarray
    intercept: np.ndarray
    strength: np.ndarray
    gradient: np.ndarray
    converged: np.ndarray

    def logits(self, codes: np.ndarray) -> np.ndarray:
        """Return the logit of each label for standardised codes, (N, K)."""
        result: np.ndarray = codes @ self.weights + self.intercept
        return result


def fit_path(
    train: np.ndarray, labels: np.ndarray, valid: np.ndarray, valid_labels: np.ndarray, grid: tuple[float, ...] = GRID
) -> Fit:
    """Return for each of K labels the probe whose C has the least log loss on valid; the smaller C where they tie.

    Args:
        train: standardised codes, (N, D).
        labels: (N, K) bool; every column has both values.
        valid: codes scaled as those of train, (M, D).
        valid_labels: (M, K) bool.
        grid: values of C, tried from the smallest, each from the solution of the one before.
    """
    values, axes = np.linalg.eigh(train.T @ train)
    solver = _Solver(train @ axes, labels.astype(np.float64), values.clip(min=0))
    beta, intercept = np.zeros((train.shape[1], labels.shape[1])), _log_odds(labels.mean(0))
    held_out = valid @ axes
    best = np.full(labels.shape[1], np.inf)
    kept = beta.copy(), intercept.copy(), np.full(labels.shape[1], grid[0])
    for strength in sorted(grid):
        everywhere = np.full(labels.shape[1], strength)
        beta, intercept, _ = solver.solve(beta, intercept, everywhere, ROUGH)
        loss = log_loss(held_out @ beta + intercept, valid_labels)
        better = loss < best
        best[better] = loss[better]
        for old, new in zip(kept, (beta, intercept, everywhere), strict=True):
            old[..., better] = new[..., better]
    beta, intercept, gradient = solver.solve(*kept, FINE)
    return Fit(axes @ beta, intercept, kept[2], gradient, gradient <= FINE)


def log_loss(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the mean log loss of each label in nats, (K,), from logits and labels, (N, K)."""
    result: np.ndarray = (np.logaddexp(0, logits) - labels * logits).mean(0)
    return result


def _log_odds(share: np.ndarray) -> np.ndarray:
    result: np.ndarray = np.log(share / (1 - share))
    return result


class _Solver:
    """Newton's method for all labels at once, on codes in their principal axes."""

    def __init__(self, codes: np.ndarray, labels: np.ndarray, values: np.ndarray) -> None:
        self.codes, self.labels, self.values = codes, labels, values
        self.n = len(codes)
        self.light = codes.astype(np.float32)  # for products inside a Newton step, which need no more than its aim

    def solve(
        self, beta: np.ndarray, intercept: np.ndarray, strength: np.ndarray, tolerance: float
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return beta (D, K), intercept (K,) and the largest entry of the gradient per image (K,)."""
        beta, intercept = beta.copy(), intercept.copy()
        left = np.full(len(intercept), np.inf)
        todo = np.arange(len(intercept))
        logits = self.codes @ beta + intercept
        for _ in range(NEWTON):
            ridge = 1 / strength[todo]
            share = expit(logits)
            slope = np.vstack(
                [
                    self.codes.T @ (share - self.labels[:, todo]) + ridge * beta[:, todo],
                    (share - self.labels[:, todo]).sum(0),
                ]
            )
            left[todo] = np.abs(slope).max(0) / self.n
            going = left[todo] > tolerance
            if not going.any():
                break
            todo, ridge = todo[going], ridge[going]
            logits, share, slope = (a[..., going] for a in (logits, share, slope))
            step = self._newton_step(slope, share * (1 - share), ridge)
            change = self.codes @ step[:-1] + step[-1]
            length = self._step_length(todo, logits, change, beta[:, todo], step, slope, ridge)
            beta[:, todo] += length * step[:-1]
            intercept[todo] += length * step[-1]
            logits = logits + length * change
        return beta, intercept, left

    def _newton_step(self, slope: np.ndarray, weight: np.ndarray, ridge: np.ndarray) -> np.ndarray:
        """Return the (D + 1, K) step d of H d = -slope by conjugate gradients, the more exact the smaller the slope."""
        mean = weight.mean(0)
        scale = np.vstack([self.values[:, None] * mean + ridge, np.maximum(self.n * mean, 1e-300)])
        step, residual = np.zeros_like(slope), -slope
        towards = residual / scale
        size = (residual * towards).sum(0)
        enough = size * np.clip(np.sqrt(np.abs(slope).max(0) / self.n), 1e-3, 0.1) ** 2
        weight = weight.astype(np.float32)
        for _ in range(CONJUGATE):
            if (size <= enough).all():
                break
            aim = towards.astype(np.float32)
            seen = weight * (self.light @ aim[:-1] + aim[-1])
            turned = np.vstack([self.light.T @ seen + ridge * towards[:-1], seen.sum(0, dtype=np.float64)])
            bend = (towards * turned).sum(0)
            along = np.divide(size, bend, out=np.zeros_like(size), where=(bend > 0) & (size > enough))
            step += along * towards
            residual -= along * turned
            ahead = residual / scale
            new = (residual * ahead).sum(0)
            towards = ahead + np.divide(new, size, out=np.zeros_like(size), where=size > 0) * towards
            size = np.where(along > 0, new, size)
        return step

    def _step_length(
        self,
        todo: np.ndarray,
        logits: np.ndarray,
        change: np.ndarray,
        beta: np.ndarray,
        step: np.ndarray,
        slope: np.ndarray,
        ridge: np.ndarray,
    ) -> np.ndarray:
        """Return for each label the first of 1, 1/2, 1/4, ... whose step lowers its objective (Armijo's rule)."""
        labels, fall = self.labels[:, todo], (slope * step).sum(0)

        def objective(length: np.ndarray) -> np.ndarray:
            moved = logits + length * change
            penalty = 0.5 * ridge * np.square(beta + length * step[:-1]).sum(0)
            result: np.ndarray = (np.logaddexp(0, moved) - labels * moved).sum(0) + penalty
            return result

        length = np.ones(len(todo))
        before = objective(np.zeros(len(todo)))
        for _ in range(30):
            # The last digits of a sum of many losses are rounding: near the optimum they decide nothing.
            short = objective(length) > before + 1e-4 * length * fall + 1e-10 * np.abs(before)
            if not short.any():
                break
            length[short] /= 2
        return length
