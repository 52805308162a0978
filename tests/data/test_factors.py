"""The true factors of drawn faces: which are measured, and their way from the folder to the prepared images."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from vaekit.artifacts import FACTORS as TABLE
from vaekit.data import Protocol, open_source, prepare
from vaekit.errors import DataError
from vaekit.faces import write_faces
from vaekit.faces.population import FACTORS, MEASURED, draw_sitter


@pytest.fixture(scope="module")
def independent(tmp_path_factory):
    """Twenty faces drawn with independent factors."""
    return write_faces(tmp_path_factory.mktemp("independent") / "faces", 20, seed=5, factors="independent")


def test_measured_factors_do_not_depend_on_one_another():
    """Largest rank correlation of two factors over 500 faces of different people: 5 standard errors, 136 pairs."""
    drawn = [draw_sitter(1, 40 * i, "independent").factors for i in range(500)]
    values = np.array([[factors[name] for name in MEASURED] for factors in drawn])
    assert set(MEASURED) <= set(FACTORS)
    correlation = np.corrcoef(values.argsort(0).argsort(0).T)
    assert np.abs(correlation - np.eye(len(MEASURED))).max() < 5 / np.sqrt(500)
    for column in values.T:
        assert np.unique(column, return_counts=True)[1].max() < 250, "half of the faces share a value"


def test_independent_factors_reach_the_prepared_images(independent, tmp_path):
    source = open_source(str(independent))
    assert list(source.factors) == ["image_id", *MEASURED]
    prepared = prepare(source, Protocol(178, 64), limit={"train": 7}, cache=tmp_path)
    rows = np.array([3, 0, len(prepared.index) - 1])
    found = prepared.factor_table(rows)
    assert list(found) == list(MEASURED) and len(found) == 3
    for row, (_, values) in zip(rows, found.iterrows(), strict=True):
        true = draw_sitter(5, int(prepared.index["image_id"][row]) - 1, "independent").factors
        assert values.to_numpy() == pytest.approx([true[name] for name in MEASURED], rel=1e-5)


def test_factors_belong_to_the_images(independent, tmp_path):
    source = open_source(str(independent))
    prepared = prepare(source, Protocol(178, 64), cache=tmp_path)
    assert prepare(replace(source, factors=None), Protocol(178, 64), cache=tmp_path).fingerprint != prepared.fingerprint
    (prepared.folder / TABLE).unlink()
    again = prepare(source, Protocol(178, 64), cache=tmp_path)
    assert again.fingerprint == prepared.fingerprint and again.factor_table(np.arange(20)).shape == (20, len(MEASURED))


def test_dependent_factors_are_not_measured(prepared, faces):
    assert open_source(str(faces)).factors is None
    assert prepared.factor_table(np.arange(3)) is None


def test_a_broken_table_of_factors_says_so(independent, tmp_path):
    import shutil

    folder = shutil.copytree(independent, tmp_path / "faces")
    lines = (folder / TABLE).read_text().splitlines()
    (folder / TABLE).write_text("\n".join([lines[0], *lines[2:]]) + "\n")
    with pytest.raises(DataError, match="does not name the image '000001': draw the faces again"):
        open_source(str(folder))
    (folder / TABLE).write_text("image_id,smile\n000001,0.5\n")
    with pytest.raises(DataError, match=r"factors\.csv can not be read .* draw the faces again"):
        open_source(str(folder))
    table = pd.read_csv(independent / TABLE, dtype={"image_id": str})
    for value in ("many", "9" * 400, "nan"):
        table[MEASURED[0]] = table[MEASURED[0]].astype(object)
        table.loc[3, MEASURED[0]] = value
        table.to_csv(folder / TABLE, index=False)
        with pytest.raises(
            DataError, match=r"factors\.csv (can not be read|holds a factor that is no number).*draw the"
        ):
            open_source(str(folder))
    (folder / TABLE).unlink()
    assert open_source(str(folder)).factors is None
    record = json.loads((folder / "faces.json").read_text())
    assert record["factors"] == "independent"
