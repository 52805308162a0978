"""How every chart looks, and how it becomes bytes: one theme, named colours, the same bytes for the same figure."""

import contextlib
import io
from collections.abc import Iterator
from contextvars import ContextVar

import matplotlib as mpl
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# The report swaps these exact values for its own variables, so that one drawing serves light and dark pages.
INK, MUTED, RULE, PAPER = "#22262b", "#5b636e", "#d8dce1", "#fefefe"
BLUE, ORANGE, _, VERMILION = sns.color_palette("colorblind").as_hex()[:4]  # told apart by colour-blind readers too

_THEME = {
    **sns.axes_style("ticks"),
    **sns.plotting_context("paper"),
    "figure.facecolor": PAPER,
    "axes.facecolor": PAPER,
    "savefig.facecolor": PAPER,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": MUTED,
    "axes.titlecolor": INK,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "patch.edgecolor": PAPER,
    "grid.color": RULE,
    "grid.linewidth": 0.7,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "axes.titlepad": 8,
    "axes.labelsize": 10,
    "xtick.labelsize": 9.5,
    "ytick.labelsize": 9.5,
    "legend.fontsize": 9.5,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "font.family": ["DejaVu Sans", "sans-serif"],  # matplotlib carries DejaVu: the same layout on every machine
    "font.sans-serif": ["DejaVu Sans"],
    "svg.fonttype": "none",  # text stays text: small files, selectable, read by screen readers
    "svg.hashsalt": "vaekit",
    "pdf.fonttype": 42,
    "axes.formatter.useoffset": False,
}


@contextlib.contextmanager
def theme() -> Iterator[None]:
    """Draw and save under vaekit's theme alone, whatever the user's matplotlibrc says, and leave theirs as it was."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_THEME)
        yield


def canvas(width: float, height: float, rows: int = 1, columns: int = 1) -> tuple[Figure, list[Axes]]:
    """Return a figure of `width` x `height` inches and its axes, row by row; no pyplot, so no global state."""
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, list(figure.subplots(rows, columns, squeeze=False).flat)


def say_empty(axes: Axes, text: str) -> None:
    """Write `text` where a panel has nothing to draw."""
    axes.set(xticks=[], yticks=[])
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=MUTED)


_LINE_ART: ContextVar[str] = ContextVar("line art", default="svg")
_DATED = {  # what a file would say of when and by what it was written
    "svg": ("Date", "Creator", "Format", "Type"),
    "png": ("Software",),
    "pdf": ("CreationDate", "Creator", "Producer"),
}


@contextlib.contextmanager
def line_art(suffix: str) -> Iterator[None]:
    """Save what is drawn as "svg" in another form meanwhile: "pdf"."""
    token = _LINE_ART.set(suffix)
    try:
        yield
    finally:
        _LINE_ART.reset(token)


def drawn_as() -> str:
    """Return the form in which line art is saved: "svg" or "pdf"."""
    return _LINE_ART.get()


def figure_bytes(figure: Figure, suffix: str) -> bytes:
    """Return a figure as "svg" or "png" bytes, without dates or versions: the same figure gives the same bytes."""
    if suffix not in ("svg", "png"):
        raise ValueError(f"a figure is saved as 'svg' or 'png', not {suffix!r}")
    suffix = drawn_as() if suffix == "svg" else suffix
    nothing = dict.fromkeys(_DATED[suffix])
    buffer = io.BytesIO()
    with theme():
        figure.savefig(buffer, format=suffix, metadata=nothing, dpi=150)
    return buffer.getvalue()
