"""The tables people have: every dialect that has one reading is read, every other named in a sentence."""

import re

import numpy as np
import pytest

from vaekit.data import open_source
from vaekit.data.annotations import read_annotation
from vaekit.data.celeba import open_celeba
from vaekit.errors import DataError

HEADER = ["image_id", "Eyeglasses", "Male", "Smiling"]


def rows_of(tiny, ids=None):
    signs = 2 * tiny.values - 1
    return [[image_id, *map(str, values)] for image_id, values in zip(ids or tiny.files, signs, strict=True)]


def write(tiny, name, rows, separator=",", encoding="utf-8", newline="\n"):
    text = "".join(separator.join(row) + newline for row in rows)
    (tiny.root / name).write_bytes(text.encode(encoding))


@pytest.fixture
def expected(bare):
    """Check that the attributes of the tiny CelebA are read as they are, and return the source."""

    def check(seed=0):
        source = open_celeba(bare.root, seed)
        assert source.attributes == bare.names
        assert source.index["image_id"].tolist() == [file[:-4] for file in bare.files]
        assert np.array_equal(source.index[list(bare.names)].to_numpy(), bare.values)
        return source

    return check


@pytest.mark.parametrize("separator", [",", ";", "\t", "|", ", "])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_separators_encodings_and_line_ends(bare, expected, separator, encoding, newline):
    write(bare, "list_attr_celeba.csv", [HEADER, *rows_of(bare)], separator, encoding, newline)
    expected()


@pytest.mark.parametrize("name", ["", "Unnamed: 0", "index"])
def test_a_column_that_counts_the_rows_is_no_id(bare, expected, name):
    rows = [[name, *HEADER], *([str(i), *row] for i, row in enumerate(rows_of(bare)))]
    write(bare, "list_attr_celeba.csv", rows)
    assert expected().notes[0] == "20 of the 20 annotated images are present."


@pytest.mark.parametrize(
    ("spell", "said"),
    [
        (lambda file: file, ""),
        (lambda file: file[:-4], ""),
        (lambda file: file[:-4] + ".png", ""),
        (lambda file: f"img_align_celeba/{file}", "the last part of their path"),
        (lambda file: f"C:\\faces\\{file}", "the last part of their path"),
        (lambda file: str(int(file[:-4])), "their number"),
        (lambda file: f"{int(file[:-4])}.jpg", "their number"),
        (lambda file: f"{int(file[:-4])}.0", "their number"),
        (lambda file: f"images/{int(file[:-4])}.jpg", "their number"),
    ],
)
def test_ids_that_lost_zeros_or_suffix_or_gained_a_path(bare, expected, spell, said):
    ids = [spell(file) for file in bare.files]
    write(bare, "list_attr_celeba.csv", [HEADER, *rows_of(bare, ids)])
    partition = zip(ids, map(str, bare.partition), strict=True)
    write(bare, "list_eval_partition.csv", [["image_id", "partition"], *partition])
    source = expected()
    assert source.index["split"].tolist() == [("train", "valid", "test")[p] for p in bare.partition]
    sentences = [note for note in source.notes if "matched by" in note]
    assert len(sentences) == (2 if said else 0) and all(said in sentence for sentence in sentences)


def test_numbers_that_could_be_two_images_match_none(bare):
    (bare.images / "1.jpg").write_bytes((bare.images / "000001.jpg").read_bytes())
    write(bare, "list_attr_celeba.csv", [HEADER, *rows_of(bare, [f"x{i}" for i in range(20)])])
    with pytest.raises(DataError, match="names none of the 21 images that are here: it begins with 'x0'"):
        open_celeba(bare.root, 0)
    write(bare, "list_attr_celeba.csv", [HEADER, *rows_of(bare, [f"{i + 1:03d}" for i in range(20)])])
    with pytest.raises(DataError, match="names none of the 21 images"):  # 001: is it 1 or 000001?
        open_celeba(bare.root, 0)


@pytest.mark.parametrize("style", ["csv", "txt"])
@pytest.mark.parametrize("header", [True, False])
def test_a_partition_with_and_without_header_keeps_its_first_image(bare, style, header):
    rows = [[file, str(p)] for file, p in zip(bare.files, bare.partition, strict=True)]
    rows = [["image_id", "partition"], *rows] if header else rows
    write(bare, f"list_eval_partition.{style}", rows, "," if style == "csv" else " ")
    index = open_celeba(bare.root, 0).index
    assert len(index) == 20
    assert index["split"].tolist() == [("train", "valid", "test")[p] for p in bare.partition]


