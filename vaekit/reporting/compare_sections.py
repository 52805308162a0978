"""The sections of a comparison: what each says, and why where it can not."""

import shlex
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from vaekit import artifacts
from vaekit.errors import DataError
from vaekit.figures import compare as figures
from vaekit.figures.words import in_sentence, plain
from vaekit.reporting.compare_material import Together, entries
from vaekit.reporting.compare_metrics import (
    Rows,
    differences_from_first,
    every_difference,
    not_computed,
    side_by_side,
    signed_with_interval,
    values,
)
from vaekit.reporting.compare_models import settings_that_differ
from vaekit.reporting.compare_pictures import BY, opened, reconstruction_rows
from vaekit.reporting.compare_pictures import contrasts as cards_of
from vaekit.reporting.document import (
    Block,
    Bullets,
    Cards,
    Code,
    Controls,
    Details,
    Facts,
    Gap,
    Grid,
    Heading,
    Prose,
)
from vaekit.reporting.sections.metrics import GROUPS, group_of
from vaekit.reporting.tables import numbers, table_of, words
from vaekit.reporting.text import count, interval, listed, number

_TRAVERSED = 3  # dims of each model
_DISTANCES = ("fid", "fd_attributes", "fd_random")  # of samples from the prior, the first that was computed
_NOT_THE_MODEL = ("train", "blurred")  # sources of pictures that are there for scale
_LISTED = 8  # images on which they differ that Markdown shows
Q_LEVEL, RESAMPLES = 0.05, 1000  # as in evaluation/paired.py, for the sentences that name them
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
    pairs = {d.first if d.second == leader else d.second: d for d in together.differences
             if d.metric == _LEAD and leader in (d.first, d.second) and d.low is not None}  # fmt: skip
    if not pairs:
        return
    nearest = min(pairs, key=lambda name: abs(pairs[name].value))
    d = pairs[nearest]
    sign = 1 if d.second == leader else -1
    value, (low, high) = sign * d.value, sorted((sign * d.low, sign * d.high))
    yield (
        f"{leader} explains the images best: its calibrated bound on log p(x) is {number(value, low, high)} "
        f"{interval(low, high)} {row.metric.unit} above that of {nearest}, on the same {count(d.n)} images."
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
    shares = [f"{name} on {100 * (best == i).mean():.1f} %" for i, name in enumerate(together.names)]
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
    yield from _absences({model.name: model.rows for model in together.models})
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


def _absences(rows: Rows) -> Iterable[Block]:
    if said := tuple(not_computed(rows)):
        yield Bullets(said)


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


def reconstructions(together: Together) -> Iterable[Block]:
    """Yield the same test images as every model reconstructs them."""
    rows = reconstruction_rows(together.models)
    n = len(next(iter(rows.values())))
    caption = (
        f"The same {n} test images, drawn by seed: originals, then each model's reconstruction (decoder mean at μ)."
    )
    yield together.picture("reconstructions", lambda: figures.picture_rows("Reconstructions", caption, rows))


def contrasts(together: Together) -> Iterable[Block]:
    """Yield the images on which the best and the worst model differ most."""
    if together.unlike:
        raise DataError("The models were not tested alike, so no image is the same for all of them.")
    cards = cards_of(together.models, together.errors, together.originals)
    order = listed(["the original", *together.names])
    yield Prose(
        f"The test images whose squared error differs most between the best and the worst model. Each card shows, from "
        f"left to right, {order}; its value is the gap between the largest and the smallest error."
    )
    best = tuple(sorted({card.attributes[0] for card in cards}))
    yield Controls(tuple((name, f"error of {name}") for name in together.names), best if len(best) > 1 else ())
    rows = {f"{card.rank}  {card.image_id}: {card.attributes[0]}": opened(card) for card in cards[:_LISTED]}
    caption = f"The {len(rows)} images on which the models differ most, from left to right {order}."
    yield Cards(
        "contrasts", cards, "gap", len(together.errors.image_ids), artifacts.PER_IMAGE,
        together.picture("contrasts", lambda: figures.picture_rows("Where they differ most", caption, rows)),
        listed=_LISTED, shows=f"{order[:1].upper()}{order[1:]}",
    )  # fmt: skip


def traversals(together: Together) -> Iterable[Block]:
    """Yield what the most used dims of each model do to its mean face."""
    rows, summaries = {}, together.contents(artifacts.EXPLORATION_SUMMARY)
    for name, arrays in together.contents(artifacts.TRAVERSALS).items():
        facts = summaries.get(name, {}).get("traversals", {})
        kl = dict(zip(facts.get("dims", ()), facts.get("kl", ()), strict=True))
        for dim, pictures in list(zip(arrays["dims"].tolist(), arrays["pictures"], strict=True))[:_TRAVERSED]:
            rows[f"{name}: dim {dim}" + (f", {plain(kl[dim])} nats" if dim in kl else "")] = pictures
    caption = (
        f"The {_TRAVERSED} dims of the largest KL of each model, each moved over the range of its own codes on the "
        "test images while the others stay at their means. A dim that the decoder does not use changes nothing."
    )
    if rows:
        yield together.picture("traversals", lambda: figures.picture_rows("Traversals", caption, rows))
    yield from (Gap(reason) for reason in together.reasons(artifacts.TRAVERSALS))


def samples(together: Together) -> Iterable[Block]:
    """Yield draws from each model's prior, and how far they are from the test images."""
    drawn = {name: pictures["samples"][:8] for name, pictures in together.contents(artifacts.PICTURES).items()}
    yield together.picture(
        "samples",
        lambda: figures.picture_rows(
            "Samples from the prior", "Unselected decoder means at z ~ N(0, I) of each model.", drawn
        ),
    )
    yield from _sampling_gap(together)
    yield from (Gap(reason) for reason in together.reasons(artifacts.SAMPLES))


def _sampling_gap(together: Together) -> Iterable[Block]:
    """Yield how far each model's pictures are from the test images, source by source."""
    contents, tables = together.contents(artifacts.SAMPLES), together.contents(artifacts.SAMPLING_GAP)
    judges = {content["judge"]["name"] for content in contents.values()}
    if len(judges) > 1:
        yield Gap(f"The models' samples were measured by different judges ({listed(sorted(judges))}).")
    if len(judges) != 1 or not tables:
        return
    metric = f"fd_{judges.pop()}"
    facts = next(iter(contents.values()))["metrics"].get(metric)
    if facts is None:
        return
    columns = {"value": metric, "low": f"{metric}_low", "high": f"{metric}_high"}
    rows: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in tables}
    for name, table in tables.items():
        for record in table.to_dict("records"):
            ends = {key: None if pd.isna(record[column]) else float(record[column]) for key, column in columns.items()}
            reason = None if pd.isna(record["reason"]) else str(record["reason"])
            own = {"label": record["label"], "unit": "", "n": int(record["n"]), "reason": reason}
            if record["source"] in _NOT_THE_MODEL:
                own["higher_is_better"] = None
            rows[name][str(record["source"])] = facts | own | ends
    yield Heading("Sampling gap", facts["label"])
    yield Prose(f"How far each source of pictures is from the test images: {facts['label']}, {facts['definition']}.")
    ranked = not together.unlike and together.judge_differs is None
    yield from values("Sampling gap", side_by_side(rows, (), ranked=ranked))


