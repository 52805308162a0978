"""A page runs its own script alone and fetches nothing: the browser is told so by the page's own words."""

import base64
import hashlib
from html.parser import HTMLParser

import pytest

LOADED = {"src", "href", "xlink:href", "srcset", "data", "action"}


class Read(HTMLParser):
    """The policy of a page, its scripts with their attributes, and every address that it loads."""

    def __init__(self, text):
        super().__init__()
        self.policy, self.scripts, self.addresses, self.handlers, self._is_script = {}, [], [], [], False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if attrs.get("http-equiv") == "Content-Security-Policy":
            parts = (part.split() for part in attrs["content"].split(";"))
            self.policy = {name: sources for name, *sources in parts}
        self.handlers += [name for name in attrs if name.startswith("on")]
        self.addresses += [(tag, attrs[name]) for name in attrs if name in LOADED and tag != "a"]
        if tag == "script":
            self._is_script = True
            self.scripts.append([attrs.get("type"), ""])

    def handle_endtag(self, tag):
        self._is_script &= tag != "script"

    def handle_data(self, data):
        if self._is_script:
            self.scripts[-1][1] += data


@pytest.mark.parametrize("page", ["reports/small/report.html", "reports/comparisons/small-vs-short/compare.html"])
def test_a_page_runs_its_own_script_alone_and_fetches_nothing(compared, page):
    read = Read((compared.folder / page).read_text(encoding="utf-8"))
    run = [text for kind, text in read.scripts if kind in (None, "module", "text/javascript")]
    digests = {f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in run}
    assert set(read.policy.pop("script-src")) == digests and len(run) == 1
    assert read.policy.pop("default-src") == ["'none'"] and read.policy.pop("base-uri") == ["'none'"]
    assert {source for sources in read.policy.values() for source in sources} <= {
        "'none'",
        "data:",
        "blob:",
        "'unsafe-inline'",
    }
    assert not read.handlers
    assert not [address for _, address in read.addresses if not address.startswith(("data:", "#"))]