@pytest.mark.parametrize(
    "words",
    [
        ("train", "valid", "test"),
        ("Train", "val", "Test"),
        ("training", "validation", "testing"),
        ("0.0", "1.0", "2.0"),
    ],
)
@pytest.mark.parametrize("header", [True, False])
def test_a_partition_in_words(bare, words, header):
    rows = [[file, words[p]] for file, p in zip(bare.files, bare.partition, strict=True)]
    write(bare, "list_eval_partition.csv", [["file", "split"], *rows] if header else rows)
    index = open_celeba(bare.root, 0).index
    assert index["split"].tolist() == [("train", "valid", "test")[p] for p in bare.partition]


def test_a_column_of_text_beside_the_attributes_is_left_out_and_told(bare, expected):
    rows = [[*HEADER[:2], "Artist", *HEADER[2:], "lefteye_x"]]
    rows += [[*row[:2], f'"Doe, {i}"', *row[2:], str(60 + i)] for i, row in enumerate(rows_of(bare))]
    write(bare, "list_attr_celeba.csv", rows)
    assert "list_attr_celeba.csv: not used, because not of 0/1: Artist, lefteye_x." in expected().notes


def test_one_table_may_say_everything(bare, expected):
    rows = [["file_name", "partition", "identity", *HEADER[1:]]]
    rows += [[row[0], str(p), f"p{p}", *row[1:]] for row, p in zip(rows_of(bare), bare.partition, strict=True)]
    write(bare, "list_attr_celeba.csv", rows)
    source = expected()
    assert source.index["split"].tolist() == [("train", "valid", "test")[p] for p in bare.partition]
    assert source.index["identity"].iloc[8] == "p2" and source.notes == ("20 of the 20 annotated images are present.",)


def test_true_and_false_are_attributes(bare, expected):
    write(
        bare,
        "list_attr_celeba.csv",
        [HEADER, *([f, *map(str, v.astype(bool))] for f, v in zip(bare.files, bare.values, strict=True))],
    )
    expected()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda rows: [[*rows[0]], *[[r[0], "0" if r[1] == "-1" else r[1], *r[2:]] for r in rows[1:]]],
            r"Eyeglasses is 0 in line 2.*Expected -1/1 or 0/1 throughout: which of them means no\?",
        ),
        (
            lambda rows: [*rows[:5], [rows[5][0], "0", "0", "0"], *rows[6:]],
            r"Male is -1 in line \d+ and|is -1 in line .* is 0 in line 6",
        ),
        (
            lambda rows: [*rows[:5], [rows[5][0], str(2**64), "1", "1"], *rows[6:]],
            r"line 6: Eyeglasses is '18446744073709551616', expected one of",
        ),
        (lambda rows: [*rows[:5], [rows[5][0], "9" * 5000, "1", "1"], *rows[6:]], r"line 6: Eyeglasses is '9999"),
        (lambda rows: [*rows[:5], [rows[5][0], "nan", "1", "1"], *rows[6:]], r"line 6: Eyeglasses is 'nan'"),
        (lambda rows: [*rows[:5], rows[5][:3], *rows[6:]], r"line 6: 2 values after the image's name, expected 3"),
        (lambda rows: [*rows[:5], [*rows[5], "1"], *rows[6:]], r"line 6: 4 values after the image's name, expected 3"),
        (lambda rows: [*rows, rows[3]], r"line 22 names the image '000003' twice"),
        (lambda rows: [*rows[:5], ["", *rows[5][1:]], *rows[6:]], r"line 6 names no image"),
        (lambda rows: rows[:1], "names no image: it is empty below its header"),
        (lambda rows: rows[1:], "has no header in line 1"),
        (lambda rows: [[*HEADER[:3], "Male"], *rows[1:]], "the column 'Male' is named twice"),
    ],
)
def test_what_has_no_reading_is_named_with_its_line(bare, change, words):
    write(bare, "list_attr_celeba.csv", change([HEADER, *rows_of(bare)]))
    with pytest.raises(DataError, match=words):
        open_celeba(bare.root, 0)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"image_id,Male\n\xe9.jpg,1\n", "is neither UTF-8 nor UTF-16 .at byte 14.*save it as CSV in UTF-8"),
        (b"PK\x03\x04" + b"x" * 100 + b"\x00\x01", "holds bytes of value 0"),
        (b"<!DOCTYPE html>\n<title>Google Drive - Quota exceeded</title>\n", "is a web page, not a table"),
        (b"", "has no header in line 1: it is empty"),
        (b"\n \n", "has no header in line 1: it is empty"),
        (b", ,\n,", "it is empty but for separators"),
        (b"image_id,Male\n000001.jpg,1\n,", "row 2 names no image"),
        (b"8\x1d", "no header|names no image|expected"),
        (b'image_id,Male\n"000001.jpg,1\n000002.jpg,1\n', "line 3: 0 values after the image's name, expected 1"),
    ],
)
def test_what_is_no_table_says_so(bare, data, words):
    (bare.root / "list_attr_celeba.csv").write_bytes(data)
    with pytest.raises(DataError, match=words) as caught:
        open_celeba(bare.root, 0)
    assert str(bare.root / "list_attr_celeba.csv") in str(caught.value)


