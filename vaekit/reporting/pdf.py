"""The page on paper: printed to a tagged PDF by a Chromium that is installed."""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from vaekit import artifacts
from vaekit.errors import ConfigError, OutputError

BROWSER = "VAEKIT_CHROMIUM"  # the environment variable that names one
_NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome", "msedge")
_MAC = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
_FLAGS = ["--headless", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--no-pdf-header-footer"]
_SECONDS = 300
_DATE = re.compile(rb"/(CreationDate|ModDate) \(D:[^)]*\)")


def find_browser() -> str:
    """Return the Chromium that prints.

    Raises:
        ConfigError: there is none.
    """
    named = os.environ.get(BROWSER)
    found = shutil.which(named) if named else next(filter(None, map(shutil.which, (*_NAMES, _MAC))), None)
    if found is None:
        looked = f"{BROWSER} names {named}, which is no program" if named else f"looked for {', '.join(_NAMES)}"
        raise ConfigError(
            f"--pdf needs Chromium or Chrome, and there is none ({looked}): install it, name it in {BROWSER}, or print "
            "the HTML page from a browser."
        )
    return found


def print_pdf(page: Path, pdf: Path) -> None:
    """Print an HTML page; the same page and browser give the same bytes.

    Raises:
        ConfigError: there is no browser.
        OutputError: it did not print, or the file can not be written.
    """
    sandbox = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []  # root has none in Chromium
    with tempfile.TemporaryDirectory() as scratch:
        printed = Path(scratch) / "page.pdf"
        command = [find_browser(), *_FLAGS, *sandbox, f"--user-data-dir={scratch}/profile", f"--print-to-pdf={printed}"]
        try:
            done = subprocess.run(
                [*command, page.resolve().as_uri()], capture_output=True, text=True, timeout=_SECONDS, check=False
            )
            said = done.stderr.strip().splitlines()[-1:] or ["it said nothing"]
        except subprocess.TimeoutExpired:
            said = [f"it took longer than {_SECONDS} seconds"]
        if not printed.is_file():
            raise OutputError(f"{command[0]} did not print {page}: {said[0]}.")
        # A date of the same length keeps every offset of the file as it is.
        data = _DATE.sub(lambda found: re.sub(rb"\d", b"0", found[0]), printed.read_bytes())
    artifacts.write_bytes(pdf, data)
