"""CelebA as it circulates, and each way in which it can be broken."""

import shutil

import numpy as np
import pytest

from vaekit.data import open_source
from vaekit.data.celeba import open_celeba
from vaekit.errors import DataError


def lines_of(path):
    return path.read_text().splitlines()


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("style", ["txt", "csv"])
@pytest.mark.parametrize("zeros", [False, True])
def test_every_spelling_of_the_annotations_reads_the_same(bare, newline, style, zeros):
    bare.annotate(newline, style, bare.values if zeros else None)
    source = open_celeba(bare.root, 0)
    index = source.index
    assert source.attributes == bare.names
    assert list(index) == ["image_id", "file", "split", "identity", *bare.names]
    assert index["image_id"].tolist() == [f[:-4] for f in bare.files]
    assert index["file"].tolist() == [f"img_align_celeba/{f}" for f in bare.files]
    assert np.array_equal(index[list(bare.names)].to_numpy(), bare.values)
    assert index["split"].tolist() == [("train", "valid", "test")[p] for p in bare.partition]
    assert index["identity"].iloc[3] == "101"
    assert source.notes == ("20 of the 20 annotated images are present.",)


def test_a_byte_order_mark_and_blank_lines_at_the_end_do_no_harm(celeba):
    path = celeba.root / "list_attr_celeba.txt"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes() + b"\r\n\r\n")
    assert len(open_celeba(celeba.root, 0).index) == 20


def test_any_part_of_the_images_and_how_many_they_are(make_celeba, tmp_path):
    tiny = make_celeba(tmp_path, n=7, annotated=30).annotate()
    source = open_celeba(tmp_path, 0)
    assert len(source.index) == 7
    assert source.notes[0] == "7 of the 30 annotated images are present."
    assert tiny.n == 30


@pytest.mark.parametrize("place", ["nested", "deeper", "official", "folder_of_images", "upper_case"])
def test_images_are_found_where_people_have_them(celeba, place):
    expected = open_celeba(celeba.root, 0).index.drop(columns="file")
    root, images = celeba.root, celeba.images
    if place == "nested":
        images.rename(root / "x")
        images.mkdir()
        (root / "x").rename(images / images.name)
    elif place == "deeper":
        root.rename(root.with_name("x"))
        root.mkdir()
        root.with_name("x").rename(root / "CelebA")
    elif place == "official":
        for name, files in {"Img": [images], "Anno": root.glob("[li]*_[aC]*.txt"), "Eval": root.glob("*part*")}.items():
            (root / name).mkdir()
            for file in list(files):
                file.rename(root / name / file.name)
    elif place == "folder_of_images":
        root = images
    elif place == "upper_case":
        for file in images.iterdir():
            file.rename(file.with_suffix(".JPG"))
    source = open_celeba(root, 0)
    assert source.index.drop(columns="file").equals(expected)
    assert (source.root / source.index["file"].iloc[0]).is_file()


@pytest.mark.parametrize("flat", [False, True])
def test_images_alone_get_a_seeded_split_and_attribute_stages_are_told(make_celeba, tmp_path, flat):
    tiny = make_celeba(tmp_path / "celeba", 3)
    for i in range(3, 400):
        shutil.copy(tiny.images / tiny.files[0], tiny.images / f"{i + 1:06d}.jpg")
    source = open_celeba(tiny.root, 0)
    if flat:
        tiny.images.rename(tmp_path / "flat")
        assert open_celeba(tmp_path / "flat", 0).index["split"].equals(source.index["split"])
    assert source.attributes == ()
    assert list(source.index) == ["image_id", "file", "split"]
    assert source.notes == (
        "No list_eval_partition file: a seeded split 80/10/10 by image id (seed 0), not the official one.",
        "No list_attr_celeba file: the stages that need attributes are skipped.",
    )
    shares = source.index["split"].value_counts(normalize=True)
    assert shares["train"] == pytest.approx(0.8, abs=0.06)
    assert shares["valid"] == pytest.approx(0.1, abs=0.05)
    if not flat:
        assert not open_celeba(tiny.root, 1).index["split"].equals(source.index["split"])


