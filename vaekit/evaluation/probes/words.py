"""What the probes say in rows and sentences, each with its numbers."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from vaekit.data import Prepared
from vaekit.evaluation.probes.kinds import SHUFFLES
from vaekit.evaluation.probes.rows import none, row
from vaekit.figures.words import estimate, fixed, plural, readable
from vaekit.quantity import Quantity
from vaekit.statistics.bootstrap import Estimate

NAMED = 6  # attributes that a sentence names at most
DROWNED = 0.05  # mean AUROC that the posterior's noise takes before a sentence says so


def estimates(found: Mapping[str, Estimate], facts: Mapping[str, Any], n: int) -> dict[str, Quantity]:
    """Return the summary's rows on the probes from the means over attributes, or with the reason why there are none.

    Args:
        found: kind of probe, or "lead" -> mean over attributes.
        facts: reason and kinds, of probes.json.
        n: number of test images.
    """
    labels = {
        "latent": "Attribute probes on mu, mean AUROC",
        "sampled": "The same probes on sampled z",
        "pixels": "The same probes on pixel components",
        "random": "The same probes on an untrained encoder",
        "shuffled": f"The same probes of shuffled labels, {SHUFFLES} times",
    }
    rows = {}
    for kind, label in labels.items():
        definition = (
            f"mean over attributes of the test AUROC of L2 logistic regressions on {facts['kinds'][kind]}; fitted on "
            "train, C chosen on valid"
        )
        better = True if kind in ("latent", "sampled") else None
        name = "probe_auroc" if kind == "latent" else f"probe_auroc_{kind}"
        rows[name] = row(found.get(kind) or none(n, facts["reason"]), label, definition, better=better)
    rows["probe_lead"] = row(
        found.get("lead") or none(n, facts["reason"]),
        "Probes on mu, lead on pixel components",
        "AUROC of the probes on mu minus that on as many principal components of the pixels, mean over attributes, "
        "paired over images",
    )
    return rows


def identities(prepared: Prepared, rows: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Return how many people of test are among those of train and valid, where the data knows who is who."""
    if "identity" not in prepared.index:
        return {
            "known": False,
            "sentence": "Who is who is not known: whether people of test are in train can not be told.",
        }
    who = {name: prepared.index["identity"].iloc[part] for name, part in rows.items()}
    people = {name: set(part[part != ""]) for name, part in who.items()}
    test = who["test"]
    shared = test.isin(people["train"] | people["valid"])
    count, images = test[shared].nunique(), int(shared.sum())
    sentence = (
        f"Also in train or valid: {count:,} of the {len(people['test']):,} people of test, on {images:,} of "
        f"{plural(len(test), 'image')}: a probe may know the person instead of the attribute."
        if images
        else f"None of the {len(people['test']):,} people of test is also in train or valid."
    )
    return {
        "known": True,
        "people": {name: len(part) for name, part in people.items()},
        "shared_people": int(count),
        "shared_images": images,
        "nameless_images": {name: int((part == "").sum()) for name, part in who.items()},
        "sentence": sentence,
    }


def sentences(table: pd.DataFrame, facts: Mapping[str, Any]) -> list[str]:
    """Return what the probes say: how well, against which controls, what was left out, what did not converge."""
    said = []
    if facts["reason"]:
        said.append(f"Nothing is probed: {facts['reason']}.")
    else:
        said += [_how_well(table, facts), *_against(table, facts)]
    if skipped := facts["skipped"]:
        least = [_fewest(one) for one in skipped]
        said.append(
            f"Left out, with fewer than {facts['fewest']} images with or without it in a split: {_listed(least)}."
        )
    if (stuck := table[table["converged"].eq(False)]).shape[0]:
        named = [f"{readable(str(one.attribute))} ({one.kind})" for one in stuck.itertuples()]
        said.append(f"Not converged, so to be read with care: {_listed(named)}.")
    return [*said, facts["identities"]["sentence"]]


def _how_well(table: pd.DataFrame, facts: Mapping[str, Any]) -> str:
    ranked = table[table["kind"] == "latent"].sort_values("auroc", ascending=False, kind="stable")
    images = facts["images"]
    best, worst = (
        ", ".join(
            f"{readable(name)} {fixed(auroc, 2)}" for name, auroc in zip(part["attribute"], part["auroc"], strict=True)
        )
        for part in (ranked.head(3), ranked.tail(3).iloc[::-1])
    )
    return (
        f"Linear probes on mu tell {plural(len(ranked), 'attribute')} with a mean AUROC of "
        f"{_shown(facts['rows']['probe_auroc'])}; best {best}; worst {worst}. Fitted on {images['train']:,}, C chosen "
        f"on {images['valid']:,}, scored on {images['test']:,} images."
    )


def _against(table: pd.DataFrame, facts: Mapping[str, Any]) -> list[str]:
    rows, controls = facts["rows"], facts["controls"]
    lead, sampled = rows["probe_lead"], rows["probe_auroc_sampled"]
    pixels = table[table["kind"] == "pixels"]
    ahead, behind = int((pixels["lead_low"] > 0).sum()), int((pixels["lead_high"] < 0).sum())
    if lead.low > 0:
        verdict = "The code says more of them than linear pixels do"
    elif lead.high < 0:
        verdict = "The code says less of them than linear pixels do"
    else:
        verdict = "The code says no more of them than linear pixels do"
    shuffled, leak = rows["probe_auroc_shuffled"], controls["shuffled"]
    drowned = rows["probe_auroc"].value - sampled.value > DROWNED and sampled.high < rows["probe_auroc"].low
    return [
        f"{verdict}: {controls['components']:,} principal components of the pixels reach "
        f"{_shown(rows['probe_auroc_pixels'])}, a difference of "
        f"{estimate(lead.value, lead.low, lead.high, sign=True)}; the interval of a single attribute's is above 0 for "
        f"{ahead}, below for {behind} of {len(pixels)}.",
        f"On a sample z ~ q(z|x), which is what the decoder gets, the probes reach {_shown(sampled)}"
        + (": much of what mu says drowns in the posterior's noise." if drowned else "."),
        f"On the same network untrained they reach {_shown(rows['probe_auroc_random'])}"
        + _beside_untrained(controls["trained_minus_untrained"]),
        f"On labels shuffled {plural(leak['shuffles'], 'time')} the same method gives {_shown(shuffled)}, "
        + (
            "as it must."
            if abs(shuffled.value - 0.5) <= leak["bound"]
            else f"where chance leaves 0.5 by {fixed(leak['bound'], 3)} once in a thousand times: look for a leak "
            "before believing the rest."
        ),
    ]


def _beside_untrained(gain: Mapping[str, float]) -> str:
    """Return how the sentence on the untrained network ends, by the trained one's lead and its interval."""
    if gain["low"] > 0:
        return "."
    how = "more than" if gain["high"] < 0 else "no less than"
    return f", {how} on the trained code: training added nothing that a linear probe finds."


def _shown(of: Quantity) -> str:
    return estimate(of.value, of.low, of.high)


def _fewest(one: Mapping[str, Any]) -> str:
    """Return an attribute with its smallest count: "Bald (3 with it in valid)"."""
    count, having, split = min((n, having, split) for having in ("with", "without") for split, n in one[having].items())
    return f"{readable(one['attribute'])} ({count:,} {having} it in {split})"


def _listed(named: list[str]) -> str:
    more = len(named) - NAMED
    return ", ".join(named[:NAMED]) + (f" and {more} more" if more > 0 else "")
