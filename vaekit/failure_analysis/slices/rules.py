"""What a slice is made of: conditions on attributes and properties, and rules of up to three of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
from sklearn.tree import DecisionTreeRegressor

from vaekit.failure_analysis.properties import label_of
from vaekit.figures.words import percent, readable

LEAST = 30  # images that a slice has in the half it is discovered on
SHARES = {0.05: "twentieth", 0.1: "tenth", 0.25: "quarter"}  # of the images, at either end of a property


@dataclass(frozen=True, eq=False)
class Material:
    """What the slices of N images are made of: attributes as 0/1 (N, K) and properties (N, P)."""

    attributes: pd.DataFrame
    properties: pd.DataFrame

    def __len__(self) -> int:
        return len(self.properties)

    @cached_property
    def columns(self) -> dict[tuple[str, str], np.ndarray]:
        """Every attribute and property as numbers, (N,), by ("attribute" or "property", name)."""
        tables = {"attribute": self.attributes, "property": self.properties}
        return {
            (kind, str(name)): values
            for kind, table in tables.items()
            for name, values in zip(table, np.ascontiguousarray(table.to_numpy(np.float64).T), strict=True)
        }

    def take(self, rows: np.ndarray) -> Material:
        """Return the material of these rows."""
        return Material(self.attributes.iloc[rows], self.properties.iloc[rows])


@dataclass(frozen=True)
class Condition:
    """An attribute or property above its threshold, or not; `share` of the discovery half meets it."""

    kind: str
    name: str
    above: bool
    threshold: float
    share: float = field(compare=False)

    @property
    def text(self) -> str:
        """The condition in words: "Eyeglasses", "not Smiling", "sharpness in the lowest tenth"."""
        if self.kind == "attribute":
            return readable(self.name) if self.above else f"not {readable(self.name)}"
        part = SHARES.get(self.share, percent(self.share))
        return f"{label_of(self.name)} in the {'highest' if self.above else 'lowest'} {part}"

    @property
    def id(self) -> str:
        """The condition in a few letters, wherever its threshold lies: "Eyeglasses", "not-Smiling", "sharpness-low"."""
        name = re.sub(r"[^0-9A-Za-z_]+", "-", self.name)
        if self.kind == "attribute":
            return name if self.above else f"not-{name}"
        return f"{name}-{'high' if self.above else 'low'}"

    def mask(self, material: Material) -> np.ndarray:
        """Return which images meet it, bool (N,)."""
        values = material.columns[self.kind, self.name]
        return values > self.threshold if self.above else values <= self.threshold


@dataclass(frozen=True)
class Rule:
    """Images that meet every one of up to three conditions."""

    conditions: tuple[Condition, ...]

    @property
    def id(self) -> str:
        """The same for the same conditions, wherever the thresholds of their properties lie."""
        return "slice-" + "-and-".join(condition.id for condition in self.conditions)

    @property
    def title(self) -> str:
        """The conditions in words, those on attributes first."""
        return " and ".join(condition.text for condition in self.conditions)

    def mask(self, material: Material) -> np.ndarray:
        """Return which images follow the rule, bool (N,)."""
        result: np.ndarray = np.logical_and.reduce([condition.mask(material) for condition in self.conditions])
        return result

    def parents(self) -> Iterator[Rule]:
        """Yield the rules with one condition fewer."""
        if len(self.conditions) > 1:
            for dropped in self.conditions:
                yield Rule(tuple(c for c in self.conditions if c != dropped))


def rule_of(conditions: list[Condition]) -> Rule:
    """Return the rule in its one spelling: attributes before properties, in order of name."""
    return Rule(tuple(sorted(conditions, key=lambda c: (c.kind, c.name, c.above, c.threshold))))


def attribute_condition(material: Material, name: str, present: bool = True) -> Condition:
    """Return the condition that an attribute is present, or absent."""
    share = float((material.columns["attribute", name] > 0.5).mean())
    return Condition("attribute", name, present, 0.5, share if present else 1 - share)


def property_condition(material: Material, name: str, share: float, highest: bool) -> Condition:
    """Return the condition that a property is in the highest or lowest `share` of these images."""
    values = material.columns["property", name]
    return Condition("property", name, highest, float(np.quantile(values, 1 - share if highest else share)), share)


def all_conditions(error: np.ndarray, material: Material) -> list[Condition]:
    """Return every condition that at least 30 images meet and at least 30 do not.

    Attributes present and absent; properties in their lowest and highest twentieth, tenth and quarter, and beyond the
    two thresholds at which a regression tree of three leaves splits the error, where less than a quarter lies beyond.
    """
    found = [
        attribute_condition(material, name, present)
        for name in map(str, material.attributes)
        for present in (True, False)
    ]
    for name in map(str, material.properties):
        ends = [property_condition(material, name, share, highest) for highest in (True, False) for share in SHARES]
        found += ends + [c for c in _splits(error, material, name) if all(_differs(c, end) for end in ends)]
    sizes = [int(condition.mask(material).sum()) for condition in found]
    return [c for c, size in zip(found, sizes, strict=True) if LEAST <= size <= len(material) - LEAST]


def _splits(error: np.ndarray, material: Material, name: str) -> Iterator[Condition]:
    values = material.columns["property", name]
    if len(values) < 2 * LEAST:
        return
    tree = DecisionTreeRegressor(max_leaf_nodes=3, min_samples_leaf=LEAST, random_state=0)
    tree.fit(values[:, None], error)
    for threshold in np.unique(tree.tree_.threshold[tree.tree_.children_left >= 0]):
        above = float((values > threshold).mean())
        if min(above, 1 - above) < max(SHARES):
            yield Condition("property", name, above <= 0.5, float(threshold), min(above, 1 - above))


def _differs(condition: Condition, other: Condition) -> bool:
    """Tell whether two conditions on one property are further apart than their names would tell."""
    return condition.above != other.above or not 0.8 < condition.share / other.share < 1.25
