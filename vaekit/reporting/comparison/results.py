"""What a comparison finds in numbers: who is best at what, by how much, and whether that is more than noise."""

import math
from collections.abc import Iterable

import numpy as np

from vaekit import artifacts
from vaekit.errors import DataError
from vaekit.figures import compare as figures
from vaekit.figures.words import in_sentence, interval, listed, number, percent, plural
from vaekit.reporting.collect import Collected
from vaekit.reporting.comparison.same_images import BY
from vaekit.reporting.comparison.side_by_side import absences, differences_from_first, every_difference, values
from vaekit.reporting.comparison.together import Together, ends_of
from vaekit.reporting.comparison.unlike import settings_that_differ
from vaekit.reporting.document import COMPARED, Block, Bullets, Details, Facts, Grid, Heading, Prose, section
from vaekit.reporting.protocol import image_shape
from vaekit.reporting.sections.metrics import by_group
from vaekit.statistics.differences import leads
from vaekit.statistics.discovery import Q_LEVEL

_DISTANCES = ("fid", "fd_attributes", "fd_random")  # of samples from the prior, the first that was computed
_LEAD = "elbo_calibrated"  # the one number that holds rate and distortion together, whatever the loss was


@section("overview", "At a glance", part="Results", place=10, of=COMPARED)
def overview(together: Together) -> Iterable[Block]:
    """Yield what a reader needs first: who is best at what, and what is wrong with whom."""
    if together.unlike:
        said = [f"{difference}." for difference in together.unlike]
        yield Prose("These models were not tested alike, so no difference between them is tested.", "strong")
        yield Bullets(tuple(sentence[:1].upper() + sentence[1:] for sentence in said))
    else:
        yield Prose(_differing(together), "strong")
        yield from (Prose(sentence, "strong") for sentence in _leading(together))
        yield Bullets(tuple(_wins(together)))
    yield Facts(tuple(_verdicts(together)))


def _differing(together: Together) -> str:
    """Return every setting in which the runs differ, so that no result is laid to one of them alone."""
    rows = [f"`{key}` ({listed(values)})" for key, values in settings_that_differ(together.models)]
    names = listed(together.names)
    if not rows:
        return f"{names} were trained with the same settings."
    mixed = " What a result is owed to can not be told from these runs alone." if len(rows) > 1 else ""
    return f"{names} differ in {listed(rows)}.{mixed}"


def _leading(together: Together) -> Iterable[str]:
    """Yield who has the best calibrated bound, and by how much."""
    row = next((row for row in together.rows if row.metric.id == _LEAD and row.best), None)
    if row is None:
        return
    leader, *tied = row.best
    if tied:
        yield f"{listed(row.best)} are not clearly told apart by the calibrated bound on log p(x)."
        return
    tested = [d for d in leads(leader, _LEAD, together.differences) if d.value is not None]
    nearest = min(tested, key=lambda d: abs(d.value or 0.0), default=None)
    if nearest is None or nearest.low is None:
        return
    yield (
        f"{leader} explains the images best: its calibrated bound on log p(x) is "
        f"{number(nearest.value, nearest.low, nearest.high)} {interval(nearest.low, nearest.high)} {row.metric.unit} "
        f"above that of {nearest.first}, on the same {plural(nearest.n, 'image')}."
    )


def _wins(together: Together) -> Iterable[str]:
    told = [row for row in together.rows if row.ground == "paired"]
    for name in together.names:
        won = by_group(row.metric for row in told if row.best == (name,))
        if won:
            kinds = [
                f"{in_sentence(kind)} ({listed([f'`{metric.id}`' for metric in own])})" for kind, own in won.items()
            ]
            yield (
                f"{name} is clearly best in {listed(kinds)}. Metrics of one kind measure much the same: a kind counts "
                "once."
            )
    if tied := [f"`{row.metric.id}` ({listed(row.best, 'or')})" for row in told if len(row.best) > 1]:
        yield f"No clear best in {listed(tied)}."
    yield from _sampling(together)
    try:
        errors = together.errors
    except DataError:
        return
    finite = np.isfinite(errors.values).all(axis=0)
    best = errors.values[:, finite].argmin(axis=0)
    shares = [f"{name} on {percent((best == i).mean())}" for i, name in enumerate(together.names)]
    if finite.any():
        yield f"The smallest squared error, image by image: {listed(shares)}."


