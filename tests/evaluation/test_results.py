"""What an evaluation says in a terminal, and of its data."""

from dataclasses import replace
from types import SimpleNamespace

import pandas as pd
import pytest

from vaekit import artifacts
from vaekit.config import DataConfig, RunConfig
from vaekit.evaluation.results import Evaluation
from vaekit.evaluation.summary import _data_facts
from vaekit.quantity import Quantity

PRECISE = Quantity(
    value=0.25, low=0.24, high=0.26, n=9, label="M", unit="u", higher_is_better=False, definition="", group="Error"
)
ABSENT = replace(PRECISE, value=None, low=None, high=None, reason="no weights")
ROWS = {"mse": PRECISE, "mae": PRECISE, "kl": PRECISE, "fid": ABSENT}
ROWS["kid"] = ROWS["fid"]


@pytest.fixture
def evaluation(tmp_path):
    summary = {
        "run": {"name": "r", "checkpoint": "best.pt"},
        "protocol": {"name": "p", "n": 1},
        "verdict": "No collapse.",
        "metrics": {"mse": ROWS["mse"].record(), "mae": ROWS["mae"].record()},
        "estimates": {name: ROWS[name].record() for name in ("kl", "fid", "kid")},
    }
    artifacts.write_json(tmp_path / artifacts.SUMMARY, summary)
    return Evaluation(tmp_path)


def test_a_terminal_shows_the_verdict_then_the_first_numbers_and_how_many_more_there_are(evaluation):
    head, verdict, *lines = str(evaluation).splitlines()
    assert head.startswith("r (best.pt) on p, 1 image:") and verdict == "No collapse."
    assert lines[1] == "Error" and [line.split()[0] for line in lines[2:4]] == ["mse", "kl"]
    assert lines[2].split(maxsplit=1)[1] == "↓      0.250 [0.240, 0.260]         u"
    assert lines[-1] == "3 more numbers: --all"


def test_everything_is_shown_when_asked_for_and_a_shared_reason_once(evaluation):
    lines = evaluation.text(every=True).splitlines()
    assert [line.split()[0] for line in lines[4:7]] == ["mse", "mae", "kl"]
    assert lines[-2:] == ["Not computed", "  fid and kid: no weights"]


@pytest.mark.parametrize(
    ("fingerprint", "settings", "is_said"),
    [
        ("same", {}, False),
        ("other", {"limit": {"test": 5}}, False),  # the same images, fewer of them
        ("other", {}, True),  # the folder holds others now
        ("other", {"crop": 148, "limit": {"test": 5}}, True),
    ],
)
def test_other_images_than_those_of_training_are_a_note(fingerprint, settings, is_said):
    trained = SimpleNamespace(
        data={"fingerprint": "same", "name": "faces", "protocol": "crop178-64px"}, config=RunConfig()
    )
    prepared = SimpleNamespace(
        notes=(), fingerprint=fingerprint, name="faces", count=len, skipped=pd.DataFrame(), attributes=()
    )
    notes = _data_facts(trained, prepared, DataConfig(**settings))["notes"]
    assert bool(notes) is is_said and all("trained on other prepared images (faces" in note for note in notes)
