"""What was evaluated and on what: the model, its data and protocol, what the numbers can not say, how to redo it."""

import shlex
from collections.abc import Iterable
from typing import Any

import pandas as pd

from vaekit import artifacts
from vaekit.figures.words import count, plural
from vaekit.reporting.document import (
    APPENDIX,
    Block,
    Bullets,
    Code,
    Details,
    Facts,
    Grid,
    Heading,
    Picture,
    Prose,
    section,
)
from vaekit.reporting.material import Material
from vaekit.reporting.protocol import is_ours, model_words, pixels
from vaekit.reporting.tables import numbers, table_of, words
from vaekit.statistics.bootstrap import LEAST, RESAMPLES

_ASKED = ("question", "answer", "margin")
_REASONS = 10  # a broken download can skip thousands of files; their index lists them all
DESCRIPTIVE = (
    "Differences between single attributes are descriptive: what is called a finding was tested on held-out images."
)


def _prior(facts: dict[str, Any]) -> Iterable[tuple[str, str]]:
    """Yield what samples are drawn from, where that is not what training assumed."""
    if facts.get("prior", "standard") != "standard":
        said = f"N(0, I) in training; samples are drawn from {facts['draws_from']}, fitted to the codes of train images"
        yield "Prior", said


@section("model", "Model", part="Method", place=180)
def model(material: Material) -> Iterable[Block]:
    """Yield the network, its objective and its layers."""
    summary = material.summary
    facts, config = summary["model"], summary["config"]
    training, run = config["training"], summary["run"]
    yield Facts(
        (
            ("Network", f"{facts['name']}, {facts['latent_dim']} latent dims"),
            ("Parameters", count(facts["parameters"])),
            ("Objective", _objective(config["objective"])),
            ("Likelihood", facts["likelihood"]),
            *_prior(facts),
            (
                "Training",
                f"{training['epochs']} epochs in batches of {training['batch_size']}, learning rate "
                f"{training['learning_rate']:g}, seed {training['seed']}"
                if training
                else "unknown: the checkpoint does not say",
            ),
            (
                "Checkpoint",
                run["checkpoint"] + (f": epoch {run['epoch']}, step {count(run['step'])}" if training else ""),
            ),
        )
    )
    yield material.figure("architecture")
    yield from material.part(_layers, artifacts.LAYERS)


def is_elbo(objective: dict[str, Any]) -> bool:
    """Return whether the loss is the negative ELBO of its likelihood, once a warm-up is over."""
    extras = objective.get("free_bits", 0) or objective.get("perceptual", 0)
    return objective["beta"] == 1 and objective.get("pixels", "sum") == "sum" and not extras


def _objective(objective: dict[str, Any] | None) -> str:
    if objective is None:
        return "unknown: another program trained this model, and nobody said how"
    beta, free_bits = objective["beta"], objective.get("free_bits", 0)
    averaged = objective.get("pixels", "sum") == "mean"
    said = f"{'mean over pixels' if averaged else 'sum over pixels'} of −log p(x|z), plus {beta:g} × KL"
    if free_bits:
        said += f" above {free_bits:g} nats per dim"
    if warmup := objective.get("kl_warmup_epochs", 0):
        said += f", its weight growing from 0 over {warmup:g} epochs"
    if perceptual := objective.get("perceptual", 0):
        said += f", plus {perceptual:g} × a perceptual term"
    if is_elbo(objective):
        return f"{said}: the negative ELBO"
    if beta > 1 and not averaged and not free_bits and not perceptual:
        return f"{said}: its negative is still a bound on log p(x), looser than the ELBO"
    return f"{said}: not the negative ELBO of this likelihood"


def _layers(table: pd.DataFrame) -> Iterable[Block]:
    grid = table_of(
        words("Part", table["part"]),
        words("Layer", table["layer"]),
        words("Kind", table["kind"]),
        words("Output", table["output_shape"]),
        numbers("Parameters", table["parameters"], count),
    )
    yield Details(f"Architecture, {len(table)} layers", (Grid("Architecture", grid),))


@section("reading", "How the checkpoint was read", part="Method", place=185)
def reading(material: Material) -> Iterable[Block]:
    """Yield what was found out about the network of another program, mistakes first; nothing for one of vaekit's."""
    found = sorted(material.summary.get("reading", ()), key=lambda finding: not finding["is_mistake"])
    if not found:
        return
    if mistakes := [finding["answer"] for finding in found if finding["is_mistake"]]:
        yield Prose("Something is wrong with how this network is used:", "strong")
        yield Bullets(tuple(mistakes))
    columns = [words(key.capitalize(), (finding[key] or None for finding in found)) for key in _ASKED]
    yield Grid("How the checkpoint was read", table_of(*columns))


