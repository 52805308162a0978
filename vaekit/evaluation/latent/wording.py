"""The verdict on the latent code in sentences: each follows from the numbers beside it, and none says more."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from vaekit.config import RunConfig
from vaekit.evaluation.latent.facts import Facts
from vaekit.evaluation.latent.verdict import THRESHOLDS, Cause, Verdict, limit
from vaekit.figures.words import fixed, part, percent, plural, short


def record(verdict: Verdict, config: RunConfig) -> dict[str, Any]:
    """Return the verdict as plain data: name, sentences, and the numbers behind them with the thresholds."""
    causes = [_CAUSES[cause.name](cause, verdict.facts, config) for cause in verdict.causes]
    good, wrong = _said(verdict, [said for said, _ in causes])
    hole = [f"{_far_off(verdict.facts)}: they fall where the decoder was never trained."] if verdict.has_hole else []
    return {
        "name": verdict.name,
        "sentence": " ".join([*wrong, *good, *hole]) or f"{_not_judged(verdict.facts)}.",
        "good": good,
        "wrong": wrong,
        "hole": hole,
        "evidence": [_EVIDENCE[e.name](verdict.facts) for e in verdict.evidence] + _more_evidence(verdict),
        "grounds": [asdict(e) | {"sentence": _EVIDENCE[e.name](verdict.facts)} for e in verdict.evidence],
        "causes": [cause for cause, _ in causes],
        "remedies": list(dict.fromkeys(remedy for _, remedy in causes if remedy)),
        "cause_names": [cause.name for cause in verdict.causes],
        "kl_weight": verdict.facts.kl_weight,
        "thresholds": {name: asdict(threshold) for name, threshold in THRESHOLDS.items()},
    }


def _said(verdict: Verdict, causes: list[str]) -> tuple[list[str], list[str]]:
    """Return the verdict in sentences: what is good, and what is wrong; neither where too little is known."""
    f, sound = verdict.facts, verdict.name in ("none", "undertrained")
    if verdict.name == "not judged" and (f.images < limit("images") or f.permuted is None):
        return [], []
    wrong = causes if verdict.name == "undertrained" else []  # that training ended early is said by its grounds
    if not sound:
        wrong = [f"{_SENTENCES[verdict.name](f)}."]
    return [f"{_none(f)}."] if sound else [], wrong


def _far_off(f: Facts) -> str:
    return (
        "Draws from a normal distribution fitted to the codes, decoded and encoded again, come back with "
        f"{short(f.hole)} times the squared error of test images' codes"
    )


def _not_judged(f: Facts) -> str:
    if f.images < limit("images"):
        few = "one says" if f.images == 1 else f"{f.images:,} say"
        return f"No verdict: it needs {limit('images'):g} test images, and {few} little of how codes differ"
    if f.permuted is None:
        return f"No verdict: whether the decoder needs the code can not be told, {f.permuted_reason}"
    return (
        f"No verdict on the code: the mean face is nearer to the images than the reconstructions are (explained "
        f"variance {short(f.r2)}), so the weights are untrained or broken, or the images are not "
        "those the model was made for"
    )


def _full_collapse(f: Facts) -> str:
    return (
        f"Full collapse: the code tells at most {short(f.kl_fitted, 2)} nats of an image "
        f"({part(f.informative, f.dims, 'dim', 'is', 'are')} informative), and with other images' codes the error is "
        f"{fixed(f.permuted or 0, 3)} times as large"
    )


def _drowned(f: Facts) -> str:
    return (
        "Noise drowns the code: its means tell images apart (with other images' means the error is "
        f"{short(f.permuted)} times as large), but posteriors are so wide that a sampled code tells at most "
        f"{short(f.kl_fitted, 2)} nats"
    )


def _ignored(f: Facts) -> str:
    return (
        f"The decoder ignores z: the code can tell {short(f.kl_fitted)} nats of an image, but with the codes of other "
        f"images the error is only {fixed(f.permuted or 0, 3)} times as large"
    )


def _blind(f: Facts) -> str:
    return (
        f"The decoder ignores dims: {f.blind:,} of the {plural(f.informative, 'dim')} that tell images apart "
        f"{'moves' if f.blind == 1 else 'move'} its output less than a ten-thousandth of what another dim does"
    )


def _too_high(f: Facts) -> str:
    return (
        f"The rate is too high: posteriors are far narrower than the reconstruction error warrants ({short(f.kl, 4)} "
        f"nats per image, median variance {short(f.narrowness, 2)} of the code's)"
    )


def _partial(f: Facts) -> str:
    return (
        f"Partial collapse: {part(f.passive, f.dims, 'dim', 'says', 'say')} nothing of the image, and "
        f"{plural(f.active, 'dim is', 'dims are')} used by nearly all images; the code costs {short(f.kl)} nats"
    )


def _weak(f: Facts) -> str:
    return (
        f"The code is weakly used: only {part(f.active, f.dims, 'dim', 'is', 'are')} used by nearly all images; of the "
        "others' variance nearly all is posterior noise, for some images or for all"
    )


def _none(f: Facts) -> str:
    return (
        f"No collapse: {part(f.active, f.dims, 'dim', 'is', 'are')} used by nearly all images, and the decoder needs "
        f"them: the error is {short(f.permuted)} times as large with other images' codes"
    )


_SENTENCES: dict[str, Callable[[Facts], str]] = {
    "not judged": _not_judged,
    "full collapse": _full_collapse,
    "noise drowns the code": _drowned,
    "decoder ignores z": _ignored,
    "decoder ignores dims": _blind,
    "rate too high": _too_high,
    "partial collapse": _partial,
    "weakly used": _weak,
}

_EVIDENCE: dict[str, Callable[[Facts], str]] = {
    "kl_fitted": lambda f: (
        f"The code costs {short(f.kl, 4)} nats per image against N(0, I), {short(f.kl_fitted, 4)} against a normal of "
        "its own mean and variance in each dim: the most that its dims can tell."
    ),
    "informative": lambda f: (
        f"{part(f.informative, f.dims, 'dim', 'tells', 'tell')} images apart; by regime "
        f"{f.active:,} active, {f.passive:,} passive, {f.dims - f.active - f.passive:,} mixed."
    ),
    "passive": lambda f: (
        f"{plural(f.passive, 'dim')} {'says' if f.passive == 1 else 'say'} nothing of the image."
        if f.passive
        else "No dim is without a word about the image."
    ),
    "permuted": lambda f: f"With other images' codes the error is {short(f.permuted, 4)} times as large.",
    "r2": lambda f: f"The reconstruction explains {percent(f.r2 or 0)} of what the mean face leaves open.",
    "blind": lambda f: (
        f"{plural(f.blind, 'informative dim')} {'moves' if f.blind == 1 else 'move'} the decoder's output next to "
        "nothing."
    ),
    "narrowness": lambda f: (
        f"The median posterior variance is {short(f.narrowness)} of the code's, over informative dims."
    ),
    "noise_share": lambda f: (
        f"Posterior noise {_costs(f.noise_cost or 0)}; at the optimum of the calibrated bound it would cost "
        f"{short(f.noise_due)}, half a nat for each dim that is fully used."
    ),
    "hole": lambda f: f"{_far_off(f)}.",
    "kl_weight": lambda f: (
        f"In training the KL weighed {short(f.kl_weight)} times what the bound at its own optimal noise asks for."
    ),
}


def _costs(nats: float) -> str:
    """Return what noise costs: sampled codes that happen to reconstruct better than mu cost nothing."""
    return f"costs {short(nats)} nats" if nats > 0 else "costs nothing that shows"


def _more_evidence(verdict: Verdict) -> list[str]:
    """Return evidence that decides nothing: Burda's count, which depends on the scale of the code."""
    f = verdict.facts
    if verdict.name == "not judged":
        return []
    return [
        f"By the published threshold on Var[mu] alone {part(f.active_units, f.dims, 'dim', 'is', 'are')} active "
        "units; that count depends on the scale of the code."
    ]


