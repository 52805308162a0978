"""Our own files, damaged: every reader names the file and says what to do, whatever the library beneath raises."""

import contextlib
import csv
import io

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vaekit import artifacts
from vaekit.config import load_config
from vaekit.errors import ConfigError, DataError, OutputError, VaekitError


def npz(name="a", damage=None):
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **{name: np.arange(1000.0)})
    data = bytearray(buffer.getvalue())
    for place in range(60, 90) if damage else ():
        data[place] ^= 0xFF
    return bytes(data)


@pytest.mark.parametrize(
    ("read", "content"),
    [
        (artifacts.read_json, b"{"),
        (artifacts.read_json, b"[" * 100_000),
        (artifacts.read_json, b"\xff\xfe"),
        (artifacts.read_json, b"1" * 5000),
        (artifacts.read_table, b""),
        (artifacts.read_table, b"a,b\n1,2\n1,2,3\n"),
        (artifacts.read_table, b"\xff\xfea,b\n"),
        (artifacts.read_arrays, b"PK\x03\x04"),
        (artifacts.read_arrays, npz(damage=True)),
        (artifacts.read_arrays, npz()[:200]),
        (artifacts.read_array, b"\x93NUMPY\x01\x00\x76\x00{'descr': '<f8', 'fortran"),
        (artifacts.read_array, b"\x93NUMPY\x01\x00\x10\x00('unclosed string\n"),
        (artifacts.read_array, b"no array"),
    ],
)
def test_damaged_files_are_named(tmp_path, read, content):
    file = tmp_path / "artifact"
    file.write_bytes(content)
    with pytest.raises(DataError) as error:
        read(file)
    assert str(file) in str(error.value) and "run the stage that writes it" in str(error.value)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"note = '\xff'", "is not UTF-8 text"),
        (b"note = ", "is not valid TOML"),
        (b"[training]\nseed = " + b"9" * 5000, "is not valid TOML"),
    ],
)
def test_damaged_recipes_are_named(tmp_path, content, says):
    file = tmp_path / "mine.toml"
    file.write_bytes(content)
    with pytest.raises(ConfigError) as error:
        load_config(str(file))
    assert str(file) in str(error.value) and says in str(error.value)


def test_what_killed_writes_left_is_swept_and_nothing_else(tmp_path):
    for name in (".best.pt.abcd1234", ".notes", ".hidden.txt", "best.pt.abcd1234"):
        (tmp_path / name).write_text("x")
    with artifacts.alone_in(tmp_path):
        assert (tmp_path / artifacts.LOCK).exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == [".hidden.txt", ".notes", "best.pt.abcd1234"]


edits = st.lists(
    st.tuples(
        st.floats(0, 1),
        st.integers(0, 12),
        st.one_of(
            st.binary(max_size=6), st.sampled_from([b"{", b"[", b'"', b",", b"\n", b"9" * 400, b"-", b"1e999", b"\0"])
        ),
    ),
    min_size=1,
    max_size=3,
)


