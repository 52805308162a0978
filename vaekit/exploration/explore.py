"""The walks that a report shows, made once from an evaluation and written beside it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from vaekit import artifacts
from vaekit.errors import DataError, VaekitError
from vaekit.exploration.directions import Directions, read_directions
from vaekit.exploration.edit import Edited, edited, side_effects
from vaekit.exploration.interpolate import PATHS, between, picked_pairs
from vaekit.exploration.interpolate import said_of as said_of_pairs
from vaekit.exploration.latent_map import METHOD, NEIGHBOURS, gathered, latent_map
from vaekit.exploration.live import traced
from vaekit.exploration.space import Space, encode, mean_change
from vaekit.exploration.traverse import base_code, top_dims, walk
from vaekit.exploration.traverse import said_of as said_of_walk
from vaekit.figures.words import fixed, percent, readable
from vaekit.progress import Progress, silent
from vaekit.statistics.bootstrap import TAILS

DIMS, DIM_STEPS, PERCENTILES = 8, 7, (1.0, 99.0)
PAIRS, PAIR_STEPS = 3, 7
ATTRIBUTES, IMAGES, STRENGTHS = 6, 2, np.linspace(-3, 3, 5)
# What an edit does to every probe is measured on more images than are shown, one step of 2 to either side.
MEASURED, MEASURED_AT = 64, np.array([-2.0, 2.0])
COLOURED, RAREST = 4, 0.1  # attributes the map is coloured by; a rarer one is hard to see on it

STARTS = 8  # faces from which the sliders of a live decoder start
DRAWS = 64  # from the prior, in the page

STAGES = ("traversals", "interpolations", "edits", "latent_map", "live")


@dataclass(frozen=True)
class Exploration:
    """What `explore` wrote; everything is read from `folder` when it is first asked for."""

    folder: Path

    @cached_property
    def summary(self) -> dict[str, Any]:
        """The content of exploration.json."""
        summary: dict[str, Any] = artifacts.read_json(self.folder / artifacts.EXPLORATION_SUMMARY)
        return summary

    def __str__(self) -> str:
        said = [sentence for stage in STAGES for sentence in self.summary.get(stage, {}).get("sentences", ())]
        return "\n".join([f"Exploration: {self.folder}", *said, *self.summary["absent"].values()])


def explore(space: Space, folder: Path, *, seed: int = 0, progress: Progress = silent) -> Exploration:
    """Write traversals, interpolations, edits, the latent map and the live decoder of a model; exploration.json last.

    Args:
        space: the model and the codes of its test images.
        folder: receives exploration.json, traversals.npz, interpolations.npz, edits.npz, latent_map.csv and
            live.npz.
        seed: of the images that are shown and measured.
        progress: told how far the work is.
    """
    makers: dict[str, tuple[str, Callable[[Space, Path, int], dict[str, Any]]]] = {
        "traversals": (artifacts.TRAVERSALS, _traversals),
        "interpolations": (artifacts.INTERPOLATIONS, _interpolations),
        "edits": (artifacts.EDITS, _edits),
        "latent_map": (artifacts.LATENT_MAP, _map),
        "live": (artifacts.LIVE, _live),
    }
    facts: dict[str, Any] = {}
    absent: dict[str, str] = {}
    with artifacts.whole_stage(folder / artifacts.EXPLORATION_SUMMARY) as finish:
        for done, (name, (file, make)) in enumerate(makers.items()):
            progress("explore", done, len(makers), name)
            try:
                facts[name] = make(space, folder / file, seed)
            except VaekitError as reason:  # a decoder may decode no code but the last image's
                absent[name] = str(reason)
                (folder / file).unlink(missing_ok=True)
        progress("explore", len(makers), len(makers))
        made_by = space.made_by | {"exploration_seed": seed}
        finish({"run": space.run, **facts, "absent": absent, "made_by": made_by})
    return Exploration(folder)


def _traversals(space: Space, file: Path, seed: int) -> dict[str, Any]:
    found = walk(space, top_dims(space, DIMS), base_code(space, "mean"), steps=DIM_STEPS, percentiles=PERCENTILES)
    artifacts.write_arrays(file, dims=found.dims, values=found.values, pictures=found.pictures, change=found.change)
    return {
        "base": "the mean code of the test images",
        "n": len(space.mu),
        "percentiles": list(PERCENTILES),
        "steps": DIM_STEPS,
        "dims": found.dims.tolist(),
        "kl": space.kl[found.dims].tolist(),
        "low": found.values[:, 0].tolist(),
        "high": found.values[:, -1].tolist(),
        "change": found.change.tolist(),
        "sentences": [said_of_walk(found, space)],
    }


def _interpolations(space: Space, file: Path, seed: int) -> dict[str, Any]:
    found = between(space, picked_pairs(space, PAIRS, seed), PAIR_STEPS)
    artifacts.write_arrays(file, image_ids=np.array(found.pairs, dtype=str), ends=found.ends, **found.pictures)
    return {
        "pairs": [list(pair) for pair in found.pairs],
        "steps": PAIR_STEPS,
        "middle_norm": {path: found.middle_norm(path).tolist() for path in PATHS},
        "middle_detail": {path: found.middle_detail(path).tolist() for path in PATHS},
        "sentences": [said_of_pairs(found)],
    }


def _edits(space: Space, file: Path, seed: int) -> dict[str, Any]:
    directions = read_directions(space)
    shown, measured = space.some(IMAGES, seed, "edited"), space.some(MEASURED, seed, "measured")
    mu_shown, mu_measured = (encode(space.model, space.images(image_ids)) for image_ids in (shown, measured))
    names = directions.strongest(ATTRIBUTES)
    edits = [edited(space, directions, mu_shown, name, STRENGTHS, "means") for name in names]
    effects = [
        _effects(edited(space, directions, mu_measured, name, MEASURED_AT, "means"), directions) for name in names
    ]
    artifacts.write_arrays(
        file,
        attributes=np.array(names),
        strengths=STRENGTHS,
        image_ids=np.array(shown),
        originals=space.images(shown),
        pictures=np.stack([one.pictures for one in edits]),
        probes=np.array(directions.attributes),
        on_code=np.stack([one.on_code for one in edits]),
        on_picture=np.stack([one.on_picture for one in edits]),
        effect=np.stack([one.value for one in effects]),
        spread=directions.spread,
    )
    rows = [_edit_facts(name, directions, effect) for name, effect in zip(names, effects, strict=True)]
    return {
        "direction": "means",
        "strengths": STRENGTHS.tolist(),
        "image_ids": shown,
        "n": len(measured),
        "unit": "standard deviations of a probe's logit over the test images, per step of one standard deviation of "
        "the codes along the direction",
        "attributes": rows,
        "sentences": [row["sentence"] for row in rows],
    }


@dataclass(frozen=True)
class _Effects:
    """What one step moves every probe's logit by, in its standard deviations; n images, each array (A,).

    On the edited picture, encoded again: mean and 95 % interval by Student's t. On the edited code: the same for every
    image, because probes and steps are linear. And the mean change of a pixel over the measured range.
    """

    n: int
    value: np.ndarray
    low: np.ndarray
    high: np.ndarray
    on_code: np.ndarray
    change: float


def _effects(found: Edited, directions: Directions) -> _Effects:
    moved = found.per_step(found.on_picture, directions.spread)
    n, mean = len(moved), moved.mean(0)
    margin = stats.t.ppf(TAILS[1], n - 1) * moved.std(0, ddof=1) / np.sqrt(n) if n > 1 else np.full_like(mean, np.nan)
    on_code = found.per_step(found.on_code, directions.spread).mean(0)
    change = mean_change(found.pictures[:, 0], found.pictures[:, -1]).mean()
    return _Effects(n, mean, mean - margin, mean + margin, on_code, float(change))


def _edit_facts(attribute: str, directions: Directions, effects: _Effects) -> dict[str, Any]:
    def row(i: int) -> dict[str, Any]:
        low, high = (None if np.isnan(bound[i]) else float(bound[i]) for bound in (effects.low, effects.high))
        return {"value": float(effects.value[i]), "low": low, "high": high, "n": effects.n}

    target = directions.index(attribute)
    others = [i for i in range(len(directions.attributes)) if i != target]
    # What else moved counts where its interval leaves 0 out.
    sure = [i for i in others if effects.low[i] > 0 or effects.high[i] < 0]
    also = side_effects(
        readable(attribute), [directions.attributes[i] for i in sure], np.array([effects.value[i] for i in sure])
    )
    return {
        "attribute": attribute,
        "auroc": float(directions.auroc[target]),
        **row(target),
        "on_code": float(effects.on_code[target]),
        "change": effects.change,
        "others": {directions.attributes[i]: row(i) for i in others},
        "sentence": f"A step towards {readable(attribute)} moves its own probe by "
        f"{fixed(effects.value[target], 2, sign=True)}. {also}",
    }


def _map(space: Space, file: Path, seed: int) -> dict[str, Any]:
    found = latent_map(space, seed)
    rows = np.flatnonzero(np.isin(space.image_ids, found.image_ids))
    attributes = space.prepared.attribute_table(space.prepared.rows("test")[rows])
    artifacts.write_table(file, found.table(attributes))
    try:
        directions = read_directions(space)
        ranked = directions.strongest(len(directions.attributes))
    except DataError:
        ranked = []  # nothing says which attribute the code knows best: the map stays without colours
    shown = [name for name in ranked if RAREST <= attributes[name].mean() <= 1 - RAREST][:COLOURED]
    return {
        "n": len(found.image_ids),
        "method": METHOD,
        "kept": found.kept,
        "neighbours": NEIGHBOURS,
        "plane": found.plane,
        "attributes": [
            {
                "attribute": name,
                "rate": float(attributes[name].mean()),
                "near": gathered(found.xy, attributes[name].to_numpy()),
            }
            for name in shown
        ],
        "sentences": [
            f"Of the {NEIGHBOURS} nearest codes of an image {percent(found.kept)} are among its {NEIGHBOURS} "
            f"nearest on the map; the best flat view would show {percent(found.plane)} of the codes' variance."
        ],
    }


def _live(space: Space, file: Path, seed: int) -> dict[str, Any]:
    image_ids = space.some(STARTS, seed, "live")
    codes = encode(space.model, space.images(image_ids))
    program = traced(space.model, codes)
    dims = top_dims(space, DIMS)
    sliders = [f"Dim {dim}" for dim in dims]
    steps = list(np.eye(space.dims)[dims] * space.mu.std(0)[dims, None])
    try:
        directions = read_directions(space)
    except DataError:
        names = []  # the dims are there all the same
    else:
        names = directions.strongest(ATTRIBUTES)
        steps += [directions.step(name, "means") for name in names]
    artifacts.write_arrays(
        file,
        weights=program.weights,
        codes=codes.astype(np.float32),
        originals=space.images(image_ids),
        steps=np.stack(steps).astype(np.float32),
        draws=np.stack([space.model.prior.sample(DRAWS, seed=seed, temperature=t) for t in (0.0, 1.0)]),
    )
    return {
        "prior": space.model.prior.said,
        "program": program.steps,
        "shape": list(program.shape),
        "off": program.off,
        "image_ids": image_ids,
        "sliders": sliders + [readable(name) for name in names],
        "sentences": [],
    }