def _beta_too_large(cause: Cause, f: Facts, config: RunConfig) -> tuple[str, str]:
    assert config.objective is not None
    return (
        f"beta = {config.objective.beta:g} is too large: the KL weighs {short(cause.value)} times what the bound at "
        "its own optimal noise asks for.",
        _better_beta(f, config),
    )


def _beta_too_small(cause: Cause, f: Facts, config: RunConfig) -> tuple[str, str]:
    assert config.objective is not None
    return (
        f"beta = {config.objective.beta:g} is too small: the KL weighs only {short(cause.value, 2)} of what the bound "
        "at its own optimal noise asks for.",
        _better_beta(f, config),
    )


def _better_beta(f: Facts, config: RunConfig) -> str:
    likelihood, objective = config.likelihood, config.objective
    assert likelihood is not None and objective is not None
    if f.kl_weight and likelihood.name == "gaussian" and isinstance(likelihood.sigma, float):
        beta = objective.beta / f.kl_weight
        if config.training is None:  # another program's, in whose loss vaekit's settings say nothing
            return f"Set the weight of the KL to {beta:.2g} beside the same reconstruction term."
        return f'Set objective.beta = {beta:.2g}, or likelihood.sigma = "optimal" with beta = 1.'
    return "Set objective.beta = 1." if config.training else "Set the weight of the KL to 1."


