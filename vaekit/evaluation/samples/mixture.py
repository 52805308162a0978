"""The fitted aggregate posterior: a Gaussian mixture in place of the prior (ex-post density, Ghosh et al. 2020)."""

import warnings
from dataclasses import dataclass

import numpy as np
from scipy import linalg
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from vaekit.errors import VaekitError
from vaekit.figures.words import short
from vaekit.seeding import numpy_generator

COMPONENTS = (1, 2, 5, 10, 20)
FULL = 4  # codes per component and dim from which a covariance is full; below, its variances alone are fitted
STEPS = 20  # of expectation maximisation: the rest moves the log likelihood by less than its error on valid


@dataclass(frozen=True, eq=False)
class Mixture:
    """A mixture of K Gaussians over z, and how K was chosen.

    Attributes:
        weights, means, covariances: (K,), (K, D), (K, D, D).
        tried, kinds: the numbers of components tried, (T,), each with "full" or "diagonal" covariances.
        valid_log_likelihood: mean log density of valid codes in nats under each, (T,).
        valid_under_prior: the same under N(0, I). Mixture minus prior bounds KL(q(z) || p(z)) from below on average.
        n: number of train codes.
    """

    weights: np.ndarray
    means: np.ndarray
    covariances: np.ndarray
    tried: np.ndarray
    kinds: np.ndarray
    valid_log_likelihood: np.ndarray
    valid_under_prior: float
    n: int

    @property
    def away_from_prior(self) -> float:
        """Nats per code by which the mixture describes valid codes better than the prior does."""
        return float(self.valid_log_likelihood.max()) - self.valid_under_prior

    def sample(self, n: int, generator: np.random.Generator) -> np.ndarray:
        """Return n codes of the mixture, float32 (n, D)."""
        chosen = generator.choice(len(self.weights), n, p=self.weights)
        noise = generator.standard_normal((n, self.means.shape[1]))
        z = self.means[chosen]
        for component, covariance in enumerate(self.covariances):
            z[chosen == component] += noise[chosen == component] @ linalg.cholesky(covariance)
        return z.astype(np.float32)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return everything for mixture.npz."""
        return {
            "weights": self.weights,
            "means": self.means,
            "covariances": self.covariances,
            "components": self.tried,
            "kinds": self.kinds,
            "valid_log_likelihood": self.valid_log_likelihood,
            "valid_under_prior": np.array(self.valid_under_prior),
            "n": np.array(self.n),
        }

    def sentence(self) -> str:
        """Return how the mixture was chosen and how far the codes are from the prior."""
        best = int(self.valid_log_likelihood.argmax())
        count, kind = int(self.tried[best]), self.kinds[best]
        noun = f"{count} Gaussians" if count > 1 else "one Gaussian"
        away = self.away_from_prior
        return (
            f"The aggregate posterior is taken to be {noun} of {kind} covariance, fitted to z ~ q(z|x) of {self.n:,} "
            f"train images; of {', '.join(map(str, self.tried))} components that gives valid codes the highest log "
            f"density, {short(abs(away))} nats {'above' if away >= 0 else 'below'} that of the prior."
        )


def fit_mixture(train: np.ndarray, valid: np.ndarray, seed: int) -> Mixture:
    """Return the mixture whose number of components gives valid codes (M, D) the highest mean log density.

    Fitted to train codes (N, D); 1, 2, 5, 10 and 20 components in turn, until one does worse than the one before: with
    16,000 codes of 128 dims and full covariances about 15 s on one core in all.

    Raises:
        VaekitError: fewer than 2 train codes or no valid code, or a code that is not finite.
    """
    if len(train) < 2 or len(valid) < 1:
        raise VaekitError(
            f"The aggregate posterior needs codes of two train images and one valid image; there are {len(train):,} "
            f"and {len(valid):,}."
        )
    train, valid = train.astype(np.float64), valid.astype(np.float64)
    if not (np.isfinite(train).all() and np.isfinite(valid).all()):
        raise VaekitError("The aggregate posterior can not be fitted: some codes are not finite.")
    n, dims = train.shape
    spread = float(train.var(0).mean()) or 1.0
    found: list[GaussianMixture] = []
    scores: list[float] = []
    for count in COMPONENTS:
        if count > 1 and (n < 2 * FULL * count or scores[-1] < max(scores)):
            break
        fitted = GaussianMixture(
            count,
            covariance_type="full" if n >= FULL * dims * count else "diag",
            reg_covar=1e-6 * spread,
            max_iter=STEPS,
            tol=1e-2,
            random_state=int(numpy_generator(seed, "mixture", count).integers(2**31)),
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # STEPS bounds the time; valid codes are the judge
            fitted.fit(train)
        found.append(fitted)
        scores.append(float(fitted.score(valid)))
    best = found[int(np.argmax(scores))]
    full = best.covariance_type == "full"
    return Mixture(
        weights=best.weights_,
        means=best.means_,
        covariances=best.covariances_ if full else np.stack([np.diag(variances) for variances in best.covariances_]),
        tried=np.array([mixture.n_components for mixture in found]),
        kinds=np.array(["full" if mixture.covariance_type == "full" else "diagonal" for mixture in found]),
        valid_log_likelihood=np.array(scores),
        valid_under_prior=float(-0.5 * (np.square(valid).sum(1) + dims * np.log(2 * np.pi)).mean()),
        n=n,
    )
