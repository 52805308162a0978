"""What stands in reports/example, from the run of `make demo`: the report, its picture, and a sheet of drawn faces."""

import io
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

from vaekit.artifacts import write_bytes
from vaekit.data import Protocol, open_source, prepare
from vaekit.figures.grids import image_grid, png_bytes

OUT = Path("reports/example")
REPORT = Path("reports/demo/report.html")
QUIET = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-background-networking"]


def main() -> None:
    """Write report.html and faces.png, and report.png where chromium is installed."""
    prepared = prepare(open_source("faces"), Protocol(178, 64))
    write_bytes(OUT / "report.html", REPORT.read_bytes())
    write_bytes(OUT / "faces.png", png_bytes(image_grid(prepared.images[:80:2], columns=10)))
    browser = shutil.which("chromium")
    if browser is None:
        sys.exit("chromium is not installed: reports/example/report.png is left as it was")
    with tempfile.TemporaryDirectory() as folder:
        shot = Path(folder) / "shot.png"
        page = [f"--user-data-dir={folder}/profile", "--window-size=1280,2000", f"--screenshot={shot}"]
        command = [browser, *QUIET, *page, REPORT.resolve().as_uri()]
        subprocess.run(command, check=True, capture_output=True, timeout=120)
        picture = Image.open(io.BytesIO(shot.read_bytes())).convert("RGB")
    picture = picture.resize((880, 1375), Image.Resampling.LANCZOS)
    write_bytes(OUT / "report.png", png_bytes(picture.quantize(200)))


if __name__ == "__main__":
    main()
