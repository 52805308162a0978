"""The search for slices, on the half of the images that is for searching; nothing found here is a finding yet."""

from dataclasses import dataclass

import numpy as np

from vaekit.failure_analysis.slices.rules import LEAST, Condition, Material, Rule, all_conditions, rule_of

STEPS = 6  # rules that the search returns at most, without their parents
PAIRS = 40  # of the best pairs are tried with every third condition
BEATS = 4.0  # t by which a rule must be worse than the rest of each rule with one condition fewer
WIDEST = {1: 0.5, 2: 0.25, 3: 0.25}  # share of the images that a rule may have, by its number of conditions
LEAST_T = 3.0  # of a slice against the rest
PLAIN = 0.9  # what a further condition costs a rule when it is compared with a plainer one
BINS = 20  # groups of a property in which what it does to the error is accounted for


@dataclass(frozen=True)
class _Sums:
    """Number, sum and sum of squares of the residual over the images of some slices."""

    n: np.ndarray
    first: np.ndarray
    second: np.ndarray

    def __sub__(self, other: "_Sums") -> "_Sums":
        return _Sums(self.n - other.n, self.first - other.first, self.second - other.second)

    def above(self, rest: "_Sums") -> np.ndarray:
        """Return Welch's t of these means over those of `rest`; -inf where a side has fewer than 10 images."""
        known = (self.n >= 10) & (rest.n >= 10)
        n, m = np.where(known, self.n, 10), np.where(known, rest.n, 10)
        a, b = self.first / n, rest.first / m
        variance = np.maximum(self.second / n - a**2, 0) / (n - 1) + np.maximum(rest.second / m - b**2, 0) / (m - 1)
        return np.where(known, (a - b) / np.sqrt(np.maximum(variance, 1e-300)), -np.inf)


def discover(error: np.ndarray, material: Material) -> list[Rule]:
    """Return the rules of up to three conditions that the error is worst in, strongest first.

    Greedy: the rule with the largest Welch t is taken, what it does to the error is subtracted, and the search goes on
    in the residual. All pairs of conditions are tried, and every third condition with the 40 best pairs. A rule has 30
    images or more and at most half of all (a quarter, of several conditions), and is worse than the rest of each rule
    with a condition fewer. It is followed by its worst pair and single condition, so that they are tested too.

    Args:
        error: (N,), the larger the worse, finite.
        material: of the same N images.
    """
    conditions = all_conditions(error, material) if len(error) >= 2 * LEAST else []
    residual = error - error.mean()
    found: list[Rule] = []
    if not conditions:
        return found
    search = Conditions(conditions, material)
    design = [np.ones(len(error))]
    for _ in range(STEPS):
        rule = search.best(residual)
        if rule is None:
            break
        found.append(rule)
        design += account_for(rule, material)
        columns = np.stack(design, axis=1)
        residual = error - columns @ np.linalg.lstsq(columns, error, rcond=None)[0]
    return _with_parents(found, search, error - error.mean())


def account_for(rule: Rule, material: Material) -> list[np.ndarray]:
    """Return the columns (N,) that stand for what a rule says: who follows it; of one property, its whole course."""
    columns = [rule.mask(material).astype(np.float64)]
    if len(rule.conditions) == 1 and rule.conditions[0].kind == "property":
        values = material.columns["property", rule.conditions[0].name]
        inner = np.unique(np.quantile(values, np.linspace(0, 1, BINS + 1)[1:-1]))
        groups = np.searchsorted(inner, values)
        columns += [(groups == group).astype(np.float64) for group in range(1, len(inner) + 1)]
    return columns


def _with_parents(rules: list[Rule], search: "Conditions", error: np.ndarray) -> list[Rule]:
    """Return the rules, each followed by the worst pair and the worst single condition inside it."""
    found: list[Rule] = []
    for rule in rules:
        chain = [rule]
        while len(chain[-1].conditions) > 1:
            chain.append(max(chain[-1].parents(), key=lambda parent: search.t(parent, error)))
        found += [r for r in chain if r not in found]
    return found


