"""Our own files, damaged: every reader names the file and says what to do, whatever the library beneath raises."""

import io

import numpy as np
import pytest

from vaekit import artifacts
from vaekit.config import load_config
from vaekit.errors import ConfigError, DataError


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