def latent(together: Together) -> Iterable[Block]:
    """Yield how the models use their codes."""
    tables = together.contents(artifacts.PER_DIM)
    if tables:
        kl = {name: table["kl"].to_numpy(float) for name, table in tables.items()}
        yield together.picture("kl_by_rank", lambda: figures.kl_by_rank(kl))
    yield from (Gap(reason) for reason in together.reasons(artifacts.PER_DIM))
    contents = together.contents(artifacts.LATENT)
    if contents:
        rows = side_by_side(
            {name: content["rows"] for name, content in contents.items()}, (), ranked=not together.unlike
        )
        yield from values("The code as a whole", rows)
        yield from _absences({name: content["rows"] for name, content in contents.items()})
        yield Details(
            "What each number is", (Facts(tuple((row.metric.label, f"{row.metric.definition}.") for row in rows)),)
        )
    yield from (Gap(reason) for reason in together.reasons(artifacts.LATENT))


def findings(together: Together) -> Iterable[Block]:
    """Yield the findings of the failure analyses, which models share them and which do not."""
    contents = together.contents(artifacts.FINDINGS)
    yield from (Gap(reason) for reason in together.reasons(artifacts.FINDINGS))
    if len(contents) < 2:
        return
    found = {name: {finding["id"]: finding for finding in own["findings"]} for name, own in contents.items()}
    every: dict[str, Mapping[str, Any]] = {}
    for own in found.values():
        every = own | every
    if not every:
        yield Prose("No model has a finding.")
        return
    yield Bullets(tuple(_gained(found, every)))
    columns = [words("Finding", (finding["title"] for finding in every.values()))]
    for name, own in found.items():
        columns.append(words(name, (_effect(own.get(key)) for key in every)))
    yield Grid("Findings of each model", table_of(*columns))


