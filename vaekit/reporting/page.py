"""The page of one model: every section that is asked for, written from the artifacts and fitted to its size."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from vaekit.errors import DataError
from vaekit.figures.words import count, plural
from vaekit.registry import Registry
from vaekit.reporting.document import Block, Gap, Note, Page, Section, SectionSpec, Slot, in_order
from vaekit.reporting.edition import PREFACE, Edition
from vaekit.reporting.fitting import fit
from vaekit.reporting.material import Material, Source
from vaekit.reporting.protocol import cropped, pixels


def make_page(material: Material, edition: Edition) -> Page:
    """Return the page with the edition's sections in its order, notes in their places, and pictures that fit."""
    chosen = edition.sections or tuple(name for name, _ in in_order(edition.registry))
    written = write_sections(replace(material, chosen=frozenset(chosen)), edition.registry)
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


def write_sections(source: Source, of: Registry[SectionSpec]) -> dict[str, Section]:
    """Return every section of one kind of page by name; one that can not be written holds its reason."""
    written: dict[str, Section] = {}
    for name, spec in in_order(of):  # the glossary and the references tell of the sections before them
        source = replace(source, written=dict(written))
        try:
            blocks = tuple(_said_once(spec.write(source)))
        except DataError as error:
            blocks = (Gap(str(error)),)
        except KeyError as error:  # an artifact of an older vaekit
            blocks = (Gap(f"The artifacts lack {error.args[0]!r}: run `vaekit evaluate` and `vaekit failures` again."),)
        written[name] = Section(name, spec.title, spec.part, blocks)
    return written


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
    own = [block for block in section.blocks if not (after and isinstance(block, Slot))]
    blocks = (*([Note(before)] if before else []), *own, *([Note(after)] if after else []))
    return replace(section, blocks=blocks)


def _subtitle(summary: dict[str, Any]) -> str:
    run, protocol, model = summary["run"], summary["protocol"], summary["model"]
    kind = "" if "vae" in model["name"].lower() else " VAE"
    return (
        f"{model['name']}{kind} of {count(model['parameters'])} parameters and {model['latent_dim']} latent dims"
        f"{', after epoch ' + str(run['epoch']) if run['epoch'] else ''}, on the "
        f"{plural(protocol['n'], protocol['split'] + ' image')} of {protocol['data']}, "
        f"{cropped(protocol)} at {pixels(protocol)}."
    )
