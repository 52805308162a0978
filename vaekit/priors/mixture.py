"""A Gaussian mixture fitted to codes: expectation maximisation whose covariances lean on that of all codes."""

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from scipy.linalg import solve_triangular
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning

from vaekit.errors import DataError
from vaekit.figures.words import short
from vaekit.priors.base import Codes, Floats, Posteriors, Standard
from vaekit.seeding import numpy_generator

COMPONENTS = (1, 3, 10, 30)
STEPS = 20  # of expectation maximisation: the rest moves the log likelihood by less than its error on valid
ENOUGH = 0.05  # nats per code of one step, below which no further one is taken
LEANING = 2.0  # codes per dim that the covariance of all codes counts for in each component's
_FEW = 1e-3  # a code's share in a component below which the component does not look at it
_AT_A_TIME = 4096


@dataclass(frozen=True, eq=False)
class Mixture:
    """A mixture of K Gaussians over z.

    Attributes:
        weights, means, covariances: (K,), (K, D), (K, D, D).
    """

    weights: Floats
    means: Floats
    covariances: Floats
    kind: ClassVar[str] = "mixture"

    @property
    def said(self) -> str:
        """How many Gaussians there are."""
        count = len(self.weights)
        return f"a mixture of {count} Gaussians" if count > 1 else "one Gaussian of full covariance"

    def log_prob(self, z: npt.NDArray[Any]) -> Floats:
        """Return log p(z) of each code, (N,)."""
        parts = []
        for weight, mean, covariance in zip(self.weights, self.means, self.covariances, strict=True):
            root = np.linalg.cholesky(covariance)
            apart = solve_triangular(root, (z - mean).T, lower=True)
            log_scale = np.log(np.diag(root)).sum() + 0.5 * len(mean) * math.log(2 * math.pi)
            parts.append(math.log(weight) - 0.5 * np.square(apart).sum(0) - log_scale)
        found: Floats = np.logaddexp.reduce(parts, axis=0)
        return found

    def sample(self, n: int, *, seed: int, temperature: float = 1.0) -> Codes:
        """Return n codes, (n, D); the temperature scales each Gaussian around its mean, not which one is drawn."""
        chosen = np.searchsorted(np.cumsum(self.weights[:-1]), numpy_generator(seed, "components").random(n))
        noise = numpy_generator(seed, "aggregate").standard_normal((n, self.means.shape[1]))
        z = self.means[chosen]
        for k, covariance in enumerate(self.covariances):
            z[chosen == k] += temperature * noise[chosen == k] @ np.linalg.cholesky(covariance).T
        return z.astype(np.float32)

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return weights, means and covariances."""
        return {"weights": self.weights, "means": self.means, "covariances": self.covariances}


def mixture_of(arrays: Mapping[str, npt.NDArray[Any]], where: str) -> Mixture:
    """Return the mixture whose `arrays` these are.

    Raises:
        DataError: they do not fit together; it names `where` they come from.
    """
    weights, means, covariances = (np.asarray(arrays[name], np.float64) for name in ("weights", "means", "covariances"))
    if means.ndim != 2 or covariances.shape != (*means.shape, means.shape[1]) or weights.shape != means.shape[:1]:
        raise DataError(
            f"{where} does not fit together (weights {weights.shape}, means {means.shape}, covariances "
            f"{covariances.shape}): make it again."
        )
    return Mixture(weights, means, covariances)


@dataclass(frozen=True, eq=False)
class ChosenMixture:
    """A mixture, and how its number of components was chosen.

    Attributes:
        mixture: that under which valid codes have the highest mean log density.
        tried: the numbers of components that were tried, (T,).
        valid_log_likelihood: mean log density of valid codes in nats under each, (T,).
        valid_under_prior: the same under N(0, I). Mixture minus prior bounds KL(q(z) || p(z)) from below on average.
        n: number of train codes.
    """

    mixture: Mixture
    tried: npt.NDArray[np.int64]
    valid_log_likelihood: Floats
    valid_under_prior: float
    n: int

    @property
    def away_from_prior(self) -> float:
        """Nats per code by which the mixture describes valid codes better than N(0, I) does."""
        return float(self.valid_log_likelihood.max()) - self.valid_under_prior

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return everything for mixture.npz."""
        return self.mixture.arrays() | {
            "components": self.tried,
            "valid_log_likelihood": self.valid_log_likelihood,
            "valid_under_prior": np.array(self.valid_under_prior),
            "n": np.array(self.n),
        }

    def sentence(self) -> str:
        """Return how the mixture was chosen and how far the codes are from N(0, I)."""
        away = self.away_from_prior
        return (
            f"The aggregate posterior is taken to be {self.mixture.said}, fitted to z ~ q(z|x) of {self.n:,} train "
            f"images; of {', '.join(map(str, self.tried))} components that gives valid codes the highest log density, "
            f"{short(abs(away))} nats {'above' if away >= 0 else 'below'} that of N(0, I)."
        )


