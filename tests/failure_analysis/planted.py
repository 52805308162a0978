"""Test splits as tables, their attributes drawn from the population of drawn faces, with a failure planted in them.

What is planted multiplies the expected error of some images, so that the effect of any slice is known: it is that of
the expected errors of a population a hundred times as large.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from vaekit.faces.attributes import ATTRIBUTES, COLUMN, PERSONAL, consistent
from vaekit.faces.statistics import load_statistics
from vaekit.failure_analysis.properties import PROPERTIES
from vaekit.failure_analysis.slices.rules import Material
from vaekit.failure_analysis.slices.search import Searched, search

RATE, TIMES = 0.03, 5.0  # share of the images in which a failure is planted; how often their error is the usual one
NOISE = 0.35  # standard deviation of the logarithm of an image's error around its expectation
KINDS = ("texture", "blur", "combination")


@dataclass(frozen=True, eq=False)
class Population:
    """Images as the search sees them, in which of them a failure is planted, and their expected errors."""

    material: Material
    people: np.ndarray
    planted: np.ndarray
    expected: np.ndarray


def drawn_attributes(n: int, rng: np.random.Generator, pictures: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Return the attributes of `n` drawn faces, so many pictures of each person, and who is in each."""
    statistics = load_statistics()
    people = np.arange(n) // pictures
    order = sorted(range(len(ATTRIBUTES)), key=lambda column: ATTRIBUTES[column] not in PERSONAL)
    lower = np.linalg.cholesky(statistics.latent[np.ix_(order, order)])
    normals = rng.standard_normal((n, len(ATTRIBUTES)))
    normals[:, : len(PERSONAL)] = normals[people * pictures, : len(PERSONAL)]
    margins = np.empty_like(normals)
    margins[:, order] = normals @ lower.T
    shown = consistent(margins - statistics.thresholds)
    return pd.DataFrame(shown.astype(np.int64), columns=list(ATTRIBUTES)), people


def populate(kind: str | None, n: int, seed: int, pictures: int = 4) -> Population:
    """Return a population of `n` with one of KINDS planted in it, or nothing; `pictures` show each person.

    A texture is a regular pattern, a blur takes sharpness away; a combination is one of two attributes that go together
    in 2 to 4 % of the images.
    """
    rng = np.random.default_rng([seed, n])
    attributes, people = drawn_attributes(n, rng, pictures)
    properties = pd.DataFrame(rng.lognormal(0, 0.5, (n, len(PROPERTIES))), columns=list(PROPERTIES))
    properties["periodicity"] = 10.0
    planted = rng.random(n) < RATE
    if kind == "texture":
        properties.loc[planted, "periodicity"] = rng.lognormal(3.5, 0.5, planted.sum())
    elif kind == "blur":
        properties.loc[planted, "sharpness"] *= 0.1
    elif kind == "combination":
        first, second = _pair(attributes.to_numpy(), np.random.default_rng(seed))
        planted = (attributes.to_numpy()[:, first] & attributes.to_numpy()[:, second]).astype(bool)
    complexity = np.log(properties[["contrast", "fine_detail"]]).sum(axis=1).to_numpy()
    expected = 0.006 * np.exp(0.1 * complexity) * np.where(planted & (kind is not None), TIMES, 1.0)
    return Population(Material(attributes, properties), people, planted, expected)


def _pair(attributes: np.ndarray, rng: np.random.Generator) -> tuple[int, int]:
    """Return two attributes that go together in 2 to 4 % of the images, and in less than 40 % of either's."""
    together = attributes.T @ attributes / len(attributes)
    alone = np.diag(together)
    fits = (together > 0.02) & (together < 0.04) & (together < 0.4 * np.minimum(alone[:, None], alone))
    fits[COLUMN["Blurry"]] = fits[:, COLUMN["Blurry"]] = False
    pairs = np.argwhere(np.triu(fits, 1))
    first, second = pairs[rng.integers(len(pairs))]
    return int(first), int(second)


def errors(population: Population, rng: np.random.Generator, *, of_person: float = 0.0) -> np.ndarray:
    """Return errors around their expectation: log-normal, a part of their spread shared by the images of a person."""
    n = len(population.expected)
    shared = of_person * rng.standard_normal(population.people.max() + 1)[population.people]
    spread = np.hypot(NOISE, of_person)
    return population.expected * np.exp(NOISE * rng.standard_normal(n) + shared - spread**2 / 2)


def searched(population: Population, values: np.ndarray, seed: int) -> Searched:
    """Return what the search finds in the errors of a population."""
    people = np.array([f"person {person}" for person in population.people], dtype=object)
    return search(values, "mse", False, population.material, people, seed=seed)


def truth(found: Searched, population: Population) -> tuple[float, float]:
    """Return, of the first finding and in a large population, its overlap with what was planted and its true effect."""
    mask = found.kept[0].tested.slice.mask(population.material)
    overlap = (mask & population.planted).sum() / (mask | population.planted).sum()
    return float(overlap), float(population.expected[mask].mean() - population.expected[~mask].mean())
