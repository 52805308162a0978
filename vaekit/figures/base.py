"""The contract of a figure: files in, one drawing with its words out.

    @figure("history", needs=(HISTORY,))
    def history(artifacts: Artifacts) -> Drawn: ...

`artifacts` maps a file's name to what stands in it: a DataFrame (.csv), a dict of arrays (.npz), a dict (.json). A
figure is drawn when all files in `needs` are there; it may look for further ones with `artifacts.get`. Its caption and
alt text say what the numbers say, computed from them. Line art is "svg", pictures are "png".
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from vaekit.errors import DataError
from vaekit.figures import _style
from vaekit.registry import Registry

Artifacts = Mapping[str, Any]


@dataclass(frozen=True)
class Drawn:
    """One finished figure: its bytes ("svg" or "png") and the words that go with it."""

    title: str
    caption: str
    alt: str
    data: bytes
    suffix: str


@dataclass(frozen=True)
class FigureSpec:
    """How one figure is made and the files it can not do without."""

    needs: tuple[str, ...]
    draw: Callable[[Artifacts], Drawn]


FIGURES: Registry[FigureSpec] = Registry("figure", "vaekit.figures")


def figure(
    name: str, *, needs: tuple[str, ...]
) -> Callable[[Callable[[Artifacts], Drawn]], Callable[[Artifacts], Drawn]]:
    """Return a decorator that files a drawing function as figure `name`, drawn wherever the files in `needs` exist."""

    def file_it(draw: Callable[[Artifacts], Drawn]) -> Callable[[Artifacts], Drawn]:
        FIGURES.register(name)(FigureSpec(needs, draw))
        return draw

    return file_it


def draw(name: str, artifacts: Artifacts, missing: Mapping[str, str] | None = None, *, line_art: str = "svg") -> Drawn:
    """Return the figure called `name`.

    Args:
        name: a name in FIGURES.
        artifacts: file name -> its content.
        missing: file name -> the sentence that says why it is not in `artifacts`.
        line_art: the form of charts, "svg" or "pdf".

    Raises:
        DataError: a file it needs is absent, or lacks a column or array; the message is fit for the report.
    """
    spec = FIGURES.get(name)
    for file in spec.needs:
        if file not in artifacts:
            raise DataError((missing or {}).get(file, f"{file} is missing."))
    try:
        with _style.line_art(line_art):
            drawn = spec.draw(artifacts)
    except KeyError as error:
        raise DataError(f"Not drawn: {' or '.join(spec.needs)} lacks {error.args[0]!r}.") from error
    signs = {b"%PDF": "pdf", b"\x89PNG": "png"}
    return replace(drawn, suffix=signs.get(drawn.data[:4], drawn.suffix))