def _pixels_averaged(cause: Cause, f: Facts, config: RunConfig) -> tuple[str, str]:
    assert config.objective is not None and cause.value is not None
    fitting = short(config.objective.beta / cause.value, 2)
    return (
        "The loss averages over pixels where the bound sums: beside a summed KL that multiplies beta by the number of "
        f"pixel values, so that the KL weighs {short(cause.value)} times what the bound asks for.",
        'Set objective.pixels = "sum".'
        if config.training
        else f"Set the weight of the KL to {fitting} beside the same reconstruction term.",
    )


def _more_dims(cause: Cause, f: Facts, config: RunConfig) -> tuple[str, str]:
    return (
        f"The code has more dims than the data pay for at this weight of the KL: {cause.value:,.0f} "
        f"{'tells' if cause.value == 1 else 'tell'} images apart.",
        "It is no fault as such: a smaller code would do the same. Weigh the KL less if the faces lack detail.",
    )


def _still_falling(cause: Cause, f: Facts, config: RunConfig) -> tuple[str, str]:
    return (
        f"Training ended while the validation loss still fell: its last two of {f.training.epochs:,} epochs brought "
        f"{percent(cause.value or 0)} of the whole fall.",
        TRAIN_ON,
    )


def _few_epochs(cause: Cause, f: Facts, config: RunConfig) -> tuple[str, str]:
    return f"Training had only {plural(int(cause.value or 0), 'epoch')}.", TRAIN_ON


def _untrained_is_better(cause: Cause, f: Facts, config: RunConfig) -> tuple[str, str]:
    return (
        f"Linear probes tell attributes better from an untrained encoder's code than from this one (mean AUROC "
        f"{fixed(cause.value or 0, 3)} against {fixed(f.training.probe_auroc or 0, 3)}): it has not yet learned what "
        "faces differ in.",
        TRAIN_ON if config.training else _LONGER,
    )


TRAIN_ON = "Train on: `vaekit train --resume` with more epochs, before anything else is changed."
_LONGER = "Train longer, before anything else is changed."

_CAUSES: dict[str, Callable[[Cause, Facts, RunConfig], tuple[str, str]]] = {
    "few epochs": _few_epochs,
    "still falling": _still_falling,
    "untrained is better": _untrained_is_better,
    "beta too large": _beta_too_large,
    "beta too small": _beta_too_small,
    "pixels averaged": _pixels_averaged,
    "free bits": lambda cause, f, config: (
        f"Half of the dims or more sit at the free bits of {cause.value:g} nats and learn no more.",
        "Raise objective.free_bits, or lower beta so that dims pay for themselves.",
    ),
    "no warm-up": lambda cause, f, config: (
        f"The KL weighed in full from the first step, and the code was never used: no epoch's kl exceeded "
        f"{short(cause.value, 2)} nats on valid.",
        "Set objective.kl_warmup_epochs to a fifth of the epochs.",
    ),
    "more dims than pay": _more_dims,
    "overfitted": lambda cause, f, config: (
        f"The validation loss was lowest after epoch {cause.value:.0f} and rose since.",
        "Keep the best epoch (best.pt), or train on more images.",
    ),
    "blind decoder": lambda cause, f, config: (
        "The encoder does its part: the decoder is strong enough, or its path from z weak enough, to do without.",
        "Check that all of z reaches the decoder, or take a smaller one.",
    ),
    "objective unknown": lambda cause, f, config: (
        "The training objective is unknown, so that nothing can be said of beta.",
        "Say which loss trained it: --objective, --reduction and --beta.",
    ),
    "no cause shows": lambda cause, f, config: ("No cause shows in the settings or in the history.", ""),
}
