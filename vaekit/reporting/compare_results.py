"""What a comparison finds in numbers: who is best at what, by how much, and whether that is more than noise."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from vaekit import artifacts
from vaekit.errors import DataError
from vaekit.figures import compare as figures
from vaekit.figures.words import in_sentence, interval, listed, number, percent, plural
from vaekit.reporting.compare_material import Together, entries
from vaekit.reporting.compare_metrics import absences, differences_from_first, every_difference, values
from vaekit.reporting.compare_pictures import BY
from vaekit.reporting.document import Block, Bullets, Details, Facts, Grid, Heading, Prose
from vaekit.reporting.sections.metrics import GROUPS, group_of
from vaekit.statistics.discovery import Q_LEVEL

_DISTANCES = ("fid", "fd_attributes", "fd_random")  # of samples from the prior, the first that was computed
_LEAD = "elbo_calibrated"  # the one number that holds rate and distortion together, whatever the loss was


def overview(together: Together) -> Iterable[Block]:
    """Yield what a reader needs first: who is best at what, and what is wrong with whom."""
    if together.unlike:
        said = [f"{difference}." for difference in together.unlike]
        yield Prose("These models were not tested alike, so no difference between them is tested.", "strong")
        yield Bullets(tuple(sentence[:1].upper() + sentence[1:] for sentence in said))
    else:
        yield from (Prose(sentence, "strong") for sentence in _leading(together))
        yield Bullets(tuple(_wins(together)))
    yield Facts(tuple(_verdicts(together)))


def _leading(together: Together) -> Iterable[str]:
    """Yield who has the best calibrated bound, and by how much."""
    row = next((row for row in together.rows if row.metric.id == _LEAD and row.best), None)
    if row is None:
        return
    leader, *tied = row.best
    if tied:
        yield f"{listed(row.best)} are not clearly told apart by the calibrated bound on log p(x)."
        return
    pairs = {
        d.first if d.second == leader else d.second: d
        for d in together.differences
        if d.metric == _LEAD and leader in (d.first, d.second) and d.low is not None
    }
    if not pairs:
        return
    nearest = min(pairs, key=lambda name: abs(pairs[name].value))
    d = pairs[nearest]
    sign = 1 if d.second == leader else -1
    value, (low, high) = sign * d.value, sorted((sign * d.low, sign * d.high))
    yield (
        f"{leader} explains the images best: its calibrated bound on log p(x) is {number(value, low, high)} "
        f"{interval(low, high)} {row.metric.unit} above that of {nearest}, on the same {plural(d.n, 'image')}."
    )


def _wins(together: Together) -> Iterable[str]:
    told = [row for row in together.rows if row.ground == "paired"]
    for name in together.names:
        alone = [f"`{row.metric.id}`" for row in told if row.best == (name,)]
        if alone and len(alone) == len(told):
            yield f"{name} is clearly best in all {len(told)} metrics that are tested in pairs."
        elif alone:
            yield f"{name} is clearly best in {len(alone)} of {len(told)} metrics tested in pairs: {listed(alone)}."
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
    known = {name: entry for name, entry in row.entries.items() if entry and entry["value"] is not None}
    shown = [f"{name} {number(entry['value'], entry['low'], entry['high'])}" for name, entry in known.items()]
    told = f"{row.best[0]} is" if len(row.best) == 1 else f"{listed(row.best)} are"
    yield f"Samples from the prior: {told} nearest to the test images by `{row.metric.id}` ({', '.join(shown)})."


def _verdicts(together: Together) -> Iterable[tuple[str, str]]:
    """Yield each model's name with the verdicts on its code and its samples."""
    for model in together.models:
        latent = model.files.get(artifacts.LATENT, {}).get("verdict", {}).get("sentence")
        sampled = (model.files.get(artifacts.SAMPLES, {}).get("verdict") or {}).get("sentence")
        yield model.name, " ".join(said for said in (latent or model.missing.get(artifacts.LATENT), sampled) if said)


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
    for title in (*(title for title, _ in GROUPS), None):
        rows = [row for row in together.rows if _group(row.metric.id) == title]
        if rows:
            yield Heading(title or "Further metrics")
            yield from values(title or "Further metrics", rows)
    definitions = tuple((row.metric.label, f"{row.metric.definition}.") for row in together.rows)
    yield Details("What each metric is", (Facts(definitions),))
    yield from absences({model.name: model.rows for model in together.models})
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


def _group(metric: str) -> str | None:
    title = group_of(metric)
    return title if title in {name for name, _ in GROUPS} else None


def rate_distortion(together: Together) -> Iterable[Block]:
    """Yield every model in the rate-distortion plane."""
    if any(difference.key in ("image_size", "crop", "data") for difference in together.unlike):
        raise DataError("Rates and distortions of other images do not lie in one plane.")

    def point(model: Any) -> figures.RatePoint:
        values = 3 * int(model.summary["protocol"]["image_size"]) ** 2
        distortion = tuple(values * end for end in entries(model.rows, "mse_sampled"))
        return figures.RatePoint(
            model.name, entries(model.rows, "kl"), distortion, entries(model.rows, _LEAD)[0], values
        )

    yield together.picture(
        "rate_distortion", lambda: figures.rate_distortion([point(model) for model in together.models])
    )


def errors(together: Together) -> Iterable[Block]:
    """Yield how the errors of each model are spread over the images."""
    per_image = {model.name: model.get(artifacts.PER_IMAGE)[BY].to_numpy(float) for model in together.models}
    row = together.models[0].rows[BY]
    label = f"{in_sentence(row['label'])}, {row['unit']}"
    yield together.picture("error_curves", lambda: figures.error_curves(per_image, label))