def test_images_without_a_row_are_left_out_and_counted(celeba, draw_picture):
    draw_picture(celeba.images / "999999.jpg", 1)
    (celeba.images / "._000001.jpg").write_bytes(b"a note of a Mac")
    source = open_celeba(celeba.root, 0)
    assert len(source.index) == 20
    assert source.notes == (
        "20 of the 20 annotated images are present.",
        "list_eval_partition.txt names 20 of the 21 images that are here.",
        "list_attr_celeba.txt names 20 of the 21 images that are here.",
        "identity_CelebA.txt names 20 of the 21 images that are here.",
        "Left out, because the files beside them do not name them: 1 of the 21 images.",
    )


def test_an_identity_file_in_part_leaves_the_others_unknown(celeba):
    celeba.write("identity_CelebA.txt", ["000002.jpg 7"])
    identity = open_celeba(celeba.root, 0).index["identity"]
    assert identity.iloc[1] == "7"
    assert (identity.drop(1) == "").all()


def test_a_cut_attribute_file_is_noted(celeba):
    path = celeba.root / "list_attr_celeba.txt"
    celeba.write(path.name, lines_of(path)[:-3])
    notes = open_celeba(celeba.root, 0).notes
    assert "list_attr_celeba.txt announces 20 rows and has 17: its download may be cut short." in notes
    assert notes[0] == "20 of the 20 annotated images are present."
    assert "list_attr_celeba.txt names 17 of the 20 images that are here." in notes


def test_a_partition_without_test_images_is_noted(celeba):
    rows = zip(celeba.files, celeba.partition, strict=True)
    celeba.write("list_eval_partition.txt", [f"{f} {min(p, 1)}" for f, p in rows])
    assert "list_eval_partition.txt names no test image that is present." in open_celeba(celeba.root, 0).notes


def test_missing_folder(tmp_path):
    with pytest.raises(DataError, match=r"There is no folder .*nowhere\. Expected CelebA there .*--data"):
        open_celeba(tmp_path / "nowhere", 0)


def test_empty_folder_and_a_packed_one(tmp_path):
    with pytest.raises(DataError, match=r"There is no image in .*Expected img_align_celeba/ with .*--data faces"):
        open_celeba(tmp_path, 0)
    (tmp_path / "img_align_celeba.zip").touch()
    with pytest.raises(DataError, match=r"img_align_celeba\.zip is still packed: unzip it there"):
        open_celeba(tmp_path, 0)


def broken(celeba, name, line, change):
    """Change one line (counted from 1) of an annotation file and return the error's words."""
    path = celeba.root / name
    lines = lines_of(path)
    lines[line - 1] = change(lines[line - 1])
    celeba.write(name, lines, "\r\n")
    with pytest.raises(DataError) as caught:
        open_celeba(celeba.root, 0)
    assert str(path) in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("line", [3, 9, 22])
def test_a_short_row_is_named(celeba, line):
    words = broken(celeba, "list_attr_celeba.txt", line, lambda row: row.rsplit(None, 1)[0])
    assert f"line {line}: 2 values after the image's name, expected 3 (one for each name in the header)" in words
    assert "download the file again" in words


@pytest.mark.parametrize("line", [3, 9])
def test_a_long_row_is_named(celeba, line):
    words = broken(celeba, "list_attr_celeba.txt", line, lambda row: row + " 1")
    assert f"line {line}: 4 values" in words


def test_a_header_that_misses_a_column_is_named(celeba):
    words = broken(celeba, "list_attr_celeba.txt", 2, lambda row: row.replace("Male ", ""))
    assert "line 3: 3 values after the image's name, expected 2" in words
    assert "a column is missing" in words


def test_a_csv_that_misses_a_column_is_named(bare):
    bare.annotate("\r\n", "csv")
    assert "line 2: 3 values" in broken(bare, "list_attr_celeba.csv", 1, lambda row: row.replace("Male,", ""))
    bare.annotate("\r\n", "csv")
    assert "line 5: 2 values" in broken(bare, "list_attr_celeba.csv", 5, lambda row: row.rsplit(",", 1)[0])


@pytest.mark.parametrize("value", ["2", "300", "x", "é", "0.5"])
def test_a_value_that_is_none_is_named(celeba, value):
    words = broken(celeba, "list_attr_celeba.txt", 7, lambda row: row.rsplit(None, 1)[0] + " " + value)
    assert f"line 7: Smiling is '{value}', expected one of -1, 0, 1" in words


