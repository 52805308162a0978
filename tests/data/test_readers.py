"""Whatever bytes a reader is given, it returns what they say or raises a VaekitError: nothing else, nothing wrong."""

import io
import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from vaekit.data import Protocol, open_prepared, open_source, parse_limit, prepare
from vaekit.data.annotations import match, read_annotation
from vaekit.data.crop import decode, strict_pillow
from vaekit.errors import VaekitError

SMALL = Protocol("none", 28)
quick = settings(
    max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
HEADER, NAMES = "image_id,Male,Smiling", [f"{i:06d}.jpg" for i in range(8)]
VALUES = [[i % 2, i // 2 % 2] for i in range(8)]
WHOLE = "\n".join([HEADER, *(f"{n},{a},{b}" for n, (a, b) in zip(NAMES, VALUES, strict=True))]) + "\n"

edits = st.lists(
    st.tuples(
        st.integers(0, len(WHOLE)),
        st.integers(0, 12),
        st.one_of(
            st.binary(max_size=6),
            st.sampled_from(
                [
                    b",",
                    b";",
                    b"\n",
                    b"\r",
                    b'"',
                    b"0",
                    b"1",
                    b"-1",
                    b"\0",
                    b"\xff",
                    b" ",
                    b"000001.jpg",
                    b"9" * 40,
                    b"1e999",
                    b"nan",
                ]
            ),
        ),
    ),
    min_size=1,
    max_size=3,
)


def edited(data: bytes, changes) -> bytes:
    for place, length, text in changes:
        data = data[:place] + text + data[place + length :]
    return data


@quick
@given(edits, st.sampled_from(["csv", "txt", "tsv"]))
def test_an_edited_table_is_read_as_it_stands_or_refused(tmp_path, changes, suffix):
    data = edited(WHOLE.encode(), changes)
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(data)
    try:
        found = read_annotation(path)
    except VaekitError as error:
        assert str(path) in str(error)
        return
    assert len(found.image_ids) == len(found.values) and set(np.unique(found.values)) <= {0, 1}
    # Each row that an untouched line names says what that line says.
    lines = data.decode("utf-8", "replace").splitlines()
    where = {image_id: row for row, image_id in enumerate(found.image_ids)}
    for name, values in zip(NAMES, VALUES, strict=True):
        if found.names == ("Male", "Smiling") and f"{name},{values[0]},{values[1]}" in lines and b'"' not in data:
            assert found.values[where[name]].tolist() == values
    assert match(found, ["000001", "x"]).rows.max() < len(found.image_ids)


@quick
@given(
    st.binary(max_size=300),
    st.sampled_from(["csv", "txt", "parquet"]),
    st.sampled_from([None, "partition", "identity"]),
)
def test_any_bytes_as_a_table(tmp_path, data, suffix, only):
    if suffix == "parquet":
        pytest.importorskip("pyarrow")
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(data)
    try:
        read_annotation(path, only)
    except VaekitError as error:
        assert str(path) in str(error)


@quick
@given(
    st.lists(
        st.lists(
            st.sampled_from(["0", "1", "-1", "", "a.jpg", "b.jpg", "7", "train", "x y", '"']), min_size=1, max_size=5
        ),
        min_size=1,
        max_size=8,
    )
)
def test_any_cells_as_a_table(tmp_path, rows):
    path = tmp_path / "a.csv"
    path.write_text("\n".join(",".join(row) for row in rows))
    try:
        found = read_annotation(path)
    except VaekitError as error:
        assert str(path) in str(error)
        return
    filled = [row for row in rows if any(cell.strip() for cell in row)]
    assert len(found.image_ids) in (len(filled), len(filled) - 1, len(filled) - 2)
    assert len(set(found.image_ids)) == len(found.image_ids) and "" not in found.image_ids


def pictures() -> list[bytes]:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (33, 31, 3), np.uint8))
    files = []
    for kind, options in (
        ("JPEG", {}),
        ("JPEG", {"progressive": True}),
        ("PNG", {}),
        ("WEBP", {}),
        ("BMP", {}),
        ("GIF", {}),
        ("TIFF", {}),
        ("PPM", {}),
    ):
        buffer = io.BytesIO()
        noise.save(buffer, kind, **options)
        files.append(buffer.getvalue())
    return files


PICTURES = pictures()


@quick
@given(
    st.integers(0, len(PICTURES) - 1),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 40), st.binary(max_size=8)), max_size=3),
)
def test_an_edited_picture_has_pixels_or_a_reason(which, changes):
    data = PICTURES[which]
    data = edited(data, [(int(place * len(data)), length, text) for place, length, text in changes])
    with strict_pillow():
        decoded = decode(io.BytesIO(data), SMALL)
    assert (decoded.pixels is None) == bool(decoded.reason)
    if decoded.pixels is not None:
        assert decoded.pixels.shape == SMALL.shape and decoded.pixels.dtype == np.uint8


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Twelve prepared pictures."""
    place = tmp_path_factory.mktemp("pictures")
    for i in range(12):
        Image.new("RGB", (30, 30), (20 * i, 9, 9)).save(place / f"{i}.png")
    return prepare(open_source(str(place)), SMALL, cache=tmp_path_factory.mktemp("cache")).folder


@quick
@given(
    st.sampled_from(["meta.json", "index.csv", "images.npy", "skipped.csv", "mean_image.npy"]),
    st.floats(0, 1),
    st.integers(0, 9),
    st.binary(max_size=9),
)
def test_an_edited_prepared_file_is_noticed(folder, name, place, length, text):
    path = folder / name
    whole = path.read_bytes()
    damaged = edited(whole, [(int(place * len(whole)), length, text)])
    if name == "meta.json":  # another spelling of the same facts is no damage
        try:
            same = json.loads(damaged) == json.loads(whole)
        except ValueError:
            same = False
    else:
        same = damaged == whole
    path.write_bytes(damaged)
    try:
        if same:
            open_prepared(folder)
        else:
            with pytest.raises(VaekitError):
                open_prepared(folder)
    finally:
        path.write_bytes(whole)


@quick
@given(st.text(alphabet="trainvldes=,0123456789- ", max_size=30))
def test_any_text_as_a_limit(text):
    try:
        limits = parse_limit(text)
    except VaekitError:
        return
    assert set(limits) <= {"train", "valid", "test"} and all(number >= 0 for number in limits.values())