def _gained(found: Mapping[str, Mapping[str, Any]], every: Mapping[str, Any]) -> Iterable[str]:
    first, *others = found
    shared = [every[key]["title"] for key in every if all(key in own for own in found.values())]
    yield f"Shared by all: {listed(shared)}." if shared else "No finding is shared by all."
    for name in others:
        gained = [every[key]["title"] for key in found[name] if key not in found[first]]
        lost = [every[key]["title"] for key in found[first] if key not in found[name]]
        yield (
            f"{name} against {first}: gained {listed(gained) if gained else 'none'}; lost "
            f"{listed(lost) if lost else 'none'}."
        )


def _effect(finding: Mapping[str, Any] | None) -> str | None:
    if finding is None:
        return None
    effect = finding.get("effect") or {}
    if effect.get("value") is None:
        return "found"
    return signed_with_interval(effect["value"], effect["low"], effect["high"])


def models(together: Together) -> Iterable[Block]:
    """Yield what the models are, which settings of theirs differ, and the protocol."""
    summaries = [model.summary for model in together.models]
    yield Grid("Models", table_of(
        words("Model", together.names),
        words("Network", (s["model"]["name"] for s in summaries)),
        numbers("Parameters", (s["model"]["parameters"] for s in summaries), count),
        numbers("Latent dims", (s["model"]["latent_dim"] for s in summaries), count),
        numbers("β", (s["config"]["objective"]["beta"] for s in summaries), lambda value: f"{value:g}"),
        words("Likelihood", (s["model"]["likelihood"] for s in summaries)),
        numbers("Epoch", (s["run"]["epoch"] for s in summaries), count),
        numbers("Train images", (s["data"]["counts"]["train"] for s in summaries), count),
    ))  # fmt: skip
    if differing := settings_that_differ(together.models):
        yield Heading("Settings that differ")
        columns = [words(name, (values[i] for _, values in differing)) for i, name in enumerate(together.names)]
        yield Grid("Settings that differ", table_of(words("Setting", (key for key, _ in differing)), *columns))
    else:
        yield Prose("The runs have the same settings: they differ by their weights alone.")


def limits(together: Together) -> Iterable[Block]:
    """Yield what these differences can not say."""
    said = []
    if together.differences:
        said.append(
            f"Intervals are percentile bootstraps over images, the same {RESAMPLES:,} resamples for every model. They "
            "tell how far a difference would move with other images of the same kind, not with another training run: "
            "every model here is one run, and another seed of the same settings can differ clearly too."
        )
        said.append("Many metrics measure nearly the same: a model that wins most of them has not won that many times.")
    if any(row.ground == "intervals" for row in together.rows):
        said.append(
            "Where there are no paired differences, models whose intervals overlap are not told apart; a paired test, "
            "if there were one, could still do so."
        )
    if len({str(model.summary["protocol"]["limit"]) for model in together.models}) > 1 and not together.unlike:
        said.append("The models were trained on different numbers of images, and tested on the same ones.")
    if together.judge_differs:
        said.append(f"Numbers about samples are not ranked: {together.judge_differs}.")
    said.append("Pixel errors forgive blur: a model can win by error and lack every fine detail. Look at the pictures.")
    yield Bullets(tuple(said))


def reproduce(together: Together) -> Iterable[Block]:
    """Yield the command that makes this page again, and what made each model's numbers."""
    runs = [model.summary["run"] for model in together.models]
    command = ["vaekit", "compare", *(f"checkpoints/{run['name']}/{run['checkpoint']}" for run in runs)]
    if together.unlike:
        command.append("--allow-unlike")
    else:
        protocol = together.models[0].summary["protocol"]
        source = protocol.get("settings", {}).get("source") or protocol["data"]
        command += ["--data", source, "--crop", str(protocol["crop"]), "--seed", str(protocol["seed"])]
    yield Code((shlex.join(command),))
    made_by = {model.name: model.summary["made_by"] for model in together.models}
    keys = dict.fromkeys(key for own in made_by.values() for key in own)
    columns = [words(name, (own.get(key) for key in keys)) for name, own in made_by.items()]
    yield Grid("What made the numbers", table_of(words("Made by", (key.replace("_", " ") for key in keys)), *columns))
