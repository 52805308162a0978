"""Has the posterior collapsed, does the decoder ignore the code, or is the rate too high: one sentence and its grounds.

The numbers come from `analyse`; every threshold stands in THRESHOLDS, which the report prints.
"""

import math
from dataclasses import asdict, dataclass, field
from typing import Any

from vaekit.config import RunConfig


@dataclass(frozen=True)
class Threshold:
    """One number that decides, and what it decides."""

    value: float
    meaning: str


THRESHOLDS = {
    "images": Threshold(2, "no verdict: on fewer test images nothing can be said of how codes differ"),
    "collapsed_kl": Threshold(1.0, "full collapse: the kl is below so many nats per image, or no dim is active"),
    "ignored": Threshold(1.02, "the decoder ignores z: other images' codes raise the error by less than this factor"),
    "passive_share": Threshold(0.1, "partial collapse: at least this share of the dims is passive"),
    "active_share": Threshold(
        0.5, "partial collapse: less than this share of the dims is active for nearly all images"
    ),
    "noise_share": Threshold(
        0.2, "rate too high: posterior noise costs less than this share of what it costs at the bound's optimum"
    ),
    "sharp_sigma2": Threshold(0.1, "rate too high: and the median posterior variance of active dims is below this"),
    "hole": Threshold(3.0, "prior hole: prior draws come back from decoder and encoder so many times as far off"),
    "sigma_off": Threshold(2.0, "beta is blamed where implied and calibrated sigma are further apart than this factor"),
    "free_bits": Threshold(1.25, "free bits are reached where half of the dims' kl stay within this factor of them"),
}


@dataclass(frozen=True)
class Facts:
    """What the verdict rests on.

    Attributes:
        images: number of test images.
        dims, active_units, passive, active: number of latent dims; above Burda's threshold; passive and active regime.
        kl: nats per image; `kl_per_dim` its parts.
        permuted: error under other images' codes / error.
        r2: explained variance; None where it is not computed.
        sigma2: median over active dims of the mean posterior variance; None without an active dim.
        noise_cost, noise_due: nats that posterior noise costs, and would at the bound's optimum.
        hole: how many times as far prior draws come back as codes do; None without an active dim.
        sigma_trained, sigma_calibrated: of the training loss (None where it implies none), and fitted on valid.
    """

    images: int
    dims: int
    active_units: int
    passive: int
    active: int
    kl: float
    kl_per_dim: tuple[float, ...]
    permuted: float
    r2: float | None
    sigma2: float | None
    noise_cost: float
    noise_due: float
    hole: float | None
    sigma_trained: float | None
    sigma_calibrated: float

    @property
    def noise_share(self) -> float:
        """What posterior noise costs / what it would at the optimum of the calibrated bound; NaN where none is due."""
        return self.noise_cost / self.noise_due if self.noise_due > 1e-9 else math.nan


@dataclass(frozen=True)
class Verdict:
    """Which of the five it is (or "not judged"), why, what probably caused it and what to try."""

    name: str
    sentence: str
    evidence: list[str] = field(default_factory=list)
    causes: list[str] = field(default_factory=list)
    remedies: list[str] = field(default_factory=list)

    def record(self) -> dict[str, Any]:
        """Return the verdict and the table of thresholds as plain data."""
        return asdict(self) | {"thresholds": {name: asdict(threshold) for name, threshold in THRESHOLDS.items()}}


def judge(facts: Facts, config: RunConfig) -> Verdict:
    """Return the verdict on a model trained with `config`."""
    if facts.images < _limit("images"):
        return Verdict("not judged", f"No verdict: {facts.images} test image says nothing of how codes differ.")
    if not math.isfinite(facts.kl):
        return Verdict("not judged", "No verdict: the kl is not finite, so the encoder has diverged.")
    name, sentence = _name(facts)
    causes, remedies = _causes(name, facts, config)
    return Verdict(name, sentence, _evidence(facts), causes, remedies)


def _limit(name: str) -> float:
    return THRESHOLDS[name].value


def _name(f: Facts) -> tuple[str, str]:
    if f.kl < _limit("collapsed_kl") or f.active_units == 0:
        same = "the prior" if f.kl < _limit("collapsed_kl") else "(nearly) the same"
        return "full collapse", (
            f"Full collapse: the posterior is {same} for every image ({f.kl:.3g} nats, {f.active_units:,} of "
            f"{f.dims:,} dims active), so the code says nothing about the image."
        )
    if f.permuted < _limit("ignored"):
        return "decoder ignores z", (
            f"The decoder ignores z: the code carries {f.kl:.3g} nats, but with the codes of other images the error is "
            f"only {f.permuted:.3f} times as large."
        )
    if f.noise_share < _limit("noise_share") and f.sigma2 is not None and f.sigma2 < _limit("sharp_sigma2"):
        hole = f", and {_FALL}" if _has_hole(f) else ""
        return "rate too high", (
            f"The rate is too high: posteriors are far narrower than the reconstruction error warrants ({f.kl:.4g} "
            f"nats per image, median variance {f.sigma2:.2g}){hole}."
        )
    if f.passive >= _limit("passive_share") * f.dims or f.active < _limit("active_share") * f.dims:
        return "partial collapse", (
            f"Partial collapse: {f.passive:,} of {f.dims:,} dims repeat the prior, and {f.active:,} are active for "
            f"nearly all images; the code carries {f.kl:.3g} nats."
        )
    return "none", (
        f"No collapse: {f.active:,} of {f.dims:,} dims are active for nearly all images, and the decoder needs them "
        f"(the error is {f.permuted:.2f} times as large with other images' codes)"
        + (f", but {_FALL}." if _has_hole(f) else ".")
    )


