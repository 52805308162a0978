"""An image moved along the direction of an attribute, and what every other probe says of it then."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from vaekit import artifacts
from vaekit.errors import ConfigError
from vaekit.exploration.directions import Directions, Kind, read_directions
from vaekit.exploration.results import Shown
from vaekit.exploration.space import Space, decode, encode, mean_change
from vaekit.figures.exploration import edit_sheet
from vaekit.figures.words import fixed, readable, visible

SIDE_EFFECTS = 3  # named in a sentence
NOTEWORTHY = 0.1  # standard deviations of a logit per step: a side effect under it is not named


@dataclass(frozen=True)
class Edited:
    """Images moved along one direction.

    Attributes:
        attribute: whose direction.
        strengths: in steps, (T,).
        pictures: uint8 (n, T, S, S, 3).
        on_code: every probe's logit of the edited code, (n, T, A).
        on_picture: of the edited picture, encoded again, (n, T, A).
    """

    attribute: str
    strengths: np.ndarray
    pictures: np.ndarray
    on_code: np.ndarray
    on_picture: np.ndarray

    def per_step(self, logits: np.ndarray, spread: np.ndarray) -> np.ndarray:
        """Return the change of logits, (n, T, A), from first to last strength, per step and in `spread`: (n, A)."""
        change = logits[:, -1] - logits[:, 0]
        result: np.ndarray = change / (self.strengths[-1] - self.strengths[0]) / spread
        return result


@dataclass(frozen=True, eq=False)
class Edit(Shown):
    """An image along one direction.

    Attributes:
        pictures: uint8 (T, S, S, 3).
        logits: what every probe says as the edit grows: one row per attribute and strength, on_code and on_picture.
    """

    pictures: np.ndarray
    logits: pd.DataFrame

    def write(self, folder: Path) -> list[Path]:
        """Write the picture, its table and JSON, and <stem>-logits.csv."""
        path = folder / f"{self.stem}-logits.csv"
        artifacts.write_table(path, self.logits)
        return [*super().write(folder), path]

    def __str__(self) -> str:
        moved = self.table["attribute"].head(1 + SIDE_EFFECTS)
        grown = self.logits.pivot(index="attribute", columns="strength", values="on_picture").loc[moved]
        return "\n".join(
            [
                *self.sentences,
                "What the probes say as the edit grows (logit of the edited picture, encoded again):",
                grown.rename(columns="{:+.3g}".format).to_string(float_format="{:+.2f}".format),
            ]
        )


def edited(
    space: Space, directions: Directions, mu: np.ndarray, attribute: str, strengths: np.ndarray, kind: Kind
) -> Edited:
    """Return decode(mu + a * step) for codes mu, (n, D), and each strength a, with what the probes say of it."""
    z = mu[:, None] + strengths[:, None] * directions.step(attribute, kind)
    pictures = decode(space.model, z)
    again = encode(space.model, pictures)
    return Edited(attribute, strengths, pictures, directions.logits(z), directions.logits(again))


def edit(
    space: Space,
    picture: np.ndarray,
    name: str,
    attribute: str,
    *,
    strengths: tuple[float, float] = (-3.0, 3.0),
    steps: int = 7,
    kind: Kind = "means",
) -> Edit:
    """Return a picture, uint8 (S, S, 3), edited along an attribute's direction, with every probe's answer.

    Args:
        space: the model, its codes and the directions of the attributes.
        picture: what to edit.
        name: what the picture is called.
        attribute: what to add (strengths over 0) and to take away (under 0).
        strengths: first and last, in standard deviations of the test codes along the direction.
        steps: pictures, evenly apart.
        kind: "means" or "probe", see `Directions.step`.

    Raises:
        ConfigError: unknown attribute, strengths that are no range, fewer than 2 steps.
        DataError: the data have no attributes.
    """
    low, high = strengths
    if not (np.isfinite([low, high]).all() and low < high):
        raise ConfigError(f"--strength {low:g}:{high:g} is no range: write the lower end first, such as -3:3.")
    if steps < 2:
        raise ConfigError(f"--steps {steps}: a walk takes at least 2.")
    directions = read_directions(space)
    target = directions.index(attribute)
    mu = encode(space.model, picture[None])
    found = edited(space, directions, mu, attribute, np.linspace(low, high, steps), kind)
    on_code, on_picture = (found.per_step(logits, directions.spread)[0] for logits in (found.on_code, found.on_picture))
    order = np.argsort(-np.abs(on_picture), kind="stable")
    order = np.concatenate([[target], order[order != target]])
    now = directions.logits(mu)[0]
    table = pd.DataFrame(
        {
            "attribute": np.array(directions.attributes)[order],
            "logit": now[order],
            "on_code": on_code[order],
            "on_picture": on_picture[order],
            "spread": directions.spread[order],
            "auroc": directions.auroc[order],
        }
    )
    change = float(mean_change(found.pictures[:, 0], found.pictures[:, -1])[0])
    facts = {
        "run": space.run,
        "image": name,
        "attribute": attribute,
        "direction": kind,
        "strengths": [low, high],
        "steps": steps,
        "change": change,
        "made_by": space.made_by,
    }
    sheet = edit_sheet(picture, found.pictures[0], found.strengths, f"{readable(attribute)}\n{visible(name)}")
    stem = re.sub(r"[^\w.+-]+", "_", f"edit-{attribute}-{name}")
    logits = pd.DataFrame(
        {
            "attribute": np.repeat(table["attribute"].to_numpy(), steps),
            "strength": np.tile(found.strengths, len(table)),
            "on_code": found.on_code[0, :, order].ravel(),
            "on_picture": found.on_picture[0, :, order].ravel(),
        }
    )
    return Edit(space.run, stem, sheet, table, said_of(table, change), facts, found.pictures[0], logits)


def said_of(table: pd.DataFrame, change: float) -> tuple[str, ...]:
    """Return the sentences about an edit; the first row of `table` is the edited attribute."""
    target, others = table.iloc[0], table.iloc[1:]
    name = readable(target["attribute"])
    said = (
        f"One step towards {name} moves its probe by {fixed(target['on_code'], 2, sign=True)} of its standard "
        "deviations on the code "
        f"and by {fixed(target['on_picture'], 2, sign=True)} on the picture, encoded again; end to end a pixel changes "
        "by "
        f"{fixed(change, 1)} of 255 grey levels."
    )
    return said, side_effects(name, others["attribute"].tolist(), others["on_picture"].to_numpy())


def side_effects(name: str, attributes: Sequence[str], moved: np.ndarray) -> str:
    """Return the sentence about what else moved, in standard deviations of each probe's logit per step."""
    order = [i for i in np.argsort(-np.abs(moved), kind="stable")[:SIDE_EFFECTS] if abs(moved[i]) >= NOTEWORTHY]
    if not order:
        return f"{name} moved no other probe by {NOTEWORTHY} of its standard deviations or more."
    return (
        f"{name} also moved "
        f"{', '.join(f'{readable(attributes[i])} by {fixed(moved[i], 2, sign=True)}' for i in order)}."
    )
