"""Flags beside the worst pictures: what is wrong with them, and nothing with the others."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageFilter

from vaekit.failure_analysis.context import Images
from vaekit.failure_analysis.pictures.image_flags import compared, flags
from vaekit.failure_analysis.properties import image_properties


@pytest.fixture
def spoiled(prepared):
    """The drawn faces of the test split, spoiled one by one: (prepared, rows, what is wrong with which)."""
    rows, images = prepared.rows("test"), np.array(prepared.images)
    train = prepared.rows("train")
    images[rows[0]] = images[rows[0]] // 8
    images[rows[1]] = 255 - (255 - images[rows[1]].astype(int)) // 5
    images[rows[2]] = np.asarray(Image.fromarray(images[rows[2]]).filter(ImageFilter.GaussianBlur(4)))
    images[rows[3]] = images[train[5]]
    images[rows[4]] = images[train[6]][:, ::-1]
    images[rows[5]] = 255 - images[rows[5]]
    ids = prepared.index["image_id"]
    wrong = {
        0: "too dark",
        1: "too bright",
        2: "blurred",
        3: f"near-duplicate of {ids[train[5]]} (train)",
        4: f"mirror image of {ids[train[6]]} (train)",
        5: "odd crop, pose or cover",
    }
    return replace(prepared, images=images), rows, wrong


def flagged(prepared, rows, probabilities=None, mean_image=None):
    x = prepared.images[rows]
    mean_image = prepared.mean_image() if mean_image is None else mean_image
    properties = image_properties(x, mean_image, sides=(178, 178))
    judged = (
        {} if probabilities is None else {"attributes": np.array(["Smiling"]), "probabilities_x": probabilities[None]}
    )
    test = Images(prepared, rows, x, x, prepared.attribute_table(rows), properties, rows.astype(str), judged)
    return flags(np.arange(len(rows)), test, 0)


def test_each_fault_is_flagged_and_nothing_else(spoiled):
    prepared, rows, wrong = spoiled
    for position, said in enumerate(flagged(prepared, rows)):
        if position in wrong:
            assert wrong[position] in said
        else:
            assert said == (), position


def test_untouched_faces_carry_no_flag(prepared):
    assert not any(flagged(prepared, prepared.rows("test")))


def test_a_near_duplicate_survives_noise_and_another_size_of_jpeg(prepared):
    rows, images = prepared.rows("test"), np.array(prepared.images)
    noisy = images[rows[1]] + np.random.default_rng(0).normal(0, 4, images[rows[1]].shape)
    images[rows[0]] = noisy.clip(0, 255).astype(np.uint8)
    found = flagged(replace(prepared, images=images), rows)
    ids = prepared.index["image_id"]
    assert found[0] == (f"near-duplicate of {ids[rows[1]]} (test)",) and found[1] == (
        f"near-duplicate of {ids[rows[0]]} (test)",
    )


def test_a_label_is_disputed_where_the_network_is_sure_and_mostly_right(prepared):
    """A network that knows the truth, and labels of which a few are turned: those and no others are disputed."""
    index = prepared.index.copy()
    rows = np.arange(len(index))
    truth = np.random.default_rng(0).random(len(index)) < 0.4
    index["Smiling"] = truth.astype(int)
    turned = np.array([3, 10])
    index.loc[turned, "Smiling"] = 1 - index.loc[turned, "Smiling"]
    data = replace(prepared, index=index.assign(split="test"))
    sure = np.where(truth, 0.999, 0.001)[:, None]
    # With two wrong labels of 64 the rest must still agree in 98 %: only the side that does disputes.
    few = replace(data, index=index.assign(split="test", Smiling=np.where(rows == 3, 1 - truth[3], truth).astype(int)))
    said = flagged(few, rows, sure, prepared.mean_image())
    disputed = [k for k, texts in enumerate(said) if any("disputed" in text for text in texts)]
    assert disputed in ([3], []) and all(
        "not Smiling" in t or "Smiling" in t for texts in said for t in texts if "label" in t
    )
    unsure = np.where(truth, 0.9, 0.1)[:, None]
    assert not any("disputed" in text for texts in flagged(few, rows, unsure, prepared.mean_image()) for text in texts)
    noise = np.random.default_rng(1).random((len(rows), 1)).round()
    assert not any("disputed" in text for texts in flagged(few, rows, noise, prepared.mean_image()) for text in texts)


def test_the_sentence_compares_with_random_images():
    assert compared([("blurred",)], [()]).startswith("A flag that points to the data: on 1 of the 1 worst image, on 0")
    assert compared([("blurred",), (), ("too dark",)], [(), ()]) == (
        "A flag that points to the data: on 2 of the 3 worst images, on 0 of 2 drawn at random. Look at those before "
        "blaming the model."
    )
    assert "Nothing of what was looked for is wrong" in compared([(), ()], [()])