def choose_mixture(train: Posteriors, valid: Posteriors, seed: int) -> ChosenMixture:
    """Return the mixture whose number of components gives valid codes the highest mean log density.

    1, 3, 10 and 30 components in turn, until one does worse than the one before.

    Raises:
        VaekitError: fewer than 2 train codes or no valid code, or a code that is not finite.
    """
    train.require(2, "train")
    valid.require(1, "valid")
    found: list[Mixture] = []
    scores: list[float] = []
    for count in COMPONENTS:
        if count > 1 and (len(train) < 2 * count or scores[-1] < max(scores)):
            break
        found.append(fit_mixture(train.z, count, seed))
        scores.append(float(found[-1].log_prob(valid.z).mean()))
    return ChosenMixture(
        mixture=found[int(np.argmax(scores))],
        tried=np.array(COMPONENTS[: len(found)]),
        valid_log_likelihood=np.array(scores),
        valid_under_prior=float(Standard(train.z.shape[1]).log_prob(valid.z).mean()),
        n=len(train),
    )


def fit_mixture(
    codes: npt.NDArray[Any], count: int, seed: int, *, steps: int = STEPS, leaning: float = LEANING
) -> Mixture:
    """Return a mixture of `count` Gaussians fitted to codes (N, D) by expectation maximisation.

    Each covariance is that of its own codes and, counting for `leaning` * D of them, that within all components: the
    maximum a posteriori under an inverse Wishart prior (Fraley & Raftery 2007). Without it, 10 components of 128 dims
    and 8,000 codes describe unseen codes worse than 3. Starts from k-means; 0 for `leaning` is plain maximum
    likelihood.
    """
    z = codes.astype(np.float64)
    centre, root = z.mean(0), np.linalg.cholesky(covariance_of(z))
    # In coordinates where the covariance of all codes is I, float32 keeps the digits that products of codes need.
    x = torch.from_numpy(solve_triangular(root, (z - centre).T, lower=True).T.astype(np.float32))
    shares, last = _first_shares(codes, count, seed), -math.inf
    for step in range(steps + 1):
        means, roots, weights = _maximised(x, shares, leaning * z.shape[1])
        if step == steps or count == 1:
            break
        log_density = _log_densities(x, means, roots) + weights.log()
        total = log_density.logsumexp(1)
        shares = (log_density - total[:, None]).exp()
        now = float(total.mean())
        if now - last < ENOUGH:
            break
        last = now
    spread = root @ roots.numpy()
    return Mixture(weights.numpy(), centre + means.numpy() @ root.T, spread @ spread.transpose(0, 2, 1))


def covariance_of(z: Floats) -> Floats:
    """Return the covariance of all codes, (D, D); its diagonal counts for D codes, which few of many dims need."""
    n, dims = z.shape
    own = np.atleast_2d(np.cov(z.T, bias=True))
    least = 1e-6 * (float(np.diag(own).mean()) or 1.0)
    found: Floats = (n * own + dims * np.diag(np.diag(own))) / (n + dims) + least * np.eye(dims)
    return found


def _first_shares(codes: npt.NDArray[Any], count: int, seed: int) -> torch.Tensor:
    state = int(numpy_generator(seed, "mixture", count).integers(2**31))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer distinct codes than components
        labels = KMeans(count, n_init=1, max_iter=20, random_state=state).fit_predict(codes)
    return torch.nn.functional.one_hot(torch.from_numpy(labels).long(), count).double()


def _maximised(
    x: torch.Tensor, shares: torch.Tensor, leaning: float
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return means, Cholesky roots and weights, float64, from the shares of white codes x (N, D) in each, (N, K)."""
    (n, dims), counts = x.shape, shares.sum(0)
    means, scatters = [], []
    for k in range(shares.shape[1]):
        looked_at = shares[:, k] > _FEW
        share, own = shares[looked_at, k].float(), x[looked_at]
        mean = (share @ own) / share.sum().clamp_min(_FEW)
        apart = (own - mean) * share.sqrt()[:, None]
        means.append(mean.double())
        scatters.append((apart.T @ apart).double())
    scatter, one = torch.stack(scatters), torch.eye(dims, dtype=torch.float64)
    within = scatter.sum(0) / (n + dims) + torch.diag(scatter.sum(0).diagonal()) * dims / (n * (n + dims))
    covariance = (scatter + leaning * within) / (counts + leaning).clamp_min(_FEW)[:, None, None] + 1e-6 * one
    return torch.stack(means), torch.linalg.cholesky(covariance), counts.clamp_min(_FEW) / counts.clamp_min(_FEW).sum()


def _log_densities(x: torch.Tensor, means: torch.Tensor, roots: torch.Tensor) -> torch.Tensor:
    """Return log N(x; mean_k, covariance_k), (N, K) float64."""
    count, dims = means.shape
    inverse = torch.linalg.solve_triangular(roots, torch.eye(dims, dtype=torch.float64).expand_as(roots), upper=False)
    at = (inverse @ means[:, :, None]).reshape(-1).float()
    white = inverse.reshape(-1, dims).T.float().contiguous()
    parts = [
        torch.addmm(at, part, white, beta=-1).view(len(part), count, dims).square().sum(2)
        for part in torch.split(x, _AT_A_TIME)
    ]
    log_scale = roots.diagonal(dim1=1, dim2=2).log().sum(1) + 0.5 * dims * math.log(2 * math.pi)
    return -0.5 * torch.cat(parts).double() - log_scale
