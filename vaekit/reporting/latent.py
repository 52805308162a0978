"""What the report says of likelihood and latent code: tables, sentences and the verdict."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from vaekit import artifacts
from vaekit.errors import DataError
from vaekit.reporting.collect import Collected
from vaekit.reporting.tables import Metric, Table, metric_of
from vaekit.reporting.text import number


@dataclass(frozen=True)
class LatentSection:
    """The section on the latent code: the verdict with its grounds, numbers about all dims, one row per dim."""

    name: str
    sentence: str
    evidence: tuple[str, ...]
    causes: tuple[str, ...]
    remedies: tuple[str, ...]
    thresholds: Table
    metrics: tuple[Metric, ...]


def latent_section(found: Collected) -> LatentSection:
    """Return the section from latent.json; DataError with the reason where it is missing or lacks a part."""
    content: dict[str, Any] | None = found.files.get(artifacts.LATENT)
    if content is None:
        raise DataError(found.missing[artifacts.LATENT])
    try:
        verdict = content["verdict"]
        thresholds = tuple((f"{t['value']:g}", t["meaning"]) for t in verdict["thresholds"].values())
        return LatentSection(
            name=verdict["name"],
            sentence=verdict["sentence"],
            evidence=tuple(verdict["evidence"]),
            causes=tuple(verdict["causes"]),
            remedies=tuple(verdict["remedies"]),
            thresholds=Table(("Threshold", "What it decides"), thresholds, (True, False)),
            metrics=tuple(metric_of(name, entry) for name, entry in content["rows"].items()),
        )
    except KeyError as error:
        raise DataError(f"{artifacts.LATENT} lacks {error.args[0]!r}: run `vaekit evaluate` again.") from error


def dims_table(found: Collected) -> Table:
    """Return one row per latent dim, the largest kl first."""
    table: pd.DataFrame | None = found.files.get(artifacts.PER_DIM)
    if table is None:
        raise DataError(found.missing[artifacts.PER_DIM])
    columns = {
        "kl": "KL", "mu_var": "Var[μ]", "sigma2_mean": "Mean σ²", "mutual_information": "I(x; z)",
        "marginal_kl": "KL(q(z)‖p)", "mu_z_correlation": "Corr(μ, z)", "sensitivity": "Sensitivity",
        "intervention": "Intervention",
    }  # fmt: skip
    try:
        rows = tuple(
            (str(row["dim"]), str(row["regime"]), *(_cell(row[name]) for name in columns))
            for _, row in table.sort_values("kl", ascending=False, kind="stable").iterrows()
        )
    except KeyError as error:
        raise DataError(f"{artifacts.PER_DIM} lacks {error.args[0]!r}: run `vaekit evaluate` again.") from error
    return Table(("Dim", "Regime", *columns.values()), rows, (True, False, *[True] * len(columns)))


def _cell(value: float) -> str:
    return "–" if pd.isna(value) else number(float(f"{value:.3g}"))


def likelihood_facts(summary: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return which likelihood each figure uses, in one sentence each."""
    model = summary["model"]
    calibrated = (
        f"Gaussian around the decoder's mean with sigma = {model['sigma_calibrated']:.5f}, fitted once on "
        f"{model['sigma_calibrated_on']:,} images of the valid split at sampled codes and frozen"
    )
    return (
        ("elbo, recon_nll, iwae", f"{model['likelihood']}. The density or loss itself, in nats"),
        ("bpd_model", f"{model['likelihood_of_8_bits']}"),
        ("elbo_calibrated, bpd_calibrated", calibrated),
    )


def references(summary: dict[str, Any]) -> Table:
    """Return what bits per dim are to be held against."""
    metrics = summary["metrics"] | summary["estimates"]
    rows = [(name, _bits(entry)) for name, entry in summary["references"].items()]
    rows += [
        (f"this model: {row['label'].lower()}", number(row["value"], row["low"], row["high"]))
        for name, row in metrics.items()
        if name.startswith("bpd_") and row["value"] is not None
    ]
    return Table(("", "Bits per dim"), tuple(rows), (False, True))


def _bits(entry: dict[str, float]) -> str:
    text = f"{entry['bpd']:.2f}"
    return f"{text} (mse {entry['mse']:.3g})" if "mse" in entry else text
