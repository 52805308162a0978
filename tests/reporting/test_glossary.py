"""Glossary and references: every number shown is explained, every paper named is listed."""

import ast
import re
from fnmatch import fnmatchcase
from pathlib import Path

import vaekit
from vaekit import artifacts
from vaekit.quantity import Quantity
from vaekit.reporting.citations import _entries, _texts, _unaccented, explained_on, metrics_on, term_of
from vaekit.reporting.collect import Folders, collect
from vaekit.reporting.document import Metrics, Section
from vaekit.reporting.edition import Edition
from vaekit.reporting.material import Material
from vaekit.reporting.page import make_page
from vaekit.reporting.tables import Metric


def explained(metric: str) -> bool:
    return any(fnmatchcase(metric, p) for entry in _entries("glossary") for p in entry.get("metrics", ()))


def test_every_number_of_a_run_has_a_label_and_a_definition(finished):
    (folder,) = (finished.folder / "reports/small").glob("*-test")
    summary = artifacts.read_json(folder / "evaluation/summary.json")
    rows = summary["metrics"] | summary["estimates"] | artifacts.read_json(folder / "evaluation/latent.json")["rows"]
    rows |= artifacts.read_json(folder / "failures/findings.json")["facts"]
    assert len(rows) > 60
    for name, row in rows.items():
        assert row["label"] and row["definition"], name


def test_a_number_without_an_entry_is_explained_by_its_own_definition():
    row = Metric("worst", Quantity(value=1.0, n=3, label="Worst pixel", definition="max over pixels"))
    section = Section("metrics", "Metrics", "Results", (Metrics("All", (row,)),))
    (term,) = [term for term in explained_on([section]) if term.covers]
    assert (term.id, term.name, term.text) == ("worst", "Worst pixel", "max over pixels.")


def test_nothing_is_explained_that_no_metric_is():
    assert not explained("anything")


def test_entries_are_two_sentences_with_formula_and_paper():
    papers = {entry["cited"] for entry in _entries("references")}
    ids = [entry["id"] for entry in _entries("glossary")]
    assert len(ids) == len(set(ids))
    for entry in _entries("glossary"):
        assert len(re.findall(r"[.:;!?](?:\s|$)", entry["text"])) >= 2 and entry["text"].endswith("."), entry["id"]
        assert len(re.findall(r"\.(?:\s+[A-Z0-9]|$)", entry["text"])) == 2, entry["id"]
        assert entry["formula"] and entry["paper"] in papers, entry["id"]


def test_references_say_who_and_when_and_where():
    for entry in _entries("references"):
        year = re.search(r"\d{4}", entry["cited"])[0]
        name = entry["cited"].split()[0]
        assert (
            _unaccented(name) in _unaccented(entry["text"])
            and f"({year})" in entry["text"]
            and entry["link"].startswith("http")
        ), entry["cited"]
        assert not re.search(r'[\s<>"]', entry["link"])


def test_every_number_of_a_page_links_to_its_entry(write_artifacts, tmp_path):
    stored = write_artifacts(tmp_path, n=30, top=2, dims=8, attributes=["Hat", "Male"])
    found = collect(Folders(*stored, tmp_path / artifacts.EXPLORATION))
    page = make_page(Material(found.files, found.missing), Edition())
    assert set(term_of(page.sections)) == set(metrics_on(page.sections)) >= {"mse", "active_units", "mig"}
    names = [entry["cited"] for entry in _entries("references")]
    listed = {
        paper.cited for section in page.sections for b in section.blocks if b.kind == "references" for paper in b.papers
    }
    assert listed < set(names) and "Kingma & Welling 2014" in listed


CITED = re.compile(r"\b(?:van der )?[A-Z][\w-]+(?: et al\.| & [A-Z][\w-]+) \(?(?:19|20)\d\d\b")


def test_whoever_is_cited_anywhere_is_listed():
    known = {_unaccented(entry["cited"]) for entry in _entries("references")}
    said = "\n".join(_texts(list(_entries("glossary"))))
    for path in Path(vaekit.__file__).parent.rglob("*.py"):
        said += ast_strings(path)
    cited = {name.replace("(", "") for name in CITED.findall(_unaccented(said))}
    assert len(cited) > 15
    assert cited <= known, cited - known


def ast_strings(path: Path) -> str:
    """All string literals of a file but its docstrings, parts of one sentence joined."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documented = [n for n in ast.walk(tree) if isinstance(n, ast.Module | ast.ClassDef | ast.FunctionDef)]
    docs = {ast.get_docstring(node, clean=False) for node in documented}
    texts = [n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
    return "\n".join(text for text in texts if text not in docs)
