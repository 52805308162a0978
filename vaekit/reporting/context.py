"""Everything the two pages say, computed once: the templates only lay it out."""

import math
import shlex
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from vaekit import artifacts
from vaekit.errors import DataError
from vaekit.figures.base import Drawn
from vaekit.figures.words import readable
from vaekit.reporting.collect import Collected
from vaekit.reporting.galleries import Galleries, make_galleries
from vaekit.reporting.latent import LatentSection, dims_table, latent_section, likelihood_facts, references
from vaekit.reporting.tables import Metric, Table, metric_of
from vaekit.reporting.text import count, interval, number

HEADLINE = ("mse", "psnr", "ssim", "kl", "elbo")
RESAMPLES = 1000
_REASONS = 10  # a broken download can skip thousands of files; their index lists them all
_PICTURES = 5_500_000  # bytes of pictures: in base64, and with the text, under 8 MB
# The figures that have a place of their own; any other, such as one from somebody's package, follows the data.
_PLACED = {
    "error_distribution", "reconstructions", "samples", "temperatures", "training", "gallery_worst", "gallery_best",
    "gallery_random", "attributes", "kl_per_dim", "posterior", "active_units", "sensitivity", "correlation",
    "aggregate", "kl_over_training",
}  # fmt: skip
_DESCRIPTIVE = "Differences between attributes are descriptive: they are not yet tested on held-out images."
# What scores samples; where a summary has none of them, the report says that samples are shown, not scored.
_SAMPLE_SCORES = ("fid", "kid", "fd_", "precision", "recall")


@dataclass(frozen=True)
class Context:
    """What both templates are given."""

    title: str
    subtitle: str
    n: str
    headline: tuple[Metric, ...]
    glance: tuple[str, ...]
    metrics: tuple[Metric, ...]
    figures: dict[str, Drawn]
    gaps: dict[str, str]
    further: tuple[str, ...]
    galleries: Galleries | None
    slices: Table | None
    descriptive: str
    failure_notes: tuple[str, ...]
    layers: Table | None
    likelihood: tuple[tuple[str, str], ...]
    references: Table
    latent: LatentSection | None
    dims: Table | None
    model: tuple[tuple[str, str], ...]
    data: tuple[tuple[str, str], ...]
    data_notes: tuple[str, ...]
    limits: tuple[str, ...]
    commands: tuple[str, ...]
    config: str | None
    made_by: tuple[tuple[str, str], ...]


def make_context(found: Collected, figures: dict[str, Drawn], gaps: dict[str, str], title: str | None) -> Context:
    """Return what the report says; `gaps` (figure or section -> reason) is completed with what is missing here."""
    gaps = gaps | {"config": found.missing.get(artifacts.CONFIG, "")}
    summary = found.files[artifacts.SUMMARY]
    entries = summary["metrics"] | summary["estimates"]
    metrics = tuple(metric_of(name, entry) for name, entry in entries.items())
    room = _PICTURES - sum(len(drawn.data) for name, drawn in figures.items() if not name.startswith("gallery_"))
    galleries = slices = layers = latent = dims = None
    try:
        galleries = make_galleries(found.files, found.missing, room)
    except DataError as error:
        gaps["failures"] = str(error)
    try:
        slices = _slices(found)
    except DataError as error:
        gaps["slices"] = str(error)
    try:
        layers = _layers(found)
    except DataError as error:
        gaps["layers"] = str(error)
    try:
        latent = latent_section(found)
    except DataError as error:
        gaps["latent"] = str(error)
    try:
        dims = dims_table(found)
    except DataError as error:
        gaps["dims"] = str(error)
    by_id = {metric.id: metric for metric in metrics}
    return Context(
        title=title or f"Evaluation of {summary['run']['name']}",
        subtitle=_subtitle(summary),
        n=count(summary["protocol"]["n"]),
        headline=tuple(by_id[name] for name in HEADLINE if name in by_id),
        glance=tuple(_glance(found, metrics, latent, gaps)),
        metrics=metrics,
        figures=figures,
        gaps=gaps,
        further=tuple(name for name in figures if name not in _PLACED),
        galleries=galleries,
        slices=slices,
        descriptive=_DESCRIPTIVE,
        failure_notes=tuple(found.files.get(artifacts.FAILURES_SUMMARY, {}).get("notes", ())),
        layers=layers,
        likelihood=likelihood_facts(summary),
        references=references(summary),
        latent=latent,
        dims=dims,
        model=tuple(_model(summary).items()),
        data=tuple(_data(summary).items()),
        data_notes=tuple(summary["data"]["notes"]),
        limits=tuple(_limits(summary, metrics, slices is not None)),
        commands=tuple(_commands(found)),
        config=found.files.get(artifacts.CONFIG),
        made_by=tuple((key.replace("_", " "), str(value)) for key, value in summary["made_by"].items()),
    )


