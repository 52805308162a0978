"""What was found out about a third-party network, by which margin, and the mistakes that show.

What does not show in what a network does is named too: an activation forgotten in a class copied by hand trains and
runs like any other.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from vaekit.figures.words import plural, short
from vaekit.foreign.choice import QUESTIONS, Choice, output, posterior
from vaekit.foreign.model import ForeignVAE
from vaekit.foreign.opening import Opened
from vaekit.foreign.pixels import Candidate, Images, to_floats
from vaekit.foreign.routes import Read, Through
from vaekit.statistics.bootstrap import NORMAL

SEEN_ON = 32  # images that the checks run on
SWAPPED = 0.05  # of the error must be gained: a code that hardly matters gains by chance
SAME = 1e-4  # relative: two runs that should agree, on any device
BLIND = (
    "Not seen by any of this: layers or activations that differ between the class given here and the one that was "
    "trained, where the weights fit both; how long and on what it was trained."
)


@dataclass(frozen=True)
class Finding:
    """One question about a network and its answer.

    Attributes:
        question: what was asked, a few words.
        answer: one sentence.
        margin: by how much the answer won, in words; "" where it was not measured against another.
        is_mistake: whether the answer says that something is wrong.
    """

    question: str
    answer: str
    margin: str = ""
    is_mistake: bool = False

    def record(self) -> dict[str, Any]:
        """Return the finding as plain data, for JSON."""
        return asdict(self)


def examine(model: ForeignVAE, choice: Choice, images: Images, opened: Opened) -> list[Finding]:
    """Return what was read how, then every mistake that shows.

    Args:
        model: the network as it is going to be used.
        choice: the reading that was taken, and its rivals.
        images: valid images under any protocol.
        opened: what opening the file took.
    """
    x = to_floats(images.under(choice.taken.protocol)[:SEEN_ON]).to(model.device)
    with torch.no_grad():
        readings = [Finding("Opening", note) for note in opened.notes]
        readings += [_posterior(choice), _kl(model, x), *_pixels(choice)]
        checks = (_drawn, _swapped, _range, _never_dark, _state, _noise, _statistics)
        mistakes = [finding for check in checks for finding in check(model, choice, x)]
    mistakes += _tested(opened, images)
    return [*readings, *mistakes, Finding("Limits", BLIND)]


def _tested(opened: Opened, images: Images) -> Iterator[Finding]:
    """Yield that images to test on are among the training images that the checkpoint states."""
    trained_on = {Path(name).stem for name in opened.trained_on or ()}
    shared = sorted(name for name in images.tested if Path(name).stem in trained_on)
    if shared:
        yield Finding(
            "Test images",
            f"{len(shared):,} of the {len(images.tested):,} images to test on are among the model's training images "
            f"({shared[0]}): what is measured on them is no generalisation.",
            is_mistake=True,
        )


def _drawn(model: ForeignVAE, choice: Choice, x: Tensor) -> Iterator[Finding]:
    """The network's own encode draws: no mistake, but who takes what it returns for the mean makes one."""
    network = model.route.network
    for name in [name for name in ("encode", "encoder", "_encode") if hasattr(network.module, name)][:1]:
        joined = replace(network, joins=(name, name))
        try:
            first, second = (joined.first_code(model.convention.to_network(x), value) for value in (0.0, 1.0))
        except Exception:  # it takes more than an image
            return
        if first is not None and second is not None and not torch.equal(first, second):
            mode = " in training mode" if network.samples else ""
            yield Finding(
                "Encode", f"{name}{mode} returns a drawn z first: two calls differ. Its mean is what is measured here."
            )


def _posterior(choice: Choice) -> Finding:
    route, rival = choice.taken.route, choice.runner_up(posterior)
    said = f"{route.sentence()[:1].upper()}{route.sentence()[1:]}."
    if isinstance(route, Read):
        said += f" That the second is a {route.reading.kind} is assumed: no noise is drawn that would show its spread."
    return Finding("Posterior", said, "" if rival is None else _margin(choice.taken, rival, "The next way"))


def _kl(model: ForeignVAE, x: Tensor) -> Finding:
    kl = float(model.encode(x).kl().mean())
    mean = f" One that averages over dims shows {short(kl / model.latent_dim)}." if model.latent_dim > 1 else ""
    return Finding(
        "KL",
        f"{short(kl)} nats on {plural(len(x), 'valid image')}: of the posterior as it is measured, summed over the "
        f"{plural(model.latent_dim, 'latent dim')} and averaged over images, whatever the training log shows.{mean}",
    )


def _pixels(choice: Choice) -> Iterator[Finding]:
    taken = choice.taken
    yield Finding(
        "Reconstruction",
        f"The error is {taken.ratio:.3f} of the mean image's, on {len(taken.error)} valid images.",
        is_mistake=taken.ratio >= 1,
    )
    for question, answer_of in (*QUESTIONS.items(), ("Output", output)):
        rival = choice.runner_up(answer_of)
        margin = "" if rival is None else _margin(taken, rival, answer_of(rival))
        yield Finding(question, f"{answer_of(taken)}.", margin)


def _margin(taken: Candidate, rival: Candidate, answer: str) -> str:
    lead, half = taken.lead(rival)
    return f"{answer} has {rival.ratio:.3f} of the mean image's error, {lead:.3f} ± {half:.3f} more"


