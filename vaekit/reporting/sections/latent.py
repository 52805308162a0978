"""The latent code: has it collapsed, what its dims carry, where the prior's draws fall."""

from collections.abc import Iterable
from typing import Any

import pandas as pd

from vaekit import artifacts
from vaekit.figures.words import count, plural, short
from vaekit.reporting.document import Block, Bullets, Details, Grid, Heading, Metrics, Prose, closed, section
from vaekit.reporting.material import Material
from vaekit.reporting.tables import estimates, metrics_of, numbers, quantities, table_of, words

_FIGURES = ("kl_per_dim", "aggregate", "latent_map")
_FOLDED = ("posterior", "active_units", "sensitivity", "correlation", "kl_over_training")
_COLUMNS = {
    "kl": "KL",
    "mu_var": "Var[μ]",
    "sigma2_mean": "Mean σ²",
    "mutual_information": "I(x; z)",
    "marginal_kl": "KL(q(z)‖p)",
    "mu_z_correlation": "Corr(μ, z)",
    "sensitivity": "Sensitivity",
}

_COUNTED = ("dims", "active_dims", "passive_dims")
_Z95 = 1.96


@section("latent", "Latent code", part="Code", place=100)
def latent(material: Material) -> Iterable[Block]:
    """Yield the verdict on collapse with its grounds, numbers about the code as a whole, and every dim."""
    yield from material.part(_verdict, artifacts.LATENT)
    for name in _FIGURES:
        yield material.figure(name)
    yield from closed("The code as a whole", material.part(_rows, artifacts.LATENT))
    yield from closed("How dims are used and how they depend on one another", map(material.figure, _FOLDED))
    yield from material.part(_dims, artifacts.PER_DIM)
    for file, place in ((artifacts.PER_CHANNEL, "channel"), (artifacts.PER_POSITION, "position")):
        if file in material.files:  # the code is a small picture
            yield from _by_place(material.files[file], place)


def _verdict(content: dict[str, Any]) -> Iterable[Block]:
    verdict = content["verdict"]
    yield Prose(verdict["sentence"], "strong")
    if causes := [cause for cause in verdict["causes"] if cause not in verdict["wrong"]]:
        yield Heading("Likely causes")
        yield Bullets(tuple(causes))
    if verdict["remedies"]:
        yield Heading("What to try")
        yield Bullets(tuple(verdict["remedies"]))
    limits = verdict["thresholds"].values()
    table = table_of(
        numbers("Threshold", (limit["value"] for limit in limits), "{:g}".format),
        words("What it decides", (limit["meaning"] for limit in limits)),
    )
    evidence = Bullets(tuple(verdict["evidence"])), Grid("Thresholds of the verdict", table)
    yield Details("Evidence, and the thresholds of the verdict", evidence)


def _rows(content: dict[str, Any]) -> Iterable[Block]:
    yield Metrics("The code as a whole", metrics_of(quantities(content["rows"], artifacts.LATENT)))


def _by_place(table: pd.DataFrame, place: str) -> Iterable[Block]:
    """Yield what each channel, or each position, of the code carries."""
    idle = int((table["active_dims"] == 0).sum())
    yield Prose(
        f"Of {plural(len(table), place)} of the code {idle} {'has' if idle == 1 else 'have'} no active dim; the KL of "
        f"a {place} reaches from {short(table['kl'].min())} to {short(table['kl'].max())} nats."
    )
    where = [numbers(name.capitalize(), table[name], count) for name in ("channel", "row", "column") if name in table]
    dims = [numbers(name.replace("_", " ").capitalize(), table[name], count) for name in _COUNTED]
    sums = [numbers("KL", table["kl"]), numbers("Sensitivity", table["sensitivity"])]
    yield Details(f"All {plural(len(table), place)}", (Grid(f"Code by {place}", table_of(*where, *dims, *sums)),))


def _dims(table: pd.DataFrame) -> Iterable[Block]:
    table = table.sort_values("kl", ascending=False, kind="stable")
    columns = [numbers(heading, table[name]) for name, heading in _COLUMNS.items()]
    if "intervention_error" in table:  # from a few images: never without its error
        around = _Z95 * table["intervention_error"]
        ends = table["intervention"] - around, table["intervention"] + around
        columns.append(estimates("Intervention, 95 % interval", table["intervention"], *ends))
    grid = table_of(numbers("Dim", table["dim"], "{:.0f}".format), words("Regime", table["regime"]), *columns)
    yield Details(f"All {plural(len(table), 'dim')}", (Grid("Latent dims", grid),))