def test_a_partition_with_another_number_or_none_is_named(celeba):
    words = broken(celeba, "list_eval_partition.txt", 4, lambda row: row[:-1] + "3")
    assert "line 4: partition is '3', expected one of 0, 1, 2" in words
    words = broken(celeba, "list_eval_partition.txt", 4, lambda row: row.split()[0])
    assert "line 4: 0 values after the image's name, expected 1 (as in the other lines)" in words


def test_a_short_identity_row_is_named(celeba):
    assert "line 6: 0 values" in broken(celeba, "identity_CelebA.txt", 6, lambda row: row.split()[0])


def test_empty_files_doubled_rows_and_foreign_files_are_named(celeba):
    celeba.write("list_attr_celeba.txt", ["20", "Male Smiling"])
    with pytest.raises(DataError, match="names no image"):
        open_celeba(celeba.root, 0)
    celeba.write("list_attr_celeba.txt", [])
    with pytest.raises(DataError, match="has no header in line 1"):
        open_celeba(celeba.root, 0)
    celeba.write("list_attr_celeba.txt", ["<html>", "Google Drive: quota exceeded", "</html>"])
    with pytest.raises(DataError, match=r"is a web page, not a table: its download was refused"):
        open_celeba(celeba.root, 0)
    celeba.annotate()
    assert "names the image '000001' twice" in broken(celeba, "list_eval_partition.txt", 2, lambda row: "000001.jpg 0")
    celeba.annotate()
    celeba.write("list_eval_partition.txt", ["a.jpg 0", "b.jpg 1"])
    with pytest.raises(
        DataError, match=r"names none of the 20 images that are here: it begins with 'a\.jpg', they with '0000"
    ):
        open_celeba(celeba.root, 0)
    celeba.annotate()
    assert "'Smiling' is named twice" in broken(celeba, "list_attr_celeba.txt", 2, lambda row: "Male Smiling Smiling")


def test_annotations_of_the_whole_of_celeba(tmp_path, celeba):
    n = 202_599
    row = " -1  1" * 20
    header = " ".join(f"A{k}" for k in range(40))
    files = [f"{i + 1:06d}.jpg" for i in range(n)]
    celeba.write("list_attr_celeba.txt", [str(n), header, *(f + row for f in files)], "\r\n")
    celeba.write("list_eval_partition.txt", [f"{f} {i % 3}" for i, f in enumerate(files)], "\r\n")
    source = open_celeba(celeba.root, 0)
    assert source.notes[0] == "20 of the 202,599 annotated images are present."
    assert source.index["A1"].sum() == 20 and source.index["A0"].sum() == 0


@pytest.mark.parametrize(
    "layout",
    [
        "img_align_celeba/img_align_celeba/{}.jpg",  # Kaggle's
        "Img/img_align_celeba/{}.jpg",
        "Img/img_align_celeba_png/{}.png",  # the official archive's
        "img_align_celeba_png/{}.png",
        "Img/img_align_celeba_png/img_align_celeba_png/{}.png",
        "celeba/img_align_celeba/{}.jpg",  # torchvision's
        "CelebA/Img/img_align_celeba_png/{}.png",
    ],
)
@pytest.mark.parametrize("style", ["txt", "csv", "CSV"])
def test_layouts_of_the_archives(bare, draw_picture, layout, style):
    shutil.rmtree(bare.images)
    for i, file in enumerate(bare.files):
        draw_picture(bare.root / layout.format(file[:-4]), i)
    bare.annotate(style=style.lower())
    outer = bare.root / layout.split("/")[0] if layout.startswith(("celeba/", "CelebA/")) else bare.root
    for folder, pattern in (("Anno", "*_[aC]*.*"), ("Eval", "*part*")):
        place = outer / folder if "Img" in layout else outer
        place.mkdir(exist_ok=True)
        for file in list(bare.root.glob(pattern)):
            if file.is_file():
                suffix = style if file.suffix == ".csv" else file.suffix[1:]
                file.rename(place / f"{file.stem}.{suffix}")
    source = open_source(str(bare.root))
    assert source.name == "celeba" and source.attributes == bare.names
    assert np.array_equal(source.index[list(bare.names)].to_numpy(), bare.values)
    assert source.index["split"].tolist() == [("train", "valid", "test")[p] for p in bare.partition]
    assert "identity" in source.index
    for folder in (outer, next(bare.root.glob(layout.replace("{}", "000001"))).parent):
        assert open_source(str(folder)).index.drop(columns="file").equals(source.index.drop(columns="file"))