@pytest.mark.parametrize("name", ["a.csv", "a.npz", "a.npy", "a.toml", "a.json", "recipe.toml"])
@given(changes=edits, whole=st.booleans())
@settings(max_examples=100, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_any_bytes_are_read_or_named(tmp_path, name, changes, whole):
    """Edited files without digests, and bytes that were never ours."""
    path = tmp_path / name
    match path.suffix:
        case ".csv":
            artifacts.write_table(path, pd.DataFrame({"image_id": ["1", "=2"], "mse": [0.25, None], "x": [1, 2]}))
        case ".npz":
            artifacts.write_arrays(path, a=np.arange(9.0), b=np.array(["x", "y"]))
        case ".npy":
            artifacts.write_array(path, np.arange(9.0))
        case ".json":
            artifacts.write_json(path, {"n": 2, "rows": [{"value": 0.5, "low": None}]})
        case _:
            artifacts.write_text(path, load_config("default").to_toml())
    data = path.read_bytes() if whole else b""
    for place, length, text in changes:
        at = int(place * len(data))
        data = data[:at] + text + data[at + length :]
    path.write_bytes(data)
    read = load_config if name == "recipe.toml" else READERS.get(name, artifacts.read_json)
    with contextlib.suppress(VaekitError):
        read(str(path) if read is load_config else path)


@pytest.fixture
def stage(tmp_path):
    """The folder of a finished stage: a file for each reader, and its summary."""
    with artifacts.whole_stage(tmp_path / artifacts.SUMMARY) as finish:
        artifacts.write_table(tmp_path / "a.csv", pd.DataFrame({"image_id": ["1", "2"], "mse": [0.25, 0.5]}))
        artifacts.write_arrays(tmp_path / "a.npz", a=np.arange(1000.0))
        artifacts.write_array(tmp_path / "a.npy", np.arange(1000.0))
        artifacts.write_text(tmp_path / "a.toml", "a = 1\n")
        finish({"n": 2})
    return tmp_path


READERS = {
    "a.csv": artifacts.read_table,
    "a.npz": artifacts.read_arrays,
    "a.npy": artifacts.read_array,
    "a.toml": artifacts.read_text,
    artifacts.SUMMARY: artifacts.read_json,
}


@pytest.mark.parametrize("name", READERS)
def test_a_flipped_bit_in_a_file_of_a_finished_stage_is_noticed(stage, name):
    READERS[name](stage / name)
    data = bytearray((stage / name).read_bytes())
    for place in np.random.default_rng(0).integers(0, 8 * len(data), 20):
        data[place // 8] ^= 1 << (place % 8)
        (stage / name).write_bytes(data)
        with pytest.raises(DataError, match=rf"{name} can not be read \(it was changed or damaged after it was writ"):
            READERS[name](stage / name)
        data[place // 8] ^= 1 << (place % 8)
    (stage / name).write_bytes(data)
    READERS[name](stage / name)


@pytest.mark.parametrize("content", [b"{", b"[]", b"3"])
def test_damaged_digests_are_named(stage, content):
    (stage / artifacts.DIGESTS).write_bytes(content)
    with pytest.raises(DataError, match="run the stage that writes it"):
        artifacts.read_json(stage / artifacts.SUMMARY)


def test_a_stage_belongs_to_one_process_and_the_lock_of_a_dead_one_to_nobody(stage):
    (stage / artifacts.LOCK).touch()  # as kill -9 leaves it
    before = (stage / artifacts.SUMMARY).read_bytes()
    with artifacts.alone_in(stage):
        said = f"Another vaekit is writing to {stage}: wait until it is done"
        with pytest.raises(OutputError, match=said), artifacts.whole_stage(stage / artifacts.SUMMARY):
            pass
        assert (stage / artifacts.SUMMARY).read_bytes() == before and artifacts.is_whole(stage / artifacts.SUMMARY)
    assert not (stage / artifacts.LOCK).exists()


def test_a_stage_that_stops_midway_counts_for_nothing(stage):
    with pytest.raises(KeyError), artifacts.whole_stage(stage / artifacts.SUMMARY):
        artifacts.write_text(stage / "a.toml", "a = 2\n")
        raise KeyError
    assert artifacts.read_text(stage / "a.toml") == "a = 2\n"
    assert not (stage / artifacts.SUMMARY).exists() and not (stage / artifacts.DIGESTS).exists()


def test_no_text_of_others_is_a_formula_and_all_of_it_comes_back(tmp_path):
    texts = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "'=1", "''-1", "'x", "x=1", "", "NA", "007"]
    table = pd.DataFrame({"image_id": texts, "=title": pd.Categorical(texts), "-1": -1.5, "mse": range(12)})
    artifacts.write_table(tmp_path / "a.csv", table)
    with (tmp_path / "a.csv").open(newline="") as file:
        cells = {cell for row in csv.reader(file) for cell in row}
    assert {cell for cell in cells if cell and cell[0] in "=+-@\t\r"} == {"-1.5"}
    back = artifacts.read_table(tmp_path / "a.csv")
    assert list(back) == list(table) and back["mse"].tolist() == list(range(12)) and (back["-1"] == -1.5).all()
    for name in ("image_id", "=title"):
        assert back[name].fillna("").tolist() == texts
    assert artifacts.read_table(tmp_path / "a.csv", ["mse"])["image_id"].tolist() == texts
