"""Nothing that matplotlib takes from outside reaches a figure."""

import os
import subprocess
import sys

import pytest

DRAW = """
import hashlib, sys
import numpy as np, pandas as pd
from vaekit import artifacts
from vaekit.figures.base import draw
table = pd.DataFrame({"image_id": ["a", "b", "c"], "mse": [0.1, 0.2, 0.4]})
drawn = draw("error_distribution", {artifacts.PER_IMAGE: table})
print(hashlib.sha256(drawn.data).hexdigest())
"""
HOSTILE = "text.usetex: True\nfont.family: fantasy\naxes.facecolor: red\nsavefig.pad_inches: 3\n"


def drawn_under(environment, *before):
    code = "\n".join([*before, DRAW])
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def usual():
    return drawn_under({})


@pytest.mark.parametrize("backend", ["module://matplotlib_inline.backend_inline", "nonsense", "svg"])
def test_a_backend_named_outside_changes_nothing(usual, backend):
    assert drawn_under({"MPLBACKEND": backend}) == usual


def test_a_users_matplotlibrc_changes_nothing(usual, tmp_path):
    (tmp_path / "matplotlibrc").write_text(HOSTILE)
    assert drawn_under({"MATPLOTLIBRC": str(tmp_path)}) == usual


def test_a_style_in_use_changes_nothing_and_stays(usual):
    before = "import matplotlib as mpl\nmpl.rcParams.update({'text.usetex': True, 'lines.linewidth': 9.0})"
    after = "assert mpl.rcParams['text.usetex'] and mpl.rcParams['lines.linewidth'] == 9.0"
    assert drawn_under({}, before) == usual
    code = "\n".join([before, DRAW, after])
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120, stdout=subprocess.DEVNULL)
