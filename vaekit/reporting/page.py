"""The page of one model: every section that is asked for, written from the artifacts and fitted to its size."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from vaekit.errors import DataError
from vaekit.figures.words import count
from vaekit.reporting.document import Block, Gap, Note, Page, Section, SectionSpec, in_order
from vaekit.reporting.edition import PREFACE, Edition
from vaekit.reporting.fitting import fit
from vaekit.reporting.material import Material
from vaekit.reporting.protocol import cropped, pixels


def make_page(material: Material, edition: Edition) -> Page:
    """Return the page with the edition's sections in its order, notes in their places, and pictures that fit."""
    specs = in_order()
    chosen = edition.sections or tuple(name for name, _ in specs)
    material = replace(material, chosen=frozenset(chosen))
    written: dict[str, Section] = {}
    for name, spec in specs:  # the glossary and the references tell of the sections before them
        written[name] = _section(name, spec, replace(material, written=dict(written)))
    sections = tuple(_with_notes(written[name], edition) for name in chosen)
    sections = tuple(section for section in sections if section.blocks)
    preface = edition.notes.get(("before", PREFACE)), edition.notes.get(("after", PREFACE))
    summary = material.summary
    return Page(
        title=edition.title or f"Evaluation of {summary['run']['name']}",
        subtitle=_subtitle(summary),
        byline=tuple(words for words in (edition.author, edition.course) if words),
        preface=tuple(Note(source, level=2) for source in preface if source),
        sections=sections if edition.full else fit(sections),
        made_by=summary["made_by"],
    )


def _section(name: str, spec: SectionSpec, material: Material) -> Section:
    try:
        blocks = tuple(_said_once(spec.write(material)))
    except DataError as error:
        blocks = (Gap(str(error)),)
    return Section(name, spec.title, spec.part, blocks)


def _said_once(blocks: Iterable[Block]) -> Iterable[Block]:
    """Yield the blocks without the reasons that another block has given already."""
    said: set[str] = set()
    for block in blocks:
        if isinstance(block, Gap):
            if block.reason in said:
                continue
            said.add(block.reason)
        yield block


def _with_notes(section: Section, edition: Edition) -> Section:
    before, after = (edition.notes.get((when, section.id)) for when in ("before", "after"))
    blocks = (*([Note(before)] if before else []), *section.blocks, *([Note(after)] if after else []))
    return replace(section, blocks=blocks)


def _subtitle(summary: dict[str, Any]) -> str:
    run, protocol, model = summary["run"], summary["protocol"], summary["model"]
    return (
        f"{model['name']} VAE of {count(model['parameters'])} parameters and {model['latent_dim']} latent dims, after "
        f"epoch {run['epoch']}, on the {count(protocol['n'])} {protocol['split']} images of {protocol['data']}, "
        f"{cropped(protocol)} at {pixels(protocol)}."
    )
