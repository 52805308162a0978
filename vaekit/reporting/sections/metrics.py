"""Every number with its interval, unit, direction and sample size, under the protocol that it holds for."""

from collections.abc import Iterable

from vaekit import artifacts
from vaekit.figures.words import count, fixed, in_sentence, number, plain, plural
from vaekit.reporting.document import APPENDIX, Block, Details, Grid, Metrics, Prose, section
from vaekit.reporting.document import Facts as Pairs
from vaekit.reporting.material import Material
from vaekit.reporting.protocol import cropped, pixels
from vaekit.reporting.tables import Metric, Table, metrics_of

_REST = "Further metrics"  # of artifacts that do not say where their numbers belong
_STEPS = ("iwae_1", "iwae_8", "ess_")  # on the way to the bound that is shown, and how far to trust it


def by_group(rows: Iterable[Metric]) -> dict[str, list[Metric]]:
    """Return the rows under the heading that each names, in the order in which the headings come up."""
    groups: dict[str, list[Metric]] = {}
    for row in rows:
        groups.setdefault(row.quantity.group or _REST, []).append(row)
    return groups


@section("metrics", "Metrics", part="Results", place=20)
def metrics(material: Material) -> Iterable[Block]:
    """Yield one table per group of metrics, and how the error is spread."""
    protocol = material.summary["protocol"]
    yield Prose(
        f"Protocol: the {plural(protocol['n'], protocol['split'] + ' image')} of {protocol['data']}, "
        f"{cropped(protocol)}, {pixels(protocol)}, seed {protocol['seed']}. Means over images; n is "
        "their number. Numbers of another protocol do not compare with these."
    )
    probes = material.files.get(artifacts.PROBES_SUMMARY, {}).get("rows", {}) if "probes" in material.chosen else {}
    elsewhere = artifacts.SAMPLING_GAP in material.files and "sampling_gap" in material.chosen
    for title, rows in by_group(row for row in metrics_of(material.rows) if row.id not in probes).items():
        yield from _table(title, rows, closed=elsewhere and title == "Samples")
    yield material.figure("error_distribution")


def _table(title: str, rows: list[Metric], *, closed: bool) -> Iterable[Block]:
    """Yield a group's rows; those that repeat a row or are steps to one are folded, and so is a `closed` group."""
    seen: set[tuple[str, ...]] = set()
    shown: list[Metric] = []
    folded: list[Metric] = []
    for row in rows:
        said = (row.value, row.interval, row.unit)
        is_told = row.id.startswith(_STEPS) or (not row.is_absent and said in seen)
        (folded if closed or is_told else shown).append(row)
        seen.add(said)
    if shown:
        yield Metrics(title, tuple(shown))
    if folded:
        summary = f"{len(folded)} more of these numbers" if shown else f"{title}: {plural(len(folded), 'number')}"
        yield Details(summary, (Metrics(f"{title}, the rest" if shown else title, tuple(folded)),))


@section("likelihood", "Likelihood", part=APPENDIX, place=300)
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
        (f"this model: {in_sentence(row.label)}", number(row.value, row.low, row.high), row.value)
        for name, row in material.rows.items()
        if name.startswith("bpd_") and row.value is not None
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