def _swapped(model: ForeignVAE, choice: Choice, x: Tensor) -> Iterator[Finding]:
    """The other half of the code reconstructs better than what the network takes for the mean."""
    if model.route.keeps_state:
        return  # it decodes no other code
    posterior = model.encode(x)
    own = _errors(model, posterior.mu, x)
    for name, other in {"logvar": posterior.logvar, "log sigma": posterior.logvar / 2}.items():
        errors = _errors(model, other, x)
        gain = own - errors
        half = NORMAL * float(gain.std()) / len(gain) ** 0.5
        if float(gain.mean()) > max(half, SWAPPED * float(own.mean())):
            yield Finding(
                "Mean and spread",
                f"They are swapped: the {name} reconstructs better than the mean.",
                f"mse {errors.mean():.4f} against {own.mean():.4f}: {gain.mean():.4f} ± {half:.4f} less",
                is_mistake=True,
            )
            return


def _errors(model: ForeignVAE, z: Tensor, x: Tensor) -> Tensor:
    """Return the mse of each image, (B,)."""
    return (model.decode(z).mean - x).square().flatten(1).mean(1)


def _range(model: ForeignVAE, choice: Choice, x: Tensor) -> Iterator[Finding]:
    """Another range reconstructs better than the one that was given, or what goes in and what comes out disagree."""
    taken = choice.taken
    sensible = (c for c in choice.tried if c.convention.agrees and c.ratio < 1)  # else both are noise
    other = next((c for c in sensible if c.convention.range != taken.convention.range), None)
    if other is not None and not taken.rivals(other):
        yield Finding(
            "Range",
            f"[{taken.convention.range}] was given, and the network reconstructs better with {_both(other)}.",
            f"{other.ratio:.3f} of the mean image's error against {taken.ratio:.3f}",
            is_mistake=True,
        )
    elif not taken.convention.agrees and taken.ratio < 1:
        agreeing = [c for c in choice.tried if c.convention.agrees]
        yield Finding(
            "Range",
            f"Images go in as [{taken.convention.range}] and come out {_as(taken)}: the network was trained on a loss "
            "between two ranges, or it is not the class that was trained.",
            _margin(taken, agreeing[0], _both(agreeing[0])) if agreeing else "",
            is_mistake=True,
        )


def _both(candidate: Candidate) -> str:
    return f"{candidate.convention.range} in and {candidate.convention.output} out"


def _as(candidate: Candidate) -> str:
    return {
        "as they are": "in [0, 1]",
        "sigmoid": "as logits",
        "-1,1": "in [-1, 1]",
        "imagenet": "normalised as ImageNet's",
    }[candidate.convention.output]


def _never_dark(model: ForeignVAE, choice: Choice, x: Tensor) -> Iterator[Finding]:
    lowest = float(model.reconstruct(x).amin())
    if lowest >= 0.5 > float(x.amin()):
        yield Finding(
            "Output",
            "Never below .5, though the images are: a sigmoid is applied twice, or an output that can not be negative "
            "stands for pixels in [-1, 1].",
            f"lowest value {lowest:.3f}, of the images {float(x.amin()):.3f}",
            is_mistake=True,
        )


def _state(model: ForeignVAE, choice: Choice, x: Tensor) -> Iterator[Finding]:
    if model.route.keeps_state:
        yield Finding(
            "Decoder",
            "It uses what the last encode left behind: reconstructions are right, but it decodes no other code, so "
            "that nothing is sampled from it.",
            f"after another encode its pixels change by up to {short(model.route.forgets)}",
            is_mistake=True,
        )


def _noise(model: ForeignVAE, choice: Choice, x: Tensor) -> Iterator[Finding]:
    route = model.route
    if route.others:
        what = "dropout" if {"bernoulli_", "dropout", "native_dropout"} & set(route.others) else ", ".join(route.others)
        yield Finding(
            "Randomness",
            f"The network is random beside its posterior ({what}) in evaluation mode too; it is held at its mean here.",
            is_mistake=True,
        )
    if isinstance(route, Through) and route.draws > 1:
        yield Finding(
            "Randomness",
            f"The network draws normal noise {route.draws} times in one run and only one draw is the posterior's: the "
            "others are held at 0.",
            is_mistake=True,
        )
    first, second = route.own(model.convention.to_network(x)), route.own(model.convention.to_network(x))
    if not torch.allclose(first, second, rtol=SAME, atol=SAME):
        yield Finding(
            "Randomness",
            "Two runs on the same images differ although torch's randomness is held: something outside of torch draws.",
            f"by up to {float((first - second).abs().amax()):.3g}",
            is_mistake=True,
        )


def _statistics(model: ForeignVAE, choice: Choice, x: Tensor) -> Iterator[Finding]:
    """Running statistics that are still what a new layer has were never trained; a better train mode proves nothing."""
    layers = [
        (name, layer)
        for name, layer in model.network.named_modules()
        if isinstance(layer, nn.modules.batchnorm._BatchNorm)
        and layer.running_mean is not None
        and layer.running_var is not None
    ]
    fresh = [
        name
        for name, layer in layers
        if not layer.running_mean.any() and bool((layer.running_var == 1).all())  # type: ignore[union-attr]  # not None: above
    ]
    if fresh:
        yield Finding(
            "BatchNorm",
            f"The running statistics of {len(fresh)} of {len(layers)} layers are those of a new layer ({fresh[0]}): "
            "they were not saved, or never trained.",
            is_mistake=True,
        )