_FALL = "draws from the prior fall where the decoder was never trained"


def _has_hole(f: Facts) -> bool:
    return f.hole is not None and f.hole > _limit("hole")


def _evidence(f: Facts) -> list[str]:
    said = [
        f"kl {f.kl:.4g} nats per image over {f.dims:,} dims.",
        f"{f.active_units:,} dims have Var[mu] > 0.01; by regime {f.active:,} are active, {f.passive:,} passive, "
        f"{f.dims - f.active - f.passive:,} mixed.",
        f"With other images' codes the error is {f.permuted:.4g} times as large.",
    ]
    if f.r2 is not None:
        said.append(f"The reconstruction explains {100 * f.r2:.3g} % of what the mean face leaves open.")
    if f.sigma2 is not None:
        said.append(f"The median posterior variance of active dims is {f.sigma2:.3g} (1 is the prior's).")
    if not math.isnan(f.noise_share):
        said.append(
            f"Posterior noise costs {f.noise_cost:.3g} nats; at the optimum of the calibrated bound it would cost "
            f"{f.noise_due:.3g}, half a nat for each dim that is fully used."
        )
    if f.hole is not None:
        said.append(
            f"Prior draws come back from decoder and encoder {f.hole:.2f} times as far off as codes of test images"
            + (": a prior hole." if _has_hole(f) else ".")
        )
    if f.sigma_trained is not None:
        said.append(
            f"The training loss takes pixels to be noisy with sigma {f.sigma_trained:.3g}; the errors on valid have "
            f"{f.sigma_calibrated:.3g}."
        )
    return said


def _causes(name: str, f: Facts, config: RunConfig) -> tuple[list[str], list[str]]:
    if name == "none":
        return [], []
    objective = config.objective
    if objective is None:
        return ["The training objective is unknown, so that nothing can be said of beta."], ["Give --objective."]
    if name == "rate too high":
        causes, remedies = [], []
        if f.sigma_trained is not None and f.sigma_trained * _limit("sigma_off") < f.sigma_calibrated:
            causes.append(f"beta = {objective.beta:g} is too small for errors of this size: {_sigmas(f)}.")
            remedies.append(_better_beta(f, config))
        else:
            causes.append("The encoder has learned to be far more certain than the decoder needs.")
        remedies.append(
            "Keep the best epoch by validation loss, or train on more images, if the kl grew on train only."
        )
        return causes, remedies
    causes, remedies = [], []
    too_noisy = f.sigma_trained is not None and f.sigma_trained > _limit("sigma_off") * f.sigma_calibrated
    if objective.pixels == "mean":
        causes.append(
            "The loss averages over pixels where the bound sums: beside a summed kl that is a beta as many times too "
            "large as there are pixel values."
        )
        remedies.append('Set objective.pixels = "sum".')
    elif name != "decoder ignores z" and too_noisy:
        causes.append(f"beta = {objective.beta:g} is too large for errors of this size: {_sigmas(f)}.")
        remedies.append(_better_beta(f, config))
    if objective.free_bits > 0 and _free_bits_reached(f, objective.free_bits):
        causes.append(
            f"Half of the dims or more sit at the free bits of {objective.free_bits:g} nats and learn no more."
        )
        remedies.append("Raise objective.free_bits, or lower beta so that dims pay for themselves.")
    if objective.kl_warmup_epochs == 0 and name != "decoder ignores z":
        causes.append("There was no warm-up: the kl weighed in full before the decoder had learned to use the code.")
        remedies.append("Set objective.kl_warmup_epochs to a fifth of the epochs.")
    if name == "decoder ignores z" or not (too_noisy or objective.pixels == "mean"):
        causes.append("The decoder is strong enough, or its path from z weak enough, to do without the code.")
        remedies.append("Take a smaller decoder, or check that z reaches it.")
    return causes, remedies


def _sigmas(f: Facts) -> str:
    return f"the loss takes them to be {f.sigma_trained:.3g}, on valid they are {f.sigma_calibrated:.3g}"


def _better_beta(f: Facts, config: RunConfig) -> str:
    assert f.sigma_trained is not None
    likelihood, objective = config.likelihood, config.objective
    assert likelihood is not None and objective is not None
    if likelihood.name == "gaussian" and isinstance(likelihood.sigma, float):
        beta = objective.beta * (f.sigma_calibrated / f.sigma_trained) ** 2
        return f'Set objective.beta = {beta:.2g}, or likelihood.sigma = "optimal" with beta = 1.'
    return "Set objective.beta = 1."


def _free_bits_reached(f: Facts, free_bits: float) -> bool:
    near = [free_bits / _limit("free_bits") < kl < free_bits * _limit("free_bits") for kl in f.kl_per_dim]
    return sum(near) >= f.dims / 2