class Conditions:
    """The conditions as a matrix of 0 and 1, so that the sums of all pairs are one matrix product.

    An absent attribute is all images less those that have it: products are of the columns that no other tells.
    """

    def __init__(self, conditions: list[Condition], material: Material) -> None:
        self._conditions, self._material = conditions, material
        names = [(c.kind, c.name) for c in conditions]
        self._together = np.array([[a != b for b in names] for a in names])  # two ends of one property are no pair
        self._c = np.stack([c.mask(material) for c in conditions]).astype(np.float64)
        told = {(c.kind, c.name): k for k, c in enumerate(conditions) if c.kind == "attribute" and c.above}
        own = [k for k, c in enumerate(conditions) if c.above or (c.kind, c.name) not in told]
        self._own = np.concatenate([np.ones((1, len(material))), self._c[own]])
        self._made = np.zeros((len(self._own), len(conditions)))  # of which of them each condition is the sum
        self._made[np.arange(1, len(self._own)), own] = 1
        for k in set(range(len(conditions))) - set(own):
            self._made[0, k], self._made[1 + own.index(told[names[k]]), k] = 1, -1
        self._n = self._summed(np.ones(len(material)))

    def _summed(self, weights: np.ndarray) -> np.ndarray:
        """Return the sum of weights of 0 or more over the images of each pair of conditions, (C, C)."""
        rooted = self._own * np.sqrt(weights)  # times its own transpose: half the work of another product
        result: np.ndarray = self._made.T @ (rooted @ rooted.T) @ self._made
        return result

    def pairs(self, residual: np.ndarray) -> _Sums:
        """Return the sums of each pair of conditions, (C, C)."""
        least = residual.min()
        return _Sums(self._n, self._summed(residual - least) + least * self._n, self._summed(residual**2))

    def thirds(self, rows: np.ndarray, columns: np.ndarray, residual: np.ndarray) -> _Sums:
        """Return the sums of each of the given pairs with each third condition, (pairs, C)."""
        both = self._c[rows] * self._c[columns]
        summed = np.concatenate([both, both * residual, both * residual**2]) @ self._own.T @ self._made
        return _Sums(*np.split(summed, 3))

    def t(self, rule: Rule, error: np.ndarray) -> float:
        """Return Welch's t of a rule against all other images."""
        inside = rule.mask(self._material).astype(np.float64)
        every = np.ones_like(inside)
        own, whole = ([weights @ column for column in (every, error, error**2)] for weights in (inside, every))
        sums = _Sums(*map(np.asarray, own))
        return float(sums.above(_Sums(*map(np.asarray, whole)) - sums))

    def best(self, residual: np.ndarray) -> Rule | None:
        """Return the rule whose images stand out most in the residual; None where none stands out."""
        whole = _Sums(*(np.asarray(part) for part in (len(residual), residual.sum(), (residual**2).sum())))
        pair = self.pairs(residual)
        single = _Sums(*(np.diag(sums) for sums in (pair.n, pair.first, pair.second)))
        singles = self._scores(single, whole, 1)
        parent = _Sums(*(sums[:, None] for sums in (single.n, single.first, single.second)))
        beats = pair.above(parent - pair) >= BEATS
        pairs = np.where(self._together & beats & beats.T, self._scores(pair, whole, 2) * PLAIN, -np.inf)
        choices = [(singles.max(), [int(singles.argmax())])]
        rows, columns = np.unravel_index(np.argsort(-np.triu(pairs, 1), axis=None, kind="stable")[:PAIRS], pairs.shape)
        usable = np.isfinite(pairs[rows, columns]) & (rows < columns)
        rows, columns = rows[usable], columns[usable]
        if len(rows):
            choices.append((pairs[rows[0], columns[0]], [int(rows[0]), int(columns[0])]))
            choices.append(self._third(rows, columns, residual, pair, whole))
        score, chosen = max(choices, key=lambda choice: choice[0])
        return rule_of([self._conditions[i] for i in chosen]) if score >= LEAST_T else None

    def _third(
        self, rows: np.ndarray, columns: np.ndarray, residual: np.ndarray, pair: _Sums, whole: _Sums
    ) -> tuple[float, list[int]]:
        """Return the best of the given pairs with any third condition, and its score."""
        triple = self.thirds(rows, columns, residual)
        scores = self._scores(triple, whole, 3) * PLAIN**2
        scores[~(self._together[rows] & self._together[columns])] = -np.inf
        sums = (pair.n, pair.first, pair.second)
        for parent in ([s[rows, columns][:, None] for s in sums], [s[rows] for s in sums], [s[columns] for s in sums]):
            scores[triple.above(_Sums(*parent) - triple) < BEATS] = -np.inf
        k = int(scores.argmax())
        i, j = divmod(k, scores.shape[1])
        return float(scores[i, j]), [int(rows[i]), int(columns[i]), j]

    def _scores(self, sums: _Sums, whole: _Sums, conditions: int) -> np.ndarray:
        fits = (sums.n >= LEAST) & (sums.n <= whole.n * WIDEST[conditions])
        return np.where(fits, sums.above(whole - sums), -np.inf)
