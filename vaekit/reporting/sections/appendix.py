"""What helps a newcomer: the glossary of what the page shows, and the papers that it cites."""

from collections.abc import Iterable

from vaekit.figures.words import plural
from vaekit.reporting.citations import cited_on, explained_on
from vaekit.reporting.document import APPENDIX, Block, Details, Prose, References, Terms, section
from vaekit.reporting.material import Material, Source


@section("glossary", "Glossary", part=APPENDIX, place=330)
def glossary(material: Material) -> Iterable[Block]:
    """Yield the VAE in brief, and every number that the page shows."""
    yield Prose(
        "x is an image, z its code, x̂ the decoder's mean, μ and σ² the encoder's mean and variance of each latent dim; "
        "logarithms are natural, so that information is in nats (1 nat = 1.44 bits)."
    )
    yield Terms(explained_on(material.shown))


@section("references", "References", part="Sources", place=340)
def references(source: Source) -> Iterable[Block]:
    """Yield the papers that the page cites, by name; those that the appendix alone cites are folded as it is."""
    everywhere = cited_on(source.shown)
    papers = cited_on(section for section in source.shown if section.part != APPENDIX)
    if papers:
        yield References(papers)
    if rest := tuple(paper for paper in everywhere if paper not in papers):
        yield Details(f"{plural(len(rest), 'more paper')}, cited in the appendix", (References(rest),))
