"""What a comparison shows: the same images by every model, samples, traversals, and the use of the code."""

from collections.abc import Iterable

from vaekit import artifacts
from vaekit.errors import DataError
from vaekit.figures import compare as figures
from vaekit.figures.words import fixed, listed, plain, plural
from vaekit.quantity import Quantity
from vaekit.reporting.comparison.matching import LEAST, matched
from vaekit.reporting.comparison.same_images import contrasts as cards_of
from vaekit.reporting.comparison.same_images import opened, reconstruction_rows
from vaekit.reporting.comparison.side_by_side import absences, side_by_side, values
from vaekit.reporting.comparison.together import Together
from vaekit.reporting.document import COMPARED, Block, Cards, Controls, Details, Facts, Gap, Heading, Prose, section

_TRAVERSED = 3  # dims of each model
_NOT_THE_MODEL = ("train", "blurred")  # sources of pictures that are there for scale
_LISTED = 8  # images on which they differ that Markdown shows


@section("reconstructions", "Reconstructions", part="Pictures", place=50, of=COMPARED)
def reconstructions(together: Together) -> Iterable[Block]:
    """Yield the same test images as every model reconstructs them."""
    rows = reconstruction_rows(together.every(artifacts.PICTURES))
    n = len(next(iter(rows.values())))
    caption = (
        f"The same {plural(n, 'test image')}, drawn by seed: originals, then each model's reconstruction (decoder mean "
        "at μ)."
    )
    yield together.picture("reconstructions", lambda: figures.picture_rows("Reconstructions", caption, rows))


@section("contrasts", "Where they differ most", part="Pictures", place=60, of=COMPARED)
def contrasts(together: Together) -> Iterable[Block]:
    """Yield the images on which the best and the worst model differ most."""
    if together.unlike:
        raise DataError("The models were not tested alike, so no image is the same for all of them.")
    cards = cards_of(together.every(artifacts.RECONSTRUCTIONS), together.errors, together.originals)
    order = listed(["the original", *together.names])
    yield Prose(
        f"The test images whose squared error differs most between the best and the worst model. Each card shows, from "
        f"left to right, {order}; its value is the gap between the largest and the smallest error."
    )
    best = tuple(sorted({card.attributes[0] for card in cards}))
    yield Controls(tuple((name, f"error of {name}") for name in together.names), best if len(best) > 1 else ())
    rows = {f"{card.rank}  {card.image_id}: {card.attributes[0]}": opened(card) for card in cards[:_LISTED]}
    caption = f"The {plural(len(rows), 'image')} on which the models differ most, from left to right {order}."
    yield Cards(
        "contrasts",
        cards,
        "gap",
        len(together.errors.image_ids),
        artifacts.PER_IMAGE,
        together.picture("contrasts", lambda: figures.picture_rows("Where they differ most", caption, rows)),
        listed=_LISTED,
        shows=f"{order[:1].upper()}{order[1:]}",
    )


@section("traversals", "Traversals", part="Pictures", place=70, of=COMPARED)
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
        yield from _alike(together)
        yield together.picture("traversals", lambda: figures.picture_rows("Traversals", caption, rows))
    yield from (Gap(reason) for reason in together.reasons(artifacts.TRAVERSALS))


def _alike(together: Together) -> Iterable[Block]:
    """Yield the walks along dims of different models that tell the same of the same images."""
    walks, latents = together.contents(artifacts.TRAVERSALS), together.contents(artifacts.LATENTS)
    if together.unlike or len(walks) < 2 or not {*walks} <= {*latents}:
        return
    codes = {name: (latents[name]["image_id"].astype(str), latents[name]["mu"]) for name in walks}
    groups = matched(codes, {name: own["dims"] for name, own in walks.items()})[:_TRAVERSED]
    if not groups:
        yield Prose(f"No dim walked along in one model tells what one of another tells: no |r| reaches {LEAST:g}.")
        return
    rows = {}
    for group in groups:
        for name, place, r in group:
            label = f"{name}: dim {walks[name]['dims'][place]}"
            if name != group[0][0]:
                label += f", r = {fixed(r, 2)}{', drawn from right to left' if r < 0 else ''}"
            rows[label] = walks[name]["pictures"][place][:: -1 if r < 0 else 1]
    caption = (
        f"Walks along dims that tell the same: of {groups[0][0][0]} and of each other model the dim whose codes of the "
        f"test images correlate most with it (Pearson's r), where |r| is {LEAST:g} or more; the surest first."
    )
    yield together.picture("alike", lambda: figures.picture_rows("The same dim in each model", caption, rows))


@section("samples", "Samples", part="Pictures", place=80, of=COMPARED)
def samples(together: Together) -> Iterable[Block]:
    """Yield draws from each model's prior, and how far they are from the test images."""
    drawn = {name: pictures["samples"][:8] for name, pictures in together.contents(artifacts.DRAWS).items()}
    caption = "Unselected decoder means at draws of each model's own prior: N(0, I), or the one it learned."
    if drawn:
        yield together.picture("samples", lambda: figures.picture_rows("Samples from the prior", caption, drawn))
    yield from _sampling_gap(together)
    reasons = [reason for file in (artifacts.DRAWS, artifacts.SAMPLES) for reason in together.reasons(file)]
    yield from map(Gap, dict.fromkeys(reasons))


def _sampling_gap(together: Together) -> Iterable[Block]:
    """Yield how far each model's pictures are from the test images, source by source."""
    contents = {name: own for name, own in together.contents(artifacts.SAMPLES).items() if "rows" in own}
    judges = {own["judge"]["name"] for own in contents.values()}
    if len(judges) > 1:
        yield Gap(f"The models' samples were measured by different judges ({listed(sorted(judges))}).")
    if len(judges) != 1:
        return
    metric = f"fd_{judges.pop()}"
    facts = next(iter(contents.values()))["metrics"][metric]
    rows = {
        name: {
            source: Quantity(
                **own["rows"].get(source, {}).get(metric, {"value": None, "n": 0, "reason": about["reason"]}),
                label=about["label"],
                higher_is_better=None if source in _NOT_THE_MODEL else facts["higher_is_better"],
                definition=facts["definition"],
            )
            for source, about in own["sources"].items()
        }
        for name, own in contents.items()
    }
    yield Heading("Sampling gap", facts["label"])
    yield Prose(f"How far each source of pictures is from the test images: {facts['label']}, {facts['definition']}.")
    ranked = not together.unlike and together.judge_differs is None
    yield from values("Sampling gap", side_by_side(rows, (), ranked=ranked))


@section("latent", "Latent code", part="Code", place=90, of=COMPARED)
def latent(together: Together) -> Iterable[Block]:
    """Yield how the models use their codes."""
    tables = together.contents(artifacts.PER_DIM)
    if tables:
        kl = {name: table["kl"].to_numpy(float) for name, table in tables.items()}
        yield together.picture("kl_by_rank", lambda: figures.kl_by_rank(kl))
    yield from (Gap(reason) for reason in together.reasons(artifacts.PER_DIM))
    found = {name: together.models[name].latent_rows for name in together.contents(artifacts.LATENT)}
    if found:
        rows = side_by_side(found, (), ranked=not together.unlike)
        yield from values("The code as a whole", rows)
        yield from absences(found)
        meanings = tuple((row.metric.label, f"{row.metric.quantity.definition}.") for row in rows)
        yield Details("What each number is", (Facts(meanings),))
    yield from (Gap(reason) for reason in together.reasons(artifacts.LATENT))
