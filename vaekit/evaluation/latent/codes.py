"""Each latent dim from the posteriors of the test images alone; everything in float64.

A code can be rescaled without changing the model: mu and sigma times c, the decoder's input by 1 / c. What is said of a
dim here does not change then, but for the published active units (a threshold on Var[mu] itself), the kl, and the
moments of z: those hold the code against N(0, I), whose scale is fixed.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]

ACTIVE_VARIANCE = 0.01  # Burda et al. 2016: a dim is active where Var_x[mu_d] exceeds it
THRESHOLDS = np.logspace(-4, 0, 41)  # of the sweep around it
# Var[mu_d] / (Var[mu_d] + mean sigma_d^2), the share of a dim's variance that tells images apart: under the prior's
# scale the same threshold as that one, and at every other scale the same verdict.
INFORMATIVE_SHARE = 0.01
# Polarised regime (Rolinek et al. 2019; Bonheme & Grzes 2021): an image leaves a dim unused where its posterior is
# nearly as wide as all images' together; a dim is passive or active where (nearly) all images agree, else mixed.
UNUSED_SIGMA2 = 0.9
NEARLY_ALL = 0.95


def per_dim_table(mu: npt.NDArray[np.floating], logvar: npt.NDArray[np.floating]) -> pd.DataFrame:
    """Return one row per latent dim from mu and logvar, (N, D).

    kl (nats, mean over images), mu_mean, mu_var and sigma2_mean over images; mu_share, the share of the variance that
    lies between images; kl_fitted (nats), the kl to a normal of the dim's own mean and variance, the most that it can
    tell of the image; unused (share of images whose sigma^2 exceeds 0.9 of the variance), regime; variance, skewness
    and kurtosis of the aggregate posterior, 1, 0 and 3 for the prior.
    """
    mu, logvar = mu.astype(np.float64), logvar.astype(np.float64)
    sigma2 = np.exp(logvar)
    kl = 0.5 * (mu**2 + np.expm1(logvar) - logvar)
    mu_var = mu.var(0)
    # Moments of the mixture of N Gaussians, in closed form.
    centred = mu - mu.mean(0)
    variance = mu_var + sigma2.mean(0)
    third = (centred**3 + 3 * centred * sigma2).mean(0)
    fourth = (centred**4 + 6 * centred**2 * sigma2 + 3 * sigma2**2).mean(0)
    share, unused = mu_var / variance, (sigma2 > UNUSED_SIGMA2 * variance).mean(0)
    return pd.DataFrame(
        {
            "dim": np.arange(mu.shape[1]),
            "kl": kl.mean(0),
            "mu_mean": mu.mean(0),
            "mu_var": mu_var,
            "sigma2_mean": sigma2.mean(0),
            "mu_share": share,
            "kl_fitted": 0.5 * (np.log(variance) - logvar.mean(0)),
            "unused": unused,
            "regime": regimes(share, unused),
            "variance": variance,
            "skewness": third / variance**1.5,
            "kurtosis": fourth / variance**2,
        }
    )


def regimes(share: Floats, unused: Floats) -> npt.NDArray[np.str_]:
    """Return "passive", "active" or "mixed" for each dim, from `mu_share` and the share of images not using it."""
    tells = share > INFORMATIVE_SHARE
    passive = ~tells & (unused >= NEARLY_ALL)
    active = tells & (unused <= 1 - NEARLY_ALL)
    found: npt.NDArray[np.str_] = np.where(passive, "passive", np.where(active, "active", "mixed"))
    return found


def active_units(mu_var: Floats, thresholds: Floats = THRESHOLDS) -> npt.NDArray[np.int64]:
    """Return how many dims have a variance of mu above each threshold (Burda et al. 2016), int64."""
    counts: npt.NDArray[np.int64] = np.count_nonzero(mu_var[None, :] > thresholds[:, None], axis=1)
    return counts


def sample_correlation(mu: npt.NDArray[np.floating], z: npt.NDArray[np.floating]) -> Floats:
    """Return the correlation over images of mu_d and a sample z_d ~ q(z_d|x), (D,); NaN where mu_d never moves."""
    mu, z = mu.astype(np.float64) - mu.mean(0, dtype=np.float64), z.astype(np.float64) - z.mean(0, dtype=np.float64)
    scale = np.sqrt((mu**2).sum(0) * (z**2).sum(0))
    found: Floats = np.divide((mu * z).sum(0), scale, out=np.full(mu.shape[1], np.nan), where=scale > 0)
    return found