def _subtitle(summary: dict[str, Any]) -> str:
    run, protocol, model = summary["run"], summary["protocol"], summary["model"]
    crop = "the whole image" if protocol["crop"] == "none" else f"the {protocol['crop']}-pixel centre crop"
    return (
        f"{model['name']} VAE of {count(model['parameters'])} parameters and {model['latent_dim']} latent dims, after "
        f"epoch {run['epoch']}, on the {count(protocol['n'])} {protocol['split']} images of {protocol['data']}, {crop} "
        f"at {protocol['image_size']} × {protocol['image_size']} pixels."
    )


def _glance(
    found: Collected, metrics: tuple[Metric, ...], latent: LatentSection | None, gaps: dict[str, str]
) -> list[str]:
    summary = found.files[artifacts.SUMMARY]
    values = summary["metrics"] | summary["estimates"]
    said = [gaps["latent"] if latent is None else latent.sentence]
    if (mse := values.get("mse", {}).get("value")) is not None and math.isfinite(mse):
        said.append(
            f"A reconstructed pixel is off by {255 * math.sqrt(mse):.3g} of 255 grey levels (root mean square)."
        )
    if (r2 := values.get("r2", {}).get("value")) is not None:
        said.append(f"The code explains {100 * r2:.3g} % of what the mean face leaves open.")
    said.extend(_worst_sentence(found))
    said.extend(f"Warning: {metric.label} is {metric.warning}." for metric in metrics if metric.warning)
    if absent := [metric.label for metric in metrics if metric.reason and metric.value == "not computed"]:
        said.append(f"Not computed: {', '.join(absent)}; the reasons stand in the table of metrics.")
    if "failures" in gaps:
        said.append(gaps["failures"])
    return [*said, *found.files[artifacts.SUMMARY]["trimmed"]]


def _worst_sentence(found: Collected) -> list[str]:
    table: pd.DataFrame | None = found.files.get(artifacts.PER_IMAGE)
    if table is None or "mse" not in table:
        return []
    values = table["mse"].to_numpy(float)
    values = np.where(np.isfinite(values), values, np.nan)
    if np.isnan(values).all():
        return ["No image has a finite mean squared error."]
    worst = int(np.nanargmax(values))
    times = f", {values[worst] / np.nanmedian(values):.1f} times the median" if np.nanmedian(values) > 0 else ""
    name = table["image_id"].iloc[worst]
    return [f"The worst image is {name}, with a mean squared error of {number(values[worst])}{times}."]


def _slices(found: Collected) -> Table:
    table: pd.DataFrame | None = found.files.get(artifacts.SLICES)
    if table is None:
        raise DataError(found.missing[artifacts.SLICES])
    try:
        headings = (
            "Attribute", "With", "Without", "Mean with", "Mean without", "Difference", "95 % interval", "AUC",
            f"Worst {table['worst_n'].max()}", "Odds ratio",
        )  # fmt: skip
        rows = tuple(
            (
                readable(str(row["attribute"])), count(row["n_with"]), count(row["n_without"]),
                number(row["mean_with"]), number(row["mean_without"]),
                number(row["difference"], row["low"], row["high"]), interval(row["low"], row["high"]),
                number(row["auc"]), count(row["worst_with"]),
                "∞" if row["odds_ratio"] == math.inf else number(row["odds_ratio"]),
            )
            for _, row in table.iterrows()
        )  # fmt: skip
    except KeyError as error:
        raise DataError(f"{artifacts.SLICES} lacks {error.args[0]!r}: run `vaekit failures` again.") from error
    return Table(headings, rows, (False, *[True] * 9))


def _layers(found: Collected) -> Table:
    table: pd.DataFrame | None = found.files.get(artifacts.LAYERS)
    if table is None:
        raise DataError(found.missing[artifacts.LAYERS])
    try:
        rows = tuple(
            (str(row["part"]), str(row["layer"]), str(row["kind"]), str(row["output_shape"]), count(row["parameters"]))
            for _, row in table.iterrows()
        )
    except KeyError as error:
        raise DataError(f"{artifacts.LAYERS} lacks {error.args[0]!r}: run `vaekit evaluate` again.") from error
    return Table(("Part", "Layer", "Kind", "Output", "Parameters"), rows, (False, False, False, False, True))


