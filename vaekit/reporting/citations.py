"""The glossary and the references: what the page shows decides which entries stand on it."""

import tomllib
import unicodedata
from collections.abc import Iterable
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from typing import Any

from vaekit.reporting.document import Metrics, Paper, Section, Term, Terms, Verdict
from vaekit.reporting.machine import plain
from vaekit.reporting.tables import Metric


@cache
def _entries(name: str) -> tuple[dict[str, Any], ...]:
    text = files("vaekit.reporting").joinpath("assets", f"{name}.toml").read_text(encoding="utf-8")
    return tuple(tomllib.loads(text)[name])


def metrics_on(sections: Iterable[Section]) -> dict[str, Metric]:
    """Return all metrics that these sections show, by id."""
    blocks = [block for section in sections for block in section.walk()]
    rows = [row for block in blocks if isinstance(block, Metrics) for row in block.rows]
    rows += [row for block in blocks if isinstance(block, Verdict) for row in block.tiles]
    return {row.id: row for row in rows}


def explained_on(sections: Iterable[Section]) -> tuple[Term, ...]:
    """Return the glossary of these sections: the VAE's own words, then every metric that they show.

    A metric that no entry explains, such as one of another package, is explained by its own definition.
    """
    shown = metrics_on(sections)
    terms = []
    for entry in _entries("glossary"):
        covers = tuple(name for name in shown if any(fnmatchcase(name, p) for p in entry.get("metrics", ())))
        if covers or "metrics" not in entry:
            terms.append(Term(entry["id"], entry["name"], entry["text"], entry["formula"], entry["paper"], covers))
    covered = {name for term in terms for name in term.covers}
    own = [row for name, row in shown.items() if name not in covered]
    return (*terms, *(Term(row.id, row.label, f"{row.quantity.definition}.", "", "", (row.id,)) for row in own))


def cited_on(sections: Iterable[Section]) -> tuple[Paper, ...]:
    """Return the papers that these sections name as "Burda et al. 2016", in the order of their authors."""
    text = _unaccented("\n".join(_texts([plain(block) for section in sections for block in section.blocks])))
    papers = [Paper(**entry) for entry in _entries("references")]
    return tuple(paper for paper in sorted(papers, key=lambda paper: paper.text) if _unaccented(paper.cited) in text)


def term_of(sections: Iterable[Section]) -> dict[str, str]:
    """Return metric id -> id of the glossary's entry on the page that explains it."""
    terms = [t for s in sections for block in s.walk() if isinstance(block, Terms) for t in block.terms]
    return {name: term.id for term in terms for name in term.covers}


def _unaccented(text: str) -> str:
    """Return text in which an author's name is found with and without its accents."""
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _texts(part)
