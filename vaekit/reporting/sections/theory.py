"""The theory of the VAE, told with this run's numbers: each sentence is filled from them, or left out."""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from vaekit import artifacts
from vaekit.figures.words import count, listed, percent, plain, plural, short
from vaekit.reporting.document import Block, Heading, Prose, section
from vaekit.reporting.material import Material
from vaekit.reporting.protocol import image_shape
from vaekit.reporting.sections.setting import is_elbo
from vaekit.reporting.tables import metrics_of

_BALANCED = 1.25  # a KL that weighs between 1 / so much and so much of what the bound asks for counts as balanced
_SHARES = (0.5, 0.9, 0.99)  # of the rate, for which the dims are counted


@section("theory", "Theory, with this run's numbers", part="Method", place=160)
def theory(material: Material) -> Iterable[Block]:
    """Yield what the numbers say of rate and distortion, beta, collapse, the size of the code, and the prior."""
    for heading, write in (
        ("Rate against distortion", _rate_and_distortion),
        ("What beta did", _beta),
        ("Has the posterior collapsed?", _collapse),
        ("The size of the code", _size),
        ("The aggregate posterior and the prior", _prior),
    ):
        if blocks := list(write(material)):
            yield Heading(heading)
            yield from blocks


def _rate_and_distortion(material: Material) -> Iterable[Block]:
    kl, sse, bpd = (material.value(name) for name in ("kl", "sse", "bpd_calibrated"))
    shown = {row.id: row.value for row in metrics_of(material.rows)}  # with the digits that the tables show
    model, values = material.summary["model"], math.prod(image_shape(material.summary["protocol"]))
    sigma, dims = model["sigma_calibrated"], model["latent_dim"]
    yield Prose(
        "A VAE maximises a lower bound of log p(x), the ELBO (Kingma & Welling 2014; Rezende et al. 2014). The bound "
        "has two parts that pull against each other: the distortion, −log p(x|z), which is what the reconstruction "
        "gets wrong, and the rate, KL(q(z|x) ‖ p(z)), which is what the code may cost (Alemi et al. 2018)."
    )
    if kl is None or sse is None:
        return
    yield Prose(
        f"Here the code costs {shown['kl']} nats per image ({short(kl / math.log(2))} bits, {plain(kl / dims, 3)} nats "
        "for "
        f"each of its {plural(dims, 'dim')}), and leaves a squared error of {shown['sse']}, the sum over {values:,} "
        "values. "
        f"Under a Gaussian of sigma = {plain(sigma, 3)} that error costs SSE / 2σ² = {short(sse / (2 * sigma**2))} "
        "nats."
    )
    if bpd:
        share = kl / (math.log(2) * values) / bpd
        said = f"Of the {shown['bpd_calibrated']} bits that a pixel value costs in all, the code pays "
        said += f"{plain(share * bpd, 2)}, {percent(share)}"
        if share < 0.1:
            said += ": nearly all of the bill is for the pixels that the decoder's mean leaves open"
        yield Prose(f"{said}.")


def _beta(material: Material) -> Iterable[Block]:
    config, model = material.summary["config"], material.summary["model"]
    if config["objective"] is None:
        return
    objective, sigma = config["objective"], config["likelihood"].get("sigma")
    beta, fitted, trained = objective["beta"], model["sigma_calibrated"], model.get("sigma_trained")
    weight = _verdict(material).get("kl_weight")
    if is_elbo(objective) and sigma == "optimal":
        yield Prose(
            f"The observation noise was kept at its optimum during training (sigma = {plain(trained or fitted, 3)} at "
            "the end; Rybkin et al. 2021), and beta = 1: the loss is the negative ELBO itself, and no hidden weight "
            "favours either part."
        )
        return
    if weight is None or trained is None:
        yield Prose(
            f"beta = {beta:g} multiplies the KL of the loss (Higgins et al. 2017). The loss is no likelihood of an "
            "8-bit image, so that how much that is against the bound can not be said."
        )
        return
    why = f"beta = {beta:g} multiplies the KL of the loss (Higgins et al. 2017)"
    if not isinstance(sigma, str):
        why = (
            f"With beta = {beta:g} the loss is that of a Gaussian with sigma = {plain(trained, 3)}, while the errors "
            f"on the validation split have {plain(fitted, 3)} (Higgins et al. 2017; Rybkin et al. 2021)"
        )
    said = f"the KL weighs {plain(weight, 3)} times what the bound at the fitted noise asks for"
    if weight > _BALANCED:
        said += ". That buys a cheaper code, closer to the prior, and pays with blur"
    elif weight < 1 / _BALANCED:
        said += ". That buys sharper reconstructions, and pays with a code farther from the prior"
    yield Prose(f"{why}: {said}.")


