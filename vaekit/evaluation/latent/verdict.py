"""Has the posterior collapsed, does the decoder ignore the code, is the rate too high, did training end too early?

Names, grounds and causes as data; every threshold stands in THRESHOLDS, which the report prints. `wording` says them.
Nothing is decided by the kl or by Var[mu]: both change when the code is rescaled, and the model does not.
"""

import math
from dataclasses import dataclass, field
from typing import Literal

from vaekit.config import ObjectiveConfig, RunConfig
from vaekit.evaluation.latent.facts import Facts

Name = Literal[
    "not judged",
    "full collapse",
    "noise drowns the code",
    "decoder ignores z",
    "decoder ignores dims",
    "rate too high",
    "partial collapse",
    "weakly used",
    "undertrained",
    "none",
]


@dataclass(frozen=True)
class Threshold:
    """One number that decides, and what it decides."""

    value: float
    meaning: str


THRESHOLDS = {
    "images": Threshold(
        20, "no verdict on fewer test images: what holds for 95 % of the images needs twenty to be counted on"
    ),
    "worse": Threshold(
        -0.25, "no verdict: the explained variance is below this, the mean face is nearer to the images"
    ),
    "told": Threshold(
        1.0, "full collapse: the code tells at most so many nats (kl to the fitted prior), and is ignored"
    ),
    "ignored": Threshold(1.02, "the decoder ignores z: other images' codes raise the error by less than this factor"),
    "blind": Threshold(1e-4, "the decoder ignores a dim that moves it less than this share of what another dim does"),
    "blind_share": Threshold(0.1, "the decoder ignores dims: at least this share of the informative dims"),
    "passive_share": Threshold(0.1, "partial collapse: at least this share of the dims is passive"),
    "active_share": Threshold(0.5, "weakly used: less than this share of the dims is active for nearly all images"),
    "noise_share": Threshold(
        0.2, "rate too high: posterior noise costs less than this share of what it costs at the bound's optimum"
    ),
    "narrow": Threshold(
        0.1, "rate too high: and the median of sigma^2 / Var[z] over the informative dims is below this"
    ),
    "hole": Threshold(
        3.0, "prior hole: normal draws, decoded and encoded again, have so many times the squared error of codes"
    ),
    "kl_weight": Threshold(2.0, "beta is blamed where the kl weighs more than so many times what the bound asks for"),
    "free_bits": Threshold(1.25, "free bits are reached where half of the dims' kl stay within this factor of them"),
    "falling": Threshold(
        0.02, "undertrained: the last two epochs hold more than this share of the validation loss's whole fall"
    ),
    "epochs": Threshold(3, "undertrained: there were fewer epochs than this"),
    "risen": Threshold(0.01, "overfitted: since its best epoch the validation loss rose by this share of its fall"),
}

COLLAPSED: tuple[Name, ...] = (
    "full collapse",
    "noise drowns the code",
    "decoder ignores z",
    "partial collapse",
    "weakly used",
)


@dataclass(frozen=True)
class Evidence:
    """One number that bears on the verdict; whether it speaks for a collapse, None where it bears on something else."""

    name: str
    value: float
    speaks: bool | None = None


@dataclass(frozen=True)
class Cause:
    """One thing in the settings, the history or the decoder that led there, and the number that shows it."""

    name: str
    value: float | None = None


@dataclass(frozen=True)
class Verdict:
    """Which of the names it is, on what grounds, and what caused it."""

    name: Name
    facts: Facts
    evidence: tuple[Evidence, ...] = ()
    causes: tuple[Cause, ...] = field(default=())

    @property
    def has_hole(self) -> bool:
        """Whether draws from a normal distribution fitted to the codes fall where the decoder was never trained."""
        return self.name != "not judged" and self.facts.hole is not None and self.facts.hole > limit("hole")


def limit(name: str) -> float:
    """Return the threshold called `name`."""
    return THRESHOLDS[name].value


def judge(facts: Facts, config: RunConfig) -> Verdict:
    """Return the verdict on a model trained with `config`."""
    name = _name(facts)
    if name == "not judged":
        return Verdict(name, facts)
    return Verdict(name, facts, tuple(_evidence(facts)), tuple(_causes(name, facts, config.objective)))


