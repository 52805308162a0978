"""What a comparison rests on: what the models are, what their numbers can not say, how to make it again."""

import shlex
from collections.abc import Callable, Iterable
from typing import Any

from vaekit.figures.words import count
from vaekit.reporting.comparison.together import Together
from vaekit.reporting.comparison.unlike import settings_that_differ
from vaekit.reporting.document import COMPARED, Block, Bullets, Code, Grid, Heading, Prose, section
from vaekit.reporting.protocol import is_ours, model_words
from vaekit.reporting.sections.appendix import references
from vaekit.reporting.tables import table_of, words
from vaekit.statistics.bootstrap import RESAMPLES

_HASH = 16  # characters of a checksum: enough to tell two files apart; compare.json has all of it


@section("models", "Models", part="Method", place=110, of=COMPARED)
def models(together: Together) -> Iterable[Block]:
    """Yield what the models are, which settings of theirs differ, and the protocol."""
    facts: dict[str, Callable[[dict[str, Any]], str]] = {
        "Network": lambda s: s["model"]["name"],
        "Parameters": lambda s: count(s["model"]["parameters"]),
        "Latent dims": lambda s: count(s["model"]["latent_dim"]),
        "β": lambda s: f"{s['config']['objective']['beta']:g}" if s["config"]["objective"] else "unknown",
        "Likelihood": lambda s: s["model"]["likelihood"],
        "Epoch": lambda s: count(s["run"]["epoch"]) if is_ours(s) else "unknown",
        "Train images": lambda s: count(s["data"]["counts"]["train"]) if is_ours(s) else "unknown",
    }
    columns = [words(name, (fact(model.summary) for fact in facts.values())) for name, model in together.models.items()]
    yield Grid("Models", table_of(words("Model", facts), *columns))
    if differing := settings_that_differ(together.models):
        yield Heading("Settings that differ")
        columns = [words(name, (values[i] for _, values in differing)) for i, name in enumerate(together.names)]
        yield Grid("Settings that differ", table_of(words("Setting", (key for key, _ in differing)), *columns))
    elif all(is_ours(model.summary) for model in together.models.values()):
        yield Prose("The runs have the same settings: they differ by their weights alone.")


@section("limits", "Limits", part="Method", place=120, of=COMPARED)
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
    ours = [model.summary for model in together.models.values() if is_ours(model.summary)]
    if len({str(summary["protocol"]["limit"]) for summary in ours}) > 1 and not together.unlike:
        said.append(
            f"{'The' if len(ours) == len(together.models) else 'Some'} models were trained on different numbers of "
            "images, and tested on the same ones."
        )
    if together.judge_differs:
        said.append(f"Numbers about samples are not ranked: {together.judge_differs}.")
    said.append("Pixel errors forgive blur: a model can win by error and lack every fine detail. Look at the pictures.")
    yield Bullets(tuple(said))


@section("reproduce", "How to reproduce", part="Method", place=130, of=COMPARED)
def reproduce(together: Together) -> Iterable[Block]:
    """Yield the command that makes this page again, and what made each model's numbers."""
    named = [said for said in (model_words(model.summary) for model in together.models.values()) if said]
    options = dict.fromkeys(tuple(said[1:]) for said in named)
    command = ["vaekit", "compare", *(said[0] for said in named), *(word for said in options for word in said)]
    if together.unlike:
        command.append("--allow-unlike")
    else:
        protocol = together.protocol
        source = protocol.get("settings", {}).get("source") or protocol["data"]
        command += ["--data", source, "--crop", str(protocol["crop"]), "--seed", str(protocol["seed"])]
    yield Code((shlex.join(command),))
    made_by = {name: model.summary["made_by"] for name, model in together.models.items()}
    keys = dict.fromkeys(key for own in made_by.values() for key in own)
    columns = [words(name, (str(own.get(key, "–"))[:_HASH] for key in keys)) for name, own in made_by.items()]
    yield Grid("What made the numbers", table_of(words("Made by", (key.replace("_", " ") for key in keys)), *columns))


section("references", "References", part="Sources", place=140, of=COMPARED)(references)
