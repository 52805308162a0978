"""What linear probes read from the code, beside what they read from the controls."""

from typing import Any

import numpy as np
import pandas as pd

from vaekit.artifacts import PROBES, PROBES_SUMMARY
from vaekit.errors import DataError
from vaekit.figures._style import BLUE, INK, MUTED, ORANGE, RULE, VERMILION, canvas, figure_bytes, theme
from vaekit.figures.base import Artifacts, Drawn, figure
from vaekit.figures.words import abbreviated, estimate, fixed, plural, readable

_CONTROLS = {  # kind -> its name in the legend, marker, colour, size
    "sampled": ("sampled z", "|", INK, 60),
    "pixels": ("pixel components", "D", ORANGE, 17),
    "random": ("untrained encoder", "^", VERMILION, 17),
    "shuffled": ("shuffled labels", "x", MUTED, 26),
}


@figure("probes", needs=(PROBES, PROBES_SUMMARY))
def probes(artifacts: Artifacts) -> Drawn:
    """Draw the test AUROC of each attribute's probe with its interval and those of the controls, best on top."""
    facts = artifacts[PROBES_SUMMARY]
    if facts["reason"]:
        raise DataError(f"Not drawn: {facts['reason']}.")
    table: pd.DataFrame = artifacts[PROBES]
    auroc = table.pivot(index="attribute", columns="kind", values="auroc")
    order = auroc["latent"].sort_values(ascending=False, kind="stable").index
    auroc, latent = auroc.loc[order], table[table["kind"] == "latent"].set_index("attribute").loc[order]
    rows = np.arange(len(order))
    mean = {kind: row["value"] for kind, row in _mean_rows(facts).items()}
    with theme():
        fig, (axes,) = canvas(8.6, 1.5 + 0.215 * max(len(order), 3))
        axes.set_title("AUROC of linear probes on test images")
        axes.axvline(0.5, color=MUTED, linewidth=1, linestyle=(0, (3, 2)))
        axes.hlines(rows, latent["auroc_low"], latent["auroc_high"], color=BLUE, linewidth=3.2, alpha=0.45)
        axes.scatter(
            auroc["latent"],
            rows,
            color=BLUE,
            s=30,
            zorder=4,
            label=f"μ, 95 % interval, mean {fixed(mean['latent'], 3)}",
        )
        for kind, (name, marker, colour, size) in _CONTROLS.items():
            axes.scatter(
                auroc[kind],
                rows,
                marker=marker,
                s=size,
                color=colour,
                linewidth=1.1,
                zorder=3,
                label=f"{name}, mean {fixed(mean[kind], 3)}",
            )
        axes.set_yticks(rows, [abbreviated(name) for name in order], parse_math=False)
        axes.tick_params(axis="y", labelcolor=INK, length=0)
        axes.set(ylim=(len(rows) - 0.4, -0.6), xlim=(min(0.38, float(latent["auroc_low"].min()) - 0.01), 1.005))
        axes.set_xlabel("AUROC; 0.5 is guessing")
        axes.grid(axis="y", color=RULE, linewidth=0.4)
        fig.legend(loc="outside lower center", ncols=3)
    best, worst = latent.iloc[0], latent.iloc[-1]
    lead = facts["rows"]["probe_lead"]
    said = (
        f"Of {plural(len(order), 'attribute')} {readable(order[0])} is told best ({fixed(best['auroc'], 2)}), "
        f"{readable(order[-1])} "
        f"worst ({fixed(worst['auroc'], 2)}). On average the AUROC on μ minus that on as many principal components of "
        f"the pixels is {estimate(*(lead[end] for end in ('value', 'low', 'high')), sign=True)}"
    )
    caption = f"{said}. Fitted on train, C chosen on valid, scored once on {int(best['n']):,} test images."
    if left_out := len(facts["skipped"]):
        caption += f" {plural(left_out, 'rarer attribute is', 'rarer attributes are')} left out."
    alt = f"Dot plot of {plural(len(order), 'attribute')}, sorted by AUROC. {said}."
    return Drawn("What the code knows of the attributes", caption, alt, figure_bytes(fig, "svg"), "svg")


def _mean_rows(facts: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        "latent" if name == "probe_auroc" else name.removeprefix("probe_auroc_"): row
        for name, row in facts["rows"].items()
        if name.startswith("probe_auroc")
    }
