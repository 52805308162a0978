"""The real sample, where the environment variable VAEKIT_CELEBA names its folder."""

import os

import pytest

from vaekit.data import Protocol, open_source, prepare

PLACE = os.environ.get("VAEKIT_CELEBA")
pytestmark = pytest.mark.skipif(not PLACE, reason="VAEKIT_CELEBA names no folder with real CelebA images")


@pytest.fixture(scope="module")
def source():
    return open_source(PLACE)


def test_the_official_partition_of_the_images_that_are_here(source):
    assert source.name == "celeba" and len(source.attributes) == 40
    assert source.index["split"].value_counts().to_dict() == {"train": 7981, "valid": 1065, "test": 1006}
    assert source.notes == ("10,052 of the 202,599 annotated images are present.",)
    # Nobody is in two splits: the official partition is by identity.
    assert (source.index.groupby("identity")["split"].nunique() == 1).all()
    assert source.index["Male"].mean() == pytest.approx(0.417, abs=0.015)
    first = source.index.iloc[0]
    assert first["image_id"] == "000040" and first["identity"].isdigit()


def test_a_part_of_it_is_prepared(source, tmp_path):
    limit = {"train": 300, "valid": 50, "test": 50}
    prepared = prepare(source, Protocol(148, 64), limit=limit, cache=tmp_path)
    assert {split: prepared.count(split) for split in limit} == limit
    assert prepared.skipped.empty and prepared.meta["scaled"] == 0
    assert prepared.mean_image().mean() == pytest.approx(0.45, abs=0.05)


def test_no_real_image_is_called_damaged(source):
    from vaekit.data.crop import _refuse_damaged_jpeg

    for file in source.index["file"]:
        _refuse_damaged_jpeg((source.root / file).read_bytes())