def _verdict(material: Material) -> dict[str, Any]:
    verdict: dict[str, Any] = material.files.get(artifacts.LATENT, {}).get("verdict", {})
    return verdict


def _collapse(material: Material) -> Iterable[Block]:
    if verdict := _verdict(material):
        yield Prose(
            "A posterior collapses where q(z|x) is the prior whatever the image, so that a dim says nothing (Bowman et "
            "al. 2016; Lucas et al. 2019). It shows in what the code tells of an image, and in what the decoder does "
            "with it."
        )
        yield Prose(" ".join([*verdict["wrong"], *verdict["good"]]) or verdict["sentence"])


def _size(material: Material) -> Iterable[Block]:
    table: pd.DataFrame | None = material.files.get(artifacts.PER_DIM)
    if table is None or "kl" not in table:
        return
    kl = np.sort(table["kl"].to_numpy(float))[::-1]
    dims, total = len(kl), float(kl.sum())
    if not math.isfinite(total) or total <= 0:
        return
    passive = material.value("passive_dims") or 0
    if passive == dims:
        yield Prose("Every dim repeats the prior: at this weight of the KL it makes no difference how many there are.")
        return
    needed = [int(np.searchsorted(np.cumsum(kl), share * total)) + 1 for share in _SHARES]
    counts = listed([f"{percent(share)} lies in {count(n)}" for share, n in zip(_SHARES, needed, strict=True)])
    spread = material.value("effective_dimension")
    also = f"; the spread of the means has an effective dimension of {plain(spread, 3)}" if spread else ""
    yield Prose(f"Of the rate {counts} of {plural(dims, 'dim')}{also}.")
    if passive >= 0.1 * dims:
        yield Prose(
            f"{plural(passive, 'dim repeats', 'dims repeat')} the prior: a code of about "
            f"{plural(dims - passive, 'dim')} would "
            "say the same "
            "at this weight of the KL, and more dims would not help."
        )
    elif kl[-1] > 0.1:
        yield Prose(
            f"Even the least used dim carries {plain(kl[-1], 2)} nats: nothing shows that {count(dims)} are enough."
        )


def _prior(material: Material) -> Iterable[Block]:
    told, away = material.value("dimwise_information"), material.value("dimwise_marginal_kl")
    if told is not None and away is not None:
        yield Prose(
            "Averaged over images the KL of a dim splits in two (Hoffman & Johnson 2016): what the dim tells of the "
            "image, and how far the average of all posteriors, q(z), lies from the prior. Summed over dims that is "
            f"{short(told)} and {short(away)} nats."
        )
    verdict = _verdict(material)
    measured = next((ground["sentence"] for ground in verdict.get("grounds", ()) if ground["name"] == "hole"), None)
    if verdict.get("hole"):
        yield Prose(
            f"{' '.join(verdict['hole'])} It is a reason for samples of N(0, I) to look worse than reconstructions, "
            "and for a density fitted to the codes to sample better (Dai & Wipf 2019; Ghosh et al. 2020)."
        )
    elif measured:
        yield Prose(f"{measured} A prior hole is called from {verdict['thresholds']['hole']['value']:g} times on.")
    shown = {row.id: row.value for row in metrics_of(material.rows) if not row.is_absent}
    if {"fd_attributes", "fd_attributes_aggregate"} <= {*shown}:
        yield Prose(
            f"Measured here, in the judge's features: samples of the prior have a Fréchet distance of "
            f"{shown['fd_attributes']} from the test images, samples of a mixture fitted to the codes "
            f"{shown['fd_attributes_aggregate']}."
        )
