"""What codes are drawn from: N(0, I), which training assumed, or a density learned from the codes of train images.

base.py      the contract, and N(0, I)
mixture.py   Gaussians of full covariance (ex-post density estimation, Ghosh et al. 2020)
flow.py      affine coupling layers (Dinh et al. 2017), trained for seconds on posterior draws
fitting.py   which one, judged on valid codes; and the record of it that a checkpoint keeps
"""

from vaekit.priors.base import Posteriors, Prior, Standard
from vaekit.priors.fitting import KINDS, Fitted, Kind, fit_prior, prior_of, record_of
from vaekit.priors.mixture import ChosenMixture, Mixture, choose_mixture, mixture_of

__all__ = [
    "KINDS",
    "ChosenMixture",
    "Fitted",
    "Kind",
    "Mixture",
    "Posteriors",
    "Prior",
    "Standard",
    "choose_mixture",
    "fit_prior",
    "mixture_of",
    "prior_of",
    "record_of",
]
