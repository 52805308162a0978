"""What training and the model show: a strip of faces, the history of the run, and reconstructions."""

from collections.abc import Iterable, Mapping

import numpy as np

from vaekit import artifacts
from vaekit.figures.pictures import epochs_of, learned_faces
from vaekit.reporting.document import Block, Picture, Strips, section
from vaekit.reporting.material import Material
from vaekit.reporting.sections.exploration import strip

_EPOCHS = 9  # that the slider knows


@section("faces", "Faces", part="Results", place=5)
def faces(material: Material) -> Iterable[Block]:
    """Yield test images, reconstructions and samples in one strip: what all numbers below are about."""
    yield material.figure("faces")


@section("curves", "Training curves", part="Results", place=40)
def curves(material: Material) -> Iterable[Block]:
    """Yield the history of the run."""
    yield material.figure("training")


@section("learning", "As it learned", part="Pictures", place=45)
def learning(material: Material) -> Iterable[Block]:
    """Yield the same faces and samples after every epoch; nothing where the trainer did not keep them."""
    if artifacts.LEARNED in material.files:
        yield from material.part(lambda arrays: _learning(arrays, material), artifacts.LEARNED)


def _learning(arrays: Mapping[str, np.ndarray], material: Material) -> Iterable[Block]:
    n, rows = learned_faces(arrays), epochs_of(arrays, _EPOCHS)
    epochs = tuple(f"epoch {epoch}" for epoch in arrays["epoch"][rows])
    made, drawn = (arrays[name][rows, :n].swapaxes(0, 1) for name in ("reconstructions", "samples"))
    faces = np.concatenate([made, arrays["originals"][:n, None]], axis=1)
    figure = material.figure("learning")
    said = figure.drawn.caption if isinstance(figure, Picture) else ""
    strips = (
        strip("Reconstructions", "of validation faces; the originals at the end", (*epochs, "the original"), faces),
        strip("Samples", "at the same draws of N(0, I)", epochs, drawn),
    )
    yield Strips("learning", "Show", "After", strips, said, 0, figure)


@section("reconstructions", "Reconstructions", part="Pictures", place=50)
def reconstructions(material: Material) -> Iterable[Block]:
    """Yield test images above what the model makes of them."""
    yield material.figure("reconstructions")
