"""All latent dims together: the aggregate posterior's first two moments against the prior's; float64 throughout."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Aggregate:
    """Moments of the aggregate posterior q(z), the mean of q(z|x) over n images.

    Attributes:
        n: number of images.
        mean: of z, (D,).
        covariance_of_mu: Cov_x[mu], (D, D).
        covariance: of z, that plus the mean posterior variances, (D, D).
    """

    n: int
    mean: Floats
    covariance_of_mu: Floats
    covariance: Floats

    @property
    def kl_to_prior(self) -> float:
        """KL(N(mean, covariance) || N(0, I)) in nats: how far the first two moments are from the prior's."""
        _, log_det = np.linalg.slogdet(self.covariance)
        return 0.5 * float(np.trace(self.covariance) + self.mean @ self.mean - len(self.mean) - log_det)

    @property
    def kl_floor(self) -> float:
        """What `kl_to_prior` would be on average where the true moments are the prior's, for lack of images.

        Only Cov[mu] and the mean are estimated: with v_d = Var[mu_d], ((sum v)^2 + sum v^2 + 2 sum v) / 4n to first
        order; d (d + 3) / 4n for v = 1.
        """
        v = np.diag(self.covariance_of_mu)
        return float(v.sum() ** 2 + (v**2).sum() + 2 * v.sum()) / (4 * self.n)

    @property
    def total_correlation(self) -> float:
        """KL(N(0, C) || N(0, diag C)) in nats of the covariance C of z: dependence that a Gaussian can show."""
        _, log_det = np.linalg.slogdet(self.covariance)
        return 0.5 * float(np.log(np.diag(self.covariance)).sum() - log_det)

    @property
    def total_correlation_floor(self) -> float:
        """What `total_correlation` would be on average for independent dims: ((sum v)^2 - sum v^2) / 4n.

        v_d is the share of Var[z_d] that is Var[mu_d], the part of C that is estimated.
        """
        v = np.diag(self.covariance_of_mu) / np.diag(self.covariance)
        return float(v.sum() ** 2 - (v**2).sum()) / (4 * self.n)

    @property
    def effective_dimension(self) -> float:
        """Participation ratio (sum l)^2 / sum l^2 of the eigenvalues l of Cov[mu], 0 to D; 0 where mu never moves."""
        squares = float((self.covariance_of_mu**2).sum())
        return float(np.trace(self.covariance_of_mu)) ** 2 / squares if squares > 0 else 0.0

    @property
    def correlation(self) -> Floats:
        """Correlation matrix of mu, (D, D); 0 beside the diagonal where a dim never moves."""
        sd = np.sqrt(np.diag(self.covariance_of_mu))
        scale = np.where(sd > 0, sd, 1.0)
        matrix: Floats = self.covariance_of_mu / np.outer(scale, scale)
        np.fill_diagonal(matrix, 1.0)
        return matrix


def aggregate(mu: npt.NDArray[np.floating], logvar: npt.NDArray[np.floating]) -> Aggregate:
    """Return the moments of the aggregate posterior of mu and logvar, (N, D)."""
    mu = mu.astype(np.float64)
    mean = mu.mean(0)
    of_mu = (mu - mean).T @ (mu - mean) / len(mu)
    return Aggregate(len(mu), mean, of_mu, of_mu + np.diag(np.exp(logvar.astype(np.float64)).mean(0)))