def _sampling(together: Together) -> Iterable[str]:
    """Yield whose samples from the prior are nearest to the test images, by the judge's Fréchet distance or by FID."""
    row = next((row for row in together.rows if row.metric.id in _DISTANCES and row.best), None)
    if row is None:
        return
    known = {name: entry for name, entry in row.entries.items() if entry and entry.value is not None}
    shown = [f"{name} {number(entry.value, entry.low, entry.high)}" for name, entry in known.items()]
    nearest = "nearer" if len(known) == 2 else "nearest"
    if len(row.best) == len(known):
        said = f"none is clearly {nearest} to the test images"
    else:
        said = f"{listed(row.best)} {'is' if len(row.best) == 1 else 'are'} {nearest} to the test images"
    yield f"Samples from the prior: {said} by `{row.metric.id}` ({', '.join(shown)})."


def _verdicts(together: Together) -> Iterable[tuple[str, str]]:
    """Yield each model's name with the verdicts on its code and its samples."""
    for name, model in together.models.items():
        latent = model.files.get(artifacts.LATENT, {}).get("verdict", {}).get("sentence")
        sampled = (model.files.get(artifacts.SAMPLES, {}).get("verdict") or {}).get("sentence")
        yield name, " ".join(said for said in (latent or model.missing.get(artifacts.LATENT), sampled) if said)


@section("metrics", "Metrics side by side", part="Results", place=20, of=COMPARED)
def metrics(together: Together) -> Iterable[Block]:
    """Yield the metrics of all models by group, the paired differences from the first, and all of them with p and q."""
    if together.unlike:
        yield Prose("The models were not tested alike: these numbers stand side by side and do not compare.")
    else:
        yield Prose(
            "Values with their 95 % intervals. A model is called best where its paired difference from every other one "
            "is clear; those that the best value is not clearly better than are tied with it. A number without a value "
            "for each image has no paired differences: there, intervals that do not overlap tell models apart."
        )
    by_id = {row.metric.id: row for row in together.rows}
    for title, group in by_group(row.metric for row in together.rows).items():
        yield Heading(title)
        yield from values(title, [by_id[metric.id] for metric in group])
    definitions = tuple((row.metric.label, f"{row.metric.quantity.definition}.") for row in together.rows)
    yield Details("What each metric is", (Facts(definitions),))
    yield from absences({name: model.rows for name, model in together.models.items()})
    if not together.differences:
        return
    yield Heading("Paired differences", f"from {together.names[0]}, on the same images")
    yield Prose(
        f"A difference is called better or worse where its 95 % interval leaves out 0 and its q is at most "
        f"{Q_LEVEL:g}: q corrects the paired t-tests of all {len(together.differences)} differences on this page "
        "together (Benjamini-Hochberg)."
    )
    yield differences_from_first(together.rows, together.differences)
    every = every_difference(together.rows, together.differences)
    yield Details(f"All {len(every.rows)} differences, with p and q", (Grid("All paired differences", every),))


@section("rate_distortion", "Rate and distortion", part="Results", place=30, of=COMPARED)
def rate_distortion(together: Together) -> Iterable[Block]:
    """Yield every model in the rate-distortion plane."""
    if any(difference.key in ("image_size", "crop", "data") for difference in together.unlike):
        raise DataError("Rates and distortions of other images do not lie in one plane.")

    def point(name: str, model: Collected) -> figures.RatePoint:
        values = math.prod(image_shape(model.summary["protocol"]))
        middle, low, high = (values * end for end in ends_of(model.rows, "mse_sampled"))
        return figures.RatePoint(
            name, ends_of(model.rows, "kl"), (middle, low, high), ends_of(model.rows, _LEAD)[0], values
        )

    yield together.picture(
        "rate_distortion", lambda: figures.rate_distortion([point(*item) for item in together.models.items()])
    )


@section("errors", "Error by image", part="Results", place=40, of=COMPARED)
def errors(together: Together) -> Iterable[Block]:
    """Yield how the errors of each model are spread over the images."""
    per_image = {name: table[BY].to_numpy(float) for name, table in together.every(artifacts.PER_IMAGE).items()}
    row = next(iter(together.models.values())).rows[BY]
    label = f"{in_sentence(row.label)}, {row.unit}"
    yield together.picture("error_curves", lambda: figures.error_curves(per_image, label))
