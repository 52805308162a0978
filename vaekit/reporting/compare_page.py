"""The page of several models: its sections, written from their artifacts and fitted to its size."""

from collections.abc import Callable, Iterable, Sequence

from vaekit.errors import DataError
from vaekit.figures.words import count, listed
from vaekit.reporting.citations import cited_on
from vaekit.reporting.compare_findings import findings
from vaekit.reporting.compare_material import Together
from vaekit.reporting.compare_results import errors, metrics, overview, rate_distortion
from vaekit.reporting.compare_setting import limits, models, reproduce
from vaekit.reporting.compare_shown import contrasts, latent, reconstructions, samples, traversals
from vaekit.reporting.document import Block, Gap, Page, References, Section
from vaekit.reporting.fitting import fit
from vaekit.reporting.protocol import cropped, pixels

_SECTIONS: Sequence[tuple[str, str, str, Callable[[Together], Iterable[Block]]]] = (
    ("overview", "At a glance", "Results", overview),
    ("metrics", "Metrics side by side", "Results", metrics),
    ("rate_distortion", "Rate and distortion", "Results", rate_distortion),
    ("errors", "Error by image", "Results", errors),
    ("reconstructions", "Reconstructions", "Pictures", reconstructions),
    ("contrasts", "Where they differ most", "Pictures", contrasts),
    ("traversals", "Traversals", "Pictures", traversals),
    ("samples", "Samples", "Pictures", samples),
    ("latent", "Latent code", "Code", latent),
    ("findings", "Findings gained and lost", "Failures", findings),
    ("models", "Models", "Method", models),
    ("limits", "Limits", "Method", limits),
    ("reproduce", "How to reproduce", "Method", reproduce),
)


def make_comparison(together: Together, title: str | None) -> Page:
    """Return the page; a section that can not be written holds its reason, and the rest stands."""
    sections = [Section(id, heading, part, tuple(_written(write, together))) for id, heading, part, write in _SECTIONS]
    return Page(
        title=title or f"{listed(together.names)} compared",
        subtitle=_subtitle(together),
        byline=(),
        preface=(),
        sections=fit([*sections, *_references(sections)]),
        made_by={model.name: model.summary["made_by"] for model in together.models},
    )


def _written(write: Callable[[Together], Iterable[Block]], together: Together) -> Iterable[Block]:
    try:
        return list(write(together))
    except DataError as error:
        return [Gap(str(error))]


def _references(sections: Sequence[Section]) -> Iterable[Section]:
    if papers := cited_on(sections):
        yield Section("references", "References", "Appendix", (References(papers),))


def _subtitle(together: Together) -> str:
    n = len(together.models)
    if together.unlike:
        return f"{n} models that were not tested alike: their numbers stand side by side and do not compare."
    protocol = together.models[0].summary["protocol"]
    return (
        f"{n} models on the same {count(protocol['n'])} {protocol['split']} images of {protocol['data']}, "
        f"{cropped(protocol)} at {pixels(protocol)}."
    )
