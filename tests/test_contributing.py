"""What CONTRIBUTING.md and README tell a newcomer to do works as it is written."""

import re
from pathlib import Path

import pandas as pd
import pytest

from tests.evaluation.conftest import make_batch
from vaekit.evaluation.base import METRICS, metric_rows
from vaekit.evaluation.evaluate import STAGES
from vaekit.version import __version__

ROOT = Path(__file__).parent.parent


def test_the_worked_metric_is_filed_computed_and_described(monkeypatch):
    METRICS.names()  # all of vaekit's own are loaded
    monkeypatch.setattr(METRICS, "_things", dict(METRICS._things))
    (example,) = re.findall(r"```python\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.S)
    exec(compile(example, "CONTRIBUTING.md", "exec"), {})
    batch = make_batch()
    values = METRICS.get("worst_pixel")(batch).numpy()
    assert values == pytest.approx((batch.x - batch.x_hat).abs().flatten(1).amax(1).numpy())
    table = pd.DataFrame({"image_id": list("abcdef"), "worst_pixel": values})
    row = metric_rows(table, {}, {"worst_pixel": METRICS.get("worst_pixel")}, seed=0)["worst_pixel"]
    assert (row.group, row.unit, row.higher_is_better) == ("Reconstruction", "pixel value", False)
    assert row.value == pytest.approx(values.mean()) and row.low is None and "20 images" in row.reason


def test_a_stage_needs_only_what_stands_before_it():
    seen = set()
    for stage in STAGES:
        assert set(stage.needs) <= seen, stage.name
        seen.add(stage.name)


def test_the_citation_names_this_version():
    assert f"version: {__version__}" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")


def test_every_target_of_the_makefile_is_explained():
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.search(r"\.PHONY: (.*)", text)[1].split())
    assert targets == set(re.findall(r"^([a-z-]+):.*## ", text, re.M))


def test_every_command_in_readme_has_the_options_it_names():
    import shlex

    import typer

    from vaekit.cli import app

    commands = typer.main.get_command(app).commands
    lines = re.findall(r"^    \.venv/bin/vaekit (.*)$", (ROOT / "README.md").read_text(encoding="utf-8"), re.M)
    assert len(lines) >= 17
    for line in lines:
        command, *arguments = shlex.split(line, comments=True)
        if command == "data":
            continue
        known = {flag for parameter in commands[command].params for flag in parameter.opts}
        assert {argument for argument in arguments if argument.startswith("--")} <= known, line


def test_every_test_that_readme_names_is_there():
    named = set(re.findall(r"`(test_\w+)`", (ROOT / "README.md").read_text(encoding="utf-8")))
    there = {
        name
        for file in (ROOT / "tests").rglob("*.py")
        for name in re.findall(r"^def (test_\w+)", file.read_text(), re.M)
    }
    assert len(named) >= 18 and named <= there


def test_every_setting_stands_in_readme_with_its_default_and_meaning():
    from vaekit.cli.train import settings_of
    from vaekit.config import load_config

    text = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z_]+\.\w+)` \| `(.*)` \| (.*) \|$", text, re.M)
    known = settings_of(load_config("default", {}))
    ours = {key: row["meaning"].replace(", linear_gaussian or", " or") for key, row in known.items()}  # the tests' own
    assert rows == [(key, str(row["value"]), ours[key]) for key, row in known.items()]


def test_every_picture_in_readme_is_there():
    pictures = re.findall(r"!\[[^]]+\]\(([^)]+)\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert len(pictures) >= 5 and all((ROOT / picture).is_file() for picture in pictures)