def test_two_files_of_one_kind_must_agree(celeba):
    assert len(open_celeba(celeba.root, 0).index) == 20
    celeba.annotate(style="csv")
    assert open_celeba(celeba.root, 0).notes == ("20 of the 20 annotated images are present.",)
    celeba.values[4, 1] ^= 1
    celeba.write("list_attr_celeba.csv", [",".join(row) for row in [HEADER, *rows_of(celeba)]])
    with pytest.raises(DataError, match=r"contradicts .*list_attr_celeba\.csv about '000005\.jpg'\. Take one"):
        open_celeba(celeba.root, 0)


def test_few_matches_and_an_empty_split_are_told(celeba):
    ids = [f if i < 8 else f"other{i}.jpg" for i, f in enumerate(celeba.files)]
    write(celeba, "list_eval_partition.txt", [[i, "0"] for i in ids], " ")
    notes = open_celeba(celeba.root, 0).notes
    assert (
        "list_eval_partition.txt names 8 of the 20 images that are here, under half: is it the file of these images?"
        in notes
    )
    assert "Left out, because the files beside them do not name them: 12 of the 20 images." in notes
    assert "list_eval_partition.txt names no test image that is present." in notes


def test_a_folder_of_pictures_with_tables(tmp_path, draw_picture):
    for i in range(10):
        draw_picture(tmp_path / "faces" / f"p{i}.png", i, (40, 40))
    (tmp_path / "labels.csv").write_text(
        "file,Male,Age\n" + "".join(f"faces/p{i}.png,{i % 2},{i + 20}\n" for i in range(10))
    )
    (tmp_path / "log.csv").write_text("step,loss\n1,0.5\n2,0.4\n")
    source = open_source(str(tmp_path))
    assert source.name == "folder" and source.attributes == ("Male",)
    assert source.index["Male"].tolist() == [0, 1] * 5
    assert source.notes[:2] == (
        "log.csv is not used: it names none of the images.",
        "labels.csv: not used, because not of 0/1: Age.",
    )
    (tmp_path / "split.csv").write_text(
        "file,split\n" + "".join(f"p{i},{'test' if i > 6 else 'train'}\n" for i in range(10))
    )
    source = open_source(str(tmp_path))
    assert source.index["split"].tolist() == ["train"] * 7 + ["test"] * 3
    assert "split.csv names no valid image that is present." in source.notes


def test_tables_may_each_name_a_part(tmp_path, draw_picture):
    for i in range(6):
        draw_picture(tmp_path / f"p{i}.png", i, (40, 40))
    for name, part in {"a": range(3), "b": range(3, 5)}.items():
        (tmp_path / f"{name}.csv").write_text("id,Male,split\n" + "".join(f"p{i},{i % 2},train\n" for i in part))
    source = open_source(str(tmp_path))
    assert source.index["image_id"].tolist() == [f"p{i}" for i in range(5)] and source.index["Male"].tolist() == [
        0,
        1,
        0,
        1,
        0,
    ]
    assert "Left out, because the files beside them do not name them: 1 of the 6 images." in source.notes


@pytest.mark.parametrize("names", [("train", "val", "test"), ("Training", "validation", "TEST")])
def test_folders_called_after_splits_are_the_split(tmp_path, draw_picture, names):
    for i, name in enumerate(names):
        draw_picture(tmp_path / name / "deep" / f"{i}.png", i, (40, 40))
    source = open_source(str(tmp_path))
    assert sorted(source.index["split"]) == ["test", "train", "valid"]
    assert source.notes[0] == "A folder of 3 pictures: its folders are the split."
    draw_picture(tmp_path / "more.png", 1, (40, 40))
    assert "a seeded split 80/10/10" in open_source(str(tmp_path)).notes[0]


def test_parquet(bare, expected):
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    columns = {name: bare.values[:, i].astype(bool) for i, name in enumerate(bare.names)}
    pq.write_table(
        pa.table({"image_id": bare.files, **columns, "box": [[1, 2]] * 20}), bare.root / "list_attr_celeba.parquet"
    )
    expected()
    (bare.root / "list_attr_celeba.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(DataError, match=r"can not be read as parquet"):
        open_celeba(bare.root, 0)


def test_parquet_without_its_library_says_how_to_get_it(bare, monkeypatch):
    (bare.root / "list_attr_celeba.parquet").touch()
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(DataError, match=re.escape("pip install 'vaekit[hub]'")):
        read_annotation(bare.root / "list_attr_celeba.parquet")