def _model(summary: dict[str, Any]) -> dict[str, str]:
    model, config = summary["model"], summary["config"]
    training = config["training"]
    return {
        "Network": f"{model['name']}, {model['latent_dim']} latent dims",
        "Parameters": count(model["parameters"]),
        "Objective": _objective(config["objective"]),
        "Likelihood": model["likelihood"],
        "Training": f"{training['epochs']} epochs in batches of {training['batch_size']}, learning rate "
        f"{training['learning_rate']:g}, seed {training['seed']}",
        "Checkpoint": f"{summary['run']['checkpoint']}: epoch {summary['run']['epoch']}, "
        f"step {count(summary['run']['step'])}",
    }


def _objective(objective: dict[str, Any]) -> str:
    beta, free_bits = objective["beta"], objective.get("free_bits", 0)
    averaged = objective.get("pixels", "sum") == "mean"
    said = f"{'mean over pixels' if averaged else 'sum over pixels'} of −log p(x|z), plus {beta:g} × KL"
    if free_bits:
        said += f" above {free_bits:g} nats per dim"
    if warmup := objective.get("kl_warmup_epochs", 0):
        said += f", its weight growing from 0 over {warmup:g} epochs"
    bound = beta == 1 and not averaged and not free_bits
    return f"{said}: {'the negative ELBO' if bound else 'not the negative ELBO, so the loss bounds no likelihood'}"


def _data(summary: dict[str, Any]) -> dict[str, str]:
    data, protocol = summary["data"], summary["protocol"]
    limit = protocol["limit"]
    capped = ", ".join(f"{split} at most {count(most)}" for split, most in (limit or {}).items())
    crop = (
        "none: the whole image"
        if protocol["crop"] == "none"
        else f"{protocol['crop']} × {protocol['crop']} pixels, centred"
    )
    reasons = "; ".join(data["skipped_reasons"][:_REASONS])
    if len(data["skipped_reasons"]) > _REASONS:
        reasons += f"; and {count(len(data['skipped_reasons']) - _REASONS)} more"
    return {
        "Protocol": protocol["name"],
        "Data": data["name"],
        "Images": ", ".join(f"{split} {count(n)}" for split, n in data["counts"].items()),
        "Limit": capped or "none",
        "Skipped": f"{count(data['skipped'])}" + (f" ({reasons})" if reasons else ""),
        "Attributes": count(len(data["attributes"])),
        "Crop": crop,
        "Size": f"{protocol['image_size']} × {protocol['image_size']} pixels. {protocol['resize']}",
        "Seed": str(protocol["seed"]),
    }


def _limits(summary: dict[str, Any], metrics: tuple[Metric, ...], has_slices: bool) -> list[str]:
    n = count(summary["protocol"]["n"])
    said = [
        f"Intervals are percentile bootstraps over the {n} images with {RESAMPLES:,} resamples. They tell how far a "
        "number would move with other images of the same kind, not with another training run: this is one run.",
        "Pixel errors forgive blur: a reconstruction can have a low error and lack every fine detail.",
    ]
    if not any(m.id.startswith(_SAMPLE_SCORES) and m.value != "not computed" for m in metrics):
        said.append("Samples are shown, not scored: no number here says how real or how varied they are.")
    if has_slices:
        said.append(_DESCRIPTIVE)
    said.append("Faces of one collection: nothing here tells how the model does on other faces.")
    said.extend(f"{m.label} was not computed: {m.reason}" for m in metrics if m.value == "not computed")
    return [*said, *summary["trimmed"]]


def _commands(found: Collected) -> list[str]:
    summary = found.files[artifacts.SUMMARY]
    run, protocol = summary["run"], summary["protocol"]
    checkpoint = shlex.quote(f"checkpoints/{run['name']}/{run['checkpoint']}")
    data = shlex.quote(str(protocol.get("settings", {}).get("source") or protocol["data"]))
    options = f"--data {data} --crop {protocol['crop']} --image-size {protocol['image_size']} --seed {protocol['seed']}"
    if protocol["limit"]:
        options += f" --limit {','.join(f'{split}={most}' for split, most in protocol['limit'].items())}"
    failures = found.files.get(artifacts.FAILURES_SUMMARY)
    ranking = f" --by {failures['ranked_by']} --top {failures['top']}" if failures else ""
    return [
        f"vaekit train --recipe {artifacts.CONFIG} --run {shlex.quote(run['name'])}",
        f"vaekit evaluate {checkpoint} {options}",
        f"vaekit failures {checkpoint}{ranking} {options}",
        f"vaekit report {checkpoint} {options}",
    ]
