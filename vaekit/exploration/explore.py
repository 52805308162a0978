"""The walks that a report shows, made once from an evaluation and written beside it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy import stats

from vaekit import artifacts
from vaekit.data import Prepared
from vaekit.errors import DataError
from vaekit.exploration.directions import Directions, read_directions
from vaekit.exploration.edit import NOTEWORTHY, Edited, edited, side_effects
from vaekit.exploration.interpolate import PATHS, between, picked_pairs
from vaekit.exploration.interpolate import said_of as said_of_pairs
from vaekit.exploration.latent_map import latent_map
from vaekit.exploration.space import Space, encode, mean_change, open_space
from vaekit.exploration.traverse import base_code, top_dims, walk
from vaekit.exploration.traverse import said_of as said_of_walk
from vaekit.models.base import VAE
from vaekit.progress import Progress, silent

DIMS, DIM_STEPS, PERCENTILES = 8, 7, (1.0, 99.0)
PAIRS, PAIR_STEPS = 3, 7
ATTRIBUTES, IMAGES, STRENGTHS = 6, 2, np.linspace(-3, 3, 5)
# What an edit does to every probe is measured on more images than are shown, one step of 2 to either side.
MEASURED, MEASURED_AT = 64, np.array([-2.0, 2.0])
LEVEL = 0.95

STAGES = ("traversals", "interpolations", "edits", "latent_map")


@dataclass(frozen=True)
class Exploration:
    """What `explore` wrote; everything is read from `folder` when it is first asked for."""

    folder: Path

    @cached_property
    def summary(self) -> dict[str, Any]:
        """The content of exploration.json."""
        return artifacts.read_json(self.folder / artifacts.EXPLORATION_SUMMARY)

    def __str__(self) -> str:
        said = [sentence for stage in STAGES for sentence in self.summary.get(stage, {}).get("sentences", ())]
        return "\n".join([f"Exploration: {self.folder}", *said, *self.summary["absent"].values()])


def explore(
    run: str,
    model: VAE,
    prepared: Prepared,
    evaluation: Path,
    folder: Path,
    *,
    seed: int = 0,
    device: torch.device | str = "cpu",
    progress: Progress = silent,
) -> Exploration:
    """Write traversals, interpolations, edits and the latent map of an evaluated model; exploration.json last.

    Args:
        run: the name the model's results are kept under.
        model: the network.
        prepared: the images it was evaluated on.
        evaluation: the folder that `vaekit evaluate` wrote.
        folder: receives exploration.json, traversals.npz, interpolations.npz, edits.npz and latent_map.csv.
        seed: of the images that are shown and measured.
        device: where the network runs.
        progress: told how far the work is.

    Raises:
        DataError: the evaluation is not whole, or is of other images.
    """
    (artifacts.make_folder(folder) / artifacts.EXPLORATION_SUMMARY).unlink(missing_ok=True)
    space = open_space(run, model.to(device), prepared, evaluation)
    makers: dict[str, tuple[str, Callable[[Space, Path, int], dict[str, Any]]]] = {
        "traversals": (artifacts.TRAVERSALS, _traversals),
        "interpolations": (artifacts.INTERPOLATIONS, _interpolations),
        "edits": (artifacts.EDITS, _edits),
        "latent_map": (artifacts.LATENT_MAP, _map),
    }
    facts: dict[str, Any] = {}
    absent: dict[str, str] = {}
    for done, (name, (file, make)) in enumerate(makers.items()):
        progress("explore", done, len(makers), name)
        try:
            facts[name] = make(space, folder / file, seed)
        except DataError as reason:
            absent[name] = str(reason)
            (folder / file).unlink(missing_ok=True)
    progress("explore", len(makers), len(makers))
    artifacts.write_json(
        folder / artifacts.EXPLORATION_SUMMARY,
        {"run": run, **facts, "absent": absent, "made_by": space.made_by | {"exploration_seed": seed}},
    )
    return Exploration(folder)


def _traversals(space: Space, file: Path, seed: int) -> dict[str, Any]:
    found = walk(
        space, top_dims(space, DIMS), base_code(space, "mean"), steps=DIM_STEPS, percentiles=PERCENTILES
    )
    artifacts.write_arrays(file, dims=found.dims, values=found.values, pictures=found.pictures, change=found.change)
    return {
        "base": "the mean code of the test images", "n": len(space.mu), "percentiles": list(PERCENTILES),
        "steps": DIM_STEPS, "dims": found.dims.tolist(), "kl": space.kl[found.dims].tolist(),
        "low": found.values[:, 0].tolist(), "high": found.values[:, -1].tolist(), "change": found.change.tolist(),
        "sentences": [said_of_walk(found, space)],
    }  # fmt: skip


def _interpolations(space: Space, file: Path, seed: int) -> dict[str, Any]:
    found = between(space, picked_pairs(space, PAIRS, seed), PAIR_STEPS)
    artifacts.write_arrays(file, image_ids=np.array(found.pairs, dtype=str), ends=found.ends, **found.pictures)
    return {
        "pairs": [list(pair) for pair in found.pairs], "steps": PAIR_STEPS,
        "middle_norm": {path: found.middle_norm(path).tolist() for path in PATHS},
        "middle_detail": {path: found.middle_detail(path).tolist() for path in PATHS},
        "sentences": [said_of_pairs(found)],
    }  # fmt: skip


def _edits(space: Space, file: Path, seed: int) -> dict[str, Any]:
    directions = read_directions(space)
    shown, measured = space.some(IMAGES, seed, "edited"), space.some(MEASURED, seed, "measured")
    mu_shown, mu_measured = (encode(space.model, space.images(image_ids)) for image_ids in (shown, measured))
    names = directions.strongest(ATTRIBUTES)
    edits = [edited(space, directions, mu_shown, name, STRENGTHS, "means") for name in names]
    effects = [_effects(edited(space, directions, mu_measured, name, MEASURED_AT, "means"), directions) for name in names]
    artifacts.write_arrays(
        file,
        attributes=np.array(names), strengths=STRENGTHS, image_ids=np.array(shown), originals=space.images(shown),
        pictures=np.stack([one.pictures for one in edits]), probes=np.array(directions.attributes),
        on_code=np.stack([one.on_code for one in edits]), on_picture=np.stack([one.on_picture for one in edits]),
        **{key: np.stack([one[key] for one in effects]) for key in effects[0]},
    )  # fmt: skip
    rows = [_edit_facts(name, directions, effect) for name, effect in zip(names, effects, strict=True)]
    return {
        "direction": "means", "strengths": STRENGTHS.tolist(), "image_ids": shown, "n": len(measured),
        "unit": "standard deviations of a probe's logit over the test images, per step of one standard deviation of "
        "the codes along the direction",
        "attributes": rows, "sentences": [row["sentence"] for row in rows],
    }  # fmt: skip


def _effects(found: Edited, directions: Directions) -> dict[str, np.ndarray]:
    """Return what one step moves every probe by: mean over the images, with a 95 % interval by Student's t, (A,)."""
    moved = found.per_step(found.on_picture, directions.spread)
    n = len(moved)
    margin = np.full(moved.shape[1], np.nan)
    if n > 1:
        margin = stats.t.ppf((1 + LEVEL) / 2, n - 1) * moved.std(0, ddof=1) / np.sqrt(n)
    return {
        "effect": moved.mean(0), "effect_low": moved.mean(0) - margin, "effect_high": moved.mean(0) + margin,
        "effect_on_code": found.per_step(found.on_code, directions.spread).mean(0),
        "change": mean_change(found.pictures[:, 0], found.pictures[:, -1]),
    }  # fmt: skip
