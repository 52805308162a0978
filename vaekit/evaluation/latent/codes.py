"""Each latent dim from the posteriors of the test images alone; everything in float64."""

import numpy as np
import pandas as pd

ACTIVE_VARIANCE = 0.01  # Burda et al. 2016: a dim is active where Var_x[mu_d] exceeds it
THRESHOLDS = np.logspace(-4, 0, 41)  # of the sweep around it
# Polarised regime (Rolinek et al. 2019; Bonheme & Grzes 2021): an image leaves a dim unused where its posterior has
# nearly the prior's variance; a dim is passive or active where (nearly) all images agree, else mixed.
UNUSED_SIGMA2 = 0.9
NEARLY_ALL = 0.95


def per_dim_table(mu: np.ndarray, logvar: np.ndarray) -> pd.DataFrame:
    """Return one row per latent dim from mu and logvar, (N, D).

    kl (nats, mean over images), mu_mean, mu_var and sigma2_mean over images, unused (share of images whose sigma^2
    exceeds 0.9), regime; variance, skewness and kurtosis of the aggregate posterior, 1, 0 and 3 for the prior.
    """
    mu, logvar = mu.astype(np.float64), logvar.astype(np.float64)
    sigma2 = np.exp(logvar)
    kl = 0.5 * (mu**2 + np.expm1(logvar) - logvar)
    mu_var, unused = mu.var(0), (sigma2 > UNUSED_SIGMA2).mean(0)
    # Moments of the mixture of N Gaussians, in closed form.
    centred = mu - mu.mean(0)
    variance = mu_var + sigma2.mean(0)
    third = (centred**3 + 3 * centred * sigma2).mean(0)
    fourth = (centred**4 + 6 * centred**2 * sigma2 + 3 * sigma2**2).mean(0)
    return pd.DataFrame(
        {
            "dim": np.arange(mu.shape[1]),
            "kl": kl.mean(0),
            "mu_mean": mu.mean(0),
            "mu_var": mu_var,
            "sigma2_mean": sigma2.mean(0),
            "unused": unused,
            "regime": regimes(mu_var, unused),
            "variance": variance,
            "skewness": third / variance**1.5,
            "kurtosis": fourth / variance**2,
        }
    )


def regimes(mu_var: np.ndarray, unused: np.ndarray) -> np.ndarray:
    """Return "passive", "active" or "mixed" for each dim, from Var_x[mu_d] and the share of images not using it."""
    moves = mu_var > ACTIVE_VARIANCE
    passive = ~moves & (unused >= NEARLY_ALL)
    active = moves & (unused <= 1 - NEARLY_ALL)
    return np.where(passive, "passive", np.where(active, "active", "mixed"))


def active_units(mu_var: np.ndarray, thresholds: np.ndarray = THRESHOLDS) -> np.ndarray:
    """Return how many dims have a variance of mu above each threshold (Burda et al. 2016), int64."""
    return (mu_var[None, :] > thresholds[:, None]).sum(1)


def sample_correlation(mu: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Return the correlation over images of mu_d and a sample z_d ~ q(z_d|x), (D,); NaN where mu_d never moves."""
    mu, z = mu.astype(np.float64) - mu.mean(0, dtype=np.float64), z.astype(np.float64) - z.mean(0, dtype=np.float64)
    scale = np.sqrt((mu**2).sum(0) * (z**2).sum(0))
    return np.divide((mu * z).sum(0), scale, out=np.full(mu.shape[1], np.nan), where=scale > 0)