@section("data", "Data and protocol", part="Method", place=190)
def data(material: Material) -> Iterable[Block]:
    """Yield which images, how they were cut and resized, and how many there were."""
    facts, protocol = material.summary["data"], material.summary["protocol"]
    crop = protocol["crop"]
    capped = [f"{split} at most {count(most)}" for split, most in (protocol["limit"] or {}).items()]
    reasons = "; ".join(facts["skipped_reasons"][:_REASONS])
    if len(facts["skipped_reasons"]) > _REASONS:
        reasons += f"; and {count(len(facts['skipped_reasons']) - _REASONS)} more"
    yield Facts(
        (
            ("Protocol", protocol["name"]),
            ("Data", facts["name"]),
            ("Images", ", ".join(f"{split} {count(n)}" for split, n in facts["counts"].items())),
            ("Limit", ", ".join(capped) or "none"),
            ("Skipped", count(facts["skipped"]) + (f" ({reasons})" if reasons else "")),
            ("Attributes", count(len(facts["attributes"]))),
            ("Crop", "none: the whole image" if crop == "none" else f"{crop} × {crop} pixels, centred"),
            ("Size", f"{pixels(protocol)}. {protocol['resize']}"),
            ("Seed", str(protocol["seed"])),
        )
    )
    if facts["notes"]:
        yield Bullets(tuple(facts["notes"]))


@section("further", "Further figures", part=APPENDIX, place=320)
def further(material: Material) -> Iterable[Block]:
    """Yield every figure that no other section shows, such as one from somebody's package."""
    placed = {
        figure.name
        for written in material.written.values()
        for block in written.walk()
        for figure in (block, getattr(block, "figure", None))
        if isinstance(figure, Picture)
    }
    for name, drawn in material.figures.items():
        if name not in placed:
            yield Heading(drawn.title)
            yield material.figure(name)


@section("limits", "Limits", part="Method", place=210)
def limits(material: Material) -> Iterable[Block]:
    """Yield what the numbers of this page can not say."""
    n = material.summary["protocol"]["n"]
    said = [
        f"{plural(n, 'test image')}: no number has an interval, {LEAST} are the least for one."
        if n < LEAST
        else f"Intervals of means are percentile bootstraps over the {n:,} images with {RESAMPLES:,} resamples. "
        "They tell how far a number would move with other images of the same kind, not with another training run: "
        "this is one run.",
        "Pixel errors forgive blur: a reconstruction can have a low error and lack every fine detail.",
    ]
    scored = material.files.get(artifacts.SAMPLES)
    if artifacts.DRAWS in material.files and (scored is None or scored.get("reason")):
        said.append("Samples are shown, not scored: no number here says how real or how varied they are.")
    if artifacts.SLICES in material.files:
        said.append(DESCRIPTIVE)
    said.append("Faces of one collection: nothing here tells how the model does on other faces.")
    yield Bullets(tuple(said))


@section("reproduce", "How to reproduce", part="Method", place=220)
def reproduce(material: Material) -> Iterable[Block]:
    """Yield the commands that make this page again, the settings of the run, and what made it."""
    if words := model_words(material.summary):
        yield Code(tuple(_commands(material, shlex.join(words))))
    else:
        yield Prose("A live module of Python was evaluated: no command reads it again, vaekit.evaluate(module) does.")
    yield from material.part(_config, artifacts.CONFIG)
    known = {key: value for key, value in material.summary["made_by"].items() if value not in (None, [], {})}
    facts = Facts(tuple((key.replace("_", " "), _known(value)) for key, value in known.items()))
    yield Details("What made these numbers", (facts,))


def _known(value: Any) -> str:
    return ", ".join(f"{key}: {each}" for key, each in value.items()) if isinstance(value, dict) else str(value)


def _config(text: str) -> Iterable[Block]:
    yield Details(artifacts.CONFIG, (Code(tuple(text.splitlines())),))


def _commands(material: Material, model: str) -> Iterable[str]:
    run, protocol = material.summary["run"], material.summary["protocol"]
    size = protocol["image_size"]
    side = size if isinstance(size, int) else "x".join(map(str, size))
    source = shlex.quote(str(protocol.get("settings", {}).get("source") or protocol["data"]))
    options = f"--data {source} --crop {protocol['crop']} --image-size {side} --seed {protocol['seed']}"
    if protocol["limit"]:
        options += f" --limit {','.join(f'{split}={most}' for split, most in protocol['limit'].items())}"
    failures = material.files.get(artifacts.FAILURES_SUMMARY)
    by = ",".join([failures["ranked_by"], *failures.get("also_ranked_by", [])]) if failures else ""
    ranking = f" --by {by} --top {failures['top']}" if failures else ""
    if is_ours(material.summary):
        yield f"vaekit train --recipe {artifacts.CONFIG} --run {shlex.quote(run['name'])}"
    yield f"vaekit evaluate {model} {options}"
    yield f"vaekit failures {model}{ranking} {options}"
    yield f"vaekit report {model} {options}"