def _name(f: Facts) -> Name:
    if f.images < limit("images") or f.permuted is None or (f.r2 is not None and f.r2 < limit("worse")):
        return "not judged"
    tells_nothing = f.kl_fitted < limit("told") or f.informative == 0
    if f.permuted < limit("ignored"):
        return "full collapse" if tells_nothing else "decoder ignores z"
    if tells_nothing:
        return "noise drowns the code"
    if f.blind >= max(1.0, limit("blind_share") * f.informative):
        return "decoder ignores dims"
    if f.noise_share < limit("noise_share") and f.narrowness is not None and f.narrowness < limit("narrow"):
        return "rate too high"
    if f.passive >= max(1.0, limit("passive_share") * f.dims):
        return "partial collapse"
    if f.active < limit("active_share") * f.dims:
        return "weakly used"
    return "undertrained" if _undertrained(f) else "none"


def _evidence(f: Facts) -> list[Evidence]:
    """Return the numbers that bear on the verdict, those on a collapse first."""
    found = [Evidence("kl_fitted", f.kl_fitted, f.kl_fitted < limit("told"))]
    found.append(Evidence("informative", f.informative, f.informative < limit("active_share") * f.dims))
    found.append(Evidence("passive", f.passive, f.passive >= max(1.0, limit("passive_share") * f.dims)))
    assert f.permuted is not None
    found.append(Evidence("permuted", f.permuted, f.permuted < limit("ignored")))
    others = {
        "r2": f.r2,
        "blind": f.blind or None,
        "narrowness": f.narrowness,
        "noise_share": None if math.isnan(f.noise_share) else f.noise_share,
        "hole": f.hole,
        "kl_weight": f.kl_weight,
    }
    return found + [Evidence(name, value) for name, value in others.items() if value is not None]


def _undertrained(f: Facts) -> list[Cause]:
    """Return the grounds for training on; none where the history tells nothing and no control beats the code."""
    t, found = f.training, []
    if t.epochs is not None and t.epochs < limit("epochs"):
        found.append(Cause("few epochs", t.epochs))
    elif t.still_falling is not None and t.still_falling > limit("falling"):
        found.append(Cause("still falling", t.still_falling))
    if t.untrained_is_better:
        found.append(Cause("untrained is better", t.untrained_auroc))
    return found


def _causes(name: Name, f: Facts, objective: ObjectiveConfig | None) -> list[Cause]:
    """Return the causes, settings first, then training that ended early; each only with a number that shows it."""
    settings = _settings_to_blame(name, f, objective)
    found = settings or _undertrained(f)  # training on under a setting that forbids the code does not bring it back
    if name in ("none", "undertrained"):
        return found
    if name in COLLAPSED and not settings:
        found += _other_causes_of_collapse(name, f, objective)
    if name in ("decoder ignores z", "decoder ignores dims"):
        found.append(Cause("blind decoder", f.blind))
    if objective is None:
        found.append(Cause("objective unknown"))
    return found or [Cause("no cause shows")]


def _settings_to_blame(name: Name, f: Facts, objective: ObjectiveConfig | None) -> list[Cause]:
    found: list[Cause] = []
    if name == "rate too high":
        if f.kl_weight is not None and f.kl_weight < 1 / limit("kl_weight"):
            found.append(Cause("beta too small", f.kl_weight))
        if f.training.risen is not None and f.training.risen > limit("risen"):
            found.append(Cause("overfitted", f.training.best_epoch))
    if objective is None or name not in COLLAPSED:
        return found
    if f.kl_weight is not None and f.kl_weight > limit("kl_weight"):
        found.append(Cause("pixels averaged" if objective.pixels == "mean" else "beta too large", f.kl_weight))
    if objective.free_bits > 0 and _free_bits_reached(f, objective.free_bits):
        found.append(Cause("free bits", objective.free_bits))
    return found


def _other_causes_of_collapse(name: Name, f: Facts, objective: ObjectiveConfig | None) -> list[Cause]:
    if objective is None:
        return []
    never_used = f.training.most_kl is not None and f.training.most_kl < limit("told")
    if name == "full collapse" and objective.kl_warmup_epochs == 0 and never_used:
        return [Cause("no warm-up", f.training.most_kl)]
    is_balanced = f.kl_weight is not None and name in ("partial collapse", "weakly used")
    return [Cause("more dims than pay", f.informative)] if is_balanced else []


def _free_bits_reached(f: Facts, free_bits: float) -> bool:
    near = [free_bits / limit("free_bits") < kl < free_bits * limit("free_bits") for kl in f.kl_per_dim]
    return sum(near) >= f.dims / 2
