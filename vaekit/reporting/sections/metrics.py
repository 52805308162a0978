"""Every number with its interval, unit, direction and sample size, under the protocol that it holds for."""

from collections.abc import Iterable

from vaekit.figures.words import count, fixed, number, plain
from vaekit.reporting.document import Block, Grid, Metrics, Prose, section
from vaekit.reporting.document import Facts as Pairs
from vaekit.reporting.material import Material
from vaekit.reporting.tables import Table, metrics_of

_CODE = "What the code knows"  # has a section of its own
# Which rows belong together, by how their ids begin; what no group claims stands in the last one.
GROUPS = (
    ("Reconstruction", ("mse", "sse", "mae", "psnr", "ssim", "r2", "lpips")),
    ("Rate and likelihood", ("kl", "recon_nll", "elbo", "bce_excess", "iwae", "ess", "bpd")),
    ("Samples", ("fid", "fd_", "kid", "precision", "recall", "density", "coverage", "diversity")),
    (_CODE, ("probe", "tad", "mig", "dci", "factor")),
)
_REST = "Further metrics"


def group_of(name: str) -> str:
    """Return the heading under which a row of summary.json stands."""
    return next((title for title, starts in GROUPS if name.startswith(starts)), _REST)


@section("metrics", "Metrics", part="Results", place=20)
def metrics(material: Material) -> Iterable[Block]:
    """Yield one table per group of metrics, and how the error is spread."""
    protocol = material.summary["protocol"]
    crop = "whole image" if protocol["crop"] == "none" else f"{protocol['crop']}-pixel centre crop"
    yield Prose(
        f"Protocol: the {count(protocol['n'])} {protocol['split']} images of {protocol['data']}, {crop}, "
        f"{protocol['image_size']} × {protocol['image_size']} pixels, seed {protocol['seed']}. Means over images; n is "
        "their number. Numbers of another protocol do not compare with these."
    )
    elsewhere = {_CODE} if "probes" in material.chosen else set()
    rows = [row for row in metrics_of(material.rows) if group_of(row.id) not in elsewhere]
    for title in (*(title for title, _ in GROUPS), _REST):
        if some := tuple(row for row in rows if group_of(row.id) == title):
            yield Metrics(title, some)
    yield material.figure("error_distribution")


@section("likelihood", "Likelihood", part="Results", place=30)
def likelihood(material: Material) -> Iterable[Block]:
    """Yield which likelihood each figure uses, and what bits per dim are to be held against."""
    model = material.summary["model"]
    yield Prose(
        "Which likelihood each figure uses. Bits per dim cost an 8-bit image, its bins' probability included, with the "
        "rate."
    )
    yield Pairs(
        (
            ("elbo, recon_nll, iwae", f"{model['likelihood']}. The density or loss itself, in nats"),
            ("bpd_model", model["likelihood_of_8_bits"]),
            (
                "elbo_calibrated, bpd_calibrated",
                f"Gaussian around the decoder's mean with sigma = {fixed(model['sigma_calibrated'], 5)}, fitted once "
                "on "
                f"{count(model['sigma_calibrated_on'])} images of the valid split at sampled codes and frozen",
            ),
        )
    )
    known = {name: entry for name, entry in material.summary["references"].items() if "bpd" in entry}
    rows = [(name, _bits(entry), entry["bpd"]) for name, entry in known.items()]
    rows += [
        (f"this model: {row['label'].lower()}", number(row["value"], row["low"], row["high"]), row["value"])
        for name, row in material.rows.items()
        if name.startswith("bpd_") and row["value"] is not None
    ]
    names, shown, exact = zip(*rows, strict=True)
    yield Grid(
        "Bits per dim",
        Table(
            ("Model of the pixels", "Bits per dim"),
            tuple(zip(names, shown, strict=True)),
            (False, True),
            tuple((None, value) for value in exact),
        ),
    )


def _bits(entry: dict[str, float]) -> str:
    text = fixed(entry["bpd"], 2)
    return f"{text} (mse {plain(entry['mse'], 3)})" if "mse" in entry else text
