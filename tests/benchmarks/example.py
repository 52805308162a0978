"""What stands in reports/example, from the runs of `make example`: the report, and the pictures in README."""

from pathlib import Path

from PIL import Image

from vaekit.artifacts import write_bytes
from vaekit.data import Protocol, open_source, prepare
from vaekit.figures.grids import image_grid, png_bytes

OUT = Path("reports/example")
RUN = Path("reports/demo")
OTHER = Path("reports/comparisons/demo-vs-demo-beta20/figures/reconstructions.svg")
COLOURS = 200  # of a picture: flat colours need no more


def main() -> None:
    """Write report.html and every picture."""
    prepared = prepare(open_source("faces"), Protocol(178, 64))
    write_bytes(OUT / "report.html", (RUN / "report.html").read_bytes())
    write_bytes(OUT / "faces.png", png_bytes(image_grid(prepared.images[:80:2], columns=10)))
    for name in ("faces.svg", "traversals.svg"):
        write_bytes(OUT / name.replace("faces", "strip"), (RUN / "figures" / name).read_bytes())
    with Image.open(RUN / "figures/gallery_worst.png") as worst:  # the first two of its four columns and six rows
        first = worst.crop((0, 0, worst.width // 2 - 9, 16 + worst.height // 3))
        write_bytes(OUT / "worst.png", png_bytes(first.quantize(COLOURS)))
    write_bytes(OUT / "compare.svg", OTHER.read_bytes())


if __name__ == "__main__":
    main()
